"""Bringing a database to this release: roles, schemas, tables, and who may do what to them.

Three roles share the work. The owner (DATABASE_URL) changes the structure. `gongshu_app` runs console and worker
and can neither change nor delete an event, a ledger row or a call record. `gongshu_gateway` reads what grants
have compiled and adds call records.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

import psycopg
from psycopg import sql

from . import config
from .errors import NotMigrated

PACKAGE = Path(__file__).resolve().parent.parent
# Migrations of these come with the packages, so their versions belong to the fingerprint.
OTHERS = ("django", "django-allauth", "django-axes", "procrastinate")
RELEASE = """
    CREATE TABLE IF NOT EXISTS public.gongshu_release (
        fingerprint text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now())
"""


def fingerprint() -> str:
    """A digest of everything that shapes the database: migrations, SQL files, versions of foreign apps."""
    total = hashlib.sha256()
    files = [*PACKAGE.glob("*/migrations/*.py"), *PACKAGE.glob("**/*.sql"), Path(__file__)]
    for path in sorted(files):
        total.update(f"{path.relative_to(PACKAGE)}\0".encode() + path.read_bytes())
    for name in OTHERS:
        total.update(f"{name}={importlib.metadata.version(name)}\0".encode())
    return total.hexdigest()


def is_current(url: str | None = None) -> bool:
    """Whether the database is at this release. Raises psycopg.OperationalError where it cannot be reached."""
    with psycopg.connect(url or config.owner_url(), connect_timeout=10) as connection:
        if connection.execute("SELECT to_regclass('public.gongshu_release')").fetchone() == (None,):
            return False
        last = connection.execute(
            "SELECT fingerprint FROM gongshu_release ORDER BY at DESC LIMIT 1"
        ).fetchone()
    return last == (fingerprint(),)


@contextmanager
def as_owner() -> Iterator[None]:
    """Django's connection as the owner, for the length of the block."""
    from django.db import connections

    connection = connections["default"]
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(config.database("owner"))
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.clear()
        connection.settings_dict.update(before)


def migrate(*, take_roles: bool = False, verbosity: int = 1) -> None:
    """Bring the database to this release; doing it again changes nothing.

    take_roles: give existing application roles this installation's passwords (another installation on the same
    server that uses the same roles loses its access). Django must be set up. Raises NotMigrated.
    """
    from django.core.management import call_command

    with psycopg.connect(config.owner_url(), autocommit=True, connect_timeout=10) as connection:
        # Two starts at once: the second waits here and then finds nothing to do.
        connection.execute("SELECT pg_advisory_lock(hashtext('gongshu.migrate'))")
        for role in config.ROLES:
            _role(connection, role, take=take_roles)
        _schemas(connection)
        with as_owner():
            call_command("migrate", interactive=False, verbosity=verbosity)
        with connection.transaction():
            _gateway_schema(connection)
            _grants(connection)
            connection.execute(RELEASE)
            connection.execute(
                "INSERT INTO gongshu_release (fingerprint) VALUES (%s)"
                " ON CONFLICT (fingerprint) DO UPDATE SET at = now()",
                [fingerprint()],
            )


def role_name(role: str) -> str:
    """The database role of an application role. An address given for it must be of this role."""
    given = unquote(urlparse(config.url(role)).username or "")
    if given != config.ROLES[role]:
        name = f"DATABASE_{role.upper()}_URL"
        raise NotMigrated(
            f"{name} 须以 {config.ROLES[role]} 登录，而不是 {given}",
            f"{name} must log in as {config.ROLES[role]}, not as {given}",
        )
    return config.ROLES[role]


