"""PostgreSQL, and servers that speak its protocol: read through DuckDB's scanner in one repeatable-read snapshot.

The scanner reads page ranges over several connections that share an exported snapshot, so the count, the rows and
the digest computed at the source all see the same state. Columns of types that it would change (unbounded numeric
becomes a double there) are instead cast by the server itself and read over one connection.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import psycopg
from psycopg import errors

from gongshu.engine import digest
from gongshu.engine.connectors.network import reach, timeout_seconds
from gongshu.engine.source import Column, Probe, Pull, SourceError, SourceSpec, Table
from gongshu.engine.sqltext import ident, literal

extensions = ("postgres_scanner",)

CANONICAL = {
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "oid": "integer",
    "numeric": "decimal",
    "bool": "boolean",
    "float4": "double",
    "float8": "double",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamp",
    "bytea": "bytes",
}
# Types that the scanner hands over exactly as the server holds them.
SCANNED = {
    "int2",
    "int4",
    "int8",
    "bool",
    "float4",
    "float8",
    "date",
    "timestamp",
    "timestamptz",
    "bytea",
} | {
    "text",
    "varchar",
    "bpchar",
    "uuid",
    "numeric",
}
OPEN_SCALE = 10  # of a numeric without stated scale, when its values allow

LISTED = """
SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples::bigint,
       coalesce(obj_description(c.oid, 'pg_class'), '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
"""
READABLE = "has_schema_privilege(n.oid, 'USAGE') AND has_any_column_privilege(c.oid, 'SELECT')"
ATTRIBUTES = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod), coalesce(b.typname, t.typname),
       CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, t.typtype = 'd', NOT a.attnotnull,
       EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = a.attrelid AND i.indisprimary
               AND a.attnum = ANY (i.indkey)),
       coalesce(col_description(a.attrelid, a.attnum), ''), has_column_privilege(a.attrelid, a.attnum, 'SELECT')
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type b ON b.oid = t.typbasetype
WHERE a.attrelid = %s AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


@dataclass(frozen=True)
class _Described:
    column: Column
    base: str
    scanned: bool
    readable: bool


def probe(spec: SourceSpec) -> Probe:
    with _session(spec) as session:
        version = session.execute("SHOW server_version").fetchone()
        return Probe(f"PostgreSQL {version[0] if version else ''}".strip(), _tables(session))


def tables(spec: SourceSpec) -> list[Table]:
    with _session(spec) as session:
        return _tables(session)


def columns(spec: SourceSpec, table: str) -> list[Column]:
    with _session(spec) as session:
        return [found.column for found in _describe(session, spec, table)[2]]


def count(spec: SourceSpec, table: str) -> int:
    with _session(spec) as session:
        schema, name, described = _describe(session, spec, table)
        _refuse_unreadable(spec, table, described)
        row = session.execute(f"SELECT count(*) FROM {ident(schema)}.{ident(name)}").fetchone()
        return int(row[0]) if row else 0


@contextmanager
def pull(
    con: duckdb.DuckDBPyConnection,
    spec: SourceSpec,
    table: str,
    columns: list[Column],
    spool: Path,
    sample: int | None = None,
) -> Iterator[Pull]:
    with _session(spec) as session:
        schema, name, described = _describe(session, spec, table)
        kind, estimate = _size(session, schema, name)
    chosen = [next(d for d in described if d.column.name == column.name) for column in columns]
    _refuse_unreadable(spec, table, chosen)
    relation = f"{ident(schema)}.{ident(name)}"
    _attach(con, spec)
    try:
        con.execute("BEGIN")
        if sample:
            yield _sampled(con, spec, table, relation, chosen, sample, estimate if kind in "rm" else 0)
        else:
            yield _whole(con, spec, table, relation, chosen)
    except duckdb.Error as error:
        raise failure(spec, table, error) from None
    finally:
        _detach(con)


def failure(spec: SourceSpec, table: str, error: Exception) -> SourceError:
    """What broke while reading. The server's own text is kept without the connection string."""
    text = str(error).replace(spec.password, "***") if spec.password else str(error)
    facts = spec.facts(table=table)
    if isinstance(error, duckdb.InterruptException):
        return SourceError("cancelled", facts=facts)
    gone = (
        "server closed the connection",
        "terminating connection",
        "connection to server",
        "SSL SYSCALL",
        "no COPY",
    )
    if any(mark in text for mark in gone):
        return SourceError("server_gone", text, facts)
    if isinstance(error, duckdb.ConversionException):
        return SourceError("bad_value", text, facts)
    if "permission denied" in text:
        return SourceError("permission_denied", text, facts)
    return SourceError("failed", text, facts)


def _whole(
    con: duckdb.DuckDBPyConnection, spec: SourceSpec, table: str, relation: str, chosen: list[_Described]
) -> Pull:
    rows = con.execute(
        f"FROM postgres_query('src', {literal(f'SELECT count(*) FROM {relation}')})"
    ).fetchone()
    settled, widened = _settle(con, relation, chosen)
    columns = [found.column for found in settled]
    if all(found.scanned for found in settled):
        cells = ", ".join(f"{_scanned(found, spec)} AS {ident(found.column.name)}" for found in settled)
        select = f"SELECT {cells} FROM src.{relation}"
    else:
        select = _queried(settled, spec, f"FROM {relation}")
    served = digest.postgres_select([(c.column, _served(c, spec)) for c in settled], relation)
    return Pull(
        select,
        columns,
        int(rows[0]) if rows else 0,
        True,
        widened,
        source_digest=f"FROM postgres_query('src', {literal(served)})",
    )


def _sampled(
    con: duckdb.DuckDBPyConnection,
    spec: SourceSpec,
    table: str,
    relation: str,
    chosen: list[_Described],
    sample: int,
    estimate: int,
) -> Pull:
    # Enough pages for five times the sample; a small table is read whole and shuffled.
    percent = min(100.0, 500.0 * sample / max(estimate, 1))
    thinned = f" TABLESAMPLE SYSTEM ({percent:.6f})" if estimate > 20 * sample else ""
    inner = f"FROM (SELECT * FROM {relation}{thinned} LIMIT {sample * 10}) s ORDER BY random() LIMIT {sample}"
    as_text = [replace(f, scanned=False, column=f.column.retyped("text")) if _open(f) else f for f in chosen]
    return Pull(_queried(as_text, spec, inner), [found.column for found in as_text], None, False)


def _queried(chosen: list[_Described], spec: SourceSpec, tail: str) -> str:
    """One statement that the server runs; every cell already in its canonical type."""
    cells = ", ".join(f"{_served(found, spec)} AS {ident(found.column.name)}" for found in chosen)
    outer = ", ".join(
        f"CAST({ident(found.column.name)} AS {found.column.duckdb_type}) AS {ident(found.column.name)}"
        for found in chosen
    )
    return f"SELECT {outer} FROM postgres_query('src', {literal(f'SELECT {cells} {tail}')})"


def _scanned(found: _Described, spec: SourceSpec) -> str:
    """DuckDB expression over the scanner's column."""
    name = ident(found.column.name)
    if found.base == "bpchar":
        return f"rtrim({name}, ' ')"  # trailing blanks of char(n) mean nothing
    if found.base == "timestamptz":
        return f"timezone({literal(spec.timezone)}, {name})"
    return f"CAST({name} AS {found.column.duckdb_type})"


def _served(found: _Described, spec: SourceSpec) -> str:
    """PostgreSQL expression giving the same value as `_scanned`."""
    name, column = ident(found.column.name), found.column
    if column.type == "decimal":
        return f"{name}::numeric({column.precision},{column.scale})"
    if found.base == "timestamptz" and column.type == "timestamp":
        return f"({name} AT TIME ZONE {literal(spec.timezone)})"
    cast = {"integer": "bigint", "double": "float8", "text": "text"}.get(column.type)
    return f"{name}::{cast}" if cast else name


def _open(found: _Described) -> bool:
    """A numeric whose digits the catalog does not bound to what DECIMAL can hold."""
    return found.column.type == "decimal" and found.column.precision is None


def _settle(
    con: duckdb.DuckDBPyConnection, relation: str, chosen: list[_Described]
) -> tuple[list[_Described], tuple[str, ...]]:
    """Choose precision and scale for open numerics from their values; text where 38 digits do not suffice."""
    unbounded = [found for found in chosen if _open(found)]
    if not unbounded:
        return chosen, ()
    parts = []
    for found in unbounded:
        name = ident(found.column.name)
        # 'NaN' and infinities have no digits: any present one makes the column text.
        odd = f"{name}::text ~ 'N|I'"
        parts.append(f"coalesce(max(CASE WHEN {odd} THEN 999 ELSE scale({name}) END), 0)::int")
        parts.append(
            f"coalesce(max(CASE WHEN {odd} THEN 999 ELSE length(trunc(abs({name}))::text) END), 0)::int"
        )
    query = f"SELECT {', '.join(f'{part} AS c{i}' for i, part in enumerate(parts))} FROM {relation}"
    facts = con.execute(f"FROM postgres_query('src', {literal(query)})").fetchone() or ()
    fitted: dict[str, Column] = {}
    for index, found in enumerate(unbounded):
        scale, whole = max(int(facts[2 * index]), OPEN_SCALE), int(facts[2 * index + 1])
        if scale + whole > 38:
            scale = int(facts[2 * index])
        fits = scale + whole <= 38
        column = found.column
        fitted[column.name] = replace(column, precision=38, scale=scale) if fits else column.retyped("text")
    settled = [replace(f, column=fitted.get(f.column.name, f.column)) for f in chosen]
    return settled, tuple(name for name, column in fitted.items() if column.type == "text")


def _attach(con: duckdb.DuckDBPyConnection, spec: SourceSpec) -> None:
    parts = {"host": spec.host, "port": str(spec.port or 5432), "dbname": spec.database, "user": spec.user}
    parts |= {"password": spec.password, "connect_timeout": str(timeout_seconds(spec))}
    parts |= {"application_name": "gongshu"}
    if "sslmode" in spec.options:
        parts["sslmode"] = str(spec.options["sslmode"])
    dsn = psycopg.conninfo.make_conninfo("", **{key: value for key, value in parts.items() if value})
    try:
        con.execute(f"ATTACH {literal(dsn)} AS src (TYPE postgres, READ_ONLY)")
    except duckdb.Error as error:
        raise failure(spec, "", error) from None


def _detach(con: duckdb.DuckDBPyConnection) -> None:
    for statement in ("ROLLBACK", "DETACH DATABASE IF EXISTS src"):
        try:
            con.execute(statement)
        except duckdb.Error:
            continue  # a failed transaction is already rolled back; the connection closes with `con` at the latest


@contextmanager
def _session(spec: SourceSpec) -> Iterator[psycopg.Connection]:
    port = reach(spec, 5432)
    try:
        session = psycopg.connect(
            host=spec.host,
            port=port,
            dbname=spec.database,
            user=spec.user,
            password=spec.password or None,
            sslmode=str(spec.options.get("sslmode", "prefer")),
            connect_timeout=timeout_seconds(spec),
            application_name="gongshu",
            autocommit=True,
        )
    except psycopg.OperationalError as error:
        raise _not_admitted(spec, str(error)) from None
    with session:
        try:
            session.execute("SET default_transaction_read_only = on")
            yield session
        except errors.InsufficientPrivilege as error:
            raise SourceError("permission_denied", error.diag.message_primary or "", spec.facts()) from None
        except psycopg.OperationalError as error:
            raise SourceError("server_gone", str(error), spec.facts()) from None


def _not_admitted(spec: SourceSpec, text: str) -> SourceError:
    """Why a server that answers let us not in. libpq gives no code here, and the server speaks its own language
    (English or Chinese), so the few words that decide are looked for in both."""
    facts = spec.facts()
    text = text.replace(spec.password, "***") if spec.password else text
    lowered = text.lower()
    if "pg_hba.conf" in lowered:
        return SourceError("not_admitted", text, facts)
    if any(
        mark in lowered
        for mark in ("too many clients", "too many connections", "remaining connection", "过多", "太多")
    ):
        return SourceError("too_many_connections", text, facts)
    if any(mark in lowered for mark in ("authentication", "认证", "password", "口令", "密码")):
        return SourceError("auth_failed", text, facts)
    if f'database "{spec.database}"'.lower() in lowered or f'数据库 "{spec.database}"'.lower() in lowered:
        missing = "permission denied" not in lowered and "权限" not in lowered
        return SourceError("database_missing" if missing else "permission_denied", text, facts)
    if "role " in lowered or "角色" in lowered:
        return SourceError("auth_failed", text, facts)
    if "timeout" in lowered:
        return SourceError("timeout", text, facts | {"seconds": timeout_seconds(spec)})
    if "closed the connection" in lowered or "invalid response" in lowered or "unsupported" in lowered:
        return SourceError("not_that_server", text, facts)
    return SourceError("failed", text, facts)


def _tables(session: psycopg.Connection) -> list[Table]:
    kinds = {"v": "view", "m": "view", "f": "foreign"}
    rows = session.execute(f"{LISTED} AND {READABLE} ORDER BY n.nspname <> 'public', 2, 3").fetchall()
    return [
        Table(
            name if schema == "public" else f"{schema}.{name}",
            kinds.get(kind, "table"),
            estimate if estimate >= 0 and kind in "rm" else None,
            comment,
        )
        for _, schema, name, kind, estimate, comment in rows
    ]


def _size(session: psycopg.Connection, schema: str, name: str) -> tuple[str, int]:
    query = f"{LISTED} AND n.nspname = %s AND c.relname = %s"
    row = session.execute(query, (schema, name)).fetchone()
    return (row[3], max(row[4], 0)) if row else ("v", 0)


def _describe(session: psycopg.Connection, spec: SourceSpec, table: str) -> tuple[str, str, list[_Described]]:
    query = f"{LISTED} AND (n.nspname = 'public' AND c.relname = %s OR n.nspname || '.' || c.relname = %s) LIMIT 1"
    found = session.execute(query, (table, table)).fetchone()
    if not found:
        raise SourceError("table_missing", facts=spec.facts(table=table))
    described = [_attribute(*row) for row in session.execute(ATTRIBUTES, (found[0],)).fetchall()]
    return found[1], found[2], described


def _attribute(
    name: str,
    native: str,
    base: str,
    mod: int,
    domain: bool,
    nullable: bool,
    key: bool,
    comment: str,
    readable: bool,
) -> _Described:
    type_ = CANONICAL.get(base, "text")
    precision = scale = None
    if type_ == "decimal" and mod >= 4:
        precision, scale = (mod - 4) >> 16, (mod - 4) & 0x7FF
        if precision > 38 or scale > precision:
            precision = scale = None
    scanned = base in SCANNED and not domain and (type_ != "decimal" or precision is not None)
    column = Column(name, type_, native, nullable, key, comment, precision, scale)
    return _Described(column, base, scanned, readable)


def _refuse_unreadable(spec: SourceSpec, table: str, chosen: list[_Described]) -> None:
    closed = [found.column.name for found in chosen if not found.readable]
    if closed and len(closed) == len(chosen):
        raise SourceError("permission_denied", facts=spec.facts(table=table))
    if closed:
        raise SourceError("permission_denied", ", ".join(closed), spec.facts(table=table, columns=closed))
