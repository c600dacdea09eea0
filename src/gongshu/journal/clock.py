"""Business time. Every date the platform computes with comes from here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings

ZONE = ZoneInfo("Asia/Shanghai")

_away: ContextVar[timedelta | None] = ContextVar("gongshu_clock_away", default=None)


def now() -> datetime:
    """The present moment in the official time zone; in a sample installation GONGSHU_TODAY shifts the date."""
    moment = datetime.now(ZONE)
    if not settings.GONGSHU_SAMPLE:
        return moment
    away = _away.get()
    if away is not None:
        return moment + away
    shifted = os.environ.get("GONGSHU_TODAY")
    return datetime.combine(date.fromisoformat(shifted), moment.time(), ZONE) if shifted else moment


def today() -> date:
    """The present business date."""
    return now().date()


def at(day: date, hour: int = 9) -> datetime:
    """An hour of that day in the official time zone."""
    return datetime.combine(day, time(hour), ZONE)


@contextmanager
def travel(day: date, hour: int = 9, minute: int = 0) -> Iterator[None]:
    """Let the block run at that hour of that day, the clock going on from there.

    For the loader of the sample county, whose cases have a past. Raises RuntimeError in any other installation:
    nobody may date an act of office.
    """
    if not settings.GONGSHU_SAMPLE:
        raise RuntimeError("business time can be shifted in a sample installation only")
    arrival = datetime.combine(day, time(hour, minute), ZONE)
    token = _away.set(arrival - datetime.now(ZONE))
    try:
        yield
    finally:
        _away.reset(token)
