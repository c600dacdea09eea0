"""Labels with colours, the same on every page."""

from __future__ import annotations

from typing import Any

from gongshu.console.templatetags.house import badge
from gongshu.org.policy import current_pack

from .models import DataSource, Entry, EntryVersion, Item
from .rules import field_label
from .vocabulary import FIELDS, EntryState, Level, SensitiveKind, ShareType, open_types
from .wording import english

SHARE_TONES = {"unconditional": "green", "conditional": "amber", "none": "red"}
STATE_TONES = {"draft": "grey", "reviewing": "amber", "published": "green", "withdrawn": "grey"}
LEVEL_TONES = {1: "green", 2: "blue", 3: "amber", 4: "red"}


def share_label(code: str) -> str:
    """The share type in the regulation's words; an English reader gets the platform's."""
    if not code:
        return ""
    return str(ShareType(code).label) if english() else current_pack().share_label(code)


def share_badge(code: str) -> Any:
    """The share type as a label."""
    return badge(share_label(code), SHARE_TONES.get(code, "grey")) if code else ""


def state_badge(entry: Entry) -> Any:
    """The state of an entry as a label."""
    return badge(EntryState(entry.state).label, STATE_TONES[entry.state])


def level_badge(level: int | None) -> Any:
    """A level as a label."""
    return badge(Level(level).label, LEVEL_TONES[level]) if level else ""


def kind_label(kind: str) -> str:
    """A sensitive kind in words."""
    return str(SensitiveKind(kind).label) if kind in SensitiveKind.values else kind


def probe_badge(source: DataSource) -> Any:
    """Whether a source answered when last asked."""
    from django.utils.translation import gettext as _

    return badge(_("连接正常"), "green") if source.probe_ok else badge(_("连接异常"), "red")


def open_label(code: str) -> str:
    """The class of opening in the regulation's words."""
    return str(dict(open_types(current_pack())).get(code, ""))


def field_value(version: EntryVersion, key: str) -> str:
    """A canonical field of a version as a person reads it."""
    return value_text(key, getattr(version, key))


def value_text(key: str, value: Any) -> str:
    """A value of a canonical field as a person reads it."""
    if value in (None, "", {}, []):
        return ""
    if key == "share_type":
        return share_label(value)
    if key == "legal_basis":
        return f"{value.get('document', '')} {value.get('article', '')}（{value.get('rank', '')}）"
    if key in FIELDS:
        options = dict(FIELDS[key].options(current_pack()))
        return str(options.get(value, value))
    return str(value)


def facts(version: EntryVersion) -> list[tuple[str, str, str]]:
    """(key, label, value) of every field a version states."""
    pack = current_pack()
    return [
        (key, field_label(pack, key), text)
        for key in FIELDS
        if (text := field_value(version, key)) and key != "name"
    ]


def item_level(item: Item) -> Any:
    """The level of an item as a label."""
    return level_badge(item.level)
