"""The working-day calendar in force: the built-in national schedule and what has been imported since."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from gongshu.journal.services import Actor, event_append, service
from gongshu.kernel.errors import Invalid
from gongshu.kernel.workdays import Workdays
from gongshu.org.policy import require_anywhere
from gongshu.packs.calendar import workdays

from .models import CalendarDay, CalendarYear

_held: tuple[tuple[int, int], Workdays] | None = None
_once: ContextVar[list[Workdays] | None] = ContextVar("calendar of this page", default=None)


@contextmanager
def one_calendar() -> Iterator[None]:
    """Let everything in the block count with the calendar as it is at the first use (a page asks for it many times)."""
    token = _once.set([])
    try:
        yield
    finally:
        _once.reset(token)


def calendar() -> Workdays:
    """The calendar in force. Kept in memory until a year is imported, in this process or another."""
    once = _once.get()
    if once is None:
        return _newest()
    if not once:
        once.append(_newest())
    return once[0]


def _newest() -> Workdays:
    global _held
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(max(id), 0), count(*) FROM casework_calendarday")
        stamp = cursor.fetchone()
    if _held is None or _held[0] != stamp:
        days = dict(CalendarDay.objects.values_list("day", "working"))
        years = CalendarYear.objects.values_list("year", flat=True)
        _held = (stamp, workdays(days, years))
    return _held[1]


@service("calendar.import", "POST", "/calendar/{year}", summary="导入年度工作日安排")
def calendar_import(*, actor: Actor, year: int, content: str, source: str) -> dict[str, Any]:
    """Import the national schedule of a year: CSV lines `date,kind[,note]`, kind `holiday` or `workday`.

    Only days that differ from Monday to Friday need a line. A wrong line refuses the whole file, naming the line.
    Open limits are not touched: `clocks recompute` does that, as an event of its own.
    """
    require_anywhere(actor, "policy.calendar")
    rows = _parse(content, year)
    CalendarDay.objects.filter(day__year=year).delete()
    CalendarDay.objects.bulk_create([CalendarDay(day=d, working=w, note=n) for d, w, n in rows])
    CalendarYear.objects.update_or_create(year=year, defaults={"source": source})
    event_append(
        actor=actor,
        type="calendar.imported",
        subject=("calendar", str(year), str(year)),
        body={"source": source, "days": [[d.isoformat(), w] for d, w, _note in rows]},
    )
    return {"year": year, "days": len(rows)}


def _parse(content: str, year: int) -> list[tuple[date, bool, str]]:
    rows: dict[date, tuple[date, bool, str]] = {}
    for number, line in enumerate(csv.reader(io.StringIO(content.lstrip("\ufeff"))), start=1):
        if not line or line[0].strip().lower() in ("date", "日期", "") or line[0].startswith("#"):
            continue
        try:
            day = date.fromisoformat(line[0].strip())
            working = {"holiday": False, "workday": True, "放假": False, "上班": True}[
                line[1].strip().lower()
            ]
        except (ValueError, KeyError, IndexError):
            raise Invalid(
                _("第 %(n)d 行不对：应为“日期,holiday 或 workday”，例如 2027-01-01,holiday。")
                % {"n": number},
                field="content",
            ) from None
        if day.year != year or day in rows:
            raise Invalid(
                _("第 %(n)d 行的日期重复，或不属于 %(year)d 年。") % {"n": number, "year": year},
                field="content",
            )
        rows[day] = (day, working, line[2].strip() if len(line) > 2 else "")
    if not rows:
        raise Invalid(_("文件里没有任何日期。"), field="content")
    return list(rows.values())
