"""The working-day calendar: the State Council's published schedule, and what is imported for later years.

The published years come with the package ``chinesecalendar``. A later year is imported from a CSV file with
the columns ``date,kind``: one line per day that differs from Monday to Friday, ``kind`` being ``holiday`` or
``workday`` (the make-up days). Importing is the task of the casework domain; here the days are only put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache

from chinese_calendar import constants

from gongshu.kernel.workdays import Workdays


@lru_cache(maxsize=1)
def published() -> Mapping[date, bool]:
    """The days of the national schedule that differ from Monday to Friday; True for a make-up working day."""
    off = {day: False for day in constants.holidays if day.weekday() < 5}
    made_up = {day: True for day in constants.workdays if day.weekday() >= 5}
    return {**off, **made_up}


def published_years() -> range:
    """The years of the national schedule that the package brings."""
    return range(min(constants.holidays).year, max(constants.holidays).year + 1)


def workdays(days: Mapping[date, bool] | None = None, years: Iterable[int] = ()) -> Workdays:
    """The calendar in use: the published schedule with imported days laid over it.

    ``days``: imported days, True for a working day. ``years``: the years imported whole; an imported day publishes
    its year as well. Years in between that nobody has published count Monday to Friday and are provisional, as are
    all years outside.
    """
    return _workdays(tuple(sorted((days or {}).items())), tuple(sorted(set(years))))


@lru_cache(maxsize=8)
def _workdays(extra: tuple[tuple[date, bool], ...], years: tuple[int, ...]) -> Workdays:
    known = {*published_years(), *years, *(day.year for day, _ in extra)}
    # An imported year is imported whole: what the package knew of it no longer counts.
    imported = {*years, *(day.year for day, _ in extra)}
    differs = {day: working for day, working in published().items() if day.year not in imported}
    differs.update(extra)
    first, last = date(min(known), 1, 1), date(max(known), 12, 31)
    span = (first + timedelta(n) for n in range((last - first).days + 1))
    working = [day for day in span if differs.get(day, day.weekday() < 5)]
    return Workdays(working, first, last, set(range(min(known), max(known) + 1)) - known)
