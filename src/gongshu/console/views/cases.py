"""Cases: the list, the page of one, and the making of a move."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Min, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_POST

from gongshu.casework.models import Case, Clock, ClockState, Party
from gongshu.casework.registry import DECLARED, procedure_of
from gongshu.casework.selectors import (
    MoveView,
    case_events,
    case_get,
    case_moves,
    cases_visible_to,
    procedure_for,
)
from gongshu.casework.services import case_act
from gongshu.journal.services import Actor
from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import Conflict, NotAllowed, Refused
from gongshu.org.policy import current_pack

from .. import moves, panels, timeline, wording
from ..forms import refuse
from ..tables import Column, Filter, Table, table_page
from ..templatetags.house import badge, due_words
from ..web import console_view, next_url, page, refused

CAME_TO_NOTHING = ("refused", "withdrawn", "dismissed", "ended", "not_needed")
"""Outcomes of a case after which nothing was done."""


def state_badge(case: Case) -> Any:
    """The state of a case as a label."""
    state = procedure_for(case).state(case.state)
    ended = "grey" if state.outcome in CAME_TO_NOTHING else "green"
    tone = ended if state.final else "blue"
    return badge(state.label, tone)


def _procedures() -> list[tuple[str, str]]:
    pack = current_pack()
    return [(name, str(procedure_of(name, pack).label)) for name in sorted(DECLARED)]


def _standing(rows: QuerySet[Case], value: str) -> QuerySet[Case]:
    if value == "late":
        lapsed = Clock.objects.filter(state=ClockState.LAPSED, ended_at__isnull=True)
        return rows.filter(closed_at__isnull=True, pk__in=lapsed.values("case_id"))
    return rows.filter(closed_at__isnull=value == "open")


class CaseTable(Table):
    """Every case the person may see."""

    title = _lazy("办件")
    search = _lazy("编号、标题、单位")
    ordering = ("-id",)
    columns = (
        Column("number", _lazy("办件编号"), link=lambda c: f"/cases/{c.number}/", nowrap=True, sort="number"),
        Column("title", _lazy("事项"), wide=True),
        Column("procedure", _lazy("类型"), cell=lambda c: str(procedure_for(c).label), nowrap=True),
        Column("awaited", _lazy("待办单位"), cell=lambda c: wording.listed(t.unit for t in c.turns.all())),
        Column(
            "parties",
            _lazy("承办单位"),
            cell=lambda c: wording.listed(p.unit for p in c.parties.all()),
            export_only=True,
        ),
        Column(
            "state",
            _lazy("环节"),
            cell=state_badge,
            export=lambda c: str(procedure_for(c).state(c.state).label),
        ),
        Column(
            "due",
            _lazy("时限"),
            cell=lambda c: "" if c.closed_at else due_words(wording.due(open_clock(c))),
            export=lambda c: wording.due(open_clock(c)).words,
            sort="due",
            nowrap=True,
        ),
        Column(
            "opened_at",
            _lazy("发起时间"),
            cell=lambda c: wording.moment(c.opened_at),
            export=lambda c: c.opened_at,
            sort="opened_at",
            nowrap=True,
            quiet=True,
        ),
        Column(
            "closed_at",
            _lazy("办结时间"),
            cell=lambda c: wording.moment(c.closed_at),
            export=lambda c: c.closed_at,
            export_only=True,
        ),
        Column("pack", _lazy("规则包"), cell=lambda c: str(c.pack_version), export_only=True),
    )
    filters = (
        Filter("procedure", _lazy("全部类型"), _procedures),
        Filter(
            "standing",
            _lazy("全部状态"),
            (("open", _lazy("办理中")), ("late", _lazy("已超期")), ("closed", _lazy("已办结"))),
            apply=_standing,
        ),
    )

    def searched(self, rows: QuerySet[Case], query: str) -> QuerySet[Case]:
        """Number, title, or the name of a unit that takes part."""
        for word in query.split():
            units = Party.objects.filter(Q(unit__name__icontains=word) | Q(unit__name_en__icontains=word))
            rows = rows.filter(
                Q(number__icontains=word) | Q(title__icontains=word) | Q(pk__in=units.values("case_id"))
            )
        return rows


def open_clock(case: Case) -> Clock | None:
    """The limit of a listed case that ends first among those running."""
    return min(case.running_clocks, key=lambda c: c.due_on, default=None)  # type: ignore[attr-defined]


@console_view("case.view")
def cases(request: HttpRequest) -> HttpResponseBase:
    """The list of cases."""
    first = (
        Clock.objects.filter(case=OuterRef("pk"), ended_at__isnull=True)
        .values("case")
        .annotate(d=Min("due_on"))
    )
    rows = cases_visible_to(request.actor).select_related("pack_version")  # type: ignore[attr-defined]
    running = Prefetch("clocks", Clock.objects.filter(ended_at__isnull=True), to_attr="running_clocks")
    rows = rows.prefetch_related("turns__unit", running).annotate(due=Subquery(first.values("d")))
    if request.GET.get("format") == "xlsx":
        rows = rows.prefetch_related("parties__unit")
    return table_page(request, "console/cases.html", CaseTable(rows, request), {"title": _("办件")})


@console_view()
def case_page(request: HttpRequest, number: str) -> HttpResponse:
    """One case: how it stands, what may be done, everything done so far."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    case = case_get(actor=actor, number=number)
    return _show(request, case, moves.offers(actor, case))


