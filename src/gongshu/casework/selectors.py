"""Reading cases: what an actor may see, what waits for them, and what they may do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from gongshu.journal.models import Event
from gongshu.journal.services import Actor, query
from gongshu.kernel import procedure as kernel
from gongshu.kernel.errors import NotFound, Refused
from gongshu.org.models import Access
from gongshu.org.policy import allowed_units, pin_today

from .models import Case, Notice, NoticeSeen, Party, Turn
from .registry import pack_of, procedure_of


def cases_visible_to(actor: Actor) -> QuerySet[Case]:
    """Cases in which a unit is party upon which the actor may see cases, as the database decides."""
    if actor.via == "system":
        return Case.objects.all()
    units = allowed_units(actor, "case.view")
    return Case.objects.filter(Exists(Party.objects.filter(case=OuterRef("pk"), unit_id__in=units)))


@query("case.list", "GET", "/cases", summary="办件列表")
def case_list(
    *,
    actor: Actor,
    procedure: str | None = None,
    state: str | None = None,
    q: str | None = None,
    page: int = 1,
) -> dict[str, Any]:
    """Visible cases, newest first, fifty a page; q matches number and title."""
    found = cases_visible_to(actor)
    if procedure:
        found = found.filter(procedure=procedure)
    if state:
        found = found.filter(state=state)
    if q:
        found = found.filter(Q(number__icontains=q) | Q(title__icontains=q))
    start = (max(page, 1) - 1) * 50
    rows = found.select_related("pack_version").prefetch_related("parties__unit", "clocks")[
        start : start + 50
    ]
    return {"count": found.count(), "page": page, "rows": [case.as_dict() for case in rows]}


def case_get(*, actor: Actor, number: str) -> Case:
    """A visible case by its number, or NotFound."""
    case = cases_visible_to(actor).select_related("pack_version").filter(number=number).first()
    if case is None:
        raise NotFound(_("没有编号为 %(number)s 的办件，或您无权查看。") % {"number": number})
    return case


@query("case.show", "GET", "/cases/{case}", summary="办件详情：状态、可办动作、全部过程")
def case_show(*, actor: Actor, case: str) -> dict[str, Any]:
    """A case with the moves the actor could make (and why not) and every step so far."""
    found = case_get(actor=actor, number=case)
    moves = [
        {
            "name": m.name,
            "label": str(m.label),
            "allowed": m.allowed,
            "why_not": m.why_not,
            "clauses": m.clauses,
            "fields": [
                {
                    "name": f.name,
                    "kind": f.kind,
                    "required": f.required,
                    "label": str(f.label),
                    "choices": [list(map(str, c)) for c in f.choices],
                }
                for f in m.fields
            ],
        }
        for m in case_moves(actor, found)
    ]
    return {**found.as_dict(), "moves": moves, "events": [e.as_dict() for e in case_events(found)]}


def case_events(case: Case) -> QuerySet[Event]:
    """Every event of a case, in order."""
    return Event.objects.filter(case_id=case.pk).order_by("id")


def procedure_for(case: Case) -> kernel.Procedure:
    """The procedure of a case under the pack version it began with."""
    return procedure_of(case.procedure, pack_of(case.pack_version))


@dataclass(frozen=True)
class MoveView:
    """A move as offered to one person: whether they may make it, and if not why."""

    name: str
    label: str
    fields: tuple[kernel.Field, ...]
    allowed: bool
    why_not: str
    clauses: list[str]
    gap: bool
    style: str
    optional: bool


def case_moves(actor: Actor, case: Case) -> list[MoveView]:
    """The moves that people can make from the case's state, each with the decision for this actor."""
    from .services import acting_role

    views = []
    for move in procedure_for(case).moves_from(case.state):
        if set(move.by) == {kernel.SYSTEM_ROLE}:
            continue
        why_not = ""
        try:
            acting_role(case, move, actor)
        except Refused as refusal:
            why_not = str(refusal)
        views.append(
            MoveView(
                move.name,
                move.label,
                move.fields,
                not why_not,
                why_not,
                list(move.basis.clauses),
                move.basis.gap,
                move.style,
                move.optional,
            )
        )
    return views


def turns_for(actor: Actor) -> QuerySet[Turn]:
    """What waits for this actor: one query over turns and the access view, earliest limit first."""
    pin_today()
    access = Access.objects.filter(
        account_id=actor.row, action=OuterRef("action"), unit_id=OuterRef("unit_id")
    )
    return (
        Turn.objects.filter(Exists(access))
        .select_related("case__pack_version", "unit", "clock")
        .order_by("clock__due_on", "since")
    )


def done_by(actor: Actor) -> QuerySet[Event]:
    """Steps this actor has made, latest first."""
    return Event.objects.filter(actor_id=actor.account_id, type__in=["case.moved", "case.opened"]).order_by(
        "-id"
    )


def notices_for(actor: Actor) -> QuerySet[Notice]:
    """Notices to the units whose cases the actor handles."""
    return Notice.objects.filter(unit_id__in=allowed_units(actor, "case.view")).select_related("case", "unit")


def notices_unread(actor: Actor) -> int:
    """How many notices the actor has not seen."""
    seen = NoticeSeen.objects.filter(account_id=actor.row).first()
    return notices_for(actor).filter(pk__gt=seen.notice_id if seen else 0).count()
