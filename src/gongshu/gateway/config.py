"""Settings of the gateway, from the environment only."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone

from gongshu.engine.suite import MasterKey

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")  # no summer time since 1991


class ConfigError(Exception):
    """A setting that is missing or cannot be used; the message says which and how to write it."""


@dataclass(frozen=True)
class Config:
    """dsn: PostgreSQL of the gateway's own role. day_shift: business days added in a sample installation."""

    dsn: str
    master_key: MasterKey = field(repr=False)
    workers: int = 1
    host: str = "127.0.0.1"
    port: int = 8100
    day_shift: timedelta = timedelta(0)

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Config:
        """Read GONGSHU_GATEWAY_DSN, GONGSHU_MASTER_KEY, GONGSHU_GATEWAY_WORKERS, _HOST and _PORT.

        GONGSHU_TODAY (YYYY-MM-DD) moves the business date where GONGSHU_SAMPLE=1, as in the rest of the platform;
        signatures always follow the real clock.
        """
        return cls(
            dsn=_need(
                env, "GONGSHU_GATEWAY_DSN", "a PostgreSQL address: postgresql://user:password@host/database"
            ),
            master_key=MasterKey.parse(_need(env, "GONGSHU_MASTER_KEY", "at least 64 hex digits")),
            workers=_number(env, "GONGSHU_GATEWAY_WORKERS", 1),
            host=env.get("GONGSHU_GATEWAY_HOST", "127.0.0.1"),
            port=_number(env, "GONGSHU_GATEWAY_PORT", 8100),
            day_shift=_day_shift(env),
        )

    def now(self) -> datetime:
        """Business time: the clock in Asia/Shanghai, shifted by whole days in a sample installation."""
        return datetime.now(SHANGHAI) + self.day_shift

    def now_s(self) -> float:
        """The same moment in seconds since 1970."""
        return time.time() + self.day_shift.total_seconds() if self.day_shift else time.time()


def _need(env: Mapping[str, str], name: str, form: str) -> str:
    value = env.get(name, "").strip()
    if not value:
        raise ConfigError(f"set {name}: {form}")
    return value


def _number(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name, "").strip()
    try:
        value = int(text) if text else default
    except ValueError:
        value = 0
    if value < 1:
        raise ConfigError(f"{name} must be a whole number from 1, not {text!r}")
    return value


def _day_shift(env: Mapping[str, str]) -> timedelta:
    text = env.get("GONGSHU_TODAY", "").strip()
    if not text or env.get("GONGSHU_SAMPLE") != "1":
        return timedelta(0)
    try:
        wanted = date.fromisoformat(text)
    except ValueError:
        raise ConfigError(f"GONGSHU_TODAY must be YYYY-MM-DD, not {text!r}") from None
    return wanted - datetime.now(SHANGHAI).date()
