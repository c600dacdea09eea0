"""A workflow declared once, as data.

The same declaration gives the buttons, the API's allowed actions, the permission check, the clocks, the
reminders, the diagram in the docs and the property-based tests that walk every path. Nothing here knows
a database or a jurisdiction: a domain builds a `Procedure` from a policy pack, `check` proves it sound,
and `gongshu.casework` runs it.

Vocabulary: a *case* is a running procedure; it stands in one *state*; a *move* takes it to the next; a
*clock* runs while the case stands in certain states, and does something when it lapses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .clause import Basis

Label: TypeAlias = Any
"""Text for people: a string, or one that a door translates when it shows it (the kernel knows no translator)."""

SYSTEM_ROLE = "system"
"""The role that makes moves nobody has to ask for (automatic grants, lapses, first retrieval)."""

OVERDUE = "overdue"
"""`Clock.on_lapse`: mark overdue, remind, escalate, count. Otherwise `on_lapse` names a system move."""

WITHIN, BEFORE, RECURRING = "within", "before", "recurring"
FIELD_KINDS = ("text", "longtext", "date", "choice", "choices", "bool", "basis", "int", "json")


class ProcedureError(ValueError):
    """A declaration that cannot be run; the message names the procedure and what is wrong with it."""


@dataclass(frozen=True)
class Field:
    """One thing a person gives with a move.

    kind: one of FIELD_KINDS. `basis` is a legal basis: rank, document, article; `choices` are its accepted
    ranks. `clause` is what makes the field necessary.
    """

    name: str
    label: Label
    kind: str = "text"
    required: bool = True
    choices: tuple[tuple[str, Label], ...] = ()
    help: Label = ""
    clause: Basis | None = None


@dataclass(frozen=True)
class Clock:
    """A time limit of a regulation.

    days/unit: length in working days ("wd"), days ("d") or years ("y").
    direction: WITHIN (a limit after the start), BEFORE (notice ahead of a date the case carries in `counts_from`),
    RECURRING (re-armed by its own completion or lapse).
    counts_from: "" = the moment the case enters the clock's first state; else the name of a date in the case's data.
    runs_in: states in which it runs; pauses_in: states in which it stands still; elsewhere it is met.
    extend_to: total length it may be extended to, with the approval of extend_by; `urgent`: an approver may set
    a shorter limit of its own.
    """

    name: str
    label: Label
    days: int
    owner: str
    runs_in: tuple[str, ...]
    basis: Basis
    unit: str = "wd"
    direction: str = WITHIN
    counts_from: str = ""
    on_lapse: str = OVERDUE
    pauses_in: tuple[str, ...] = ()
    extend_to: int | None = None
    extend_by: str = ""
    urgent: bool = False
    accept_late: bool = False
    """A BEFORE notice given too late is accepted and marked late (ZY-5.4b) instead of being refused (ZY-19.2)."""

    def follow(self, entered: str, left: str | None, running: bool) -> str:
        """What happens to this clock when a case enters a state: start, restart, run (on, or on again), pause, end, or
        nothing ("") where it neither ran nor starts. One that a move has ended (`clock_end`) while the case stays among
        its states does not start again: its owner has done its part of a joint step."""
        if entered in self.runs_in:
            if not running:
                return "" if left in self.runs_in else "start"
            return "restart" if self.direction == RECURRING and left in self.runs_in else "run"
        if not running:
            return ""
        return "pause" if entered in self.pauses_in else "end"


@dataclass(frozen=True)
class State:
    """A place where a case waits. `all_of`: roles that must each make the state's joint move before it is left."""

    name: str
    label: Label
    final: bool = False
    outcome: str = ""
    all_of: tuple[str, ...] = ()


