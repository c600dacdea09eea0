"""Who starts and stops the embedded server: the holder of the lock in the state directory.

`gongshu run` holds it while the platform runs. A single command finds that server and uses it; where there is
none it holds the lock itself for as long as it takes.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from . import config, database
from .errors import NotMigrated, RunnerError
from .postgres import Server


def in_use() -> bool:
    """Whether this installation keeps its data in the embedded server (no DATABASE_URL)."""
    return not os.environ.get("DATABASE_URL")


@contextmanager
def lock(wait: float = 0) -> Iterator[None]:
    """The state directory for ourselves. Raises RunnerError where another process holds it for longer than `wait`."""
    path: Path = config.home() / "lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    until = time.monotonic() + wait
    with path.open("a+") as held:
        while True:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    held.seek(0)
                    who = held.read().strip() or "?"
                    raise RunnerError(
                        f"{path.parent} 正被另一个 gongshu 进程（{who}）使用，请先停止它，或另设 GONGSHU_HOME。",
                        f"{path.parent} is in use by another gongshu process ({who}); stop it, or set GONGSHU_HOME.",
                    ) from None
                time.sleep(0.1)
        held.truncate(0)
        held.write(str(os.getpid()))
        held.flush()
        yield


@contextmanager
def serving(wait: float = 20) -> Iterator[Server]:
    """The embedded server, ours to start and to stop."""
    with lock(wait):
        server = Server(config.home())
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def reachable(*, migrated: bool = True) -> Iterator[None]:
    """The database, whoever runs it. Raises NotMigrated where it is not at this release (unless told not to look)."""
    if in_use() and not ((config.home() / "database_url").exists() and Server(config.home()).answers()):
        with serving():
            _see(migrated)
            yield
    else:
        _see(migrated)
        yield


def _see(migrated: bool) -> None:
    try:
        if not migrated or database.is_current():
            return
    except psycopg.OperationalError as error:
        raise RunnerError(f"连不上数据库：{error}", f"the database cannot be reached: {error}") from error
    raise NotMigrated(
        "数据库不是本版本的结构，请先运行 `gongshu migrate`。",
        "the database is not at this release; run `gongshu migrate` first.",
    )
