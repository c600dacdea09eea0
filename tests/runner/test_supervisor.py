"""`gongshu run`: everything comes up, what dies comes back, nothing is left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from gongshu.runner.postgres import Server, free_port

pytestmark = pytest.mark.slow
PARTS = {
    "worker": "gongshu.runner.cli worker",
    "gateway": "gongshu.gateway",
    "console": "gongshu.wsgi:application",
}


class Installation:
    """A platform of its own: state directory, ports, and the process that runs it."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(prefix="gongshu-run-"))
        self.home.chmod(0o711)
        self.console, self.gateway = free_port(), free_port()
        self.process: subprocess.Popen[str] | None = None

    def start(self, **extra: str) -> subprocess.Popen[str]:
        dropped = ("DATABASE_URL", "GONGSHU_SAMPLE", "GONGSHU_TEST_RUN", "DJANGO_SETTINGS_MODULE")
        environment = {k: v for k, v in os.environ.items() if k not in dropped}
        environment |= {
            "GONGSHU_HOME": str(self.home),
            "GONGSHU_LANG": "en",
            "GONGSHU_CONSOLE_PORT": str(self.console),
            "GONGSHU_GATEWAY_PORT": str(self.gateway),
            **extra,
        }
        command = [sys.executable, "-m", "gongshu.runner.cli", "run"]
        return subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def up(self) -> float:
        """Start, wait until it says that it is ready; return the seconds that took."""
        begun = time.monotonic()
        self.process = self.start()
        assert self.process.stdout
        said = ""
        for line in self.process.stdout:
            said += line
            if "Press Ctrl-C" in line:
                return time.monotonic() - begun
        raise AssertionError(said)

    def processes(self) -> list[psutil.Process]:
        """Every process of this installation, its database included."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("GONGSHU_HOME") == str(self.home)
                if (mine or str(self.home) in " ".join(process.cmdline())) and process.is_running():
                    found.append(process)
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
        return [p for p in found if p.pid != os.getpid() and p.status() != psutil.STATUS_ZOMBIE]

    def part(self, name: str) -> psutil.Process | None:
        """The leading process of a part: the supervisor's own child."""
        assert self.process
        for child in psutil.Process(self.process.pid).children():
            with contextlib.suppress(psutil.NoSuchProcess):  # ended just now
                if PARTS[name] in " ".join(child.cmdline()):
                    return child
        return None

    def answers(self, port: int) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


def patience() -> float:
    """Ten seconds, on a machine that has nothing else to do; in proportion on one that has."""
    return 10 * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def until(condition: Callable[[], Any], seconds: float = 60) -> Any:
    limit = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < limit, f"waited {seconds} s; the last answer: {found}"
        time.sleep(0.1)
    return found


@pytest.fixture(scope="module")
def installation() -> Iterator[Installation]:
    installation = Installation()
    yield installation
    for process in installation.processes():
        process.kill()
    server = Server(installation.home)
    server.stop()
    shutil.rmtree(server.data)
    shutil.rmtree(installation.home)


def test_it_comes_up_stops_on_interrupt_and_leaves_nothing(installation: Installation) -> None:
    installation.up()
    process = installation.process
    assert process
    assert installation.answers(installation.console)
    assert installation.answers(installation.gateway)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 0
    assert installation.processes() == []


def test_the_second_start_takes_less_than_ten_seconds(installation: Installation) -> None:
    assert installation.up() < patience()


@pytest.mark.parametrize("name", list(PARTS))
def test_a_killed_part_comes_back(installation: Installation, name: str) -> None:
    before = until(lambda: installation.part(name))
    below = before.children(recursive=True)
    before.kill()
    after = until(lambda: (p := installation.part(name)) and p.pid != before.pid and p)
    assert after.is_running()
    until(lambda: not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in below))
    port = {"gateway": installation.gateway, "console": installation.console}.get(name)
    if port:
        until(lambda: installation.answers(port))


def test_a_killed_database_comes_back_and_the_console_with_it(installation: Installation) -> None:
    server = Server(installation.home)
    pid = server.pid()
    assert pid
    os.kill(pid, signal.SIGKILL)
    until(lambda: server.pid() not in (None, pid) and server.answers())
    until(lambda: installation.part("worker"))
    until(lambda: installation.answers(installation.console))


def test_a_second_start_of_the_same_installation_is_refused(installation: Installation) -> None:
    second = installation.start(GONGSHU_LOCK_WAIT="1")
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "in use by another gongshu process" in said
    assert installation.process
    assert installation.process.poll() is None


def test_when_the_supervisor_is_killed_everything_ends_and_the_next_start_works(
    installation: Installation,
) -> None:
    process = installation.process
    assert process
    process.kill()
    process.wait()
    until(lambda: not installation.processes())
    assert installation.up() < patience()
    assert installation.process
    installation.process.send_signal(signal.SIGTERM)
    assert installation.process.wait(30) == 0
    assert installation.processes() == []


def test_a_sample_installation_does_not_listen_to_the_world(installation: Installation) -> None:
    process = installation.start(GONGSHU_SAMPLE="1", GONGSHU_BIND="0.0.0.0")
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "loopback" in said


def test_a_busy_port_that_was_asked_for_is_named(installation: Installation) -> None:
    import socket

    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", installation.console))
        taken.listen()
        process = installation.start()
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"{installation.console} is taken" in said
    assert installation.processes() == []