@dataclass(frozen=True)
class Move:
    """One step from `sources` to `target`.

    by: roles (parties of the case) that may make it; action: the permission their person needs.
    not_by_actor_of: moves whose actor may not make this one (two people for request and approval).
    joint: the target is reached only when every role in the source state's `all_of` has made this move.
    guard/effect: names the domain registers; a guard may refuse, an effect runs in the same transaction.
    """

    name: str
    label: Label
    sources: tuple[str, ...]
    target: str
    by: tuple[str, ...]
    action: str
    basis: Basis
    fields: tuple[Field, ...] = ()
    guards: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()
    not_by_actor_of: tuple[str, ...] = ()
    joint: bool = False
    style: str = "secondary"
    optional: bool = False
    """An optional move (withdraw, remind) does not make its role the one everybody waits for."""


@dataclass(frozen=True)
class Procedure:
    """A whole workflow. `subject` names the kind of thing it is about; `prefix` begins its case numbers."""

    name: str
    label: Label
    prefix: str
    subject: str
    initial: str
    states: tuple[State, ...]
    moves: tuple[Move, ...]
    clocks: tuple[Clock, ...] = ()
    roles: tuple[str, ...] = field(default=())

    def state(self, name: str) -> State:
        """The state of that name; KeyError if there is none."""
        return {s.name: s for s in self.states}[name]

    def move(self, name: str, source: str | None = None) -> Move:
        """The move of that name (leaving `source`, where one name serves several); KeyError if there is none."""
        for move in self.moves:
            if move.name == name and (source is None or source in move.sources):
                return move
        raise KeyError(name)

    def moves_from(self, state: str, roles: Iterable[str] | None = None) -> Iterator[Move]:
        """Moves that leave `state`, for anyone or only for those roles, in the order of their declaration."""
        held = None if roles is None else set(roles)
        for move in self.moves:
            if state in move.sources and (held is None or held & set(move.by)):
                yield move

    def opened_on(self) -> Basis | None:
        """What opening a case rests on: the basis of the first usual move from the initial state."""
        return next((m.basis for m in self.moves_from(self.initial) if not m.optional), None)

    def clock(self, name: str) -> Clock:
        """The clock of that name; KeyError if there is none."""
        return {c.name: c for c in self.clocks}[name]

    def awaited(self, state: str) -> dict[str, list[Move]]:
        """Role -> moves for which the case waits in that state, system moves and optional ones left out."""
        waiting: dict[str, list[Move]] = {}
        for move in self.moves_from(state):
            if not move.optional:
                for role in move.by:
                    if role != SYSTEM_ROLE:
                        waiting.setdefault(role, []).append(move)
        return waiting

    def after(
        self, state: str, pending: tuple[str, ...], move: Move, role: str
    ) -> tuple[str, tuple[str, ...]]:
        """Where a case stands after `role` makes `move`: the state, and the roles that have yet to join there.

        A joint move leads on only when the last of the state's `all_of` has made it; any other move from a joint
        state leads on at once, and entering a state (again) asks all of its `all_of`.
        """
        left = tuple(r for r in pending if r != role) if move.joint else ()
        if left:
            return state, left
        return move.target, self.state(move.target).all_of

    def check(self) -> None:
        """Prove the declaration sound, or raise ProcedureError with everything that is wrong with it."""
        wrong = [*self._check_names(), *self._check_moves(), *self._check_reach(), *self._check_clocks()]
        if wrong:
            raise ProcedureError(f"{self.name}: " + "; ".join(wrong))

    def _check_names(self) -> Iterator[str]:
        names = [s.name for s in self.states]
        yield from (f"state {n} is declared twice" for n in {n for n in names if names.count(n) > 1})
        if self.initial not in names:
            yield f"initial state {self.initial} does not exist"
        for state in self.states:
            yield from (
                f"state {state.name} waits for unknown role {r}" for r in state.all_of if not self._role(r)
            )
            if state.final and any(self.moves_from(state.name)):
                yield f"final state {state.name} has moves"

    def _check_moves(self) -> Iterator[str]:
        names = {s.name for s in self.states}
        taken: set[tuple[str, str]] = set()
        for move in self.moves:
            for source in move.sources:
                if source not in names:
                    yield f"move {move.name} leaves unknown state {source}"
                if (source, move.name) in taken:
                    yield f"state {source} has two moves named {move.name}"
                taken.add((source, move.name))
                if move.joint and source in names and not self.state(source).all_of:
                    yield f"joint move {move.name} leaves {source}, which waits for nobody in particular"
            if move.target not in names:
                yield f"move {move.name} goes to unknown state {move.target}"
            if not move.by:
                yield f"move {move.name} is open to no role"
            yield from (f"move {move.name} names unknown role {r}" for r in move.by if not self._role(r))
            yield from (
                f"field {f.name} of {move.name} has unknown kind {f.kind}"
                for f in move.fields
                if f.kind not in FIELD_KINDS
            )
            known = {m.name for m in self.moves}
            yield from (
                f"move {move.name} excludes the actor of unknown move {n}"
                for n in move.not_by_actor_of
                if n not in known and n != "open"
            )

    def _check_reach(self) -> Iterator[str]:
        reached, front = {self.initial}, [self.initial]
        while front:
            for move in self.moves_from(front.pop()):
                if move.target not in reached:
                    reached.add(move.target)
                    front.append(move.target)
        yield from (f"state {s.name} cannot be reached" for s in self.states if s.name not in reached)
        for state in self.states:
            if not state.final and not any(m.target != state.name for m in self.moves_from(state.name)):
                yield f"state {state.name} cannot be left"

    def _check_clocks(self) -> Iterator[str]:
        names = {s.name for s in self.states}
        for clock in self.clocks:
            yield from (
                f"clock {clock.name} runs in unknown state {s}"
                for s in clock.runs_in + clock.pauses_in
                if s not in names
            )
            if not clock.runs_in:
                yield f"clock {clock.name} runs in no state"
            if clock.days <= 0 or clock.unit not in ("wd", "d", "y"):
                yield f"clock {clock.name} has no length in wd, d or y"
            if clock.direction not in (WITHIN, BEFORE, RECURRING):
                yield f"clock {clock.name} has unknown direction {clock.direction}"
            if not self._role(clock.owner):
                yield f"clock {clock.name} is owned by unknown role {clock.owner}"
            if clock.extend_to is not None and (
                clock.extend_to <= clock.days or not self._role(clock.extend_by)
            ):
                yield f"clock {clock.name} cannot be extended to {clock.extend_to} by {clock.extend_by or 'nobody'}"
            yield from self._check_lapse(clock)

    def _check_lapse(self, clock: Clock) -> Iterator[str]:
        if not clock.on_lapse:
            yield f"clock {clock.name} has no lapse action"
        elif clock.on_lapse != OVERDUE:
            for state in clock.runs_in:
                if not any(m.name == clock.on_lapse and SYSTEM_ROLE in m.by for m in self.moves_from(state)):
                    yield f"clock {clock.name} lapses into {clock.on_lapse}, no system move of state {state}"

    def _role(self, role: str) -> bool:
        return role == SYSTEM_ROLE or role in self.roles


def mermaid(procedure: Procedure) -> str:
    """The procedure as a Mermaid state diagram, moves labelled with their clauses."""
    lines = ["stateDiagram-v2", f"    [*] --> {procedure.initial}"]
    lines += [f'    state "{s.label}" as {s.name}' for s in procedure.states]
    for move in procedure.moves:
        cited = "、".join(move.basis.clauses)
        note = f"{move.label}（{cited}）" if cited else move.label
        lines += [f"    {source} --> {move.target}: {note}" for source in move.sources]
    lines += [f"    {s.name} --> [*]" for s in procedure.states if s.final]
    for clock in procedure.clocks:
        unit = {"wd": "个工作日", "d": "日", "y": "年"}[clock.unit]
        cited = "、".join(clock.basis.clauses) or "本地制度未规定"
        lines += [f"    note right of {clock.runs_in[0]}: {clock.label} {clock.days}{unit}（{cited}）"]
    return "\n".join(lines) + "\n"
