"""Why something is so: the clauses of the regulation behind a value, a refusal, a deadline or an event."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass


def _recorder() -> Callable[[tuple[str, ...]], None] | None:
    """Only under the tests: programs that a test starts write the clauses they rely on to the file it
    names.
    """
    path = os.environ.get("GONGSHU_TEST_CLAUSES")
    if not path:
        return None
    written: set[str] = set()

    def record(clauses: tuple[str, ...]) -> None:
        new = [each for each in clauses if each not in written]
        if new:
            written.update(new)
            with open(path, "a", encoding="ascii") as file:
                file.write("".join(f"{each}\n" for each in new))

    return record


_observer: Callable[[tuple[str, ...]], None] | None = _recorder()


def observe(observer: Callable[[tuple[str, ...]], None] | None) -> None:
    """Report every clause that code relies on to ``observer``; ``None`` switches it off.

    The test suite uses this to refuse a test that carries a clause's mark but never reaches the clause.
    """
    global _observer
    _observer = observer


def touched(clauses: tuple[str, ...]) -> None:
    """Say that code has just relied on these clauses. Costs one comparison when nobody listens."""
    if _observer is not None and clauses:
        _observer(clauses)


@dataclass(frozen=True, slots=True)
class Basis:
    """The ground of a rule.

    ``clauses``: ids such as ``ZY-24.2``; empty where the text is silent. ``gap``: the text is silent and
    the platform fills in; a screen then says so. ``source``: where the filling comes from
    (``national-2025``, ``parent-province``, ``product-default``). ``note``: the remark of the pack's
    author.
    """

    clauses: tuple[str, ...] = ()
    gap: bool = False
    source: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.clauses, str):  # a lone id would be taken apart into letters
            object.__setattr__(self, "clauses", (self.clauses,))
        elif not isinstance(self.clauses, tuple):
            object.__setattr__(self, "clauses", tuple(self.clauses))
        touched(self.clauses)

    def __or__(self, other: Basis) -> Basis:
        """Both grounds together; a gap only if neither text speaks."""
        clauses = tuple(dict.fromkeys(self.clauses + other.clauses))
        if clauses:
            return Basis(clauses, note=self.note or other.note)
        return Basis((), self.gap or other.gap, self.source or other.source, self.note or other.note)

    def as_dict(self) -> dict[str, object]:
        """Plain values for events and the API; keys that say nothing are left out."""
        touched(self.clauses)
        told = {"clauses": list(self.clauses), "gap": self.gap, "source": self.source, "note": self.note}
        return {key: value for key, value in told.items() if value}


def join(grounds: Iterable[Basis]) -> Basis:
    """All grounds of several rules as one."""
    total = Basis()
    for ground in grounds:
        total = total | ground
    return total
