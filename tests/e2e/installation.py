"""A whole installation in its own directory: embedded database, console, worker and gateway, as `gongshu run` starts them.

It has the sample county's units and people, and none of its data.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from .conftest import free_port

ROOT = Path(__file__).parent.parent.parent
PEOPLE = """
import django; django.setup()
from django.db import transaction
from gongshu.journal import clock
from gongshu.runner import check
from gongshu.sample.units import units_load
check.mark_sample(loaded=False)
with transaction.atomic():
    units_load(clock.today())
check.mark_sample(loaded=True)
"""


class Installation:
    """An installation under a pack. `api(account)` is that person's way into the REST API."""

    def __init__(self, home: Path, pack: str, console: int, gateway: int) -> None:
        self.home, self.pack = home, pack
        self.console, self.gateway = f"http://127.0.0.1:{console}", f"http://127.0.0.1:{gateway}"
        self.env = {
            **os.environ,
            "GONGSHU_HOME": str(home),
            "GONGSHU_PACK": pack,
            "GONGSHU_SAMPLE": "1",
            "GONGSHU_CONSOLE_PORT": str(console),
            "GONGSHU_GATEWAY_PORT": str(gateway),
            "DJANGO_SETTINGS_MODULE": "gongshu.settings",
            "PYTHONPATH": str(ROOT / "src"),
            "PATH": os.environ["PATH"].replace(
                "/usr/sbin", ""
            ),  # no MariaDB of the sample: it is not needed here
        }
        for name in ("DATABASE_URL", "DATABASE_APP_URL", "DATABASE_GATEWAY_URL", "GONGSHU_TODAY"):
            self.env.pop(name, None)
        self.process: subprocess.Popen[str] | None = None
        self.tokens: dict[str, str] = {}

    def prepare(self) -> None:
        """Migrate, and make units and people."""
        self.command("migrate", "--quiet")
        keeper = (
            "from gongshu.runner.embedded import reachable\n"
            "from gongshu.runner.cli import django_ready\n"
            "with reachable():\n django_ready()\n exec(" + repr(PEOPLE) + ")"
        )
        subprocess.run([sys.executable, "-c", keeper], env=self.env, cwd=ROOT, check=True)

    def start(self) -> None:
        """Start everything and wait until console and gateway answer."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "gongshu.runner.cli", "run"],
            env=self.env,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout
        said = []
        for line in self.process.stdout:
            said.append(line)
            if "Ctrl-C" in line:
                return
        raise RuntimeError("the installation did not start:\n" + "".join(said))

    def stop(self) -> None:
        """Ctrl-C, and see that it ends."""
        if self.process:
            self.process.send_signal(signal.SIGINT)
            self.process.communicate(timeout=60)
            self.process = None
            for log in sorted((self.home / "log").glob("*.log")):  # shown where the test fails
                print(f"--- {log.name}", *log.read_text(errors="replace").splitlines()[-40:], sep="\n")

    def command(
        self, *words: str, code: int = 0, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a `gongshu` command and return what it said."""
        done = subprocess.run(
            [sys.executable, "-m", "gongshu.runner.cli", *words],
            env={**self.env, **(env or {})},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def kill(self, name: str) -> bool:
        """kill -9 the whole process group of worker, gateway or console; False if it is not running just then."""
        wanted = {
            "worker": r"runner\.cli worker",
            "gateway": r"gongshu\.gateway",
            "console": r"granian.*wsgi",
        }[name]
        listed = subprocess.run(
            ["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True
        ).stdout
        assert self.process
        for line in listed.splitlines():
            found = re.match(rf"\s*(\d+)\s+{self.process.pid}\s+.*{wanted}", line)
            if found:
                try:
                    os.killpg(int(found[1]), signal.SIGKILL)
                except ProcessLookupError:
                    return False
                return True
        return False

    def api(self, account: str) -> httpx.Client:
        """The REST API as that person, by a token of theirs."""
        if account not in self.tokens:
            issued = self.command(
                "org", "token_issue", "--as", account, "--account", account, "--name", "e2e", "--json"
            )
            self.tokens[account] = json.loads(issued.stdout)["token"]
        return httpx.Client(
            base_url=self.console + "/api/v1",
            headers={"Authorization": f"Bearer {self.tokens[account]}"},
            timeout=60,
        )


def installed(pack: str) -> Iterator[Installation]:
    """A running installation in a directory of its own, which is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="gongshu-e2e-"))
    home.chmod(0o711)  # the account PostgreSQL runs under when we are root has to reach its data
    place = Installation(home, pack, free_port(), free_port())
    try:
        place.prepare()
        place.start()
        yield place
    finally:
        place.stop()
        shutil.rmtree(home, ignore_errors=True)


def until(check: Any, timeout: float = 60, every: float = 0.2) -> Any:
    """Ask again until the answer is true; returns it. AssertionError after the timeout."""
    deadline = time.monotonic() + timeout
    while True:
        answer = check()
        if answer:
            return answer
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(every)
