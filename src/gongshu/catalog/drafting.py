"""A table as the engine profiles it, in the catalog's words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gongshu.engine import profile
from gongshu.engine import source as engine
from gongshu.engine.source import SourceSpec

from .wording import english


@dataclass(frozen=True)
class Drafted:
    """What a table suggests for its entry: a name, the number of rows, and the columns of `Item` for each column."""

    name: str
    rows: int
    items: list[dict[str, Any]]


def draft_table(spec: SourceSpec, table: str) -> Drafted:
    """Profile a table: types and keys as the source declares, kinds and levels as its cells suggest. SourceError."""
    found = profile.draft(spec, table)
    comment = next((t.comment for t in engine.tables(spec) if t.name == table), "")
    return Drafted(name=comment[:200], rows=found.rows, items=[_item(column) for column in found.columns])


def _item(found: profile.ColumnDraft) -> dict[str, Any]:
    column = found.column
    return {
        "name": column.name,
        "label": column.comment[:200] or column.name,
        "type": column.type,
        "native_type": column.native_type[:100],
        "precision": column.precision,
        "scale": column.scale,
        "is_key": column.is_key,
        "nullable": column.nullable,
        "suggested_kind": found.kind or "",
        "suggested_level": found.level,
        "suggested_why": found.why,
        "suggested_share": round(found.share * 100),
        "null_percent": round(found.null_ratio * 100),
        "kind": found.kind or "",
        "samples": found.samples_masked,
    }


def why_text(why: str, share: int | None) -> str:
    """Why a kind was suggested, in the reader's language."""
    zh, en = profile.WHYS.get(why, profile.WHYS["none"])
    told = en if english() else zh
    return told.format(share=share if share is not None else "?")
