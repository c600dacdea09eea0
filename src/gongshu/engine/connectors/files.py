"""What the file kinds share: paths that cannot leave their directory, and types for cells that have none.

A cell of a CSV file or a sheet is text. A column gets a type only when its content says so without doubt, and keeps
text whenever one value does not fit: nothing is dropped or rounded to make a type true, and an identity number stays
text however much it looks like a number.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from gongshu.engine.source import Column, SourceError, SourceSpec
from gongshu.engine.sqltext import ident, literal

SAMPLE_ROWS = 10_000

DATE = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}"
MOMENT = DATE + r"[ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
# More than nine digits is an identifier (a phone, an identity number), and so is a leading zero.
SMALL_INTEGER = r"-?(0|[1-9]\d{0,8})"
DECIMAL = rf"{SMALL_INTEGER}|-?(0|[1-9]\d{{0,9}})\.\d{{1,8}}"


def file_path(spec: SourceSpec) -> Path:
    """The file, resolved. Raises file_outside unless it lies under options["root"], links followed."""
    root = spec.options.get("root")
    if not root or not spec.path or "\x00" in spec.path:
        raise SourceError("file_outside", facts={"path": spec.path})
    top = Path(root).resolve()
    path = (top / spec.path).resolve()
    if not path.is_relative_to(top):
        raise SourceError("file_outside", facts={"path": spec.path})
    if not path.is_file():
        raise SourceError("file_missing", facts={"path": spec.path})
    return path


def fits(column: Column) -> str:
    """DuckDB condition: this text cell can become the column's type and back without loss."""
    name = ident(column.name)
    if column.type == "decimal":
        whole, scale = (column.precision or 38) - (column.scale or 0), column.scale or 0
        fraction = rf"(\.\d{{1,{scale}}})?" if scale else ""
        shape = rf"-?\d{{1,{max(whole, 1)}}}{fraction}"
        return f"regexp_full_match({name}, {literal(shape)})"
    if column.type == "integer":
        return f"regexp_full_match({name}, '-?\\d+') AND TRY_CAST({name} AS BIGINT) IS NOT NULL"
    if column.type == "date":
        return f"regexp_full_match({name}, {literal(DATE)}) AND TRY_CAST({name} AS DATE) IS NOT NULL"
    if column.type == "timestamp":
        shape = f"regexp_full_match({name}, {literal(f'({MOMENT}|{DATE})')})"
        return f"{shape} AND TRY_CAST({name} AS TIMESTAMP) IS NOT NULL"
    if column.type in ("boolean", "double"):
        return f"TRY_CAST({name} AS {column.duckdb_type}) IS NOT NULL"
    return "true"


def guess(con: duckdb.DuckDBPyConnection, relation: str, names: list[str]) -> list[Column]:
    """Types of all-text columns from the first SAMPLE_ROWS rows of `relation`."""
    if not names:
        return []
    parts = []
    for name in names:
        cell = ident(name)
        tests = [
            f"regexp_full_match({cell}, {literal(SMALL_INTEGER)})",
            f"regexp_full_match({cell}, {literal(DECIMAL)})",
            fits(Column(name, "date")),
            fits(Column(name, "timestamp")),
        ]
        parts += [f"count({cell})"] + [
            f"count(*) FILTER (WHERE {cell} IS NOT NULL AND NOT ({test}))" for test in tests
        ]
        parts.append(f"max(length(split_part({cell}, '.', 2)))")
    query = f"SELECT {', '.join(parts)} FROM (FROM {relation} LIMIT {SAMPLE_ROWS})"
    facts = con.execute(query).fetchone() or ()
    return [_typed(name, *facts[6 * index : 6 * index + 6]) for index, name in enumerate(names)]


def _typed(
    name: str, filled: int, integer: int, decimal: int, date: int, moment: int, scale: int | None
) -> Column:
    if not filled:
        return Column(name, "text")
    if not integer:
        return Column(name, "integer")
    if not decimal:
        return Column(name, "decimal", precision=18, scale=max(scale or 0, 2))
    if not date:
        return Column(name, "date")
    return Column(name, "timestamp" if not moment else "text")


def settle(
    con: duckdb.DuckDBPyConnection, relation: str, columns: list[Column]
) -> tuple[str, list[Column], int, tuple[str, ...]]:
    """Read `relation` (all text) once; give (select, columns, rows, names widened to text)."""
    typed = [column for column in columns if column.type not in ("text", "bytes")]
    tests = [f"count(*) FILTER (WHERE {ident(c.name)} IS NOT NULL AND NOT ({fits(c)}))" for c in typed]
    facts = con.execute(f"SELECT {', '.join(['count(*)', *tests])} FROM {relation}").fetchone() or (0,)
    misfits = {column.name for column, misses in zip(typed, facts[1:], strict=True) if misses}
    final = [column.retyped("text") if column.name in misfits else column for column in columns]
    cells = ", ".join(f"{_cast(column)} AS {ident(column.name)}" for column in final)
    return f"SELECT {cells} FROM {relation}", final, int(facts[0]), tuple(sorted(misfits))


def _cast(column: Column) -> str:
    name = ident(column.name)
    return f"unhex({name})" if column.type == "bytes" else f"CAST({name} AS {column.duckdb_type})"
