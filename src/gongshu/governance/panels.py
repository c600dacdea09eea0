"""What governance adds to other pages: the panel of an issue, the entry's tab, figures, wording of events."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from gongshu.casework.models import Case
from gongshu.catalog import tabs
from gongshu.catalog.models import Entry
from gongshu.collection.consumers import consumers_of
from gongshu.console import panels
from gongshu.journal.models import Event
from gongshu.journal.services import Actor
from gongshu.org.policy import current_pack, may, may_anywhere

from . import labels, loop, selectors
from .models import DataIssue
from .tables import runs_of


def issue_panel(case: Case, actor: Actor) -> tuple[str, dict[str, Any]] | None:
    """What is wrong, where it comes from, and the rows concerned."""
    issue = (
        DataIssue.objects.select_related(
            "entry__unit",
            "entry__system",
            "entry__source",
            "rule__entry",
            "reporter",
            "last_run__batch",
            "opened_run__batch",
        )
        .filter(case=case)
        .first()
    )
    if issue is None:
        return None
    items = {i.name: i for i in issue.entry.current.items.all()} if issue.entry.current else {}
    run = issue.last_run or issue.opened_run
    rows = selectors.failing_rows(actor, run, issue.rule) if run and issue.rule and issue.failing else []
    return "governance/issue_panel.html", {
        "issue": issue,
        "entry": issue.entry,
        "rule_text": labels.rule_text(issue.rule, items) if issue.rule else "",
        "item": items.get(issue.item, issue.item),
        "run": run,
        "columns": [items.get(c, c) for c in rows[0]] if rows else [],
        "rows": [list(row.values()) for row in rows],
        "masked": not may(actor, "data.view", issue.entry.unit),
        "consumers": consumers_of(issue.entry),
    }


panels.register(loop.NAME, issue_panel, order=10)


def entry_tab(entry: Entry, actor: Actor) -> tuple[str, dict[str, Any]] | None:
    """How good the data of an entry are."""
    if entry.current is None:
        return None
    items = {i.name: i for i in entry.current.items.all()}
    sees = may(actor, "issue.view", entry.unit)
    runs = list(runs_of(entry).order_by("-id")[:10])
    rules = selectors.rules_visible_to(actor).filter(entry=entry, active=True)
    issues = selectors.issues_visible_to(actor).filter(entry=entry, open=True)
    return "governance/entry_tab.html", {
        "entry": entry,
        "sees": sees,
        "runs": [(r, labels.score_badge(r.score)) for r in runs],
        "dimensions": [(d, labels.score_badge(s)) for d, s in runs[0].dimensions.items()] if runs else [],
        "rules": [labels.rule_text(rule, items) for rule in rules],
        "issues": [(i, labels.issue_badge(i)) for i in issues[:20]],
        "may_report": may_anywhere(actor, "share.request"),
        "may_edit": may(actor, "issue.handle", entry.unit),
        "basis": current_pack().quality.dims.basis,
    }


tabs.register("quality", _("质量"), entry_tab, order=20)


def issues_figure(actor: Actor) -> panels.Figure | None:
    """Issues being put right, and how many are late."""
    if not may_anywhere(actor, "issue.view"):
        return None
    found = selectors.issues_visible_to(actor).filter(open=True)
    late = found.filter(case__clocks__state="lapsed", case__clocks__ended_at__isnull=True).count()
    note = _t("其中超期 %(n)d 件") % {"n": late} if late else ""
    return panels.Figure(
        _("整改中的问题数据"), f"{found.count():,}", note, "red" if late else "", reverse("governance:issues")
    )


panels.register_figure(issues_figure, order=20)


def _run(event: Event) -> list[tuple[str, Any]]:
    body = event.body
    return [
        (_t("有问题的记录"), f"{body.get('failed_rows', 0):,}"),
        (_t("质量评分"), labels.score_text(body.get("score"))),
    ]


def _rechecked(event: Event) -> list[tuple[str, Any]]:
    body = event.body
    return [
        (_t("批次号"), body.get("batch") or "—"),
        (_t("问题记录"), f"{body['first_failing']:,} → {body['failing']:,}"),
    ]


panels.register_events(
    {
        "quality.run.finished": _("质量检查完成"),
        "quality.issue.opened": _("发现问题数据"),
        "quality.issue.rechecked": _("新批次复查"),
        "quality.rule.added": _("添加质量规则"),
        "quality.rule.changed": _("修改质量规则"),
    },
    {"quality.run.finished": _run, "quality.issue.rechecked": _rechecked},
)
