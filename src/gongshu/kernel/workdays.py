"""Working days (工作日): the arithmetic of every limit in the regulations.

A limit "n working days from receipt" ends on the n-th working day after the day of receipt, which is not
counted. A notice "n working days ahead" must be given on the n-th working day before the event at the
latest.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date


def _weekdays_up_to(ordinal: int) -> int:
    """Number of Mondays to Fridays among the days 1..ordinal (day 1, 0001-01-01, is a Monday)."""
    weeks, rest = divmod(ordinal, 7)
    return weeks * 5 + min(rest, 5)


def _weekday_number(count: int) -> int:
    """Ordinal of the count-th Monday-to-Friday day."""
    weeks, rest = divmod(count - 1, 5)
    return weeks * 7 + rest + 1


class Workdays:
    """A calendar of working days.

    ``days``: every working day from ``first`` to ``last``, both included. Outside that span, and in the
    years named in ``unpublished``, Monday to Friday count and the answer is provisional. Immutable.
    """

    __slots__ = ("_base", "_days", "_first", "_last", "first", "last", "unpublished")

    def __init__(
        self,
        days: Iterable[date] = (),
        first: date | None = None,
        last: date | None = None,
        unpublished: Iterable[int] = (),
    ) -> None:
        ordinals = sorted({day.toordinal() for day in days})
        if (first is None) != (last is None):
            raise ValueError("first and last are given together or not at all")
        if first is None or last is None:
            if ordinals:
                raise ValueError("days without the span they belong to")
            first_ordinal, last_ordinal = 1, 0
        else:
            first_ordinal, last_ordinal = first.toordinal(), last.toordinal()
            if first > last or (
                ordinals and not first_ordinal <= ordinals[0] <= ordinals[-1] <= last_ordinal
            ):
                raise ValueError("working days outside the span of the calendar")
        self.first, self.last = first, last
        self.unpublished = frozenset(unpublished)
        self._days, self._first, self._last = ordinals, first_ordinal, last_ordinal
        self._base = _weekdays_up_to(first_ordinal - 1)

    def _rank(self, ordinal: int) -> int:
        """Number of working days up to and including the day."""
        if ordinal < self._first:
            return _weekdays_up_to(ordinal)
        if ordinal <= self._last:
            return self._base + bisect_right(self._days, ordinal)
        return self._base + len(self._days) + _weekdays_up_to(ordinal) - _weekdays_up_to(self._last)

    def _numbered(self, rank: int) -> date:
        """The working day with that rank."""
        if rank <= self._base:
            return date.fromordinal(_weekday_number(rank))
        inside = rank - self._base
        if inside <= len(self._days):
            return date.fromordinal(self._days[inside - 1])
        return date.fromordinal(_weekday_number(inside - len(self._days) + _weekdays_up_to(self._last)))

    def add(self, day: date, n: int) -> date:
        """The n-th working day after ``day``; the day of receipt is not counted. ``n`` = 0 gives ``day``
        itself.
        """
        if n < 0:
            return self.ahead(day, -n)
        return day if n == 0 else self._numbered(self._rank(day.toordinal()) + n)

    def ahead(self, day: date, n: int) -> date:
        """The n-th working day before ``day``: the last day on which n working days' notice can be given."""
        if n < 0:
            return self.add(day, -n)
        return day if n == 0 else self._numbered(self._rank(day.toordinal() - 1) - n + 1)

    def between(self, a: date, b: date) -> int:
        """Working days passed on the way from ``a`` to ``b``: ``a`` not counted, ``b`` counted; negative
        backwards.

        So ``between(a, add(a, n)) == n`` and ``between(b, ahead(b, n)) == -n`` for every day.
        """
        start, end = a.toordinal(), b.toordinal()
        if end >= start:
            return self._rank(end) - self._rank(start)
        return self._rank(end - 1) - self._rank(start - 1)

    def is_working(self, day: date) -> bool:
        """Whether people are at work that day, as far as is known."""
        ordinal = day.toordinal()
        return self._rank(ordinal) > self._rank(ordinal - 1)

    def is_provisional(self, day: date) -> bool:
        """Whether the schedule of that day's year has not been published, so that the day may still change."""
        return not self._first <= day.toordinal() <= self._last or day.year in self.unpublished

    def span_provisional(self, a: date, b: date) -> bool:
        """Whether a date counted from ``a`` to ``b`` depends on a year whose schedule has not been
        published.
        """
        low, high = min(a, b), max(a, b)
        return (
            self.is_provisional(low)
            or self.is_provisional(high)
            or any(low.year <= year <= high.year for year in self.unpublished)
        )