def _show(request: HttpRequest, case: Case, offers: list[moves.Offer], status: int = 200) -> HttpResponse:
    actor: Actor = request.actor  # type: ignore[attr-defined]
    procedure = procedure_for(case)
    events = list(case_events(case))
    context = {
        "title": case.title,
        "case": case,
        "procedure": procedure,
        "state": procedure.state(case.state),
        "state_badge": state_badge(case),
        "parties": [
            (wording.role(p.role), p.unit, p.role in case.pending)
            for p in case.parties.select_related("unit")
        ],
        "clocks": [
            (timeline.clock_label(case.procedure, case.pack_version_id, c.name), c)
            for c in case.clocks.select_related("owner_unit")
        ],
        "offers": offers,
        "steps": timeline.steps_of(events),
        "process": timeline.process_of(case, events),
        "panels": panels.case_panels(case, actor),
        "older_pack": case.pack_version.pack != current_pack().id
        or case.pack_version.version != current_pack().version,
    }
    return page(request, "console/case.html", context, status=status)


@require_POST
@console_view()
def case_move(request: HttpRequest, number: str, move: str) -> HttpResponse:
    """Make a move with what the form gives; a refusal comes back at its field."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    case = case_get(actor=actor, number=number)
    view = next((m for m in case_moves(actor, case) if m.name == move), None)
    if view is None or not view.allowed:
        return _not_now(request, case, view)
    form = moves.move_form(actor, case, view, request.POST, request.FILES)
    version = request.POST.get("version", "")
    if form.is_valid():
        try:
            done = case_act(
                actor=actor,
                case=number,
                move=move,
                given=form.given(),
                version=int(version) if version.isdecimal() else None,
            )
        except Refused as refusal:
            refuse(form, refusal)
            return _show(
                request,
                case_get(actor=actor, number=number),
                moves.offers(actor, case, form, move),
                refusal.status,
            )
        messages.success(request, _("已办理：%(move)s。") % {"move": view.label})
        return redirect(next_url(request, f"/cases/{done.number}/"))
    return _show(request, case, moves.offers(actor, case, form, move), 422)


def _not_now(request: HttpRequest, case: Case, view: MoveView | None) -> HttpResponse:
    """The move is not open to this person, or not from this state."""
    if view is not None:
        return refused(request, NotAllowed(view.why_not, basis=Basis(tuple(view.clauses))))
    label = procedure_for(case).state(case.state).label
    text = _("办件目前处于“%(state)s”环节，不能作此办理；请刷新页面查看最新状态。") % {"state": label}
    return refused(request, Conflict(text))
