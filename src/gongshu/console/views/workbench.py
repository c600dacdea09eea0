"""The workbench: what waits, what is late, what is done, and how a chosen case stands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from gongshu.casework.models import Case, ClockState, Turn
from gongshu.casework.selectors import (
    case_events,
    case_get,
    cases_visible_to,
    done_by,
    procedure_for,
    turns_for,
)
from gongshu.journal import clock
from gongshu.journal.models import Event
from gongshu.journal.services import Actor
from gongshu.kernel.errors import NotFound

from .. import panels, timeline, wording
from ..panels import Figure
from ..web import console_view, is_fragment, page

TABS = ("todo", "late", "done")
PER_PAGE = 8


@dataclass(frozen=True)
class Row:
    """One line of the list."""

    case: Case
    kind: str
    title: str
    unit: str
    due: wording.Due
    href: str
    moves: str = ""


@console_view()
def workbench(request: HttpRequest) -> HttpResponse:
    """What the person comes to first."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    turns = turns_for(actor)
    late = Q(clock__state=ClockState.LAPSED) | Q(clock__due_on__lt=clock.today())
    counts = turns.order_by().aggregate(todo=Count("pk"), late=Count("pk", filter=late))
    request.turns_waiting = counts["todo"]  # type: ignore[attr-defined]
    tab = request.GET.get("tab", "todo")
    tab = tab if tab in TABS else "todo"
    source: QuerySet[Any] = (
        done_by(actor) if tab == "done" else turns.filter(late) if tab == "late" else turns
    )
    pages = Paginator(source, PER_PAGE)
    if tab in counts:
        pages.count = counts[tab]
    found = pages.get_page(request.GET.get("page"))
    rows = done_rows(list(found)) if tab == "done" else turn_rows(list(found))
    chosen = _chosen(request, actor, rows)
    context = {
        "title": _("工作台"),
        "tab": tab,
        "tabs": [(name, label, counts.get(name)) for name, label in zip(TABS, _tab_labels(), strict=True)],
        "rows": rows,
        "found": found,
        "figures": _figures(actor, counts, turns.filter(late)),
        "chosen": chosen,
        "process": timeline.process_of(chosen, case_events(chosen)) if chosen else [],
        "panels": panels.page_panels("workbench", actor),
    }
    return page(request, "console/workbench.html", context)


def _tab_labels() -> tuple[str, ...]:
    return (_("待办事项"), _("已超期"), _("我已办理"))


def _chosen(request: HttpRequest, actor: Actor, rows: list[Row]) -> Case | None:
    number = request.GET.get("case", "")
    if number:
        try:
            return case_get(actor=actor, number=number)
        except NotFound:
            pass
    return rows[0].case if rows else None


def turn_rows(turns: list[Turn]) -> list[Row]:
    """Turns as lines: whose they are is the unit that asked, where another one did."""
    opened = _openers([t.case for t in turns])
    rows = []
    for turn in turns:
        procedure = procedure_for(turn.case)
        rows.append(
            Row(
                turn.case,
                str(procedure.label),
                turn.case.title,
                opened.get(turn.case_id) or str(turn.unit),
                wording.due(turn.clock),
                f"/cases/{turn.case.number}/",
            )
        )
    return rows


def done_rows(events: list[Event]) -> list[Row]:
    """Steps made by the person, with how the case stands now."""
    held = {e.case_id for e in events if e.case_id}
    cases = {c.pk: c for c in Case.objects.filter(pk__in=held).select_related("pack_version")}
    steps = timeline.steps_of(events)
    rows = []
    for event, step in zip(events, steps, strict=True):
        case = cases.get(event.case_id or 0)
        if case is None:
            continue
        state = procedure_for(case).state(case.state)
        due = wording.Due(
            "grey", str(state.label), event.at.date(), wording.short_day(clock.at(event.at.date()).date())
        )
        rows.append(
            Row(
                case,
                str(procedure_for(case).label),
                case.title,
                step.unit,
                due,
                f"/cases/{case.number}/",
                step.title,
            )
        )
    return rows


def _openers(cases: list[Case]) -> dict[int, str]:
    """Case -> the unit that opened it."""
    from gongshu.org.models import Unit

    opened = Event.objects.filter(case_id__in=[c.pk for c in cases], type="case.opened").values_list(
        "case_id", "unit_id"
    )
    pairs = {case: unit for case, unit in opened if case and unit}
    units = Unit.objects.in_bulk(set(pairs.values()))
    return {case: str(units[unit]) for case, unit in pairs.items() if unit in units}


def _figures(actor: Actor, counts: dict[str, int], late: QuerySet[Turn]) -> list[Figure]:
    worst = late.order_by("clock__due_on").first()
    worst_note = _("没有超期事项")
    if worst and worst.clock:
        worst_note = _("最长%(words)s") % {"words": wording.due(worst.clock).words}
    today = Event.objects.filter(type="case.moved", actor_id=actor.account_id, at__date=clock.today()).count()
    own = [
        Figure(_("我的待办"), f"{counts['todo']:,}", _("今日已办 %(n)d 项") % {"n": today}, url="/?tab=todo"),
        Figure(_("已超期"), f"{counts['late']:,}", worst_note, "red" if counts["late"] else "", "/?tab=late"),
    ]
    told = panels.figures(actor, 2)
    visible = cases_visible_to(actor)
    if len(told) < 2:
        running = visible.filter(closed_at__isnull=True).count()
        told.append(Figure(_("办理中的办件"), f"{running:,}", _("本单位可见范围"), url="/cases/"))
    if len(told) < 2:
        month = clock.today().replace(day=1)
        closed = visible.filter(closed_at__date__gte=month).count()
        told.append(Figure(_("本月办结"), f"{closed:,}", _("本单位可见范围"), url="/cases/"))
    return own + told


@console_view()
def process(request: HttpRequest, number: str) -> HttpResponse:
    """How a case stands, for the right side of the workbench."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    case = case_get(actor=actor, number=number)
    context = {"chosen": case, "process": timeline.process_of(case, case_events(case))}
    if not is_fragment(request):
        return page(request, "console/process_page.html", {**context, "title": case.title})
    response = page(request, "console/process.html", context)
    response["Cache-Control"] = "no-store"
    return response
