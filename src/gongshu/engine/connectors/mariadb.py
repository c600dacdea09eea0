"""MariaDB and MySQL: one streamed statement through connectorx into Arrow.

One statement has one read view under InnoDB, so the count is asked for inside it: an uncorrelated sub-query beside
the columns. Partitions over several connections were 1.2 times as fast but see different moments and hold whole
partitions in memory (measured: 1 M rows, 98 MB streamed, 265 MB in two partitions).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import connectorx
import duckdb
import pyarrow as pa
import pymysql

from gongshu.engine.connectors.network import reach, timeout_seconds
from gongshu.engine.source import Column, Probe, Pull, SourceError, SourceSpec, Table
from gongshu.engine.sqltext import ident, ident_mysql, literal

extensions: tuple[str, ...] = ()

BATCH_ROWS = 65_536
COUNT = "gongshu source rows"  # the alias of the count beside the columns

INTEGERS = {"tinyint", "smallint", "mediumint", "int", "bigint", "year", "bit"}
CARRIED_TEXT = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext")
BINARY = {"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"}

# Server error numbers, which do not depend on its language.
SERVER_CODES = {
    1045: "auth_failed",
    1698: "auth_failed",
    1049: "database_missing",
    1044: "permission_denied",
    1142: "permission_denied",
    1143: "permission_denied",
    1130: "not_admitted",
    1129: "not_admitted",
    1040: "too_many_connections",
    1203: "too_many_connections",
    1146: "table_missing",
    2013: "server_gone",
    2006: "server_gone",
    2003: "refused",
}


def probe(spec: SourceSpec) -> Probe:
    with _session(spec) as cursor:
        cursor.execute("SELECT version()")
        version = str(cursor.fetchone()[0])
        product = "MariaDB" if "mariadb" in version.lower() else "MySQL"
        return Probe(f"{product} {version.split('-')[0]}", _tables(cursor, spec))


def tables(spec: SourceSpec) -> list[Table]:
    with _session(spec) as cursor:
        return _tables(cursor, spec)


def columns(spec: SourceSpec, table: str) -> list[Column]:
    with _session(spec) as cursor:
        return _columns(cursor, spec, table)


def count(spec: SourceSpec, table: str) -> int:
    with _session(spec) as cursor:
        _columns(cursor, spec, table)
        cursor.execute(f"SELECT count(*) FROM {ident_mysql(table)}")
        return int(cursor.fetchone()[0])


@contextmanager
def pull(
    con: duckdb.DuckDBPyConnection,
    spec: SourceSpec,
    table: str,
    columns: list[Column],
    spool: Path,
    sample: int | None = None,
) -> Iterator[Pull]:
    with _session(spec) as cursor:
        # Asks for the columns by name, so that a missing right is this server's own error and not the stream's.
        names = ", ".join(ident_mysql(column.name) for column in columns)
        cursor.execute(f"SELECT {names} FROM {ident_mysql(table)} LIMIT 0")
        estimate = next((found.rows or 0 for found in _tables(cursor, spec) if found.name == table), 0)
    cells = ", ".join(f"{_served(column, spec)} AS {ident_mysql(column.name)}" for column in columns)
    total = f"(SELECT count(*) FROM {ident_mysql(table)}) AS {ident_mysql(COUNT)}"
    statement = f"SELECT {cells}, {total} FROM {ident_mysql(table)}"
    if sample:
        thinned = f" WHERE rand() < {5.0 * sample / estimate:.8f}" if estimate > 20 * sample else ""
        statement = (
            f"SELECT {cells}, 0 AS {ident_mysql(COUNT)} FROM {ident_mysql(table)}{thinned} LIMIT {sample}"
        )
    try:
        rows, stream, handed = _stream(spec, statement)
        con.register("src_stream", stream)
        outer = ", ".join(
            f"CAST({ident(column.name)} AS {column.duckdb_type}) AS {ident(column.name)}"
            for column in columns
        )
        known = None if sample else rows
        yield Pull(f"SELECT {outer} FROM src_stream", columns, known, not sample, handed=lambda: handed[0])
    except (duckdb.Error, pa.ArrowException, RuntimeError) as error:
        raise _failure(spec, table, error) from None
    finally:
        con.unregister("src_stream")


def _stream(spec: SourceSpec, statement: str) -> tuple[int, pa.RecordBatchReader, list[int]]:
    """The count found in the first row (0 when there is none), the batches, and a list whose one number is how many
    rows have been handed on."""
    account = quote(spec.user, safe="") + (f":{quote(spec.password, safe='')}" if spec.password else "")
    url = f"mysql://{account}@{spec.host}:{spec.port or 3306}/{quote(spec.database, safe='')}"
    with _no_panic():
        reader = connectorx.read_sql(url, statement, return_type="arrow_stream", batch_size=BATCH_ROWS)
        first = next(reader, None)
    rows = int(first.column(COUNT)[0].as_py()) if first is not None and first.num_rows else 0

    handed = [0]

    def batches() -> Iterator[pa.RecordBatch]:
        batch = first
        while batch is not None:
            yield batch
            handed[0] += batch.num_rows
            with _no_panic():
                batch = next(reader, None)

    return rows, pa.RecordBatchReader.from_batches(reader.schema, batches()), handed


@contextmanager
def _no_panic() -> Iterator[None]:
    """connectorx reports a broken stream by a Rust panic, which is no Exception: make it one."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ == "PanicException":
            raise RuntimeError(str(error)) from None
        raise


