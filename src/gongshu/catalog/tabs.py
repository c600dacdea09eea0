"""Tabs of the entry page. Domains above the catalog add theirs here (collection, quality, sharing)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from gongshu.journal.services import Actor

from .models import Entry

Drawn = tuple[str, dict[str, Any]] | None


@dataclass(frozen=True)
class Tab:
    """A tab. draw: (entry, actor) -> (template, context), or None where there is nothing for this actor."""

    name: str
    label: str | Promise
    draw: Callable[[Entry, Actor], Drawn]
    order: int = 100


_TABS: dict[str, Tab] = {}


def register(
    name: str, label: str | Promise, draw: Callable[[Entry, Actor], Drawn], *, order: int = 100
) -> None:
    """Add a tab to the entry page; one of the same name replaces the earlier one."""
    _TABS[name] = Tab(name, label, draw, order)


def tabs() -> list[Tab]:
    """All tabs in order."""
    return sorted(_TABS.values(), key=lambda tab: tab.order)
