"""Changing what is published: a new version from the one in force, and outside events that oblige a unit to change."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from gongshu.casework.models import Case
from gongshu.casework.services import case_move, case_open
from gongshu.journal import clock
from gongshu.journal.services import Actor, event_append, service
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed
from gongshu.org.policy import body_unit, current_pack, explain, may, require

from .. import selectors
from ..models import ChangeEvent, Entry, EntryVersion, Item
from ..vocabulary import FIELDS, VersionState
from ..wording import listed
from .review import CATALOG_CHANGE, reviewing_parties


@service("catalog.entry_change_start", "POST", "/entries/{entry}/change", summary="起草目录变更")
def entry_change_start(*, actor: Actor, entry: str) -> EntryVersion:
    """Draft the next version of a published entry as a copy of the one in force; it is edited like any draft."""
    found = selectors.published_get(actor=actor, entry=entry)
    require(actor, "catalog.edit", found.unit)
    if found.draft or found.current is None:
        raise Conflict(_("已有一个变更草稿或待审核的版本。"))
    held = found.current
    items = list(held.items.all())
    version = EntryVersion.objects.get(pk=held.pk)
    version.pk, version._state.adding = None, True
    version.number, version.state, version.revision = held.number + 1, VersionState.DRAFT, 1
    version.drafted_at, version.published_at, version.digest, version.system_code = clock.now(), None, "", ""
    version.save()
    for item in items:
        item.pk, item.version, item._state.adding = None, version, True
    Item.objects.bulk_create(items)
    event_append(
        actor=actor,
        type="catalog.entry.change_drafted",
        subject=("entry", found.code, found.name),
        unit=found.unit_id,
        body={"version": version.number, "from": held.number},
    )
    return version


@service("catalog.change_submit", "POST", "/entries/{entry}/change/submit", summary="申报目录变更或撤销")
def change_submit(*, actor: Actor, entry: str, reason: str, kind: str = "change") -> Case:
    """File a change (the draft becomes the next version) or a withdrawal for review.

    Where an outside event has already opened the case, this is its filing; otherwise a case is opened now. A change
    without a draft, or whose draft equals the version in force, is refused.
    """
    found = selectors.published_get(actor=actor, entry=entry)
    require(actor, "catalog.edit", found.unit)
    case = open_change(found)
    if case is None:
        case = _open(actor, found, clock.today(), {})
    return case_move(actor=actor, case=case, move="file", given={"kind": kind, "reason": reason})


@service(
    "catalog.change_event_register",
    "POST",
    "/entries/{entry}/change-events",
    summary="登记引起目录变更的外部事件",
)
def change_event_register(
    *, actor: Actor, entry: str, happened_on: date, trigger: str, description: str
) -> ChangeEvent:
    """Record that a law was amended or a duty moved on a day: the limit for filing the change runs from that day.

    trigger: one of the pack's catalog.change_triggers. By the entry's own unit, or by the body that reviews changes.
    """
    found = selectors.published_get(actor=actor, entry=entry)
    pack = current_pack()
    _may_register(actor, found)
    triggers = [str(t) for t in pack.catalog.change_triggers.v]
    if trigger not in triggers:
        raise Invalid(
            _("变更情形应为：%(triggers)s。") % {"triggers": listed(triggers)},
            field="trigger",
            basis=pack.catalog.change_triggers.basis,
        )
    if happened_on > clock.today():
        raise Invalid(_("发生日期不能晚于今天。"), field="happened_on")
    if not description.strip():
        raise Invalid(_("请写明修订了什么法规、或哪项职能有了变化。"), field="description")
    event = ChangeEvent(
        entry=found,
        happened_on=happened_on,
        trigger=trigger,
        description=description.strip(),
        registered_at=clock.now(),
    )
    event.save()
    case = open_change(found) or _open(actor, found, happened_on, {"event": event.pk, "trigger": trigger})
    event.case_number = case.number
    event.save(update_fields=["case_number"])
    event_append(
        actor=actor,
        type="catalog.change.obliged",
        subject=("entry", found.code, found.name),
        unit=found.unit_id,
        case=case.pk,
        basis=pack.catalog.change_file_within.basis,
        body={
            "happened_on": happened_on,
            "trigger": trigger,
            "description": event.description,
            "case": case.number,
        },
    )
    return event


def open_change(entry: Entry) -> Case | None:
    """The running change case of an entry, if there is one."""
    return Case.objects.filter(
        procedure=CATALOG_CHANGE, subject_type="entry", subject_id=entry.code, closed_at__isnull=True
    ).first()


def _open(actor: Actor, entry: Entry, happened_on: date, data: dict[str, Any]) -> Case:
    return case_open(
        actor=actor,
        procedure=CATALOG_CHANGE,
        subject=("entry", entry.code, _("目录变更：%(name)s") % {"name": entry.name}),
        parties={"provider": entry.unit, **reviewing_parties("bodies.catalog_change_reviewer")},
        data={"happened_on": happened_on.isoformat(), "from": entry.version, **data},
    )


def _may_register(actor: Actor, entry: Entry) -> None:
    role = str(current_pack().bodies.catalog_change_reviewer.v)
    if may(actor, "catalog.edit", entry.unit) or may(actor, "catalog.review", body_unit(role)):
        return
    raise NotAllowed(explain(actor, "catalog.edit", entry.unit).reason)


def differences(draft: EntryVersion) -> list[dict[str, Any]]:
    """What a draft changes against the version in force: [{field, item, before, after}], fields first, then items."""
    held = draft.entry.current
    if held is None:
        return []
    before, after = held.content(), draft.content()
    rows = [
        {"field": key, "item": "", "before": before[key], "after": after[key]}
        for key in ("system", "summary", *FIELDS)
        if before[key] != after[key]
    ]
    old = {item["name"]: item for item in before["items"]}
    new = {item["name"]: item for item in after["items"]}
    for name in dict.fromkeys([*old, *new]):
        if old.get(name) != new.get(name):
            rows.append({"field": "items", "item": name, "before": old.get(name), "after": new.get(name)})
    if not rows and list(old) != list(new):
        rows.append({"field": "items", "item": "", "before": list(old), "after": list(new)})
    return rows
