"""Reading quality: runs, rules, issues, and the failing rows behind them."""

from __future__ import annotations

from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.translation import gettext as _

from gongshu.catalog.models import Entry
from gongshu.catalog.selectors import entry_get
from gongshu.journal.services import Actor, query
from gongshu.kernel.errors import NotFound
from gongshu.org.models import Unit
from gongshu.org.policy import allowed_units, body_unit, current_pack, may
from gongshu.packs import Pack

from .models import CheckRun, DataIssue, Rule
from .vocabulary import dimensions

PAGE = 50


def runs_visible_to(actor: Actor) -> QuerySet[CheckRun]:
    """Runs over entries of units whose quality the actor may see."""
    found = CheckRun.objects.select_related("entry__unit", "entry__current", "batch")
    return (
        found if actor.via == "system" else found.filter(entry__unit__in=allowed_units(actor, "issue.view"))
    )


def issues_visible_to(actor: Actor) -> QuerySet[DataIssue]:
    """Issues of, or reported by, a unit whose quality the actor may see."""
    found = DataIssue.objects.select_related(
        "case__pack_version", "entry__unit", "entry__current", "rule", "reporter"
    )
    if actor.via == "system":
        return found
    units = allowed_units(actor, "issue.view")
    return found.filter(
        Q(entry__unit__in=units) | Q(reporter__in=units) | Q(case__parties__unit__in=units)
    ).distinct()


def rules_visible_to(actor: Actor) -> QuerySet[Rule]:
    """Rules are seen by whoever sees the catalog: they say what the data promise."""
    found = Rule.objects.select_related("entry__unit", "entry__current")
    return (
        found if actor.via == "system" else found.filter(entry__unit__in=allowed_units(actor, "catalog.view"))
    )


def entries_scored(actor: Actor) -> QuerySet[Any]:
    """Published entries of units the actor oversees, with their latest run: run_id, score, rows_n, failed_rows."""
    latest = CheckRun.objects.filter(entry=OuterRef("pk")).order_by("-id")
    found = Entry.objects.filter(state="published").select_related("unit", "current", "collection__last")
    if actor.via != "system":
        found = found.filter(unit__in=allowed_units(actor, "issue.view"))
    return found.annotate(
        run_id=Subquery(latest.values("id")[:1]),
        score=Subquery(latest.values("score")[:1]),
        rows_n=Subquery(latest.values("rows")[:1]),
        failed_rows=Subquery(latest.values("failed_rows")[:1]),
    )


def run_get(*, actor: Actor, batch: str) -> CheckRun:
    """A visible run by its batch's number, or NotFound."""
    found = runs_visible_to(actor).filter(batch__number=batch).first()
    if found is None:
        raise NotFound(_("没有批次 %(number)s 的检查结果，或您无权查看。") % {"number": batch})
    return found


@query("quality.run", "GET", "/batches/{batch}/checks", summary="批次的质量检查结果")
def run(*, actor: Actor, batch: str) -> dict[str, Any]:
    """The results of every rule over a batch."""
    return run_get(actor=actor, batch=batch).as_dict()


@query("quality.rules", "GET", "/entries/{entry}/rules", summary="目录的质量规则")
def rules(*, actor: Actor, entry: str) -> dict[str, Any]:
    """The rules of an entry, inactive ones among them."""
    found = entry_get(actor=actor, entry=entry)
    return {"rows": [rule.as_dict() for rule in rules_visible_to(actor).filter(entry=found)]}


@query("quality.issues", "GET", "/issues", summary="问题数据列表")
def issues(*, actor: Actor, open: bool | None = None, q: str | None = None, page: int = 1) -> dict[str, Any]:
    """Visible issues, newest first, fifty a page."""
    found = issues_visible_to(actor)
    if open is not None:
        found = found.filter(open=open)
    if q:
        found = found.filter(Q(case__number__icontains=q) | Q(case__title__icontains=q))
    start = (max(page, 1) - 1) * PAGE
    return {"count": found.count(), "page": page, "rows": [i.as_dict() for i in found[start : start + PAGE]]}


def failing_rows(actor: Actor, run: CheckRun, rule: Rule) -> list[dict[str, str]]:
    """The first rows a rule fails in a run: keys and the rule's own columns, by name.

    Whoever may see the provider's data sees values as they are, to put them right; whoever oversees quality sees them
    masked; nobody else sees any.
    """
    unit = rule.entry.unit
    raw = actor.via == "system" or may(actor, "data.view", unit)
    if not raw and not may(actor, "issue.view", unit):
        return []
    result = run.results.filter(rule=rule).first()
    if result is None or not result.sample:
        return []
    rows = result.sample["rows" if raw else "masked"]
    return [dict(zip(result.sample["columns"], row, strict=True)) for row in rows]


def dimension_scores(actor: Actor) -> list[tuple[str, int | None]]:
    """Mean score of each of the pack's dimensions over the latest runs the actor may see; None where nothing measures
    it."""
    latest = [pk for pk in entries_scored(actor).values_list("run_id", flat=True) if pk]
    found: dict[str, list[int]] = {}
    for scores in CheckRun.objects.filter(pk__in=latest).values_list("dimensions", flat=True):
        for dimension, score in scores.items():
            found.setdefault(dimension, []).append(score)
    return [
        (name, sum(found[name]) // len(found[name]) if name in found else None)
        for name in dimensions(current_pack())
    ]


def first_recipient(pack: Pack, entry: Entry) -> Unit | None:
    """Who gets a report about an entry first."""
    role = str(pack.bodies.issue_intake.v)
    return entry.unit if role == "provider" else body_unit(role)
