"""Jobs a worker process loads in the tests of the queue (`gongshu worker --load`)."""

from __future__ import annotations

import os
import time

from django.db import connection, transaction

from gongshu.kernel.errors import Refused
from gongshu.runner.jobs import defer, every, job


def _write(text: str, *, once: bool = False) -> bool:
    with connection.cursor() as cursor:
        conflict = " ON CONFLICT DO NOTHING" if once else ""
        cursor.execute(f"INSERT INTO serving.job_trace (text, once) VALUES (%s, %s){conflict}", [text, once])
        return cursor.rowcount > 0


@job("test.slow_once")
def slow_once(*, key: str, seconds: float) -> None:
    """Begin, take time, then have its effect exactly once, however often it begins."""
    _write(f"begun {key} {os.getpid()}")
    time.sleep(seconds)
    with transaction.atomic():
        if _write(f"done {key}", once=True):
            _write(f"effect {key}")


@job("test.refused")
def refused() -> None:
    """A rule says no."""
    _write("refused was tried")
    raise Refused("不可以")


@job("test.fails_once")
def fails_once() -> None:
    """Fails the first time."""
    if _write("failing", once=True):
        raise RuntimeError("the first time")
    _write("the second time")


@job("test.asks_and_fails")
def asks_and_fails() -> None:
    """What it asked for must go with its transaction."""
    with transaction.atomic():
        defer("test.slow_once", key="never", seconds=0)
        raise Refused("回滚")


@every(0.2, "test.loop")
def loop() -> None:
    """Overlaps itself if two workers run it at a time."""
    _write("loop in")
    time.sleep(0.1)
    _write("loop out")
