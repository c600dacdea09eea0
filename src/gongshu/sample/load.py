"""Loading the sample county into a sample installation: stores, units, then everything that has happened so far.

Can be interrupted anywhere and run again: each step is one transaction that ends with an event saying so, and a step
with its event is not done again.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import time
from collections.abc import Iterator

from django.conf import settings
from django.db import connection, transaction
from django.utils import translation

from gongshu.casework.clocks import clocks_lapse, clocks_remind
from gongshu.casework.models import Notice
from gongshu.journal import clock
from gongshu.journal.models import Event
from gongshu.journal.services import SYSTEM, event_append
from gongshu.kernel.errors import Refused
from gongshu.runner import config, jobs, mariadb
from gongshu.runner.errors import RunnerError, tell

from . import SEED, dealings, generate, stores, story, units
from .datasets import SOURCES

log = logging.getLogger(__name__)
DONE = "sample.step.done"
LAPSES_FROM = 30
"""Working days ago from which limits are looked at every day, so that each lapses on its own day."""


def load(seed: int = SEED) -> bool:
    """Load what is not yet loaded; whether anything was. RunnerError in an installation that is not a sample."""
    if not settings.GONGSHU_SAMPLE:
        raise RunnerError(
            "这不是示范安装（GONGSHU_SAMPLE=1），不能装入示范数据。",
            "this is not a sample installation (GONGSHU_SAMPLE=1); the sample county is not loaded into it.",
        )
    if _is_done("all"):
        return False
    jobs.load()
    begun = time.monotonic()
    with translation.override("zh-hans"), mariadb_at_hand():
        _stores(seed)
        with clock.travel(story.working_day(story.FOUNDED)):
            _once("units", lambda: units.units_load(clock.today()))
        _story()
        _mark("all")
    log.info("sample county loaded in %.1f s", time.monotonic() - begun)
    return True


@contextlib.contextmanager
def mariadb_at_hand() -> Iterator[None]:
    """The sample's MariaDB server, if `gongshu run` does not already run it; said loudly where none is installed."""
    if os.environ.get(stores.MARIADB):
        yield
        return
    if not mariadb.installed():
        left_out = "、".join(s.system for s in SOURCES.values() if s.kind == "mariadb")
        print(
            tell(
                f"注意：本机没有安装 MariaDB，示范县缺少以下系统及其目录：{left_out}。"
                "安装 mariadb-server 后换一个新的状态目录重新装入即可。",
                f"NOTE: no MariaDB server is installed; the sample county lacks these systems: {left_out}. "
                "Install mariadb-server and load into a new state directory to have them.",
            )
        )
        yield
        return
    server = mariadb.Server(config.home())
    server.start()
    os.environ[stores.MARIADB] = server.url()
    try:
        yield
    finally:
        del os.environ[stores.MARIADB]
        server.stop()


def _stores(seed: int) -> None:
    wanted = [s for s in SOURCES.values() if stores.available(s) and not _is_done(f"store {s.code}")]
    if not wanted:
        return
    root = settings.GONGSHU_FILES_ROOT
    root.mkdir(parents=True, exist_ok=True)
    with generate.world(seed) as con:
        for source in wanted:
            stores.write(con, source, root)
            _mark(f"store {source.code}")


def _story() -> None:
    """Every step on its day, the limits of each day lapsing before it begins; then today's."""
    by_day: dict[int, list[story.Step]] = {}
    for step in (*story.steps(), *dealings.steps()):
        by_day.setdefault(step.ago, []).append(step)
    done = set(Event.objects.filter(type=DONE).values_list("subject_id", flat=True))
    for ago in range(story.FOUNDED, -1, -1):
        today = [s for s in by_day.get(ago, []) if _id(s.name) not in done]
        if not today and ago > LAPSES_FROM:
            continue
        with _morning(ago):
            clocks_lapse()
            clocks_remind()
            for step in today:
                _once(step.name, step.run)
                jobs_run()


@contextlib.contextmanager
def _morning(ago: int) -> Iterator[None]:
    """Nine o'clock of that working day; today is simply now."""
    if ago:
        with clock.travel(story.working_day(ago)):
            yield
    else:
        yield


def _is_done(name: str) -> bool:
    return Event.objects.filter(type=DONE, subject_id=_id(name)).exists()


def _id(name: str) -> str:
    return name[:64]


def _mark(name: str) -> None:
    event_append(actor=SYSTEM, type=DONE, subject=("sample", _id(name), "示范数据"), body={"step": name})


def _once(name: str, run: object) -> None:
    if _is_done(name):
        return
    begun = time.monotonic()
    try:
        with transaction.atomic():
            last = Notice.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
            run()  # type: ignore[operator]
            Notice.objects.filter(pk__gt=last).update(at=clock.now())  # the database would say today
            _mark(name)
    except (Refused, LookupError) as error:
        raise RuntimeError(f"sample step {name!r}: {error}") from error
    log.info("%s: %.2f s", name, time.monotonic() - begun)


def jobs_run() -> None:
    """Run the jobs that steps have asked for, here and in the business time of the step."""
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT id, task_name, args FROM procrastinate_jobs"
                " WHERE status = 'todo' AND task_name = ANY(%s) ORDER BY id LIMIT 1",
                [list(jobs.JOBS)],
            )
            found = cursor.fetchone()
        if found is None:
            return
        number, name, args = found
        begun = time.monotonic()
        jobs.JOBS[name].function(**(json.loads(args) if isinstance(args, str) else args))
        log.info("job %s %s: %.2f s", name, args, time.monotonic() - begun)
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s AND status = 'todo'", [number])
