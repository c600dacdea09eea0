"""Real servers for the tests: a private PostgreSQL, a private MariaDB where one is installed, Chromium.

Nothing is started before a test asks for it. The database is migrated as the owner, and tests then run as the
application's role, so that a missing privilege fails here and not at a customer. TEST_DATABASE_URL points the
tests at another server (its user must be a superuser; a fresh database is made and dropped there).
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import hypothesis
import psycopg
import pytest

pytest_plugins = ("tests.plugins.clause_plugin",)
HOME = Path(os.environ["GONGSHU_HOME"])

# A busy machine is no defect of the code.
hypothesis.settings.register_profile("gongshu", deadline=None)
hypothesis.settings.load_profile("gongshu")

_missing: list[str] = []


def missing(what: str) -> None:
    """End the test: skipped, and said loudly at the end; in CI a failure."""
    _missing.append(what)
    if os.environ.get("CI"):
        pytest.fail(f"{what}: CI must have it", pytrace=False)
    pytest.skip(what)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say loudly what was not tested."""
    for what in sorted(set(_missing)):
        terminalreporter.write_line(f"NOT TESTED: {what}", red=True, bold=True)


@pytest.fixture(scope="session", autouse=True)
def _messages() -> None:
    from gongshu.runner.messages import compile_all

    compile_all()


@pytest.fixture(autouse=True)
def _in_chinese() -> Iterator[None]:
    """Each test begins in the interface's own language, whatever language the one before it has asked for."""
    from django.utils import translation

    with translation.override("zh-hans"):
        yield


@pytest.fixture(scope="session")
def pg_server() -> Iterator[str]:
    """Address of the owner (a superuser) on a private PostgreSQL server."""
    from gongshu.runner.postgres import UNSAFE, Server

    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    server = Server(HOME, settings={**UNSAFE, "shared_buffers": "128MB"})
    yield server.start()
    server.stop()
    shutil.rmtree(server.data, ignore_errors=True)


def _scratch(server: str) -> Iterator[str]:
    name = f"scratch_{secrets.token_hex(6)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        yield urlparse(server)._replace(path=f"/{name}").geturl()
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def pg_dsn(pg_server: str) -> Iterator[str]:
    """A fresh, empty PostgreSQL database, as its owner."""
    yield from _scratch(pg_server)


@pytest.fixture(scope="module")
def pg_dsn_module(pg_server: str) -> Iterator[str]:
    """A fresh, empty PostgreSQL database shared by the tests of one module."""
    yield from _scratch(pg_server)


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[Any]:
    """A private MariaDB server (gongshu.runner.mariadb.Server)."""
    from gongshu.runner import mariadb

    if not mariadb.installed():
        missing("no MariaDB server is installed (Debian: mariadb-server)")
    server = mariadb.Server(HOME)
    server.start()
    yield server
    server.stop()


def _mariadb_scratch(server: Any) -> Iterator[str]:
    name = f"scratch_{secrets.token_hex(6)}"
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
        yield server.url(name)
        cursor.execute(f"DROP DATABASE {name}")


@pytest.fixture
def mariadb_dsn(mariadb_server: Any) -> Iterator[str]:
    """A fresh, empty MariaDB database: mysql://user:password@127.0.0.1:port/name."""
    yield from _mariadb_scratch(mariadb_server)


@pytest.fixture(scope="module")
def mariadb_dsn_module(mariadb_server: Any) -> Iterator[str]:
    """A fresh, empty MariaDB database shared by the tests of one module."""
    yield from _mariadb_scratch(mariadb_server)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of a Chromium; the flags a test needs are those of `tests/e2e`."""
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return found
    missing("no Chromium is installed (make browsers)")
    raise AssertionError


@pytest.fixture(scope="session")
def django_db_setup(pg_server: str, django_db_blocker: Any) -> Iterator[None]:
    """The migrated database, reached as the application's role."""
    from django.conf import settings
    from django.db import connections

    from gongshu.runner import config, database

    name = f"gongshu_test_{secrets.token_hex(4)}"
    with psycopg.connect(pg_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
    os.environ["DATABASE_URL"] = urlparse(pg_server)._replace(path=f"/{name}").geturl()
    with django_db_blocker.unblock():
        entry = {**settings.DATABASES["default"], **config.database("app")}
        settings.DATABASES["default"].update(entry)
        connections["default"].settings_dict.update(entry)
        database.migrate(take_roles=True, verbosity=0)
        _flush_as_owner()
    yield
    with django_db_blocker.unblock():
        connections.close_all()
    with psycopg.connect(pg_server, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _flush_as_owner() -> None:
    """After a test with real transactions the tables are emptied by the owner: the application's role cannot."""
    from django.db import connection

    from gongshu.runner import config

    def flush(statements: list[str]) -> None:
        with psycopg.connect(config.owner_url()) as owner:
            owner.execute(
                "SET session_replication_role = replica"
            )  # the triggers that keep events do not fire
            for statement in statements:
                owner.execute(statement.encode())
            others = owner.execute(
                "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
                " WHERE schemaname = 'gate' OR schemaname = 'public' AND tablename LIKE 'procrastinate\\_%'"
            ).fetchall()
            if others:
                owner.execute(
                    f"TRUNCATE {', '.join(name for (name,) in others)} RESTART IDENTITY CASCADE".encode()
                )

    connection.ops.execute_sql_flush = flush  # type: ignore[method-assign]
