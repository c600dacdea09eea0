"""Serving tables: what is granted by key, copied out of the lake into PostgreSQL, where a look-up takes microseconds.

A table is built under another name and takes its place by renaming, in one transaction; callers see the old content
or the new, and a build that dies leaves only a table that the next one drops.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from psycopg import errors

from gongshu.engine import duck
from gongshu.engine.lake import Lake, LakeError
from gongshu.engine.sqltext import ident, literal

BUILDING = "__new"
SWAP_TRIES = 20
SWAP_WAIT = (
    "500ms"  # a renaming that waits would hold up every reader behind it, so it gives way and tries again
)


def publish(
    lake: Lake,
    target: str,
    columns: list[str],
    key_columns: list[str],
    pg_dsn: str,
    schema: str = "serving",
    table: str = "",
    reader_role: str = "",
    snapshot: int | None = None,
    memory_limit: str = duck.DEFAULT_MEMORY,
    spool: str | Path | None = None,
) -> int:
    """Make `schema`.`table` hold these columns of a lake table; returns the number of rows.

    Every row gets `_rowid`, 1 to n in the order of the key, as primary key for paging; it is the same for the same
    content. The keys are indexed together, and each but the first alone. reader_role gets SELECT. table: the target's
    name unless given. Raises LakeError, or ValueError for a column that the target does not have.
    """
    table = table or target
    if not 0 < len(table) <= 63 - len(BUILDING):
        raise ValueError(f"a serving table's name has at most {63 - len(BUILDING)} characters")
    with _building(pg_dsn, schema, table) as db, lake.session(memory_limit=memory_limit, spool=spool) as con:
        lake.require(con, target)
        version = snapshot if snapshot is not None else _latest(con)
        relation = lake.relation(target, version)
        types = {row[0]: row[1] for row in con.execute(f"DESCRIBE FROM {relation}").fetchall()}
        unknown = [name for name in [*columns, *key_columns] if name not in types]
        if unknown or not columns:
            raise ValueError(f"{target} has no column {', '.join(unknown) or '(none chosen)'}")
        wanted = list(dict.fromkeys([*columns, *key_columns]))
        new = f"{ident(schema)}.{ident(table + BUILDING)}"
        _create(db, new, wanted, types)
        rows = _copy(con, pg_dsn, schema, table, relation, wanted, types, key_columns)
        _finish(db, new, key_columns, reader_role)
        facts = {"target": target, "snapshot": version, "rows": rows}
        db.execute(f"COMMENT ON TABLE {new} IS {literal(json.dumps(facts))}".encode())
        _swap(db, schema, table)
    return rows


def published(pg_dsn: str, table: str, schema: str = "serving") -> dict[str, Any] | None:
    """target, snapshot and rows of a serving table, None if there is none."""
    with psycopg.connect(pg_dsn) as db:
        row = db.execute(
            "SELECT obj_description(to_regclass(%s), 'pg_class')", (f"{ident(schema)}.{ident(table)}",)
        ).fetchone()
    return json.loads(row[0]) if row and row[0] else None


def withdraw(pg_dsn: str, table: str, schema: str = "serving") -> None:
    """Remove a serving table if it exists."""
    with _building(pg_dsn, schema, table) as db:
        db.execute(f"DROP TABLE IF EXISTS {ident(schema)}.{ident(table)}".encode())


@contextmanager
def _building(pg_dsn: str, schema: str, table: str) -> Iterator[psycopg.Connection]:
    """A session that alone may build this table; what an earlier one left half-built is dropped."""
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute("SET idle_session_timeout = 0")
        db.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (f"gongshu serving {schema}.{table}",))
        db.execute(f"DROP TABLE IF EXISTS {ident(schema)}.{ident(table + BUILDING)}".encode())
        yield db


def _latest(con: duckdb.DuckDBPyConnection) -> int:
    row = con.execute("SELECT max(snapshot_id) FROM lake.snapshots()").fetchone()
    return int(row[0]) if row else 0


def _create(db: psycopg.Connection, new: str, wanted: list[str], types: dict[str, str]) -> None:
    names = {"VARCHAR": "text", "BLOB": "bytea", "DOUBLE": "double precision"}
    cells = [f"{ident(name)} {names.get(types[name], types[name])}" for name in wanted]
    db.execute(f"CREATE TABLE {new} (_rowid bigint NOT NULL, {', '.join(cells)})".encode())


def _copy(
    con: duckdb.DuckDBPyConnection,
    pg_dsn: str,
    schema: str,
    table: str,
    relation: str,
    wanted: list[str],
    types: dict[str, str],
    key_columns: list[str],
) -> int:
    """Binary COPY from DuckDB, rows numbered in the order of the key."""
    # PostgreSQL text holds no NUL; sources that do not mind one exist.
    cells = [
        f"replace({ident(name)}, chr(0), '') AS {ident(name)}" if types[name] == "VARCHAR" else ident(name)
        for name in wanted
    ]
    order = ", ".join(ident(name) for name in key_columns or wanted)
    query = f"SELECT row_number() OVER (ORDER BY {order}) AS _rowid, {', '.join(cells)} FROM {relation}"
    dsn = psycopg.conninfo.make_conninfo(pg_dsn)
    try:
        con.execute(f"ATTACH {literal(dsn)} AS serving (TYPE postgres)")
        into = f"serving.{ident(schema)}.{ident(table + BUILDING)}"
        row = con.execute(f"INSERT INTO {into} {query}").fetchone()
        con.execute("DETACH serving")
    except duckdb.Error as error:
        secret = str(psycopg.conninfo.conninfo_to_dict(pg_dsn).get("password") or "")
        raise LakeError(str(error).replace(secret, "***") if secret else str(error)) from None
    return int(row[0]) if row else 0


def _finish(db: psycopg.Connection, new: str, key_columns: list[str], reader_role: str) -> None:
    db.execute(f"ALTER TABLE {new} ADD PRIMARY KEY (_rowid)".encode())
    groups = [key_columns] if key_columns else []
    groups += [[name] for name in key_columns[1:]]
    for group in groups:
        db.execute(f"CREATE INDEX ON {new} ({', '.join(ident(name) for name in group)})".encode())
    db.execute(f"ANALYZE {new}".encode())
    if reader_role:
        db.execute(f"GRANT SELECT ON {new} TO {ident(reader_role)}".encode())


def _swap(db: psycopg.Connection, schema: str, table: str) -> None:
    old, new = f"{ident(schema)}.{ident(table)}", f"{ident(schema)}.{ident(table + BUILDING)}"
    for attempt in range(SWAP_TRIES):
        try:
            with db.transaction():
                db.execute(f"SET LOCAL lock_timeout = {literal(SWAP_WAIT)}".encode())
                db.execute(f"DROP TABLE IF EXISTS {old}".encode())
                db.execute(f"ALTER TABLE {new} RENAME TO {ident(table)}".encode())
            return
        except errors.LockNotAvailable:
            if attempt == SWAP_TRIES - 1:
                raise LakeError(f"{table} is being read without a pause and cannot be replaced") from None
            time.sleep(0.2)
