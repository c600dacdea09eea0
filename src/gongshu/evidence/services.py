"""Sealing: what has been committed becomes leaves of the tree, and the new head is signed.

Signing outside witnesses (``POST add-checkpoint`` of C2SP tlog-witness) and anchoring on a chain would follow
:func:`seal`, with the checkpoint it returns; neither may ever delay or fail a seal.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import connection, transaction

from gongshu.journal import clock
from gongshu.journal.models import Event
from gongshu.journal.services import SYSTEM, event_append
from gongshu.kernel.merkle import leaf_hash
from gongshu.kernel.note import Checkpoint as Head
from gongshu.kernel.note import sign as sign_note

from .audit import AuditResult, verify_all
from .logs import SOURCES, unsealed
from .models import Checkpoint, Log
from .tree import LEAF, copy_rows, last_checkpoint, ledger_key, sign, store_tiles, tree

BATCH = 20_000
HEAD_EVERY = timedelta(minutes=10)
CHECK_EVERY = timedelta(hours=20)


def seal(log: str = Log.CHAIN) -> Checkpoint | None:
    """Seal every committed record of a log and return the new head; None if there is none, or another one
    seals.

    Leaves, tiles and head are one transaction: a head is never visible before what it stands for.
    """
    with transaction.atomic():
        if not _alone(log):
            return None
        last = last_checkpoint(log)
        waiting = unsealed(SOURCES[log], last.horizon if last else 0)
        if not waiting.ids:
            return None
        grown = tree(log, last.size if last else 0)
        for start in range(0, len(waiting.ids), BATCH):
            ids = waiting.ids[start : start + BATCH]
            entries = SOURCES[log].sealable(ids)
            hashes = [leaf_hash(entries[pk]) for pk in ids]
            rows = ((str(log), grown.size + n, pk, hashes[n]) for n, pk in enumerate(ids))
            copy_rows("evidence_leaf (log, index, record_id, leaf_hash)", LEAF, rows)
            grown.append(hashes)
            store_tiles(log, grown.take_full())
        root, key = grown.root(), ledger_key(log)
        note = sign_note(Head(key.name, grown.size, root).text, key, sign)
        return Checkpoint.objects.create(
            log=log, size=grown.size, root=root, note=note, horizon=waiting.horizon, at=clock.now()
        )


def _alone(log: str) -> bool:
    """Whether we are the only sealer of the log, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [f"gongshu.evidence.{log}"])
        (alone,) = cursor.fetchone()
    return bool(alone)


def seal_all() -> list[Checkpoint]:
    """Seal both logs, put the head of the audit log into the chain now and then, and tell the gateway that
    all is proved: without that for too long it stops answering.
    """
    heads = [seal(Log.AUDIT)]
    audit_head()
    heads.append(seal(Log.CHAIN))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO gate.health (name) VALUES ('ledger')"
            " ON CONFLICT (name) DO UPDATE SET sealed_at = excluded.sealed_at"
        )
    return [head for head in heads if head is not None]


def audit_head(*, every: timedelta = HEAD_EVERY) -> Event | None:
    """Record the head of the audit log as an event, if it has grown and the last such event is old enough."""
    head = last_checkpoint(Log.AUDIT)
    if head is None:
        return None
    with transaction.atomic():
        if not _alone("audit_head"):
            return None
        last = Event.objects.filter(type="evidence.audit.headed").order_by("-id").first()
        if last and (last.body["size"] >= head.size or clock.now() - last.at < every):
            return None
        return event_append(
            actor=SYSTEM,
            type="evidence.audit.headed",
            subject=("log", Log.AUDIT.value, ledger_key(Log.AUDIT).name),
            body={"size": head.size, "root": bytes(head.root).hex(), "note": head.note},
        )


def check_and_record(*, every: timedelta = CHECK_EVERY) -> list[AuditResult]:
    """Recompute both logs, at most once in ``every``, and append the outcome as an event."""
    last = Event.objects.filter(type="evidence.ledger.checked").order_by("-id").first()
    if last and clock.now() - last.at < every:
        return []
    results = [verify_all(log) for log in Log.values]
    with transaction.atomic():
        event_append(
            actor=SYSTEM,
            type="evidence.ledger.checked",
            subject=("log", "all", ledger_key(Log.CHAIN).name),
            body={"ok": all(each.ok for each in results), "logs": [each.as_dict() for each in results]},
        )
    return results
