"""Tables of governance."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from gongshu.catalog.models import Entry
from gongshu.catalog.selectors import entries_search
from gongshu.collection.tables import FRESH, fresh_badge, fresh_of
from gongshu.console.tables import Column, Filter, Table
from gongshu.console.templatetags.house import due_words
from gongshu.console.wording import due, moment
from gongshu.org.models import Unit

from . import labels
from .models import CheckRun, DataIssue


def _units() -> list[tuple[str, str]]:
    return [(u.code, str(u)) for u in Unit.objects.filter(entries__isnull=False).distinct()]


def _scored(rows: QuerySet[Any], value: str) -> QuerySet[Any]:
    if value == "none":
        return rows.filter(score__isnull=True)
    return rows.filter(score__lt=labels.FAIR) if value == "low" else rows.filter(score__gte=labels.GOOD)


class QualityTable(Table):
    """Entries with their latest score."""

    title = _("质量治理")
    search = _("名称、编码、单位")
    ordering = ("score", "code")
    empty = _("还没有已发布的目录。")
    columns = (
        Column("code", _("目录编码"), nowrap=True, quiet=True, sort="code"),
        Column(
            "name",
            _("目录名称"),
            wide=True,
            link=lambda e: reverse("catalog:entry", args=[e.code]) + "?tab=quality",
        ),
        Column("unit", _("提供单位"), sort="unit__path"),
        Column(
            "score",
            _("质量评分"),
            cell=lambda e: labels.score_badge(e.score),
            export=lambda e: None if e.score is None else e.score / 100,
            nowrap=True,
            sort="score",
        ),
        Column(
            "rows_n",
            _("记录数"),
            numeric=True,
            cell=lambda e: "" if e.rows_n is None else f"{e.rows_n:,}",
            export=lambda e: e.rows_n,
            sort="rows_n",
        ),
        Column(
            "failed_rows",
            _("有问题的记录"),
            numeric=True,
            cell=lambda e: "" if e.failed_rows is None else f"{e.failed_rows:,}",
            export=lambda e: e.failed_rows,
            sort="failed_rows",
        ),
        Column(
            "issues_n",
            _("整改中"),
            numeric=True,
            cell=lambda e: e.issues_n or "",
            export=lambda e: e.issues_n,
        ),
        Column(
            "fresh",
            _("更新情况"),
            cell=fresh_badge,
            export=lambda e: str(FRESH[fresh_of(e)][0]),
            nowrap=True,
        ),
    )
    filters = (
        Filter("unit", _("全部单位"), _units, field="unit__code"),
        Filter(
            "score",
            _("全部评分"),
            (("low", _("低于 95%")), ("high", _("99% 以上")), ("none", _("未检查"))),
            apply=_scored,
        ),
    )

    def searched(self, rows: QuerySet[Entry], query: str) -> QuerySet[Entry]:
        """The catalog's own search."""
        return entries_search(rows, q=query)


def _clock(issue: DataIssue) -> Any:
    return next((c for c in issue.case.clocks.all() if c.ended_at is None), None)


def _stage(rows: QuerySet[DataIssue], value: str) -> QuerySet[DataIssue]:
    if value in ("open", "closed"):
        return rows.filter(open=value == "open")
    return rows.filter(case__clocks__state="lapsed", case__clocks__ended_at__isnull=True).distinct()


class IssueTable(Table):
    """Data issues."""

    title = _("问题数据")
    search = _("编号、问题、单位")
    search_fields = ("case__number", "case__title", "entry__unit__name")
    ordering = ("-id",)
    empty = _("没有问题数据。")
    columns = (
        Column(
            "number",
            _("办件编号"),
            cell=lambda i: i.case.number,
            link=lambda i: reverse("case", args=[i.case.number]),
            nowrap=True,
            sort="case__number",
        ),
        Column("title", _("问题"), cell=lambda i: i.case.title, wide=True),
        Column("unit", _("责任单位"), cell=lambda i: i.entry.unit, sort="entry__unit__path"),
        Column("kind", _("问题类型"), cell=lambda i: _t(i.kind), export=lambda i: i.kind, nowrap=True),
        Column(
            "failing",
            _("问题记录"),
            numeric=True,
            cell=lambda i: f"{i.failing:,}" if i.rule_id else len(i.records) or "",
            export=lambda i: i.failing,
        ),
        Column(
            "state",
            _("状态"),
            cell=labels.issue_badge,
            export=labels.issue_state,
            nowrap=True,
        ),
        Column(
            "due",
            _("时限"),
            cell=lambda i: due_words(due(_clock(i))) if _clock(i) else "",
            export=lambda i: _clock(i).due_on if _clock(i) else None,
            nowrap=True,
        ),
        Column(
            "opened_at", _("发现时间"), cell=lambda i: moment(i.opened_at), nowrap=True, quiet=True, sort="id"
        ),
        Column("reporter", _("反馈单位"), cell=lambda i: str(i.reporter or ""), export_only=True),
        Column("description", _("问题说明"), export_only=True),
    )
    filters = (
        Filter(
            "stage",
            _("全部阶段"),
            (("open", _("办理中")), ("late", _("已超期")), ("closed", _("已办结"))),
            apply=_stage,
        ),
        Filter("unit", _("全部单位"), _units, field="entry__unit__code"),
    )


class RunTable(Table):
    """Runs over an entry's batches, the trend of its score."""

    prefix = "r_"
    per_page = 10
    title = _("历次检查")
    empty = _("还没有检查过。归集后自动检查。")
    ordering = ("-id",)
    columns = (
        Column(
            "batch",
            _("批次号"),
            cell=lambda r: r.batch.number,
            link=lambda r: reverse("governance:run", args=[r.batch.number]),
            wide=True,
        ),
        Column("rows", _("记录数"), cell=lambda r: f"{r.rows:,}", export=lambda r: r.rows, numeric=True),
        Column(
            "failed_rows",
            _("有问题的记录"),
            cell=lambda r: f"{r.failed_rows:,}",
            export=lambda r: r.failed_rows,
            numeric=True,
        ),
        Column(
            "score",
            _("质量评分"),
            cell=lambda r: labels.score_badge(r.score),
            export=lambda r: None if r.score is None else r.score / 100,
        ),
        Column("at", _("检查时间"), cell=lambda r: moment(r.at), nowrap=True, quiet=True),
    )


def runs_of(entry: Entry) -> QuerySet[CheckRun]:
    """Runs of an entry with their batches."""
    return CheckRun.objects.filter(entry=entry).select_related("batch")
