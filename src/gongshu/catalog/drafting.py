"""A table as the engine profiles it, in the catalog's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gongshu.engine import source as engine
from gongshu.engine.source import SourceSpec


@dataclass(frozen=True)
class Drafted:
    """What a table suggests for its entry: a name, the number of rows, and the columns of `Item` for each column."""

    name: str
    rows: int
    items: list[dict[str, Any]]


def draft_table(spec: SourceSpec, table: str) -> Drafted:
    """Profile a table. Raises SourceError."""
    columns = engine.columns(spec, table)
    comment = next((t.comment for t in engine.tables(spec) if t.name == table), "")
    items = [
        {
            "name": c.name,
            "label": c.comment[:200] or c.name,
            "type": c.type,
            "native_type": c.native_type[:100],
            "precision": c.precision,
            "scale": c.scale,
            "is_key": c.is_key,
            "nullable": c.nullable,
        }
        for c in columns
    ]
    return Drafted(name=comment[:200], rows=engine.count(spec, table), items=items)
