"""Writing the county's tables into stores of every kind: databases with a reading account each, and files.

The databases are made beside the platform's own (PostgreSQL) and on the sample's MariaDB; their names begin with the
name of the platform's database, so that several installations on one server do not meet.
"""

from __future__ import annotations

import csv
import io
import json
import os
import secrets
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlparse

import duckdb
import psycopg
import pymysql
import xlsxwriter
from psycopg import sql

from gongshu.engine.source import SourceSpec
from gongshu.runner import config

from .datasets import DATASETS, SOURCES, Dataset, Source
from .generate import text

MARIADB = "GONGSHU_SAMPLE_MARIADB"
"""Environment: mysql:// address of the sample's MariaDB server, set by whoever runs it."""


def of_source(source: Source) -> list[Dataset]:
    """The tables of a source."""
    return [d for d in DATASETS if d.source == source.code]


def available(source: Source) -> bool:
    """Whether a source of that kind can be kept here: MariaDB needs its server."""
    return source.kind != "mariadb" or bool(os.environ.get(MARIADB))


def main_database() -> str:
    """Name of the platform's own database."""
    return unquote(urlparse(config.owner_url()).path.lstrip("/"))


def database_name(source: Source) -> str:
    """Name of a source's database on its server."""
    return f"{main_database()}_{source.name}"


def reader_name(source: Source) -> str:
    """Account that may only read that database. MariaDB allows 80 characters, PostgreSQL 63."""
    return f"{database_name(source)}_reader"


def reader_password(source: Source) -> str:
    """Its password: made once for this installation."""
    return secrets_kept().get(source.code) or secret_keep(source.code, secrets.token_hex(12))


def secrets_kept() -> dict[str, str]:
    """Passwords of the stores and keys of the business systems, in sample.json of the state directory, mode 0600."""
    path = config.home() / "sample.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def secret_keep(name: str, secret: str) -> str:
    """Keep one more; returns it."""
    path = config.home() / "sample.json"
    aside = path.with_suffix(".aside")
    aside.touch(mode=0o600)
    aside.write_text(json.dumps({**secrets_kept(), name: secret}, indent=1))
    aside.replace(path)
    return secret


def spec(source: Source, files_root: Path) -> SourceSpec:
    """How the platform reaches a source."""
    if source.kind in ("postgresql", "mariadb"):
        server = urlparse(config.owner_url() if source.kind == "postgresql" else os.environ[MARIADB])
        return SourceSpec(
            source.kind,
            host=server.hostname or "127.0.0.1",
            port=server.port,
            database=database_name(source),
            user=reader_name(source),
            password=reader_password(source),
        )
    options = {"root": str(files_root)} | ({"encoding": source.encoding} if source.encoding else {})
    return SourceSpec(source.kind, path=source.name, options=options)


def write(con: duckdb.DuckDBPyConnection, source: Source, files_root: Path) -> int:
    """Fill a source, replacing what an earlier, interrupted load has left; returns the number of rows."""
    tables = of_source(source)
    for dataset in tables:
        con.execute(f"CREATE OR REPLACE TEMP TABLE {_own(dataset)} AS {dataset.select()}")
    _WRITERS[source.kind](con, source, tables, files_root)
    for dataset in tables:
        con.execute(f"DROP TABLE {_own(dataset)}")
    return sum(d.rows for d in tables)


def _own(dataset: Dataset) -> str:
    return f'"{dataset.code}"'


def _csv(con: duckdb.DuckDBPyConnection, dataset: Dataset, path: Path, options: str = "HEADER false") -> None:
    con.execute(f"COPY (FROM {_own(dataset)}) TO {text(str(path))} (FORMAT csv, {options})")


# --- PostgreSQL ----------------------------------------------------------------------------------------------------


