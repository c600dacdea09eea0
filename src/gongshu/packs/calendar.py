"""The working-day calendar: the State Council's published schedule, and what an installation imports for
later years.

The published years come with the package ``chinesecalendar``. A later year is imported from a CSV file with
the columns ``date,kind``: one line per day that differs from Monday to Friday, ``kind`` being ``holiday``
(休) or ``workday`` (班, the make-up days). A file that names one day of a year publishes the whole of that
year.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from chinese_calendar import constants

from gongshu.kernel.workdays import Workdays

HOLIDAY, WORKDAY = "holiday", "workday"
KINDS = {
    HOLIDAY: HOLIDAY,
    WORKDAY: WORKDAY,
    "休": HOLIDAY,
    "班": WORKDAY,
    "节假日": HOLIDAY,
    "调休上班": WORKDAY,
}


@dataclass(frozen=True, slots=True)
class DayRow:
    """One day that differs from Monday to Friday."""

    day: date
    kind: str


class CalendarFault(ValueError):
    """A line of a calendar file that cannot be used. ``line`` counts from 1; ``reason`` is Chinese."""

    def __init__(self, line: int, reason: str, reason_en: str) -> None:
        super().__init__(f"第 {line} 行：{reason}")
        self.line, self.reason, self.reason_en = line, reason, reason_en


@lru_cache(maxsize=1)
def published() -> tuple[DayRow, ...]:
    """The days of the national schedule that differ from Monday to Friday."""
    off = [DayRow(day, HOLIDAY) for day in constants.holidays if day.weekday() < 5]
    made_up = [DayRow(day, WORKDAY) for day in constants.workdays if day.weekday() >= 5]
    return tuple(sorted(off + made_up, key=lambda row: row.day))


def published_years() -> range:
    """The years of the national schedule that the package brings."""
    return range(min(constants.holidays).year, max(constants.holidays).year + 1)


def workdays(extra: Iterable[DayRow] = ()) -> Workdays:
    """The calendar in use: the published schedule with imported days laid over it.

    Years between the first and the last known one that nobody has published count Monday to Friday and are
    provisional, as are all years outside.
    """
    return _workdays(tuple(extra))


@lru_cache(maxsize=8)
def _workdays(extra: tuple[DayRow, ...]) -> Workdays:
    kinds = {row.day: row.kind for row in (*published(), *extra)}
    known = {*published_years(), *(row.day.year for row in extra)}
    first, last = date(min(known), 1, 1), date(max(known), 12, 31)
    span = (first + timedelta(n) for n in range((last - first).days + 1))
    working = [day for day in span if kinds.get(day, WORKDAY if day.weekday() < 5 else HOLIDAY) == WORKDAY]
    return Workdays(working, first, last, set(range(min(known), max(known) + 1)) - known)


def parse(text: str) -> list[DayRow]:
    """The rows of a calendar file. Raises CalendarFault at the first line that cannot be used."""
    lines = csv.DictReader(io.StringIO(text.lstrip("\ufeff")))
    if not {"date", "kind"} <= set(lines.fieldnames or ()):
        raise CalendarFault(1, "表头应为 date,kind", "the heading has to be date,kind")
    rows: dict[date, DayRow] = {}
    for number, line in enumerate(lines, start=2):
        row = _parsed(number, (line["date"] or "").strip(), (line["kind"] or "").strip())
        if row.day in rows:
            raise CalendarFault(number, f"日期重复：{row.day}", f"day given twice: {row.day}")
        rows[row.day] = row
    return sorted(rows.values(), key=lambda row: row.day)


def _parsed(number: int, day_text: str, kind_text: str) -> DayRow:
    try:
        day = date.fromisoformat(day_text)
    except ValueError:
        raise CalendarFault(number, f"日期不正确：{day_text}", f"not a date: {day_text}") from None
    if kind_text not in KINDS:
        raise CalendarFault(
            number, f"类型应为 holiday 或 workday：{kind_text}", f"not a kind of day: {kind_text}"
        )
    return DayRow(day, KINDS[kind_text])
