"""Every path of every declared procedure, under every pack."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gongshu.casework.registry import DECLARED, procedure_of
from gongshu.kernel.procedure import SYSTEM_ROLE, Procedure
from gongshu.packs import packs

# Django is set up by pytest-django before this module is collected, so DECLARED is complete.
CASES = [(name, pack) for name in sorted(DECLARED) for pack in packs()]


def built(name: str, pack: str) -> Procedure:
    """The procedure, or a skip where the pack has switched it off: `build` says so by LookupError."""
    return procedure_of(name, packs()[pack])


def steps(procedure: Procedure, state: str, pending: tuple[str, ...]):
    """Every (move, role) possible in a configuration."""
    for move in procedure.moves_from(state):
        for role in move.by:
            if not move.joint or role in pending:
                yield move, role


@pytest.mark.parametrize(("name", "pack"), CASES)
def test_every_configuration_can_end_and_no_clock_survives_it(name: str, pack: str) -> None:
    procedure = built(name, pack)
    first = (procedure.initial, procedure.state(procedure.initial).all_of, frozenset())
    start = frozenset(c.name for c in procedure.clocks if c.follow(procedure.initial, None, False) == "start")
    first = (first[0], first[1], start)
    seen, front, leads = {first}, [first], {}
    while front:
        here = front.pop()
        state, pending, clocks = here
        if procedure.state(state).final:
            assert not clocks, f"{here} ends with clocks open"
            continue
        for move, role in steps(procedure, state, pending):
            target, left = procedure.after(state, pending, move, role)
            then = set(clocks)
            for clock in procedure.clocks:
                what = clock.follow(target, state, clock.name in then)
                if what == "start":
                    then.add(clock.name)
                elif what == "end":
                    then.discard(clock.name)
            there = (target, left, frozenset(then))
            leads.setdefault(here, set()).add(there)
            if there not in seen:
                seen.add(there)
                front.append(there)
    ending = {c for c in seen if procedure.state(c[0]).final}
    grown = True
    while grown:
        more = {c for c, to in leads.items() if c not in ending and to & ending}
        ending |= more
        grown = bool(more)
    recurring = {s for c in procedure.clocks if c.direction == "recurring" for s in c.runs_in}
    stuck = [c for c in seen - ending if c[0] not in recurring]
    assert not stuck, f"no way to an end from {stuck}"


@pytest.mark.parametrize(("name", "pack"), CASES)
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_random_walk_never_waits_for_nobody(name: str, pack: str, data: st.DataObject) -> None:
    procedure = built(name, pack)
    state, pending = procedure.initial, procedure.state(procedure.initial).all_of
    for _step in range(40):
        if procedure.state(state).final:
            return
        open_to = list(steps(procedure, state, pending))
        assert open_to
        waiting = procedure.awaited(state)
        automatic = any(SYSTEM_ROLE in m.by for m, _r in open_to)
        optional = all(m.optional for m, _r in open_to)
        assert waiting or automatic or not optional, f"{state} waits for nobody"
        move, role = data.draw(st.sampled_from(open_to))
        state, pending = procedure.after(state, pending, move, role)


@pytest.mark.parametrize(("name", "pack"), CASES)
def test_what_rests_on_nothing_says_so(name: str, pack: str) -> None:
    """A clock either cites a clause or admits a gap with its source; none is silently made up."""
    for clock in built(name, pack).clocks:
        assert clock.basis.clauses or (clock.basis.gap and clock.basis.source), clock.name
