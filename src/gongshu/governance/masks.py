"""Which masks may hide an item, and which does unless the provider decides otherwise. The masks are the engine's."""

from __future__ import annotations

from django.utils.translation import get_language

from gongshu.catalog.models import Item
from gongshu.catalog.vocabulary import SensitiveKind
from gongshu.engine.mask import MASKS, mask_sql

KEEP, HIDE = "keep", "hide"
SENSITIVE_LEVEL = 3
"""Level from which an item without a sensitive kind is not provided unless the provider says so."""

BY_KIND: dict[str, str] = {
    SensitiveKind.ID_NUMBER: "id_card",
    SensitiveKind.PHONE: "phone",
    SensitiveKind.NAME: "name",
    SensitiveKind.ADDRESS: "address",
    SensitiveKind.BANK_CARD: "bank_card",
    SensitiveKind.EMAIL: HIDE,
    SensitiveKind.USCC: KEEP,
    SensitiveKind.PLATE: HIDE,
    SensitiveKind.BIRTH: "year",
    SensitiveKind.OTHER: HIDE,
}


def label(code: str) -> str:
    """The name of a mask in the reader's language."""
    names = {key: (zh, en) for key, zh, en in MASKS}
    zh, en = names.get(code, (code, code))
    return en if (get_language() or "").startswith("en") else zh


def kinds_for(item: Item) -> list[tuple[str, str]]:
    """(code, label) of the masks that make sense for an item of this type."""
    if item.type == "text":
        codes = [key for key, _zh, _en in MASKS]
    else:
        codes = [KEEP, *(["year"] if item.type in ("date", "timestamp") else []), HIDE]
    return [(code, label(code)) for code in codes]


def default_for(item: Item) -> str:
    """The mask of an item by its sensitive kind, or by its level where it has none."""
    if item.kind:
        kind = BY_KIND.get(item.kind, HIDE)
        return kind if kind in dict(kinds_for(item)) else HIDE
    return HIDE if (item.level or 0) >= SENSITIVE_LEVEL else KEEP


def expression(kind: str, column: str, dialect: str = "postgres") -> str:
    """What leaves the store instead of the column (already quoted): the serving store, or the lake ("duckdb")."""
    return mask_sql(kind, column, dialect)
