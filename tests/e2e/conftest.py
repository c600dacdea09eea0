"""A console in its own process over its own database, a real Chromium, and what every page has to keep to.

`console` is its address. `visit` opens pages, `login` signs a person in through the sign-in page, `axe_clean` asserts
that axe finds nothing, and no request of any page may leave this machine. Pictures of pages go to GONGSHU_LOOK,
where that is set.
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import psycopg
import pytest

ROOT = Path(__file__).parent.parent.parent
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WIDE, NARROW = (1440, 1000), (390, 844)
SEED = "import django; django.setup(); from tests.console.world import town; town(many={many})"


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Console:
    """A running console. `url` is its address, `sql` runs a statement as the owner of its database."""

    def __init__(self, database: str, env: dict[str, str]) -> None:
        self.database, self.env = database, env
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def python(self, code: str) -> None:
        """Run code over this console's database."""
        subprocess.run([sys.executable, "-c", code], env=self.env, cwd=ROOT, check=True)

    def start(self) -> None:
        """Start serving and wait until it answers."""
        command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--workers", "1", "--blocking-threads", "4", "--no-ws"]
        self.process = subprocess.Popen([*command, "tests.e2e.server:application"], env=self.env, cwd=ROOT)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            if self.process.poll() is not None:
                raise RuntimeError("the console did not start")
            time.sleep(0.1)
        raise RuntimeError("the console does not answer")

    def stop(self) -> None:
        """Stop serving."""
        if self.process:
            self.process.terminate()
            self.process.wait(20)

    def sql(self, statement: str, *given: Any) -> list[tuple[Any, ...]]:
        """Run a statement as the owner."""
        with psycopg.connect(self.database, autocommit=True) as connection:
            done = connection.execute(statement.encode(), given)
            return done.fetchall() if done.description else []


@pytest.fixture(scope="session")
def console(pg_server: str) -> Iterator[Console]:
    """A console with the town of tests/console/world.py in it."""
    yield from serve(pg_server, many=0)


@pytest.fixture(scope="session")
def busy_console(pg_server: str) -> Iterator[Console]:
    """A console with some thousand cases more."""
    yield from serve(pg_server, many=int(os.environ.get("GONGSHU_LOOK_MANY", "300")))


def serve(pg_server: str, many: int) -> Iterator[Console]:
    """Make a database, fill it, serve it; afterwards leave nothing."""
    name = f"gongshu_e2e_{secrets.token_hex(4)}"
    with psycopg.connect(pg_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    url = urlparse(pg_server)._replace(path=f"/{name}").geturl()
    env = {
        **os.environ,
        "DATABASE_URL": url,
        "GONGSHU_SAMPLE": "1",
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    running = Console(url, env)
    try:
        running.python(
            "import django; django.setup(); from gongshu.runner import database;"
            " database.migrate(take_roles=True, verbosity=0)"
        )
        running.python(SEED.format(many=many))
        running.start()
        yield running
    finally:
        running.stop()
        with psycopg.connect(pg_server, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Any]:
    """A real Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield running
        running.close()


class Recorder:
    """Every request of a browser context; those that leave the machine are stopped and remembered."""

    def __init__(self, context: Any) -> None:
        self.outside: list[str] = []
        self.errors: list[str] = []
        context.route("**/*", self._route)
        context.on("page", lambda page: (page.on("console", self._said), page.on("pageerror", self._broke)))

    def _route(self, route: Any) -> None:
        url = route.request.url
        if url.startswith(("http://127.0.0.1:", "data:", "blob:", "about:")):
            route.continue_()
        else:
            self.outside.append(url)
            route.abort()

    def _said(self, message: Any) -> None:
        if message.type == "error" and "the server responded with a status of 4" not in message.text:
            self.errors.append(message.text)

    def _broke(self, error: Any) -> None:
        self.errors.append(str(error))


@pytest.fixture
def open_context(browser: Any) -> Iterator[Callable[..., Any]]:
    """Make a browser context: (size, lang, scripts, state) -> context. At the end: nothing left the machine, and no page
    complained (a violated content security policy is such a complaint)."""
    made: list[tuple[Any, Recorder]] = []

    def make(size: tuple[int, int] = WIDE, lang: str = "", scripts: bool = True, state: Any = None) -> Any:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=scripts,
            storage_state=state,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            accept_downloads=True,
        )
        if lang:
            context.add_cookies([{"name": "django_language", "value": lang, "url": "http://127.0.0.1"}])
        context.set_default_timeout(15_000)
        made.append((context, Recorder(context)))
        return context

    yield make
    recorders = [recorder for _context, recorder in made]
    for context, _recorder in made:
        context.close()
    assert [r.outside for r in recorders if r.outside] == [], "a request left the machine"
    assert [r.errors for r in recorders if r.errors] == [], "a page complained in the browser"


_states: dict[tuple[str, str], Any] = {}


def login(page: Any, account: str, base: str | None = None) -> None:
    """Sign a sample account in through the pages, as a person would: fill in the sample's hints, then the code."""
    base = base or f"http://{urlparse(page.url).netloc}"
    page.goto(f"{base}/accounts/login/")
    page.locator("#id_login").fill(account)
    page.locator("#id_password").fill("Gongshu#2026")
    page.locator("form[action='/accounts/login/'] button.btn-primary").click()
    page.wait_for_url(re.compile(rf"^{re.escape(base)}/(accounts/2fa/authenticate/.*)?$"))
    for _attempt in range(2):  # a code may run out between being shown and being sent
        if "/2fa/authenticate" in page.url:
            page.goto(page.url)
            page.locator(".gs-sample [data-fill]").click()
            with page.expect_navigation():
                page.locator("form[action='/accounts/2fa/authenticate/'] button.btn-primary").click()
    page.wait_for_url(f"{base}/")


@pytest.fixture
def signed_in(console: Console, open_context: Callable[..., Any]) -> Callable[..., Any]:
    """A page of a signed-in person: (account, size=, lang=, scripts=, at=) -> page. A one-time code opens the door once
    only, so each account signs in once and its session is used again."""

    def enter(account: str, at: Console | None = None, **given: Any) -> Any:
        served = at or console
        key = (served.url, account)
        if key not in _states:
            first = open_context().new_page()
            login(first, account, served.url)
            _states[key] = first.context.storage_state()
            first.context.close()
        page = open_context(state=_states[key], **given).new_page()
        page.base = served.url
        return page

    return enter


def axe_clean(page: Any) -> None:
    """Assert that axe finds nothing wrong (WCAG 2 A and AA, and its best practices)."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(
        page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]}
    )
    told = [
        f"{v['id']}: {n['target']} {n['failureSummary']}"
        for v in found.response["violations"]
        for n in v["nodes"]
    ]
    assert not told, f"{page.url}\n" + "\n".join(told)


def look(page: Any, name: str) -> None:
    """Keep a picture of the page (of a very long one its beginning), where somebody wants to look."""
    if folder := os.environ.get("GONGSHU_LOOK"):
        size = page.viewport_size
        height = min(page.evaluate("document.documentElement.scrollHeight"), 2400)
        page.set_viewport_size({"width": size["width"], "height": max(height, size["height"])})
        page.screenshot(path=str(Path(folder) / f"{name}.png"))
        page.set_viewport_size(size)
