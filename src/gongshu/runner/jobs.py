"""Jobs: asked for in the transaction of the change they follow from, run by a worker, retried until done.

A domain declares its jobs in its `jobs.py`::

    @job("collection.run")
    def collection_run(*, batch: int) -> None: ...

    @every(1, "evidence.seal")
    def seal_once() -> None: ...

A job runs at least once: a worker killed in the middle leaves it to another worker, about ten seconds later. So a
job looks at what is already done before it does anything (idempotent). What runs `every` so many seconds runs in
one worker at a time and may be cut short anywhere.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

log = logging.getLogger(__name__)
QUEUE = "default"
ATTEMPTS = 6


@dataclass(frozen=True)
class Job:
    """What runs under a name. attempts: how often it is tried when it fails by an unforeseen error."""

    name: str
    function: Callable[..., Any]
    attempts: int


@dataclass(frozen=True)
class Loop:
    """What runs again `seconds` after it last ended."""

    name: str
    function: Callable[[], Any]
    seconds: float


JOBS: dict[str, Job] = {}
LOOPS: dict[str, Loop] = {}


def job(name: str, *, attempts: int = ATTEMPTS) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a job. Its arguments are keyword-only JSON values; a Refused ends it, any other error retries it."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        JOBS[name] = Job(name, function, attempts)
        return function

    return declare


def every(seconds: float, name: str) -> Callable[[Callable[[], Any]], Callable[[], Any]]:
    """Declare what a worker does again and again. An error is logged and it is tried again next time."""

    def declare(function: Callable[[], Any]) -> Callable[[], Any]:
        LOOPS[name] = Loop(name, function, seconds)
        return function

    return declare


def defer(
    name: str, /, *, _lock: str | None = None, _once: str | None = None, _in: float = 0, **given: Any
) -> int:
    """Ask for a job in the running transaction: it exists if and only if the transaction commits.

    _lock: jobs with the same lock run one after the other. _once: a key; while the same job with the same
    arguments waits to be run, it is not added again. _in: not before so many seconds. Returns the number of the
    job, 0 where one was waiting already.
    """
    from django.db import transaction
    from procrastinate.contrib.django import app

    with transaction.atomic():
        if _once is not None and _waits(name, _once, given):
            return 0
        return app.configure_task(
            name,
            allow_unknown=True,
            queue=QUEUE,
            lock=_lock,
            schedule_in={"seconds": _in} if _in else None,
        ).defer(**given)


def _waits(name: str, key: str, given: dict[str, Any]) -> bool:
    """Whether the same job waits already; until the transaction ends nobody else gets an answer for this key.

    Not the queue's own queueing_lock: its unique index would refuse to put back a job that failed while its
    successor waits.
    """
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", [f"gongshu.once.{name}.{key}"])
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM procrastinate_jobs"
            " WHERE status = 'todo' AND task_name = %s AND args = %s::jsonb)",
            [name, json.dumps(given)],
        )
        return bool(cursor.fetchone()[0])


def load(*extra: str) -> None:
    """Import the `jobs` module of every domain, and the extra modules."""
    from django.apps import apps

    for config in apps.get_app_configs():
        name = f"{config.name}.jobs"
        if config.name.startswith("gongshu.") and importlib.util.find_spec(name):
            importlib.import_module(name)
    for name in extra:
        importlib.import_module(name)


def requeue_stalled(silent_for: timedelta) -> int:
    """Give back the jobs of workers that have been silent for so long; return how many.

    Runs in one worker at a time (a loop), which is what makes "still doing, and its worker dead" safe to act upon.
    A job that has taken its worker down with it ATTEMPTS times is set aside as failed.
    """
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT j.id, j.attempts, j.task_name FROM procrastinate_jobs j
            LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
            WHERE j.status = 'doing' AND (w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => %s))
            ORDER BY j.id FOR UPDATE OF j SKIP LOCKED
            """,
            [silent_for.total_seconds()],
        )
        stalled = cursor.fetchall()
        for number, attempts, name in stalled:
            if attempts + 1 >= ATTEMPTS:
                log.error("job %s (%s) set aside after %s attempts", number, name, attempts + 1)
                cursor.execute("SELECT procrastinate_finish_job_v1(%s, 'failed', false)", [number])
            else:
                log.warning("job %s (%s) of a dead worker is tried again", number, name)
                cursor.execute("SELECT procrastinate_retry_job_v2(%s, now(), NULL, NULL, NULL)", [number])
        cursor.execute(
            "DELETE FROM procrastinate_workers WHERE last_heartbeat < now() - make_interval(secs => %s)",
            [silent_for.total_seconds() * 6],
        )
        return len(stalled)