def _failure(spec: SourceSpec, table: str, error: Exception) -> SourceError:
    text = str(error)
    for secret in (spec.password, quote(spec.password, safe="")):
        text = text.replace(secret, "***") if secret else text
    facts = spec.facts(table=table)
    if isinstance(error, duckdb.InterruptException):
        return SourceError("cancelled", facts=facts)
    for number, code in SERVER_CODES.items():
        if f"ERROR {number}" in text:
            return SourceError(code, text, facts)
    if isinstance(error, duckdb.ConversionException):
        return SourceError("bad_value", text, facts)
    gone = (
        "IO error",
        "IoError",
        "disconnected",
        "Broken pipe",
        "Connection reset",
        "timed out",
        "UnexpectedEof",
        "Connection refused",
    )
    return SourceError("server_gone" if any(mark in text for mark in gone) else "failed", text, facts)


def _served(column: Column, spec: SourceSpec) -> str:
    """MariaDB expression that connectorx carries without loss."""
    name, native = ident_mysql(column.name), column.native_type
    if column.type in ("date", "timestamp"):
        # 0000-00-00 and 2020-00-00 are no dates: NULL, as no other system has them.
        value = name
        if native.startswith("timestamp"):
            zone = "+08:00" if spec.timezone == "Asia/Shanghai" else spec.timezone
            value = f"CONVERT_TZ({name}, @@session.time_zone, {literal(zone)})"
        return f"IF(MONTH({name}) = 0 OR DAYOFMONTH({name}) = 0, NULL, {value})"
    if column.type == "decimal" and not native.startswith("bigint"):
        # connectorx makes DECIMAL(38,10) of 96-bit numbers: what does not fit goes as text.
        carried = (column.precision or 0) <= 28 and (column.scale or 0) <= 10
        return name if carried else f"CAST({name} AS CHAR)"
    if column.type == "integer":
        return f"CAST({name} AS SIGNED)" if native.startswith(("bit", "year")) else name
    if column.type == "text" and not native.startswith(CARRIED_TEXT):
        return f"CAST({name} AS CHAR)"
    return name


@contextmanager
def _session(spec: SourceSpec) -> Iterator[Any]:
    port = reach(spec, 3306)
    try:
        session = pymysql.connect(
            host=spec.host,
            port=port,
            user=spec.user,
            password=spec.password,
            database=spec.database or None,
            charset="utf8mb4",
            connect_timeout=timeout_seconds(spec),
            read_timeout=600,
        )
    except pymysql.MySQLError as error:
        raise _server_error(spec, error) from None
    try:
        with session.cursor() as cursor:
            yield cursor
    except pymysql.MySQLError as error:
        raise _server_error(spec, error) from None
    finally:
        session.close()


def _server_error(spec: SourceSpec, error: pymysql.MySQLError) -> SourceError:
    number = error.args[0] if error.args and isinstance(error.args[0], int) else 0
    text = str(error.args[1]) if len(error.args) > 1 else str(error)
    text = text.replace(spec.password, "***") if spec.password else text
    code = SERVER_CODES.get(number, "not_that_server" if number in (2012, 0) else "failed")
    return SourceError(code, text, spec.facts())


def _tables(cursor: Any, spec: SourceSpec) -> list[Table]:
    cursor.execute(
        "SELECT table_name, table_type, table_rows, table_comment FROM information_schema.tables"
        " WHERE table_schema = %s ORDER BY table_name",
        (spec.database,),
    )
    return [
        Table(name, "view" if "VIEW" in kind else "table", rows, "" if comment == "VIEW" else comment or "")
        for name, kind, rows, comment in cursor.fetchall()
    ]


def _columns(cursor: Any, spec: SourceSpec, table: str) -> list[Column]:
    cursor.execute(
        "SELECT column_name, data_type, column_type, is_nullable, column_key, column_comment,"
        " numeric_precision, numeric_scale FROM information_schema.columns"
        " WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
        (spec.database, table),
    )
    found = [_column(*row) for row in cursor.fetchall()]
    if not found:
        raise SourceError("table_missing", facts=spec.facts(table=table))
    return found


def _column(
    name: str,
    data: str,
    native: str,
    nullable: str,
    key: str,
    comment: str,
    precision: int | None,
    scale: int | None,
) -> Column:
    data = data.lower()
    type_, digits, decimals = "text", None, None
    if data == "bigint" and "unsigned" in native:
        type_, digits, decimals = "decimal", 20, 0
    elif data in INTEGERS:
        type_ = "integer"
    elif data == "decimal":
        # Up to 65 digits are possible here; beyond 38 only text holds them.
        if (precision or 0) <= 38:
            type_, digits, decimals = "decimal", precision, scale
    elif data in ("float", "double"):
        type_ = "double"
    elif data == "date":
        type_ = "date"
    elif data in ("datetime", "timestamp"):
        type_ = "timestamp"
    elif data in BINARY:
        type_ = "bytes"
    return Column(name, type_, native, nullable == "YES", key == "PRI", comment or "", digits, decimals)
