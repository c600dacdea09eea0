"""Excel workbooks (xlsx, xls, xlsb) and ods: a sheet is a table, its first row the column names.

Read by calamine, which knows dates by their number format; DuckDB's own reader gives serial numbers for them when
asked for text.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, PasswordError, WorksheetNotFound

from gongshu.engine import duck
from gongshu.engine.connectors.files import file_path, guess, settle
from gongshu.engine.source import Column, Probe, Pull, SourceError, SourceSpec, Table
from gongshu.engine.sqltext import ident

extensions: tuple[str, ...] = ()

BATCH_ROWS = 20_000


def probe(spec: SourceSpec) -> Probe:
    return Probe("Excel", tables(spec))


def tables(spec: SourceSpec) -> list[Table]:
    book = _book(spec)
    return [Table(name, "sheet") for name in book.sheet_names]


def columns(spec: SourceSpec, table: str) -> list[Column]:
    con = duck.connect()
    with _loaded(con, spec, table) as (relation, names):
        return guess(con, relation, names)


def count(spec: SourceSpec, table: str) -> int:
    header, rows = _rows(_sheet(spec, table))
    return sum(1 for row in rows if any(cell not in ("", None) for cell in row)) if header else 0


@contextmanager
def pull(
    con: duckdb.DuckDBPyConnection,
    spec: SourceSpec,
    table: str,
    columns: list[Column],
    spool: Path,
    sample: int | None = None,
) -> Iterator[Pull]:
    try:
        with _loaded(con, spec, table) as (relation, _):
            select, final, rows, widened = settle(con, relation, columns)
            if sample:
                select = f"FROM ({select}) USING SAMPLE reservoir({int(sample)} ROWS)"
            yield Pull(select, final, rows, True, widened)
    except duckdb.InterruptException:
        raise SourceError("cancelled", facts=spec.facts(table=table)) from None
    except duckdb.Error as error:
        raise SourceError("failed", str(error), spec.facts(table=table)) from None


def _book(spec: SourceSpec) -> CalamineWorkbook:
    path = file_path(spec)
    try:
        return CalamineWorkbook.from_path(str(path))
    except PasswordError as error:
        raise SourceError("not_a_workbook", "password", {"path": spec.path}) from error
    except (CalamineError, OSError, ValueError) as error:
        raise SourceError("not_a_workbook", facts={"path": spec.path}) from error


def _sheet(spec: SourceSpec, table: str) -> CalamineSheet:
    try:
        return _book(spec).get_sheet_by_name(table)
    except WorksheetNotFound as error:
        raise SourceError("table_missing", facts=spec.facts(table=table)) from error


def _rows(sheet: CalamineSheet) -> tuple[list[str], Iterator[list[Any]]]:
    """The names in the first row that holds anything, and the rows after it."""
    rows = iter(sheet.iter_rows())
    for first in rows:
        names = [(_text(cell) or "").strip() for cell in first]
        while names and not names[-1]:
            names.pop()
        if names:
            return names, rows
    return [], rows


@contextmanager
def _loaded(con: duckdb.DuckDBPyConnection, spec: SourceSpec, table: str) -> Iterator[tuple[str, list[str]]]:
    """The sheet as a temporary DuckDB table of text; rows with no cell filled are not rows."""
    names, rows = _rows(_sheet(spec, table))
    if not names:
        raise SourceError("column_missing", facts=spec.facts(table=table, columns=[]))
    if not all(names) or len({name.casefold() for name in names}) < len(names):
        raise SourceError("column_clash", ", ".join(names), spec.facts(table=table, columns=names))
    schema = pa.schema([(name, pa.string()) for name in names])
    con.register("sheet_stream", pa.RecordBatchReader.from_batches(schema, _batches(rows, schema)))
    con.execute("CREATE OR REPLACE TEMPORARY TABLE sheet_rows AS FROM sheet_stream")
    con.unregister("sheet_stream")
    try:
        yield ident("sheet_rows"), names
    finally:
        con.execute("DROP TABLE IF EXISTS sheet_rows")


def _batches(rows: Iterator[list[Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    width = len(schema)
    while part := list(islice(rows, BATCH_ROWS)):
        texts = [[_text(cell) for cell in row[:width]] for row in part]
        kept = [row + [None] * (width - len(row)) for row in texts if any(cell is not None for cell in row)]
        arrays = [pa.array([row[index] for row in kept], pa.string()) for index in range(width)]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _text(cell: Any) -> str | None:
    """A cell as the text a reader of the sheet sees; None when empty."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 1e18:
        return str(int(cell))
    if isinstance(cell, datetime.datetime):
        if cell.time() == datetime.time():
            return cell.date().isoformat()
        return cell.isoformat(sep=" ")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)
