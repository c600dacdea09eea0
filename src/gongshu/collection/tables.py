"""Tables of collection."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from gongshu.catalog.labels import value_text
from gongshu.catalog.models import Entry
from gongshu.catalog.selectors import entries_search
from gongshu.console.tables import Column, Filter, Table
from gongshu.console.templatetags.house import badge
from gongshu.console.wording import moment
from gongshu.org.models import Unit

from .models import Batch, BatchState, CollectionJob
from .selectors import freshness

STATE_TONES = {
    "queued": "grey",
    "running": "blue",
    "committed": "green",
    "failed": "red",
    "cancelled": "grey",
}
FRESH = {
    "fresh": (_("按期"), "green"),
    "stale": (_("超出更新周期"), "red"),
    "never": (_("未归集"), "amber"),
    "open": (_("不定期"), "grey"),
}


def batch_badge(batch: Batch | None) -> Any:
    """The state of a batch as a label."""
    return badge(BatchState(batch.state).label, STATE_TONES[batch.state]) if batch else ""


def job_of(entry: Entry) -> CollectionJob | None:
    """The collection of an entry, if it has begun."""
    return getattr(entry, "collection", None)


def fresh_of(entry: Entry) -> str:
    """Freshness code of an entry."""
    job = job_of(entry)
    return freshness(job) if job else "never"


def fresh_badge(entry: Entry) -> Any:
    """Freshness as a label."""
    return badge(*FRESH[fresh_of(entry)])


def last_of(entry: Entry) -> Batch | None:
    """The last committed batch of an entry."""
    job = job_of(entry)
    return job.last if job else None


def _rows(entry: Entry) -> str:
    last = last_of(entry)
    return f"{last.rows:,}" if last and last.rows is not None else ""


def _when(entry: Entry) -> str:
    last = last_of(entry)
    return moment(last.ended_at) if last and last.ended_at else ""


def _latest(entry: Entry) -> Batch | None:
    job = job_of(entry)
    return job.batches.first() if job else None


def _latest_href(entry: Entry) -> str | None:
    batch = _latest(entry)
    return reverse("collection:batch", args=[batch.number]) if batch else None


def _tab(entry: Entry) -> str:
    return reverse("catalog:entry", args=[entry.code]) + "?tab=collection"


def _units() -> list[tuple[str, str]]:
    published = Entry.objects.filter(unit=OuterRef("pk"), state="published")
    return [(u.code, str(u)) for u in Unit.objects.filter(Exists(published))]


def _by_state(rows: QuerySet[Entry], value: str) -> QuerySet[Entry]:
    if value == "never":
        return rows.filter(collection__last__isnull=True)
    return rows.filter(collection__last__isnull=False)


class DueTable(Table):
    """Every published entry: all of them are due for collection."""

    title = _("归集任务")
    search = _("名称、编码、单位")
    ordering = ("code",)
    empty = _("还没有已发布的目录。目录发布后自动列入归集。")
    columns = (
        Column(
            "name",
            _("目录名称"),
            wide=True,
            link=lambda e: reverse("catalog:entry", args=[e.code]) + "?tab=collection",
        ),
        Column("code", _("目录编码"), nowrap=True, quiet=True, sort="code"),
        Column("unit", _("提供单位"), sort="unit__path"),
        Column(
            "cycle",
            _("更新周期"),
            cell=lambda e: value_text("update_cycle", e.current.update_cycle),
            nowrap=True,
        ),
        Column(
            "fresh", _("时效"), cell=fresh_badge, export=lambda e: str(FRESH[fresh_of(e)][0]), nowrap=True
        ),
        Column("rows", _("入库行数"), cell=_rows, numeric=True),
        Column("when", _("最近入库"), cell=_when, nowrap=True, quiet=True),
        Column(
            "latest", _("最近批次"), cell=lambda e: batch_badge(_latest(e)), link=_latest_href, nowrap=True
        ),
    )
    filters = (
        Filter("unit", _("全部单位"), _units, field="unit__code"),
        Filter("state", _("全部情形"), (("never", _("未归集")), ("done", _("已归集"))), apply=_by_state),
    )

    def searched(self, rows: QuerySet[Entry], query: str) -> QuerySet[Entry]:
        """The catalog's own search."""
        return entries_search(rows, q=query)


def _seconds(batch: Batch) -> str:
    return f"{batch.milliseconds / 1000:.1f}" if batch.milliseconds is not None else ""


class BatchTable(Table):
    """Batches, newest first."""

    title = _("归集批次")
    prefix = "b_"
    search = _("批次号、目录名称")
    search_fields = ("number", "job__entry__current__name", "job__entry__unit__name")
    ordering = ("-id",)
    empty = _("还没有归集过。")
    columns = (
        Column(
            "number", _("批次号"), nowrap=True, link=lambda b: reverse("collection:batch", args=[b.number])
        ),
        Column("entry", _("目录"), cell=lambda b: b.job.entry.name, wide=True),
        Column("unit", _("提供单位"), cell=lambda b: str(b.job.entry.unit)),
        Column(
            "state", _("状态"), cell=batch_badge, export=lambda b: str(BatchState(b.state).label), nowrap=True
        ),
        Column(
            "source_rows",
            _("源端行数"),
            cell=lambda b: "" if b.source_rows is None else f"{b.source_rows:,}",
            export=lambda b: b.source_rows,
            numeric=True,
        ),
        Column(
            "rows",
            _("入库行数"),
            cell=lambda b: "" if b.rows is None else f"{b.rows:,}",
            export=lambda b: b.rows,
            numeric=True,
        ),
        Column("seconds", _("用时（秒）"), cell=_seconds, numeric=True),
        Column(
            "ended",
            _("结束时间"),
            cell=lambda b: moment(b.ended_at) if b.ended_at else "",
            export=lambda b: b.ended_at,
            nowrap=True,
            quiet=True,
        ),
        Column("digest", _("数据摘要"), export_only=True),
        Column("fingerprint", _("结构指纹"), export_only=True),
        Column("requested_by", _("发起人"), export_only=True),
    )
    filters = (Filter("state", _("全部状态"), BatchState.choices),)
