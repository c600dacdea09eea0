"""Bringing in entries that were filled in elsewhere: all of them, or none."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from gongshu.journal.services import Actor, event_append, service
from gongshu.kernel.errors import Invalid, NotFound, Refused
from gongshu.org.models import Unit
from gongshu.org.policy import current_pack, require

from ..models import Entry, System
from ..rules import cited
from .entries import entry_create


@service("catalog.entries_import", "POST", "/entries/import", summary="批量导入目录草稿")
def entries_import(*, actor: Actor, unit: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """Make a draft of each entry: {system (code or name), fields, items, at, cells}. One that is wrong stops them all.

    The refusal's `fields` maps each place (a cell such as "目录!C5", or the entry's number) to what is wrong.
    """
    owner = Unit.objects.filter(code=unit).first()
    if owner is None:
        raise NotFound(_("没有编码为 %(code)s 的单位。") % {"code": unit}, field="unit")
    require(actor, "catalog.edit", owner)
    wrong: dict[str, str] = {}
    made: list[Entry] = []
    taken = set(Entry.objects.filter(unit=owner).values_list("versions__name", flat=True))
    for number, told in enumerate(entries, start=1):
        cells = told.get("cells") or {}
        at = str(told.get("at") or number)
        fields = dict(told.get("fields") or {})
        if fields.get("name") in taken:
            wrong[cells.get("name", at)] = _("本单位已有名为“%(name)s”的目录。") % {"name": fields["name"]}
            continue
        try:
            system = _system(owner, str(told.get("system") or ""))
            with transaction.atomic():
                made.append(
                    entry_create(
                        actor=actor,
                        unit=unit,
                        system=system,
                        fields=fields,
                        items=list(told.get("items") or []),
                    )
                )
        except Refused as refusal:
            for key, message in (refusal.fields or {"": str(refusal)}).items():
                wrong[cells.get(key, at)] = str(message)
    if wrong:
        raise Invalid(
            _("有 %(n)d 处需要更正，未导入任何目录。") % {"n": len(wrong)}, fields=wrong, code="sheet"
        )
    event_append(
        actor=actor,
        type="catalog.entries.imported",
        subject=("unit", owner.code, owner.name),
        unit=owner.pk,
        body={"entries": [entry.code for entry in made]},
        basis=cited(current_pack(), "PT-15.3a"),
    )
    return {"count": len(made), "entries": [entry.code for entry in made]}


def _system(unit: Unit, told: str) -> str:
    """Code of the unit's system of that code or name."""
    if not told:
        return ""
    found = System.objects.filter(unit=unit).filter(code=told).first()
    found = found or System.objects.filter(unit=unit, name=told).first()
    if found is None:
        raise NotFound(_("本单位没有登记信息系统“%(name)s”，请先登记。") % {"name": told}, field="system")
    return found.code
