"""Tables of the ledger. Rows are only ever added (migration 0002); a partly filled tile is never stored.

Places left for later: co-signatures of witnesses and receipts of an anchor chain each belong to a
checkpoint, as rows of tables ``evidence_cosignature`` and ``evidence_anchor`` that refer to
:class:`Checkpoint`; a note with more signature lines is already read by every verifier.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class Log(models.TextChoices):
    """The two logs of an installation. The head of the audit log goes into the chain as an event."""

    CHAIN = "chain", _("目录链")
    AUDIT = "audit", _("调用日志")


class Leaf(models.Model):
    """Entry number ``index`` of a log: which record it is, and the hash that stands for it in the tree.

    ``record_id`` is the id of the event (chain) or of the call record (audit).
    """

    pk = models.CompositePrimaryKey("log", "index")
    log = models.CharField(max_length=8, choices=Log.choices)
    index = models.BigIntegerField()
    record_id = models.BigIntegerField()
    leaf_hash = models.BinaryField(max_length=32)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "record_id"], name="evidence_leaf_once")]

    def __str__(self) -> str:
        return f"{self.log}/{self.index}"


class Tile(models.Model):
    """A full tile of 256 hashes (C2SP tlog-tiles, height 8) and its root, a hash of the level above."""

    pk = models.CompositePrimaryKey("log", "level", "index")
    log = models.CharField(max_length=8, choices=Log.choices)
    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    data = models.BinaryField()
    root = models.BinaryField(max_length=32)

    def __str__(self) -> str:
        return f"{self.log}/{self.level}/{self.index}"


class Checkpoint(models.Model):
    """A signed head of a log.

    ``note`` is the checkpoint as published (C2SP tlog-checkpoint). ``horizon``: every record of an older
    transaction was sealed or rolled back when the head was signed.
    """

    log = models.CharField(max_length=8, choices=Log.choices)
    size = models.BigIntegerField()
    root = models.BinaryField(max_length=32)
    note = models.TextField()
    horizon = models.BigIntegerField()
    at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["log", "size"], name="evidence_checkpoint_once")]

    def __str__(self) -> str:
        return f"{self.log}@{self.size}"

    def as_dict(self) -> dict[str, Any]:
        """The head as the API shows it."""
        return {
            "log": self.log,
            "size": self.size,
            "root": bytes(self.root).hex(),
            "at": self.at.isoformat(),
            "note": self.note,
        }
