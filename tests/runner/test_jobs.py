"""The queue: a job exists if and only if its transaction commits, and is done whatever happens to the worker."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction

from gongshu.runner import jobs

pytestmark = pytest.mark.django_db(transaction=True)
Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def trace() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE serving.job_trace (id bigserial, text text, once boolean, at timestamptz DEFAULT now())"
        )
        cursor.execute("CREATE UNIQUE INDEX job_trace_once ON serving.job_trace (text) WHERE once")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE serving.job_trace")


@pytest.fixture
def worker(trace: None) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "gongshu.runner.cli",
            "worker",
            "--load",
            "tests.runner.jobs_for_tests",
        ]
        process = subprocess.Popen(command)
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    for process in started:
        assert process.wait(30) in (0, -signal.SIGKILL)


def told(pattern: str) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT text FROM serving.job_trace WHERE text LIKE %s ORDER BY id", [pattern])
        return [text for (text,) in cursor.fetchall()]


def states() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, status::text FROM procrastinate_jobs ORDER BY id")
        return dict(cursor.fetchall())


def until(condition: Callable[[], Any], seconds: float = 30) -> Any:
    limit = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < limit, f"waited {seconds} s for {condition}"
        time.sleep(0.05)
    return found


def test_a_job_goes_with_its_transaction() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        jobs.defer("test.any", n=1)
        raise ZeroDivisionError
    assert states() == {}
    with transaction.atomic():
        assert jobs.defer("test.any", n=1) > 0
    assert states() == {"test.any": "todo"}


def test_a_job_asked_for_once_waits_once() -> None:
    assert jobs.defer("test.any", _once="k", n=1) > 0
    assert jobs.defer("test.any", _once="k", n=1) == 0
    assert jobs.defer("test.any", _once="k", n=2) > 0


def test_a_killed_workers_job_is_done_by_the_next_with_one_effect(worker: Start) -> None:
    first = worker()
    jobs.defer("test.slow_once", key="a", seconds=2)
    until(lambda: told("begun a %"))
    first.kill()
    first.wait()
    assert told("effect %") == []
    worker()
    began = time.monotonic()
    until(lambda: told("effect a"), 25)
    assert time.monotonic() - began < 18
    assert len(told("begun a %")) == 2
    until(lambda: states()["test.slow_once"] == "succeeded")
    assert told("effect %") == ["effect a"]


def test_refusals_end_a_job_and_errors_try_again(worker: Start) -> None:
    worker()
    for name in ("test.refused", "test.fails_once", "test.asks_and_fails"):
        jobs.defer(name)
    until(lambda: set(states().values()) <= {"failed", "succeeded"})
    assert states() == {
        "test.refused": "failed",
        "test.fails_once": "succeeded",
        "test.asks_and_fails": "failed",
    }
    assert told("refused was tried") == ["refused was tried"]
    assert told("the second time") == ["the second time"]


def test_a_loop_runs_in_one_worker_at_a_time(worker: Start) -> None:
    worker(), worker()
    until(lambda: len(told("loop %")) > 16)
    lines = told("loop %")[:16]
    assert lines == ["loop in", "loop out"] * 8


def test_a_worker_ends_when_asked_and_finishes_what_it_has(worker: Start) -> None:
    process = worker()
    jobs.defer("test.slow_once", key="b", seconds=1)
    until(lambda: told("begun b %"))
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    assert told("effect b") == ["effect b"]
    assert states() == {"test.slow_once": "succeeded"}


def test_jobs_with_the_same_lock_run_one_after_the_other(worker: Start) -> None:
    worker()
    for key in ("c", "d", "e"):
        jobs.defer("test.slow_once", _lock="one at a time", key=key, seconds=0.3)
    until(lambda: len(told("effect %")) == 3)
    order = [line.split()[:2] for line in told("%") if line.startswith(("begun", "effect"))]
    assert order == [[what, key] for key in ("c", "d", "e") for what in ("begun", "effect")]
