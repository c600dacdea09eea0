"""CSV files in the encodings met in offices: UTF-8 with and without mark, GB18030 (GBK, GB2312), UTF-16 with mark.

What is not UTF-8 is transcoded in a stream to the spool directory first; DuckDB then reads UTF-8 only.
"""

from __future__ import annotations

import codecs
import csv
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from gongshu.engine import duck
from gongshu.engine.connectors.files import file_path, guess, settle
from gongshu.engine.source import Column, Probe, Pull, SourceError, SourceSpec, Table
from gongshu.engine.sqltext import literal

extensions: tuple[str, ...] = ()

CHUNK = 1 << 20
DELIMITERS = (",", "\t", ";", "|")


def probe(spec: SourceSpec) -> Probe:
    path = file_path(spec)
    encoding = detect(spec, path)
    return Probe(f"CSV {encoding}", [Table(path.stem)])


def tables(spec: SourceSpec) -> list[Table]:
    return probe(spec).tables


def columns(spec: SourceSpec, table: str) -> list[Column]:
    _own_table(spec, table)
    with _opened(spec, duck.connect(), None) as (con, relation, names):
        return guess(con, relation, names)


def count(spec: SourceSpec, table: str) -> int:
    _own_table(spec, table)
    with _opened(spec, duck.connect(), None) as (con, relation, _):
        row = con.execute(f"SELECT count(*) FROM {relation}").fetchone()
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
    _own_table(spec, table)
    with _opened(spec, con, spool) as (_, relation, _names):
        select, final, rows, widened = settle(con, relation, columns)
        if sample:
            select = f"FROM ({select}) USING SAMPLE reservoir({int(sample)} ROWS)"
        yield Pull(select, final, rows, True, widened)


def detect(spec: SourceSpec, path: Path) -> str:
    """The encoding of the whole file: the stated one if it holds, else the first known one that does."""
    stated = str(spec.options.get("encoding") or "").lower().replace("_", "-")
    with path.open("rb") as stream:
        start = stream.read(4)
    candidates = ["utf-8-sig", "gb18030"]
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        candidates = ["utf-16"]
    elif not start.startswith(codecs.BOM_UTF8):
        candidates[0] = "utf-8"
    if stated:
        known = {"gbk": "gb18030", "gb2312": "gb18030"}
        candidates = [known.get(stated, stated)]
    for encoding in candidates:
        if _decodes(path, encoding):
            return encoding
    raise SourceError("bad_encoding", facts={"path": spec.path, "encoding": stated or ", ".join(candidates)})


def _decodes(path: Path, encoding: str) -> bool:
    try:
        for _ in _decoded(path, encoding):
            pass
    except (UnicodeError, LookupError):
        return False
    return True


def _decoded(path: Path, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            yield decoder.decode(chunk)
    yield decoder.decode(b"", True)


@contextmanager
def _opened(
    spec: SourceSpec, con: duckdb.DuckDBPyConnection, spool: Path | None
) -> Iterator[tuple[duckdb.DuckDBPyConnection, str, list[str]]]:
    """A DuckDB relation of the file's rows, every cell text and an empty cell NULL, and its column names."""
    path = file_path(spec)
    encoding = detect(spec, path)
    with tempfile.TemporaryDirectory(prefix="csv-", dir=spool) as folder:
        readable = path
        if encoding not in ("utf-8", "utf-8-sig"):
            readable = Path(folder) / "utf8.csv"
            with readable.open("w", encoding="utf-8", newline="") as copy:
                for text in _decoded(path, encoding):
                    copy.write(text.removeprefix("\ufeff"))
        relation, names = _relation(spec, readable)
        try:
            yield con, relation, names
        except duckdb.InterruptException:
            raise SourceError("cancelled", facts={"path": spec.path}) from None
        except duckdb.Error as error:
            text = str(error).replace(str(readable), spec.path)
            raise SourceError("bad_csv", text, {"path": spec.path, "detail": text[:300]}) from None


def _relation(spec: SourceSpec, readable: Path) -> tuple[str, list[str]]:
    """DuckDB's reader with nothing left to guess: its own detection takes a ragged file for one of another shape."""
    with readable.open(encoding="utf-8-sig", newline="") as stream:
        line = stream.readline(CHUNK)
        delimiter = str(spec.options.get("delimiter") or max(DELIMITERS, key=line.count))
        stream.seek(0)
        try:
            names = [name.strip() for name in next(csv.reader(stream, delimiter=delimiter), [])]
        except csv.Error as error:
            raise SourceError("bad_csv", str(error), {"path": spec.path, "detail": str(error)}) from None
    if not names or not all(names) or len({name.casefold() for name in names}) < len(names):
        raise SourceError("column_clash", ", ".join(names), {"table": readable.stem, "columns": names})
    shape = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in names)
    options = f"auto_detect = false, header = true, delim = {literal(delimiter)}, quote = '\"', escape = '\"'"
    return f"read_csv({literal(str(readable))}, {options}, columns = {{{shape}}})", names


def _own_table(spec: SourceSpec, table: str) -> None:
    """A CSV file holds one table, named after the file."""
    if table != file_path(spec).stem:
        raise SourceError("table_missing", facts=spec.facts(table=table))
