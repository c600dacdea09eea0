"""Running a batch: from the source into the lake, then the record, its event and what follows in one transaction.

Safe to be killed anywhere and run again: the lake answers a batch it already holds with its record, and the record
here moves from running to committed once.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from django.db import transaction
from django.db.models import F

from gongshu.catalog.messages import facts_of
from gongshu.engine.lake import BatchResult, LakeError
from gongshu.engine.source import Column, SourceError
from gongshu.journal import clock
from gongshu.journal.services import SYSTEM, event_append
from gongshu.org.policy import current_pack
from gongshu.runner.jobs import defer

from .lake import lake, table_of
from .models import LIVE, Batch, BatchState, CollectionJob
from .notes import note

log = logging.getLogger(__name__)
TRIES = 5
ASK_SECONDS = 0.5


def batch_run(pk: int) -> None:
    """Do a queued batch, or go on with one whose worker died. A batch that has ended is left alone."""
    taken = Batch.objects.filter(pk=pk, state__in=LIVE).update(
        state=BatchState.RUNNING, attempts=F("attempts") + 1, seen_at=clock.now()
    )
    if not taken:
        return
    batch = Batch.objects.select_related("job__entry__source__system__unit", "version").get(pk=pk)
    _begin(batch)
    try:
        result = _ingest(batch)
    except SourceError as error:
        _end(batch, error.code, facts_of(error))
    except LakeError as error:
        log.exception("batch %s: the lake failed", batch.number)
        _end(batch, "lake", {"detail": str(error)[:500]})
    except Exception:
        if batch.attempts < TRIES:
            raise
        log.exception("batch %s is given up", batch.number)
        _end(batch, "internal", {})
    else:
        _commit(batch, result)


def _begin(batch: Batch) -> None:
    if batch.attempts > 1:
        note(batch, "resumed", attempt=batch.attempts)
        return
    Batch.objects.filter(pk=batch.pk).update(started_at=clock.now())
    entry = batch.job.entry
    source = entry.source.name if entry.source else ""
    note(batch, "started", source=source, table=entry.table, columns=len(batch.columns))


def _ingest(batch: Batch) -> BatchResult:
    entry = batch.job.entry
    if entry.source is None:
        raise SourceError("table_missing", facts={"table": entry.table})
    store = lake()
    store.ensure()
    wanted = [Column(name, "text") for name in batch.columns]
    watch = _Watch(batch.pk)
    return store.ingest(
        entry.source.spec(),
        entry.table,
        wanted,
        table_of(entry),
        batch.number,
        progress=watch.progress,
        cancelled=watch.cancelled,
        verify=False,
    )


class _Watch:
    """Progress out, cancellation in. Each is its own committed statement, so that the page sees it at once."""

    def __init__(self, pk: int) -> None:
        self.pk, self.asked, self.answer = pk, 0.0, False

    def progress(self, rows: int) -> None:
        Batch.objects.filter(pk=self.pk).update(progress_rows=rows, seen_at=clock.now())

    def cancelled(self) -> bool:
        if time.monotonic() - self.asked > ASK_SECONDS:
            self.asked = time.monotonic()
            Batch.objects.filter(pk=self.pk).update(seen_at=clock.now())
            self.answer = Batch.objects.filter(pk=self.pk, cancel_requested=True).exists()
        return self.answer


def _commit(batch: Batch, result: BatchResult) -> None:
    """Record what the lake shows. That is the truth, so a batch cancelled too late is committed."""
    with transaction.atomic():
        held = Batch.objects.select_for_update().get(pk=batch.pk)
        if held.state == BatchState.COMMITTED:
            return
        for name, value in _outcome(batch, result).items():
            setattr(held, name, value)
        held.save()
        CollectionJob.objects.filter(pk=held.job_id).update(last=held)
        _notes(held)
        _event(held, "collection.batch.committed", _leaf(held))
        entry = batch.job.entry
        defer("governance.check", entry=entry.code, batch=held.number)
        defer("sharing.serve", entry=entry.code, _once=entry.code)


def _outcome(batch: Batch, result: BatchResult) -> dict[str, Any]:
    return {
        "state": BatchState.COMMITTED,
        "ended_at": clock.now(),
        "error_code": "",
        "error_facts": {},
        "source_rows": result.source_rows,
        "rows": result.rows,
        "progress_rows": result.rows,
        "digest": result.digest,
        "source_digest": result.source_digest or "",
        "column_digests": result.column_digests,
        "files_sha256": result.files_sha256,
        "fingerprint": result.schema_fingerprint,
        "shape": [[c.name, c.duckdb_type] for c in result.columns],
        "widened": list(result.widened),
        "snapshot": result.snapshot,
        "bytes": result.bytes,
        "milliseconds": round(result.seconds * 1000),
        "drift": _drift(batch, result),
    }


def _drift(batch: Batch, result: BatchResult) -> list[list[str]]:
    """[column, type in the entry, type in the source] where they differ."""
    stated = {item.name: item.type for item in batch.version.items.all()}
    return [
        [c.name, stated[c.name], c.type]
        for c in result.columns
        if c.name in stated and stated[c.name] != c.type and c.name not in result.widened
    ]


def _notes(batch: Batch) -> None:
    if batch.widened:
        note(batch, "widened", columns=batch.widened)
    if batch.drift:
        note(batch, "drift", changes=[f"{name}（{stated} → {found}）" for name, stated, found in batch.drift])
    seconds = f"{(batch.milliseconds or 0) / 1000:.1f}"
    counted = batch.rows if batch.source_rows is None else batch.source_rows
    note(batch, "committed", source_rows=counted, rows=batch.rows, seconds=seconds)


def _leaf(batch: Batch) -> dict[str, Any]:
    """What the ledger keeps of a batch: counts at both ends, digests, shape and where it lies. No data."""
    return {
        "entry": batch.job.entry.code,
        "version": batch.version.number,
        "mode": batch.mode,
        "source_rows": batch.source_rows,
        "rows": batch.rows,
        "digest": batch.digest,
        "source_digest": batch.source_digest,
        "column_digests": batch.column_digests,
        "files_sha256": batch.files_sha256,
        "fingerprint": batch.fingerprint,
        "snapshot": batch.snapshot,
        "bytes": batch.bytes,
        "milliseconds": batch.milliseconds,
    }


def _end(batch: Batch, code: str, facts: dict[str, Any]) -> None:
    """A batch that came to nothing: its state, its note and its event. The lake is as it was."""
    state = BatchState.CANCELLED if code == "cancelled" else BatchState.FAILED
    with transaction.atomic():
        ended = Batch.objects.filter(pk=batch.pk, state=BatchState.RUNNING).update(
            state=state, ended_at=clock.now(), error_code=code, error_facts=facts
        )
        if not ended:
            return
        note(batch, code, **facts)
        _event(
            batch, f"collection.batch.{state}", {"entry": batch.job.entry.code, "code": code, "facts": facts}
        )


def _event(batch: Batch, type: str, body: dict[str, Any]) -> None:
    entry = batch.job.entry
    event_append(
        actor=SYSTEM,
        type=type,
        subject=("batch", batch.number, entry.name),
        unit=entry.unit_id,
        body=body,
        basis=current_pack().collect.only_catalogued.basis,
    )
