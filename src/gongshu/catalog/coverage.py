"""How much of what a unit has is catalogued: systems without an entry, tables without one (应编尽编)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from gongshu.journal.services import Actor, query
from gongshu.org.models import Unit
from gongshu.org.policy import body_unit, current_pack, may

from .models import DataSource, Entry
from .rules import cited
from .selectors import sources_visible_to, systems_visible_to
from .vocabulary import EntryState, SystemStatus

BASIS = ("CM-7", "ZY-13", "XC-2.4", "PT-15.2", "PT-14.1", "PJ-14.1")


@dataclass
class Coverage:
    """One unit: systems in use, those without an entry; tables seen at the last check of each source, those without
    an entry under review or published. `systems` and `tables` name what is missing, as far as the reader may see it."""

    unit: Unit
    systems_n: int = 0
    tables_n: int = 0
    tables_done: int = 0
    systems: list[str] = field(default_factory=list)
    tables: list[tuple[str, str]] = field(default_factory=list)

    @property
    def rate(self) -> str:
        """Share of the tables that are catalogued, in words; a dash where no table is known."""
        return f"{100 * self.tables_done / self.tables_n:.1f}%" if self.tables_n else "—"

    def as_dict(self) -> dict[str, Any]:
        """The unit's coverage as the API shows it."""
        return {
            "unit": self.unit.code,
            "systems": self.systems_n,
            "systems_uncatalogued": self.systems,
            "tables": self.tables_n,
            "tables_catalogued": self.tables_done,
            "rate": self.rate,
            "tables_uncatalogued": [list(pair) for pair in self.tables],
        }


def coverage_of(actor: Actor) -> list[Coverage]:
    """Coverage of every unit with a system in use that the actor may see, least covered first."""
    found: dict[int, Coverage] = {}
    systems = systems_visible_to(actor).exclude(status=SystemStatus.STOPPED).prefetch_related("sources")
    live = Entry.objects.filter(state__in=[EntryState.REVIEWING, EntryState.PUBLISHED])
    done = set(live.filter(source__isnull=False).values_list("source_id", "table"))
    with_entry = set(live.values_list("system_id", flat=True))
    named = _named(actor)
    for system in systems:
        told = found.setdefault(system.unit_id, Coverage(system.unit))
        told.systems_n += 1
        if system.pk not in with_entry:
            told.systems.append(system.name)
        for source in system.sources.all():
            _count(told, source, done, source.pk in named)
    return sorted(found.values(), key=lambda c: (c.tables_done - c.tables_n, c.unit.path))


def _count(told: Coverage, source: DataSource, done: set[tuple[int, str]], named: bool) -> None:
    for table in source.probe_facts.get("names", []):
        told.tables_n += 1
        if (source.pk, table) in done:
            told.tables_done += 1
        elif named:
            told.tables.append((source.name, table))


def _named(actor: Actor) -> set[int]:
    """Sources whose table names the actor may see: of the own unit, as auditor, or as the body that reviews."""
    role = str(current_pack().bodies.catalog_reviewer.v)
    everything = actor.via == "system" or (
        role != "provider" and may(actor, "catalog.review", body_unit(role))
    )
    rows = DataSource.objects.filter(Q()) if everything else sources_visible_to(actor)
    return set(rows.values_list("pk", flat=True))


@query("catalog.coverage", "GET", "/coverage", summary="编目情况：未编目的系统和数据表")
def coverage(*, actor: Actor, unit: str | None = None) -> dict[str, Any]:
    """Per unit: systems and tables, those not catalogued, and the rate. Tables as of each source's last check."""
    rows = [told for told in coverage_of(actor) if not unit or told.unit.code == unit]
    return {"rows": [told.as_dict() for told in rows], "basis": cited(current_pack(), *BASIS).as_dict()}