def _postgresql(
    con: duckdb.DuckDBPyConnection, source: Source, tables: list[Dataset], files_root: Path
) -> None:
    owner = urlparse(config.owner_url())
    name, reader = database_name(source), reader_name(source)
    with psycopg.connect(owner.geturl(), autocommit=True) as server:
        server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        exists = server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [reader]).fetchone()
        verb = "ALTER" if exists else "CREATE"
        password = server.pgconn.encrypt_password(
            reader_password(source).encode(), reader.encode(), b"scram-sha-256"
        )
        server.execute(
            sql.SQL(verb + " ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(reader), password.decode())
        )
        server.execute(sql.SQL("REVOKE CONNECT ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
        server.execute(
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(name), sql.Identifier(reader))
        )
    with psycopg.connect(owner._replace(path=f"/{quote(name)}").geturl()) as own:
        for dataset in tables:
            _pg_table(con, own, dataset, files_root)
        own.execute(
            sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(sql.Identifier(reader))
        )
        own.commit()
        own.autocommit = True
        own.execute("ANALYZE")


def _pg_table(
    con: duckdb.DuckDBPyConnection, own: psycopg.Connection[Any], dataset: Dataset, folder: Path
) -> None:
    table = sql.Identifier(dataset.table)
    columns = [sql.SQL("{} " + c.type).format(sql.Identifier(c.name)) for c in dataset.columns]
    if dataset.key:
        columns.append(sql.SQL("PRIMARY KEY ({})").format(sql.Identifier(dataset.key)))
    own.execute(sql.SQL("CREATE TABLE {} ({})").format(table, sql.SQL(", ").join(columns)))
    own.execute(sql.SQL("COMMENT ON TABLE {} IS {}").format(table, dataset.label))
    for column in dataset.columns:
        own.execute(
            sql.SQL("COMMENT ON COLUMN {}.{} IS {}").format(table, sql.Identifier(column.name), column.label)
        )
    path = folder / f".{dataset.code}.csv"
    _csv(con, dataset, path)
    try:
        with (
            path.open("rb") as rows,
            own.cursor().copy(sql.SQL("COPY {} FROM STDIN (FORMAT csv)").format(table)) as copy,
        ):
            while block := rows.read(1 << 20):
                copy.write(block)
    finally:
        path.unlink()


# --- MariaDB -------------------------------------------------------------------------------------------------------


def _mariadb(con: duckdb.DuckDBPyConnection, source: Source, tables: list[Dataset], files_root: Path) -> None:
    server = urlparse(os.environ[MARIADB])
    name, reader = database_name(source), reader_name(source)
    with pymysql.connect(
        host=server.hostname or "127.0.0.1",
        port=server.port or 3306,
        user=unquote(server.username or ""),
        password=unquote(server.password or ""),
        charset="utf8mb4",
        autocommit=True,
        local_infile=True,
    ) as connection:
        cursor = connection.cursor()
        cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
        cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
        cursor.execute(
            f"CREATE OR REPLACE USER `{reader}`@'127.0.0.1' IDENTIFIED BY %s", [reader_password(source)]
        )
        cursor.execute(f"GRANT SELECT ON `{name}`.* TO `{reader}`@'127.0.0.1'")
        cursor.execute(f"USE `{name}`")
        for dataset in tables:
            _mariadb_table(con, cursor, dataset, files_root)


def _mariadb_table(con: duckdb.DuckDBPyConnection, cursor: Any, dataset: Dataset, folder: Path) -> None:
    types = {"timestamp": "datetime", "integer": "int"}
    columns = [
        f"`{c.name}` {types.get(c.type, c.type)} NULL COMMENT '{c.label}'"
        for c in dataset.columns
        if c.name != dataset.key
    ]
    key = [
        f"`{c.name}` {c.type} NOT NULL COMMENT '{c.label}' PRIMARY KEY"
        for c in dataset.columns
        if c.name == dataset.key
    ]
    cursor.execute(f"CREATE TABLE `{dataset.table}` ({', '.join(key + columns)}) COMMENT '{dataset.label}'")
    path = folder / f".{dataset.code}.csv"
    _csv(con, dataset, path, r"HEADER false, NULL '\N', FORCE_QUOTE *")
    names = ", ".join(f"`{c.name}`" for c in dataset.columns)
    try:
        cursor.execute(
            f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE `{dataset.table}` CHARACTER SET utf8mb4 "
            rf"FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '\"' ({names})"
        )
    finally:
        path.unlink()


# --- files ---------------------------------------------------------------------------------------------------------


def _sqlite(con: duckdb.DuckDBPyConnection, source: Source, tables: list[Dataset], files_root: Path) -> None:
    types = {"decimal(12,2)": "NUMERIC", "integer": "INTEGER", "date": "TEXT", "timestamp": "TEXT"}
    with _fresh(files_root / source.name) as path, sqlite3.connect(path) as store:
        for dataset in tables:
            columns = [
                f'"{c.name}" {types.get(c.type, c.type)}' + (" PRIMARY KEY" if c.name == dataset.key else "")
                for c in dataset.columns
            ]
            store.execute(f'CREATE TABLE "{dataset.table}" ({", ".join(columns)})')
            marks = ", ".join("?" for _c in columns)
            rows = ([_sqlite_cell(v) for v in row] for row in _rows(con, dataset))
            store.executemany(f'INSERT INTO "{dataset.table}" VALUES ({marks})', rows)
        store.commit()


def _sqlite_cell(value: Any) -> Any:
    return value if value is None or isinstance(value, int | str) else str(value)


def _rows(con: duckdb.DuckDBPyConnection, dataset: Dataset) -> Iterator[tuple[Any, ...]]:
    found = con.execute(f"FROM {_own(dataset)}")
    while block := found.fetchmany(10_000):
        yield from block


def _excel(con: duckdb.DuckDBPyConnection, source: Source, tables: list[Dataset], files_root: Path) -> None:
    with _fresh(files_root / source.name) as path:
        book = xlsxwriter.Workbook(str(path), {"constant_memory": True, "default_date_format": "yyyy-mm-dd"})
        for dataset in tables:
            sheet = book.add_worksheet(dataset.table)
            sheet.write_row(0, 0, [c.label for c in dataset.columns])
            for line, row in enumerate(_rows(con, dataset), start=1):
                sheet.write_row(line, 0, [float(v) if type(v).__name__ == "Decimal" else v for v in row])
        book.close()


def _csv_file(
    con: duckdb.DuckDBPyConnection, source: Source, tables: list[Dataset], files_root: Path
) -> None:
    (dataset,) = tables
    head = io.StringIO()
    csv.writer(head, lineterminator="\n").writerow([c.label for c in dataset.columns])
    with _fresh(files_root / source.name) as path:
        _csv(con, dataset, path)
        content = head.getvalue() + path.read_text(encoding="utf-8")
        path.write_bytes(content.encode(source.encoding or "utf-8"))


class _fresh:
    """A file written under another name and put in its place when it is whole."""

    def __init__(self, path: Path) -> None:
        self.path, self.aside = path, path.with_name(f".{path.name}")

    def __enter__(self) -> Path:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.aside.unlink(missing_ok=True)
        return self.aside

    def __exit__(self, kind: Any, *_rest: Any) -> None:
        if kind is None:
            self.aside.replace(self.path)
        else:
            self.aside.unlink(missing_ok=True)


_WRITERS = {
    "postgresql": _postgresql,
    "mariadb": _mariadb,
    "sqlite": _sqlite,
    "excel": _excel,
    "csv": _csv_file,
}

FILES = {s.name for s in SOURCES.values() if s.kind in ("sqlite", "excel", "csv")}
