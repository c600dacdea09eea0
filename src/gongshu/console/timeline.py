"""The history of a case (or of anything) as a person reads it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django.utils.translation import gettext as _

from gongshu.casework.models import Case, Clock, PackVersion, Turn
from gongshu.casework.registry import DECLARED, pack_of, procedure_of
from gongshu.casework.selectors import procedure_for
from gongshu.journal.models import Event
from gongshu.kernel import procedure as kernel
from gongshu.kernel.clause import Basis
from gongshu.org.models import Unit

from . import panels, wording

BY_ITSELF = ("clock.started", "clock.recomputed")
"""Events that follow from a person's step without being one."""


@dataclass(frozen=True)
class Step:
    """One line of a timeline. tone: done, now, ahead, late, or quiet for what the platform notes by itself."""

    title: str
    who: str = ""
    unit: str = ""
    at: datetime | None = None
    tone: str = "done"
    basis: Basis | None = None
    details: list[tuple[str, Any]] = field(default_factory=list)
    note: str = ""
    event: Event | None = None
    automatic: bool = False


def steps_of(events: Iterable[Event]) -> list[Step]:
    """Events in words, in the order given."""
    found = list(events)
    cases = _cases({e.case_id for e in found if e.case_id and e.type.startswith(("case.", "clock."))})
    units = Unit.objects.in_bulk({e.unit_id for e in found if e.unit_id})
    return [_step(event, cases.get(event.case_id or 0), units.get(event.unit_id or 0)) for event in found]


def _cases(ids: set[int]) -> dict[int, Case]:
    return {c.pk: c for c in Case.objects.filter(pk__in=ids).select_related("pack_version")}


def _step(event: Event, case: Case | None, unit: Unit | None) -> Step:
    title, details, note = panels.event_text(event.type), panels.event_details(event), ""
    silent: Basis | None = None
    if event.type == "case.moved" and case:
        title, given, silent = _moved(event, case)
        details = given + details
    elif event.type == "case.opened" and case and case.procedure in DECLARED:
        procedure = procedure_for(case)
        title, silent = _("发起%(procedure)s") % {"procedure": procedure.label}, procedure.opened_on()
    elif event.type.startswith("clock."):
        note = _clock_note(event, case)
    return Step(
        title=title,
        who=_("平台") if event.via == "system" else "" if event.type in BY_ITSELF else event.actor_name,
        unit=str(unit) if unit else "",
        at=event.at,
        tone="late"
        if event.type == "clock.lapsed"
        else "quiet"
        if event.type.startswith("clock.")
        else "done",
        basis=_basis(event) or silent,
        details=details,
        note=note,
        event=event,
        automatic=event.via == "system",
    )


def _basis(event: Event) -> Basis | None:
    if event.clauses:
        return Basis(tuple(event.clauses))
    source = event.body.get("gap_source") if event.type.startswith("clock.") else ""
    return Basis(gap=True, source=source) if source else None


def _moved(event: Event, case: Case) -> tuple[str, list[tuple[str, Any]], Basis | None]:
    """The label of the move made, what was given with it, and what it rests on where the text is silent."""
    body = event.body
    try:
        move = procedure_for(case).move(body["move"], body["from"])
    except KeyError:
        return str(body.get("move", event.type)), [], None
    labels = {f.name: f for f in move.fields}
    given = [
        (str(labels[n].label), shown(labels[n], v)) for n, v in body.get("given", {}).items() if n in labels
    ]
    return str(move.label), [(label, value) for label, value in given if value], move.basis


def shown(field_: kernel.Field, value: Any) -> str:
    """A given value as a person reads it."""
    choices = {v: str(label) for v, label in field_.choices}
    if field_.kind == "bool":
        return _("是") if value else _("否")
    if field_.kind == "choice":
        return choices.get(value, str(value))
    if field_.kind == "choices":
        return wording.listed(choices.get(v, str(v)) for v in value)
    if field_.kind == "basis":
        rank = choices.get(value.get("rank", ""), value.get("rank", ""))
        return f"{value.get('document', '')} {value.get('article', '')}（{rank}）"
    if field_.kind == "json":
        return ""
    return str(value)


def _clock_note(event: Event, case: Case | None) -> str:
    """Which limit it is about, and its last day."""
    due, name = event.body.get("due_on"), event.body.get("name", "")
    label = clock_label(case.procedure, case.pack_version_id, name) if case else name
    if not due:
        return label
    return _("%(limit)s，最后一日 %(day)s") % {
        "limit": label,
        "day": wording.short_day(date.fromisoformat(due)),
    }


@lru_cache(maxsize=512)
def _clock_labels(procedure: str, pack_version: int) -> dict[str, Any]:
    version = PackVersion.objects.get(pk=pack_version)
    return {c.name: c.label for c in procedure_of(procedure, pack_of(version)).clocks}


def clock_label(procedure: str, pack_version: int, name: str) -> str:
    """What a clock of a procedure is called."""
    return str(_clock_labels(procedure, pack_version).get(name, name))


@dataclass(frozen=True)
class Ahead:
    """What a case waits for now, or may wait for later."""

    role: str
    unit: str
    move: str
    clock: Clock | None


def process_of(case: Case, events: Iterable[Event]) -> list[Step]:
    """The way of a case: the moves made, whom it waits for now, and the usual way from here to the end."""
    made = [e for e in events if e.type in ("case.opened", "case.moved")]
    steps = steps_of(made)
    if case.closed_at:
        return steps
    procedure = procedure_for(case)
    units = {p.role: str(p.unit) for p in case.parties.select_related("unit")}
    state = str(procedure.state(case.state).label)
    for turn in _by_unit(case):
        due = wording.due(turn.clock)
        note = f"{due.words} · {due.day_text}" if due.day else ""
        tone = "late" if due.tone == "red" else "now"
        steps.append(Step(state, unit=str(turn.unit), tone=tone, note=note, basis=due.basis))
    for move in way_ahead(procedure, case.state):
        by = next((r for r in move.by if r != kernel.SYSTEM_ROLE), kernel.SYSTEM_ROLE)
        who = units.get(by) or wording.role(by)
        steps.append(Step(str(move.label), unit=who, tone="ahead", basis=move.basis))
    return steps


def _by_unit(case: Case) -> list[Turn]:
    """Whom a case waits for, each unit once."""
    turns = {t.unit_id: t for t in case.turns.select_related("clock", "unit").order_by("-id")}
    return sorted(turns.values(), key=lambda t: t.pk)


def way_ahead(procedure: kernel.Procedure, state: str) -> list[kernel.Move]:
    """The usual moves after the next one, to a final state: the first declared main move of each state."""
    way: list[kernel.Move] = []
    seen = {state}
    while True:
        usual = [m for m in procedure.moves_from(state) if not m.optional and m.target not in seen]
        if not usual:
            return way[1:]
        chosen = next((m for m in usual if m.style == "primary"), usual[0])
        way.append(chosen)
        state = chosen.target
        seen.add(state)