def _role(connection: psycopg.Connection[Any], role: str, *, take: bool) -> None:
    """Make the login role, or see that ours can log in."""
    name = role_name(role)
    password = unquote(urlparse(config.url(role)).password or "")
    verb = "ALTER"
    if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone() is None:
        verb = "CREATE"
    elif _can_log_in(role):
        return
    elif not take:
        raise NotMigrated(
            f"服务器上已有角色 {name}，口令不同。请用 DATABASE_{role.upper()}_URL 给出它的地址，"
            "或运行 `gongshu migrate --take-roles` 改用本套安装的口令（共用该角色的其他安装将连不上）。",
            f"the role {name} exists on this server with another password. Give its address in "
            f"DATABASE_{role.upper()}_URL, or run `gongshu migrate --take-roles` to set the password of this "
            "installation (another installation that uses the role loses its access).",
        )
    # Sent as a SCRAM verifier, so that the password reaches neither the server's log nor its statistics.
    verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    statement = sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(name), verifier.decode())
    try:
        connection.execute(statement)
    except psycopg.errors.InsufficientPrivilege as error:
        raise _for_the_administrator(connection) from error


def _can_log_in(role: str) -> bool:
    try:
        psycopg.connect(config.url(role), connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _for_the_administrator(connection: psycopg.Connection[Any]) -> NotMigrated:
    owner, database = connection.info.user, connection.info.dbname
    app, gateway = config.ROLES["app"], config.ROLES["gateway"]
    statements = (
        f"  CREATE ROLE {app} LOGIN PASSWORD '...';\n  CREATE ROLE {gateway} LOGIN PASSWORD '...';\n"
        f'  GRANT {app} TO "{owner}";\n  GRANT CREATE ON DATABASE "{database}" TO "{owner}";\n'
    )
    return NotMigrated(
        f"{owner} 无权创建数据库角色。请数据库管理员执行（口令自定）：\n{statements}"
        "然后设置 DATABASE_APP_URL 和 DATABASE_GATEWAY_URL，再运行 `gongshu migrate`。",
        f"{owner} may not create roles. Ask the database administrator to run this, with passwords of their "
        f"choice:\n{statements}then set DATABASE_APP_URL and DATABASE_GATEWAY_URL and run `gongshu migrate` again.",
    )


def _schemas(connection: psycopg.Connection[Any]) -> None:
    """lake and serving belong to the application, which makes tables there at run time; gate to the owner."""
    app = sql.Identifier(role_name("app"))
    run = connection.execute
    with connection.transaction():
        # From PostgreSQL 16 on, whoever made a role administers it but may not act as it unless told so.
        right, options = (
            ("SET", " WITH INHERIT TRUE, SET TRUE")
            if connection.info.server_version >= 160000
            else ("MEMBER", "")
        )
        if connection.execute("SELECT pg_has_role(%s, %s)", [role_name("app"), right]).fetchone() == (False,):
            try:
                run(sql.SQL("GRANT {} TO CURRENT_USER" + options).format(app))
            except psycopg.errors.InsufficientPrivilege as error:
                raise _for_the_administrator(connection) from error
        run(sql.SQL("CREATE SCHEMA IF NOT EXISTS lake AUTHORIZATION {}").format(app))
        run(sql.SQL("CREATE SCHEMA IF NOT EXISTS serving AUTHORIZATION {}").format(app))
        run("CREATE SCHEMA IF NOT EXISTS gate")


def _gateway_schema(connection: psycopg.Connection[Any]) -> None:
    path = PACKAGE / "gateway" / "schema.sql"
    if path.exists():
        connection.execute(path.read_text().encode())


def _grants(connection: psycopg.Connection[Any]) -> None:
    """Who may do what, stated in full each time, so that a table added later is covered.

    The rights in schema gate are part of the gateway's own SQL.
    """
    statements = [
        "GRANT USAGE ON SCHEMA public TO {app}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {app}",
        "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {app}",
        "GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO {app}",
        "REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM {app}",
        "GRANT USAGE ON SCHEMA serving TO {gateway}",
        "GRANT SELECT ON ALL TABLES IN SCHEMA serving TO {gateway}",
        "ALTER DEFAULT PRIVILEGES FOR ROLE {app} IN SCHEMA serving GRANT SELECT ON TABLES TO {gateway}",
    ]
    kept = connection.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        " AND (tablename = 'journal_event' OR tablename LIKE 'evidence\\_%')"
    ).fetchall()
    statements += [f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {{app}}" for (table,) in kept]
    app, gateway = (sql.Identifier(role_name(role)) for role in ("app", "gateway"))
    for statement in statements:
        connection.execute(sql.SQL(statement).format(app=app, gateway=gateway))
