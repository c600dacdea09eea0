"""The three database roles: what each may do, and that saying it again changes nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlparse

import psycopg
import pytest
from django.db import connection

from gongshu.runner import config, database
from gongshu.runner.errors import NotMigrated
from gongshu.runner.postgres import UNSAFE, Server

pytestmark = pytest.mark.django_db(transaction=True)


def as_role(role: str) -> psycopg.Connection:
    return psycopg.connect(config.url(role), autocommit=True)


def refused(role: str, statement: str) -> bool:
    """Whether the rights of the role, and not the triggers behind them, keep the statement out."""
    with as_role(role) as session:
        try:
            session.execute(statement.encode())
        except psycopg.errors.InsufficientPrivilege as error:
            return "permission denied" in str(error)
    return False


def test_tests_run_as_the_application_role() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == ("gongshu_app", False)


@pytest.mark.parametrize(
    "verb", ["UPDATE journal_event SET type = 'x'", "DELETE FROM journal_event", "TRUNCATE journal_event"]
)
def test_the_application_cannot_change_an_event(verb: str) -> None:
    assert refused("app", verb)


@pytest.mark.parametrize(
    "verb", ["UPDATE gate.call SET status = 1", "DELETE FROM gate.call", "TRUNCATE gate.call"]
)
@pytest.mark.parametrize("role", ["app", "gateway"])
def test_nobody_who_serves_can_change_a_call_record(role: str, verb: str) -> None:
    assert refused(role, verb)


def test_the_gateway_sees_serving_tables_made_later_and_nothing_else() -> None:
    with as_role("app") as session:
        session.execute("CREATE TABLE serving.later (id int)")
    try:
        with as_role("gateway") as session:
            assert session.execute("SELECT count(*) FROM serving.later").fetchone() == (0,)
        assert refused("gateway", "DELETE FROM serving.later")
        assert refused("gateway", "SELECT * FROM org_account")
        assert refused("gateway", "SELECT * FROM journal_event")
    finally:
        with as_role("app") as session:
            session.execute("DROP TABLE serving.later")


def test_the_application_cannot_change_the_structure_or_the_migration_record() -> None:
    assert refused("app", "CREATE TABLE public.mine (id int)")
    assert refused("app", "DELETE FROM django_migrations")
    with as_role("app") as session, pytest.raises(psycopg.errors.InsufficientPrivilege):
        session.execute("ALTER TABLE journal_event DISABLE TRIGGER ALL")


def test_migrating_again_changes_nothing() -> None:
    assert database.is_current()
    database.migrate(verbosity=0)
    assert database.is_current()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        assert cursor.fetchone() == ("gongshu_app",)  # the connection is the application's again


def test_an_owner_who_may_not_create_roles_is_told_what_to_ask_for(
    pg_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(pg_server, autocommit=True) as session:
        session.execute("CREATE ROLE petty LOGIN PASSWORD 'petty-password'")
    place = urlparse(config.owner_url())
    petty = place._replace(netloc=f"petty:petty-password@127.0.0.1:{place.port}").geturl()
    monkeypatch.setitem(config.ROLES, "app", "gongshu_absent")
    try:
        with (
            psycopg.connect(petty) as session,
            pytest.raises(NotMigrated, match="CREATE ROLE gongshu_absent LOGIN"),
        ):
            database._role(session, "app", take=False)
    finally:
        with psycopg.connect(pg_server, autocommit=True) as session:
            session.execute("DROP ROLE petty")


def test_a_role_with_another_password_is_not_taken_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    place = urlparse(config.owner_url())
    monkeypatch.setenv(
        "DATABASE_APP_URL", f"postgresql://gongshu_app:other@127.0.0.1:{place.port}{place.path}"
    )
    with psycopg.connect(config.owner_url()) as session, pytest.raises(NotMigrated, match="take-roles"):
        database._role(session, "app", take=False)


@pytest.mark.slow
def test_an_owner_without_superuser_rights_can_migrate() -> None:
    home = Path(tempfile.mkdtemp(prefix="gongshu-site-"))
    home.chmod(0o711)
    server = Server(home, settings={**UNSAFE, "shared_buffers": "16MB"})
    try:
        with psycopg.connect(server.start(), autocommit=True) as session:
            session.execute("CREATE ROLE site LOGIN PASSWORD 'site-password' CREATEROLE")
            session.execute("CREATE DATABASE site OWNER site")
        port = urlparse(server.url()).port
        environment = {
            **os.environ,
            "GONGSHU_HOME": str(home / "site"),
            "DATABASE_URL": f"postgresql://site:site-password@127.0.0.1:{port}/site",
        }
        for words in (("migrate", "--quiet"), ("migrate", "--quiet"), ("check",)):
            done = subprocess.run(
                [sys.executable, "-m", "gongshu.runner.cli", *words],
                env=environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
    finally:
        server.stop()
        shutil.rmtree(server.data)
        shutil.rmtree(home)
