"""The first rows that fail each rule, kept with the result so that pages need not open the lake.

A row is shown by its key and the rule's own columns, as it is (for the provider, who puts it right) and masked (for
whoever oversees). All failing keys stay in the run's file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from gongshu.catalog.models import Item
from gongshu.engine import quality
from gongshu.engine.lake import Lake
from gongshu.engine.sqltext import ident

from . import masks
from .models import Rule

SAMPLE = 20
"""Rows kept of each rule."""

Sample = dict[str, Any]


def samples(
    store: Lake,
    table: str,
    found: quality.CheckResult,
    rules: list[Rule],
    keys: list[str],
    items: dict[str, Item],
) -> dict[str, Sample]:
    """Rule code -> {columns, rows, masked} for every rule that fails somewhere."""
    failing = {result.code for result in found.results if result.failed}
    wanted = [rule for rule in rules if rule.code in failing and rule.columns]
    if not wanted:
        return {}
    with store.session() as con:
        relation = f"(SELECT rowid AS _row, * FROM {store.relation(table, found.snapshot)})"  # noqa: S608
        return {rule.code: _sample(con, relation, found.path, rule, keys, items) for rule in wanted}


def _sample(
    con: duckdb.DuckDBPyConnection,
    relation: str,
    path: Path,
    rule: Rule,
    keys: list[str],
    items: dict[str, Item],
) -> Sample:
    rows = quality.failing_rows(path, rule.code, SAMPLE)
    named = keys or ["_rowid"]
    con.register("failing_keys", pa.Table.from_pylist([{key: row[key] for key in named} for row in rows]))
    columns = list(dict.fromkeys([*keys, *rule.columns]))
    raw = ", ".join(f"CAST(t.{ident(c)} AS VARCHAR)" for c in columns)
    hidden = ", ".join(f"CAST({_masked(c, items.get(c))} AS VARCHAR)" for c in columns)
    on = " AND ".join(f"t.{ident(k)} IS NOT DISTINCT FROM k.{ident(k)}" for k in keys) or "t._row = k._rowid"
    # Every name in it is a quoted identifier of the entry's own items; the keys are a registered table.
    select = f"SELECT {raw}, {hidden} FROM (SELECT DISTINCT * FROM failing_keys) k JOIN {relation} t ON {on}"  # noqa: S608
    found = con.execute(f"{select} ORDER BY ALL LIMIT {SAMPLE}").fetchall()
    n = len(columns)
    return {
        "columns": columns,
        "rows": [[_text(v) for v in row[:n]] for row in found],
        "masked": [[_text(v) for v in row[n:]] for row in found],
    }


def _masked(column: str, item: Item | None) -> str:
    cell = f"t.{ident(column)}"
    return cell if item is None else masks.expression(masks.default_for(item), cell, "duckdb")


def _text(value: Any) -> str:
    return "" if value is None else str(value).replace("\x00", "")
