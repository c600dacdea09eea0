"""From an answered request to what the gateway serves: columns with their masks, row scope, quota, validity.

Everything a grant allows is compiled into one SQL, so what is not granted never leaves the store. Values of the row
scope are bound parameters. A masked item can neither be looked up by nor sorted by.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from typing import Any

from gongshu.catalog.models import Item
from gongshu.gateway.spec import Column, GrantSpec, Quota, quote
from gongshu.governance import masks
from gongshu.kernel.canonical import canonical

from .models import ShareRequest
from .vocabulary import GATE_TYPES, Mode, Op

SQL_TYPES = {
    "text": "text",
    "integer": "bigint",
    "decimal": "numeric",
    "double": "double precision",
    "date": "date",
    "timestamp": "timestamp",
    "boolean": "boolean",
}
PAGE_MAX = 500
KEEP = masks.KEEP


@dataclass(frozen=True)
class Compiled:
    """spec: for the gateway. masks: item -> kind of mask, "keep" included. digest: SHA-256 of the canonical spec."""

    spec: GrantSpec
    masks: dict[str, str]
    valid_to: date

    @property
    def digest(self) -> str:
        return hashlib.sha256(canonical(self.spec.as_dict())).hexdigest()


def serving_table(entry_id: int) -> str:
    """Schema and name of an entry's table in the serving store."""
    return f"serving.entry_{entry_id}"


def compile_grant(request: ShareRequest) -> Compiled:
    """What an approved request allows. Pure: the same request, reply and version give the same spec."""
    reply = request.reply
    by_name = {item.name: item for item in request.version.items.all()}
    granted = [name for name in reply.get("items") or request.items if name in by_name]
    chosen = reply.get("masks") or {}
    hidden = {name: mask_of(request, by_name[name], chosen) for name in granted}
    columns = tuple(_column(by_name[name], hidden[name]) for name in granted)
    keys = tuple(k for k in request.keys if k in granted and hidden[k] == KEEP)
    where_sql, where_params = scope_sql(request.scope, by_name)
    valid_to = date.fromisoformat(reply["valid_to"]) if reply.get("valid_to") else request.valid_to
    spec = GrantSpec(
        table=serving_table(request.entry_id),
        columns=columns,
        where_sql=where_sql,
        where_params=where_params,
        keys=keys,
        modes=tuple(m for m in reply.get("modes") or request.modes if m != Mode.KEY or keys),
        page_max=PAGE_MAX,
        quota=Quota(per_day=reply.get("per_day") or request.per_day),
        case_required=False,
        durable=request.share_type != "unconditional" or any(by_name[n].kind for n in granted),
        purpose=request.purpose,
        entry=request.entry.code,
        title=request.version.name,
        version=request.version.number,
    )
    spec.check()
    return Compiled(spec, hidden, valid_to)


def mask_of(request: ShareRequest, item: Item, chosen: dict[str, str]) -> str:
    """The kind of mask of an item: as chosen in the reply, else as its sensitivity asks."""
    return chosen.get(item.name) or default_mask(item, request.keys)


def default_mask(item: Item, keys: list[str]) -> str:
    """What hides an item unless the provider decides otherwise; one the caller looks up by is known to it anyway."""
    return KEEP if item.name in keys else masks.default_for(item)


def _column(item: Item, kind: str) -> Column:
    gate = GATE_TYPES.get(item.type, "string")
    label = item.label or item.name
    if kind == KEEP:
        return Column(item.name, quote(item.name), gate, label)
    return Column(item.name, masks.expression(kind, quote(item.name)), "string", label)


def scope_sql(scope: list[dict[str, Any]], items: dict[str, Item]) -> tuple[str, tuple[str, ...]]:
    """The row scope as SQL over the serving table with $1 .. $n, and the values for them."""
    parts: list[str] = []
    params: list[str] = []

    def bind(value: str, type_: str) -> str:
        params.append(value)
        return f"(${len(params)}::text)::{type_}"

    for filter_ in scope:
        item = items[filter_["item"]]
        column, type_, value = quote(item.name), SQL_TYPES[item.type], filter_["value"]
        if filter_["op"] == Op.IN:
            parts.append(f"{column} IN ({', '.join(bind(v, type_) for v in value)})")
        elif filter_["op"] == Op.PREFIX:
            parts.append(f"starts_with({column}, {bind(value, type_)})")
        else:
            parts.append(f"{column} {filter_['op']} {bind(value, type_)}")
    return " AND ".join(parts), tuple(params)
