"""`gongshu run`: everything on one machine, started in order, watched, restarted, stopped in order."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import psycopg

from . import check, config, database, embedded, mariadb
from .errors import RunnerError, tell
from .postgres import Server, free_port
from .process import ends_with_parent

BACKOFF = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
STEADY = 30.0
"""Seconds after which a process counts as healthy again and the next restart is immediate."""
PATIENCE = 20.0
"""Seconds a process is given to end by itself."""


@dataclass
class Child:
    """A process of the platform. It leads its own process group, so that nothing of it can be left behind."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0
    failures: int = 0
    again_at: float = 0

    def start(self) -> None:
        """Start the process, its output to `<state dir>/log/<name>.log`."""
        path = config.home() / "log" / f"{self.name}.log"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environment},
                start_new_session=True,
                preexec_fn=ends_with_parent(),
            )
        self.started = time.monotonic()

    def watch(self) -> None:
        """Restart the process if it has ended, at once the first time, later when it keeps failing."""
        if self.process is None:
            if time.monotonic() >= self.again_at:
                self.start()
            return
        code = self.process.poll()
        if code is None:
            return
        self._sweep()
        self.failures = 0 if time.monotonic() - self.started > STEADY else self.failures + 1
        wait = BACKOFF[min(self.failures, len(BACKOFF) - 1)]
        say(
            f"{self.name} 意外结束（{code}），{wait:g} 秒后重启，日志 {config.home()}/log/{self.name}.log",
            f"{self.name} ended unexpectedly ({code}), again in {wait:g} s; see {config.home()}/log/{self.name}.log",
        )
        self.again_at, self.process = time.monotonic() + wait, None

    def stop(self) -> None:
        """Ask the process to end, wait, and end by force whatever remains of its group."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(PATIENCE)
        self._sweep()
        self.process.wait()
        self.process = None

    def _sweep(self) -> None:
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


def say(zh: str, en: str) -> None:
    """A line for the person at the terminal."""
    print(tell(zh, en), flush=True)


def bind_address() -> str:
    """GONGSHU_BIND, else 127.0.0.1."""
    return os.environ.get("GONGSHU_BIND", "127.0.0.1")


def choose_port(name: str, wanted: int, bind: str) -> int:
    """The port named in the environment, or the wanted one, or on the loopback address the next free one."""
    given = os.environ.get(name)
    port = int(given or wanted)
    if _is_free(bind, port):
        return port
    if given or not check.is_loopback(bind):
        raise RunnerError(
            f"{bind}:{port} 已被其他程序占用，请用 {name} 另选端口",
            f"{bind}:{port} is taken by another program; choose another port in {name}",
        )
    return next((p for p in range(port + 10, port + 200, 10) if _is_free(bind, p)), 0) or free_port()


def _is_free(bind: str, port: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in bind else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((bind, port))
        except OSError:
            return False
    return True


def children(bind: str, console: int, gateway: int) -> list[Child]:
    """The processes of the platform, in the order they start."""
    shared = {
        "DJANGO_SETTINGS_MODULE": "gongshu.settings",
        "GONGSHU_GATEWAY_URL": os.environ.get("GONGSHU_GATEWAY_URL", f"http://{bind}:{gateway}"),
    }
    threads = os.environ.get("GONGSHU_CONSOLE_THREADS", "8")
    workers = os.environ.get("GONGSHU_CONSOLE_WORKERS", "1")
    web = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", bind, "--port", str(console)]
    web += ["--blocking-threads", threads, "--workers", workers, "--workers-kill-timeout", "10", "--no-ws"]
    web += ["--respawn-failed-workers", "--respawn-interval", "0.5", "--log-level", "warning"]
    web += ["gongshu.wsgi:application"]
    work = [sys.executable, "-m", "gongshu.runner.cli", "worker"]
    door = {
        "GONGSHU_GATEWAY_DSN": config.url("gateway"),
        "GONGSHU_MASTER_KEY": config.master_key().hex(),
        "GONGSHU_GATEWAY_HOST": bind,
        "GONGSHU_GATEWAY_PORT": str(gateway),
    }
    return [
        Child("worker", work, shared),
        Child("gateway", [sys.executable, "-m", "gongshu.gateway"], door),
        Child("console", web, shared),
    ]


def command(*words: str) -> None:
    """Run a `gongshu` command to its end; a failure ends the start."""
    done = subprocess.run([sys.executable, "-m", "gongshu.runner.cli", *words], check=False)
    if done.returncode:
        line = " ".join(words)
        raise RunnerError(f"`gongshu {line}` 没有成功，启动中止", f"`gongshu {line}` failed, start given up")


def prepare() -> None:
    """Bring the database to this release, and load the sample county into a sample installation."""
    try:
        current = database.is_current()
    except psycopg.OperationalError as error:
        raise RunnerError(f"连不上数据库：{error}", f"the database cannot be reached: {error}") from error
    check.refuse_sample_accounts()
    if not current:
        say("正在建立数据库结构……", "migrating the database ...")
        command("migrate", "--quiet")
    if check.is_sample() and not check.holds_sample(loaded=True):
        say("正在装入示范县数据……", "loading the sample county ...")
        check.mark_sample(loaded=False)
        command("sample", "load")
        check.mark_sample(loaded=True)


@contextlib.contextmanager
def sample_mariadb() -> Iterator[None]:
    """The sample county's MariaDB source, where a server is installed; its address in GONGSHU_SAMPLE_MARIADB."""
    if not (check.is_sample() and mariadb.installed()):
        yield
        return
    server = mariadb.Server(config.home())
    server.start(wait=False)
    os.environ["GONGSHU_SAMPLE_MARIADB"] = server.url()
    try:
        yield
    finally:
        server.stop()


