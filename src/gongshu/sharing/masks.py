"""Which masks may hide an item, and which does unless the provider decides otherwise."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from gongshu.catalog.models import Item

NONE = "none"
LABELS: dict[str, Any] = {
    NONE: _("原样提供"),
    "hide": _("不显示"),
    "name": _("保留首字"),
    "middle": _("隐去中间，保留首尾"),
    "head": _("只保留开头"),
    "year": _("只保留年份"),
}
BY_KIND = {
    "id_card": "middle",
    "phone": "middle",
    "bank_card": "middle",
    "uscc": NONE,
    "name": "name",
    "address": "head",
    "email": "name",
    "plate": "middle",
    "birth_date": "year",
    "other": "hide",
}
SENSITIVE_LEVEL = 3


def kinds_for(item: Item) -> list[tuple[str, Any]]:
    """(code, label) of the masks that make sense for an item."""
    codes = [NONE, "hide"]
    codes += ["year"] if item.type in ("date", "timestamp") else ["name", "middle", "head"]
    return [(code, LABELS[code]) for code in codes]


def default_for(item: Item) -> str:
    """The mask of an item by its sensitive kind, or by its level where it has none."""
    if item.kind:
        kind = BY_KIND.get(item.kind, "hide")
        return kind if kind in dict(kinds_for(item)) else "hide"
    return "hide" if (item.level or 0) >= SENSITIVE_LEVEL else NONE


def expression(kind: str, column: str) -> str:
    """What leaves the serving store instead of the column (already quoted)."""
    text = f"{column}::text"
    return {
        "hide": "NULL::text",
        "name": f"left({text}, 1) || repeat('*', greatest(length({text}) - 1, 1))",
        "middle": f"CASE WHEN length({text}) > 8 THEN left({text}, 3) || repeat('*', length({text}) - 7)"
        f" || right({text}, 4) ELSE left({text}, 1) || '****' END",
        "head": f"left({text}, 6) || '****'",
        "year": f"left({text}, 4)",
    }[kind]
