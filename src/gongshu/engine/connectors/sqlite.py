"""SQLite files, read as text and then typed: a column declared INTEGER may hold anything there.

One state for count and rows: a file with a rollback journal is held by a read transaction; with a write-ahead log a
second connection would see later commits, so it is copied first with SQLite's own backup.
"""

from __future__ import annotations

import re
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import duckdb

from gongshu.engine.connectors.files import file_path, settle
from gongshu.engine.source import Column, Probe, Pull, SourceError, SourceSpec, Table
from gongshu.engine.sqltext import ident, literal

extensions = ("sqlite_scanner",)

HEADER = b"SQLite format 3\x00"


def probe(spec: SourceSpec) -> Probe:
    with _session(spec) as session:
        return Probe(f"SQLite {sqlite3.sqlite_version}", _tables(session))


def tables(spec: SourceSpec) -> list[Table]:
    with _session(spec) as session:
        return _tables(session)


def columns(spec: SourceSpec, table: str) -> list[Column]:
    with _session(spec) as session:
        return _columns(session, spec, table)


def count(spec: SourceSpec, table: str) -> int:
    with _session(spec) as session:
        _columns(session, spec, table)
        return int(session.execute(f"SELECT count(*) FROM {ident(table)}").fetchone()[0])


@contextmanager
def pull(
    con: duckdb.DuckDBPyConnection,
    spec: SourceSpec,
    table: str,
    columns: list[Column],
    spool: Path,
    sample: int | None = None,
) -> Iterator[Pull]:
    with _session(spec) as session, tempfile.TemporaryDirectory(prefix="sqlite-", dir=spool) as folder:
        path = _still(session, file_path(spec), Path(folder))
        try:
            con.execute("SET GLOBAL sqlite_all_varchar = true")
            con.execute(f"ATTACH {literal(str(path))} AS src (TYPE sqlite, READ_ONLY)")
            cells = ", ".join(f"{_served(column)} AS {ident(column.name)}" for column in columns)
            query = literal(f"SELECT {cells} FROM {ident(table)}")
            select, final, rows, widened = settle(con, f"sqlite_query('src', {query})", columns)
            if sample:
                select = f"FROM ({select}) USING SAMPLE reservoir({int(sample)} ROWS)"
            yield Pull(select, final, rows, True, widened)
        except duckdb.InterruptException:
            raise SourceError("cancelled", facts=spec.facts(table=table)) from None
        except duckdb.Error as error:
            code = "bad_encoding" if "nvalid unicode" in str(error) else "failed"
            raise SourceError(code, str(error), spec.facts(table=table)) from None
        finally:
            con.execute("DETACH DATABASE IF EXISTS src")


def _still(session: sqlite3.Connection, path: Path, folder: Path) -> Path:
    """A file that does not change while this session lives."""
    if session.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        session.execute("BEGIN")
        session.execute("SELECT count(*) FROM sqlite_master").fetchone()  # takes the shared lock
        return path
    copy = folder / "copy.sqlite"
    with closing(sqlite3.connect(copy)) as target:
        session.backup(target)
    return copy


def _served(column: Column) -> str:
    """SQLite expression giving the cell as text; CAST alone would keep 15 digits of a double."""
    name = ident(column.name)
    if column.type == "bytes":
        return f"CASE WHEN {name} IS NOT NULL THEN hex({name}) END"
    if column.type == "double":
        return f"CASE typeof({name}) WHEN 'real' THEN printf('%!.17g', {name}) ELSE CAST({name} AS TEXT) END"
    return f"CAST({name} AS TEXT)"


@contextmanager
def _session(spec: SourceSpec) -> Iterator[sqlite3.Connection]:
    path = file_path(spec)
    with path.open("rb") as stream:
        if stream.read(len(HEADER)) != HEADER:
            raise SourceError("not_a_database", facts={"path": spec.path})
    uri = f"{path.as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=30, isolation_level=None)) as session:
            yield session
    except sqlite3.DatabaseError as error:
        raise SourceError("failed", str(error), spec.facts()) from None


def _tables(session: sqlite3.Connection) -> list[Table]:
    rows = session.execute(
        "SELECT name, type FROM sqlite_master WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_'"
        " ORDER BY name"
    ).fetchall()
    return [Table(name, kind) for name, kind in rows]


def _columns(session: sqlite3.Connection, spec: SourceSpec, table: str) -> list[Column]:
    found = [
        _column(name, declared or "", bool(notnull), bool(key))
        for name, declared, notnull, key in session.execute(
            'SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (table,)
        )
    ]
    if not found:
        raise SourceError("table_missing", facts=spec.facts(table=table))
    return found


def _column(name: str, declared: str, notnull: bool, key: bool) -> Column:
    """SQLite's affinity rules, refined by the names other databases use."""
    upper = declared.upper()
    digits = re.fullmatch(r"(?:DECIMAL|NUMERIC)\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)", upper)
    precision = scale = None
    if digits and int(digits[1]) <= 38:
        type_, precision, scale = "decimal", int(digits[1]), int(digits[2] or 0)
    elif "BOOL" in upper:
        type_ = "boolean"
    elif "DATETIME" in upper or "TIMESTAMP" in upper:
        type_ = "timestamp"
    elif upper == "DATE":
        type_ = "date"
    elif "INT" in upper:
        type_ = "integer"
    elif "BLOB" in upper or "BINARY" in upper:
        type_ = "bytes"
    elif any(word in upper for word in ("REAL", "FLOA", "DOUB")):
        type_ = "double"
    else:
        type_ = "text"
    return Column(name, type_, declared, not notnull and not key, key, "", precision, scale)