def answers(url: str) -> bool:
    """Whether an HTTP server answers there, whatever it says."""
    try:
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own http address
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def await_ready(
    watched: list[Child], urls: list[str], stopping: Callable[[], bool], timeout: float = 90
) -> None:
    """Wait until every address answers; RunnerError naming the logs where one does not."""
    until = time.monotonic() + timeout
    for url in urls:
        while not answers(url) and not stopping():
            for child in watched:
                child.watch()
            if time.monotonic() > until:
                logs: Path = config.home() / "log"
                raise RunnerError(
                    f"{url} 没有应答，请看 {logs} 中的日志", f"{url} does not answer; see {logs}"
                )
            time.sleep(0.1)


def run() -> int:
    """Start everything, watch it until SIGINT or SIGTERM, stop it."""
    begun = time.monotonic()
    asked: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        asked.append(number)

    bind = bind_address()
    check.refuse_unsafe(bind)
    wait = float(os.environ.get("GONGSHU_LOCK_WAIT", "20"))
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(embedded.serving(wait)) if embedded.in_use() else None
        stack.enter_context(contextlib.nullcontext() if server else embedded.lock(wait))
        stack.enter_context(sample_mariadb())
        prepare()
        console = choose_port("GONGSHU_CONSOLE_PORT", 8000, bind)
        gateway = choose_port("GONGSHU_GATEWAY_PORT", 8001, bind)
        watched = children(bind, console, gateway)
        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            for child in watched:
                child.start()
            place = f"[{bind}]" if ":" in bind else bind
            urls = [f"http://{place}:{console}/", f"http://{place}:{gateway}/"]
            await_ready(watched, urls, lambda: bool(asked))
            if not asked:
                _welcome(urls, time.monotonic() - begun)
            _watch(watched, server, asked)
        finally:
            say("正在停止……", "stopping ...")
            for child in reversed(watched):  # callers first, then what serves them
                child.stop()
            for number, handler in before.items():
                signal.signal(number, handler)
    say("已停止。", "stopped.")
    return 0


def _watch(watched: list[Child], server: Server | None, asked: list[int]) -> None:
    while not asked:
        for child in watched:
            child.watch()
        if server and server.pid() is None:
            say("内置数据库意外结束，正在重启", "the embedded database ended unexpectedly; starting it again")
            server.start()
        time.sleep(0.2)


def _welcome(urls: list[str], seconds: float) -> None:
    pack = os.environ.get("GONGSHU_PACK", "pujiang")
    say(
        f"\n公数已就绪（规则包 {pack}，{seconds:.1f} 秒）",
        f"\nGongshu is ready (policy pack {pack}, {seconds:.1f} s)",
    )
    say(f"  控制台    {urls[0]}", f"  console   {urls[0]}")
    say(f"  接口      {urls[0]}api/v1/openapi.json", f"  API       {urls[0]}api/v1/openapi.json")
    say(f"  共享网关  {urls[1]}", f"  gateway   {urls[1]}")
    say(f"  日志      {config.home()}/log", f"  logs      {config.home()}/log")
    if check.is_sample():
        with contextlib.suppress(RunnerError):
            command("sample", "accounts")
    say("按 Ctrl-C 停止。", "Press Ctrl-C to stop.")
