"""Business time. Every date the platform computes with comes from here."""

from __future__ import annotations

import os
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from django.conf import settings

ZONE = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """The present moment in the official time zone; in a sample installation GONGSHU_TODAY shifts the date."""
    moment = datetime.now(ZONE)
    shifted = os.environ.get("GONGSHU_TODAY") if settings.GONGSHU_SAMPLE else None
    return datetime.combine(date.fromisoformat(shifted), moment.time(), ZONE) if shifted else moment


def today() -> date:
    """The present business date."""
    return now().date()


def at(day: date, hour: int = 9) -> datetime:
    """An hour of that day in the official time zone."""
    return datetime.combine(day, time(hour), ZONE)
