"""The worker: runs jobs, and what has to be done every so often. Any number of workers may run."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

from django.db import close_old_connections, connection
from django.utils import translation
from procrastinate import RetryDecision
from procrastinate.contrib.django import app as django_app
from procrastinate.contrib.django.db_cleanup import DjangoApp
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.jobs import Job as QueuedJob
from procrastinate.retry import BaseRetryStrategy

from gongshu.kernel.errors import Refused

from . import jobs

log = logging.getLogger(__name__)
HEARTBEAT = 2.0
SILENT = timedelta(seconds=8)
GRACE = 15.0


class _Retry(BaseRetryStrategy):
    """Again after 1, 2, 4 ... seconds; never after a refusal, which would be the same next time."""

    def __init__(self, attempts: int) -> None:
        self.attempts = attempts

    def get_retry_decision(self, *, exception: BaseException, job: QueuedJob) -> RetryDecision | None:
        if isinstance(exception, Refused) or job.attempts + 1 >= self.attempts:
            return None
        return RetryDecision(retry_in={"seconds": 2**job.attempts})


def _task(job: jobs.Job) -> Callable[..., Any]:
    def run(**given: Any) -> None:
        with translation.override("zh-hans"):
            job.function(**given)

    run.__name__ = job.name
    return run


def _queue() -> DjangoApp:
    """The queue as the worker sees it, on connections of its own.

    A separate object from the one `defer` uses, so that a job that asks for another job does so in its own
    transaction too.
    """
    connector = cast(DjangoConnector, django_app.connector)
    queue = DjangoApp(connector=connector.get_worker_connector())
    for job in jobs.JOBS.values():
        queue.task(name=job.name, queue=jobs.QUEUE, retry=_Retry(job.attempts))(_task(job))
    return queue


def loop_once(loop: jobs.Loop) -> bool:
    """Run a loop's function unless another worker is at it; whether it ran. Errors are logged, not raised."""
    close_old_connections()
    ran = False
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [f"gongshu.loop.{loop.name}"])
            (ran,) = cursor.fetchone()
        if ran:
            with translation.override("zh-hans"):
                loop.function()
    except Exception:
        log.exception("loop %s failed and will be tried again", loop.name)
        connection.close()  # whatever state the session is in, its lock goes with it
    else:
        if ran:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [f"gongshu.loop.{loop.name}"])
    return ran


async def _repeat(loop: jobs.Loop) -> None:
    while True:
        await asyncio.to_thread(loop_once, loop)
        await asyncio.sleep(loop.seconds)


async def _forget_finished(queue: DjangoApp) -> None:
    while True:
        await queue.job_manager.delete_old_jobs(nb_hours=72, include_cancelled=True)
        await asyncio.sleep(3600)


def _end_for_certain(seconds: float) -> None:
    """End the process after so long even where a job hangs or the database is gone; its jobs are then retried."""
    timer = threading.Timer(seconds, os._exit, [1])
    timer.daemon = True
    timer.start()


async def _run(concurrency: int) -> None:
    queue, parent = _queue(), os.getppid()
    async with queue.open_async():
        worker = asyncio.create_task(
            queue.run_worker_async(
                concurrency=concurrency,
                install_signal_handlers=False,
                update_heartbeat_interval=HEARTBEAT,
                stalled_worker_timeout=SILENT.total_seconds() * 6,
                shutdown_graceful_timeout=GRACE,
                fetch_job_polling_interval=1.0,
            )
        )
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        side = [asyncio.create_task(_repeat(loop)) for loop in jobs.LOOPS.values()]
        side.append(asyncio.create_task(_forget_finished(queue)))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([worker, stopped, *side], return_when=asyncio.FIRST_COMPLETED)
        _end_for_certain(GRACE + 5 if os.getppid() == parent else 2)
        for task in side:
            task.cancel()
        if not stopped.done():
            stopped.cancel()
        worker.cancel()  # asks it to take no more jobs and to finish those it has
        ended = await asyncio.gather(worker, *side, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error


def builtin_loops() -> None:
    """What the queue needs itself."""
    jobs.every(3, "runner.requeue")(lambda: jobs.requeue_stalled(SILENT))


def main(*, concurrency: int = 4, load: tuple[str, ...] = ()) -> None:
    """Run until SIGTERM or SIGINT; running jobs get GRACE seconds to end. Django must be set up."""
    builtin_loops()
    jobs.load(*load)
    asyncio.run(_run(concurrency))
