"""Who uses the data of an entry. Domains above this one say so here, as collection knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gongshu.catalog.models import Entry
from gongshu.org.models import Unit

SOURCES: list[Callable[[Entry], Iterable[Unit]]] = []


def register(source: Callable[[Entry], Iterable[Unit]]) -> Callable[[Entry], Iterable[Unit]]:
    """Let a domain name the units that hold something of an entry (grants); they are told of changes (ZY-19.2)."""
    SOURCES.append(source)
    return source


def consumers_of(entry: Entry) -> list[Unit]:
    """Units that use the data of an entry, each once."""
    found = {unit.pk: unit for source in SOURCES for unit in source(entry)}
    return list(found.values())
