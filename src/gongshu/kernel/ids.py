"""Names for things: numbers that people read out on the telephone, and identifiers that sort by time."""

from __future__ import annotations

import os
import re
import time
from datetime import date
from uuid import UUID

_CASE_NUMBER = re.compile(r"^(?P<prefix>[A-Z]{1,8})-(?P<day>\d{8})-(?P<n>\d{4,})$")


def case_number(prefix: str, day: date, n: int) -> str:
    """Number of a case (办件编号): ``GX-20260408-0007``. ``prefix``: capital letters of the procedure;
    ``n`` from 1.
    """
    number = f"{prefix}-{day:%Y%m%d}-{n:04d}"
    if n < 1 or not _CASE_NUMBER.match(number):
        raise ValueError(f"not a case number: {number}")
    return number


def parse_case_number(text: str) -> tuple[str, date, int]:
    """Prefix, day and running number of a case number. Raises ValueError."""
    match = _CASE_NUMBER.match(text)
    if match is None:
        raise ValueError(f"not a case number: {text}")
    day = match["day"]
    return match["prefix"], date(int(day[:4]), int(day[4:6]), int(day[6:])), int(match["n"])


def uuid7(unix_ms: int | None = None) -> UUID:
    """RFC 9562 version 7: 48 bits of milliseconds, then 74 random bits; sorts by time of making."""
    if unix_ms is None:
        unix_ms = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (unix_ms & 0xFFFF_FFFF_FFFF) << 80
    value |= 0x7 << 76 | ((random >> 62) & 0xFFF) << 64
    value |= 0b10 << 62 | (random & 0x3FFF_FFFF_FFFF_FFFF)
    return UUID(int=value)
