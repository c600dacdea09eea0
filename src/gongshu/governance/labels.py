"""Labels with colours, and words for rules and scores, the same on every page."""

from __future__ import annotations

from typing import Any

from django.utils.html import format_html
from django.utils.translation import gettext as _

from gongshu.casework.selectors import procedure_for
from gongshu.catalog.models import Item
from gongshu.catalog.wording import english
from gongshu.console.templatetags.house import badge

from . import loop
from .models import DataIssue, Rule
from .vocabulary import Check, RuleKind, Severity

STATE_TONES = {
    loop.REPORTED: "amber",
    loop.FIXING: "red",
    loop.EXTENSION: "amber",
    loop.VERIFYING: "blue",
    loop.REROUTING: "amber",
    loop.CLOSED: "green",
    loop.DISMISSED: "grey",
}
GOOD, FAIR = 9900, 9500
"""Scores from which a light is green, and yellow, in hundredths of a percent."""


def issue_state(issue: DataIssue) -> str:
    """The state of an issue in words."""
    return str(procedure_for(issue.case).state(issue.case.state).label)


def issue_badge(issue: DataIssue) -> Any:
    """The state of an issue as a label."""
    return badge(issue_state(issue), STATE_TONES.get(issue.case.state, "grey"))


def score_text(score: int | None) -> str:
    """A score as a percentage with two decimals, rounded down."""
    return "—" if score is None else f"{score / 100:.2f}%"


def score_badge(score: int | None) -> Any:
    """A score with its light."""
    if score is None:
        return badge(_("未检查"), "grey")
    return badge(score_text(score), "green" if score >= GOOD else "amber" if score >= FAIR else "red")


def severity_badge(rule: Rule) -> Any:
    """How severe a rule's failure is."""
    return badge(Severity(rule.severity).label, "red" if rule.severity == Severity.ERROR else "amber")


def rule_text(rule: Rule, items: dict[str, Item]) -> str:
    """A rule in words: which items, and what is asked of them."""
    kind = str(RuleKind(rule.kind).label)
    if rule.kind == RuleKind.CHECK:
        kind = _("须为有效的%(kind)s") % {"kind": Check(rule.params["check"]).label}
    names = (", " if english() else "、").join(str(items.get(c, c)) for c in rule.columns)
    return _("%(items)s：%(kind)s") % {"items": names, "kind": kind} if names else kind


def params_text(rule: Rule) -> str:
    """A rule's parameters as a person reads them."""
    params = rule.params
    if rule.kind == RuleKind.FRESH:
        return _("%(n)s 天内") % {"n": params.get("days", "")}
    if rule.kind == RuleKind.CODE_LIST:
        return "、".join(params.get("values", [])[:12])
    if rule.kind == RuleKind.REFERENCE:
        return f"{params.get('entry', '')} {params.get('column', '')}"
    if rule.kind == RuleKind.RANGE:
        return f"{params.get('min', '')} … {params.get('max', '')}"
    return str(params.get("pattern", ""))


def error_text(error: str) -> str:
    """Why a rule could not be run."""
    if error == "reference_not_collected":
        return _("被引用的目录还没有归集数据")
    return _("未能检查：%(why)s") % {"why": error} if error else ""


def share(failing: int, checked: int) -> Any:
    """Failing rows of those checked."""
    if not failing:
        return badge(_("全部通过"), "green")
    percent = f"{failing * 100 / checked:.2f}%" if checked else ""
    return format_html("{} <span class='gs-quiet'>{}</span>", f"{failing:,}", percent)
