"""Reading collections and batches."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from gongshu.catalog.models import Entry
from gongshu.catalog.rules import cited
from gongshu.catalog.vocabulary import DAYS, EntryState
from gongshu.journal import clock
from gongshu.journal.services import Actor, query
from gongshu.kernel.errors import NotFound
from gongshu.org.policy import allowed_units, current_pack

from .models import Batch, BatchState, CollectionJob

PAGE = 50


def jobs_visible_to(actor: Actor) -> QuerySet[CollectionJob]:
    """Collections of units whose batches the actor may see."""
    found = CollectionJob.objects.select_related("entry__unit", "entry__current", "entry__source", "last")
    return (
        found
        if actor.via == "system"
        else found.filter(entry__unit__in=allowed_units(actor, "collection.view"))
    )


def batches_visible_to(actor: Actor) -> QuerySet[Batch]:
    """Batches of units whose batches the actor may see."""
    found = Batch.objects.select_related("job__entry__unit", "job__entry__source", "version")
    return (
        found
        if actor.via == "system"
        else found.filter(job__entry__unit__in=allowed_units(actor, "collection.view"))
    )


def collectable_entries(actor: Actor) -> QuerySet[Entry]:
    """Published entries with a source, of the units for which the actor may collect."""
    found = Entry.objects.filter(state=EntryState.PUBLISHED, source__isnull=False).select_related(
        "unit", "current"
    )
    return found if actor.via == "system" else found.filter(unit__in=allowed_units(actor, "collection.run"))


def due_entries(actor: Actor) -> QuerySet[Entry]:
    """Published entries whose collection the actor may see: all are due, whatever their share type (ZY-18.2)."""
    found = Entry.objects.filter(state=EntryState.PUBLISHED).select_related(
        "unit", "current", "collection__last"
    )
    return found if actor.via == "system" else found.filter(unit__in=allowed_units(actor, "collection.view"))


def batch_get(*, actor: Actor, batch: str) -> Batch:
    """A visible batch by its number, or NotFound."""
    found = batches_visible_to(actor).filter(number=batch).first()
    if found is None:
        raise NotFound(_("没有批次 %(number)s，或您无权查看。") % {"number": batch}, field="batch")
    return found


def fresh_until(job: CollectionJob) -> datetime | None:
    """Until when the last batch is fresh by the entry's update cycle; None without a batch or a cycle."""
    version = job.entry.current
    days = DAYS.get(version.update_cycle) if version else None
    if job.last is None or job.last.ended_at is None or days is None:
        return None
    return job.last.ended_at + timedelta(days=days)


def freshness(job: CollectionJob) -> str:
    """fresh, stale, never (not collected yet) or open (no cycle to be late by)."""
    if job.last is None:
        return "never"
    until = fresh_until(job)
    if until is None:
        return "open"
    return "fresh" if clock.now() <= until else "stale"


@dataclass(frozen=True)
class Rate:
    """How much of what is due has been collected. entries and tables count entries; records count rows, those due
    being the rows each source had when its entry was drafted or last collected."""

    due: int
    collected: int
    fresh: int
    tables_due: int
    tables: int
    records_due: int
    records: int

    @property
    def text(self) -> str:
        """Share of entries collected; a dash where none is due."""
        return f"{100 * self.collected / self.due:.1f}%" if self.due else "—"


def rate_of(rows: QuerySet[Entry]) -> Rate:
    """The rate over these entries. Every published one is due; share type is no excuse (ZY-18.2)."""
    due = collected = fresh = tables_due = tables = records_due = records = 0
    for entry in rows.iterator(chunk_size=2000):
        job = getattr(entry, "collection", None)
        last = job.last if job else None
        expected = entry.current.row_count or 0 if entry.current else 0
        linked = bool(entry.source_id)
        due, tables_due = due + 1, tables_due + linked
        records_due += max(expected, last.rows or 0) if last else expected
        if last is not None and job is not None:
            collected, tables, records = collected + 1, tables + linked, records + (last.rows or 0)
            fresh += freshness(job) in ("fresh", "open")
    return Rate(due, collected, fresh, tables_due, tables, records_due, records)


RATE_BASIS = ("PJ-24", "PT-14.4", "ZY-17", "ZY-18.2", "XC-3.3a", "CM-11.1")


@query("collection.rate", "GET", "/collections/rate", summary="归集率与欠归集清单")
def rate(*, actor: Actor, unit: str | None = None) -> dict[str, Any]:
    """Entries, tables and records collected against due, and the entries still in arrears with their share type."""
    rows = due_entries(actor)
    if unit:
        rows = rows.filter(unit__code=unit)
    found = rate_of(rows)
    arrears = rows.filter(collection__last__isnull=True).order_by("code")
    return {
        "entries": {"due": found.due, "collected": found.collected, "fresh": found.fresh, "rate": found.text},
        "tables": {"due": found.tables_due, "collected": found.tables},
        "records": {"due": found.records_due, "collected": found.records},
        "arrears": [
            {"entry": e.code, "name": e.name, "unit": e.unit.code, "share_type": e.current.share_type}
            for e in arrears
            if e.current
        ],
        "basis": cited(current_pack(), *RATE_BASIS).as_dict(),
    }


@query("collection.jobs", "GET", "/collections", summary="归集任务列表")
def collections(
    *, actor: Actor, q: str | None = None, unit: str | None = None, page: int = 1
) -> dict[str, Any]:
    """Collections with their last batch, fifty a page."""
    found = jobs_visible_to(actor).order_by("entry__code")
    if q:
        found = found.filter(Q(entry__code__icontains=q) | Q(entry__current__name__icontains=q))
    if unit:
        found = found.filter(entry__unit__code=unit)
    start = (max(page, 1) - 1) * PAGE
    rows = [job.as_dict() | {"freshness": freshness(job)} for job in found[start : start + PAGE]]
    return {"count": found.count(), "page": page, "rows": rows}


@query("collection.batches", "GET", "/batches", summary="归集批次列表")
def batches(
    *, actor: Actor, entry: str | None = None, state: str | None = None, page: int = 1
) -> dict[str, Any]:
    """Batches, newest first, fifty a page."""
    found = batches_visible_to(actor)
    if entry:
        found = found.filter(job__entry__code=entry)
    if state:
        found = found.filter(state=state)
    start = (max(page, 1) - 1) * PAGE
    return {"count": found.count(), "page": page, "rows": [b.as_dict() for b in found[start : start + PAGE]]}


@query("collection.batch", "GET", "/batches/{batch}", summary="归集批次详情")
def batch(*, actor: Actor, batch: str) -> dict[str, Any]:
    """A batch with its column digests and its log."""
    from .notes import note_text

    found = batch_get(actor=actor, batch=batch)
    notes = [{"at": n.at.isoformat(), "code": n.code, "text": note_text(n)} for n in found.notes.all()]
    return found.as_dict() | {"column_digests": found.column_digests, "columns": found.shape, "notes": notes}


def last_committed(entry: Entry) -> Batch | None:
    """The batch whose rows are in the lake now, or None."""
    return Batch.objects.filter(job__entry=entry, state=BatchState.COMMITTED).order_by("-pk").first()
