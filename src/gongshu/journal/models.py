"""The event: the one history everything else reads.

Rows are appended in the transaction of the change they record. Neither the application's database role nor
a trigger-free path can update or delete them (migration 0002); the ledger (`gongshu.evidence`) proves it.
"""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models


class Event(models.Model):
    """One change of state: who did what to which subject, when, through which door, on which clause.

    `digest` is the leaf of this event in the ledger: SHA-256 over the RFC 8785 form of `leaf(event)`.
    `xid` is the writing transaction, by which sealing knows that no earlier event can still appear.
    """

    id = models.BigAutoField(primary_key=True)
    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    at = models.DateTimeField()
    type = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=64)
    subject_title = models.TextField(default="")
    unit_id = models.BigIntegerField(null=True)
    actor_id = models.BigIntegerField(null=True)
    actor_name = models.CharField(max_length=150, default="")
    via = models.CharField(max_length=10)
    case_id = models.BigIntegerField(null=True)
    pack = models.CharField(max_length=60, default="")
    clauses = models.JSONField(default=list)
    body = models.JSONField(default=dict)
    digest = models.BinaryField(max_length=32)

    class Meta:
        indexes = [
            models.Index(fields=["subject_type", "subject_id", "id"], name="event_subject"),
            models.Index(fields=["case_id", "id"], name="event_case"),
            models.Index(fields=["type", "id"], name="event_type"),
            models.Index(fields=["unit_id", "id"], name="event_unit"),
            models.Index(fields=["actor_id", "id"], name="event_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.subject_type}:{self.subject_id}"

    def as_dict(self) -> dict[str, Any]:
        """The event as the API shows it."""
        return {
            "id": self.id,
            "uuid": str(self.uuid),
            "at": self.at.isoformat(),
            "type": self.type,
            "subject": {"type": self.subject_type, "id": self.subject_id, "title": self.subject_title},
            "unit": self.unit_id,
            "actor": {"id": self.actor_id, "name": self.actor_name},
            "via": self.via,
            "case": self.case_id,
            "pack": self.pack,
            "clauses": self.clauses,
            "body": self.body,
            "digest": bytes(self.digest).hex(),
        }


class Answered(models.Model):
    """What a write through the REST API answered, by the caller's Idempotency-Key, so that repeating it after a lost
    answer changes nothing. Written in the transaction of the write itself; kept a day.
    """

    account_id = models.BigIntegerField()
    key = models.CharField(max_length=100)
    request = models.CharField(max_length=64)
    answer = models.TextField(default="", help_text="sealed: an answer may hold a secret that is shown once")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["account_id", "key"], name="answered_once")]
        indexes = [models.Index(fields=["at"], name="answered_at")]
