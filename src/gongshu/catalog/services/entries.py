"""Compiling entries: drafted from a table or by hand, edited until they are complete."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from gongshu.casework.models import Case
from gongshu.engine import source as engine
from gongshu.journal import clock
from gongshu.journal.services import Actor, event_append, service
from gongshu.kernel.errors import Conflict, Invalid, NotFound
from gongshu.org.models import Unit
from gongshu.org.policy import current_pack, require

from .. import selectors
from ..cleaning import replace_items, set_fields
from ..drafting import Drafted, draft_table
from ..messages import refused
from ..models import DataSource, Entry, EntryVersion, Item, Sequence
from ..vocabulary import (
    EntryState,
    Format,
    ResourceType,
    SourceKind,
    VersionState,
)
from ..wording import listed

FORMATS = {SourceKind.EXCEL: Format.XLSX, SourceKind.CSV: Format.CSV}


@service("catalog.entry_draft", "POST", "/sources/{source}/drafts", summary="由数据表起草目录")
def entry_draft(*, actor: Actor, source: str, table: str) -> Entry:
    """Draft an entry from a table of a connected source.

    The draft has an item for each column with type, key and masked samples, the number of rows, and a suggested kind
    and level for what looks sensitive; nothing is decided and nothing collected. One live entry per table.
    """
    found = selectors.source_get(actor=actor, source=source)
    require(actor, "catalog.edit", found.unit)
    live = Entry.objects.filter(source=found, table=table).exclude(state=EntryState.WITHDRAWN).first()
    if live:
        raise Conflict(
            _("表“%(table)s”已编目：%(code)s。") % {"table": table, "code": live.code}, field="table"
        )
    try:
        drafted = draft_table(found.spec(), table)
    except engine.SourceError as error:
        raise refused(error) from None
    entry = _make(actor, found.unit, system=found.system, source=found, table=table)
    version = _first_version(entry, name=drafted.name or table, row_count=drafted.rows, **_of_source(found))
    _write_items(version, drafted)
    _told(
        actor,
        "catalog.entry.drafted",
        entry,
        {"source": found.code, "table": table, "items": version.items.count()},
    )
    return entry


@service("catalog.entry_create", "POST", "/entries", summary="新建目录草稿")
def entry_create(
    *,
    actor: Actor,
    unit: str,
    system: str = "",
    fields: dict[str, Any] | None = None,
    items: list[dict[str, Any]] | None = None,
) -> Entry:
    """Begin an entry by hand. fields: canonical catalog fields; items: see `items_edit`."""
    owner = Unit.objects.filter(code=unit).first()
    if owner is None:
        raise NotFound(_("没有编码为 %(code)s 的单位。") % {"code": unit}, field="unit")
    require(actor, "catalog.edit", owner)
    held = selectors.system_get(actor=actor, system=system) if system else None
    if held and held.unit_id != owner.pk:
        raise Invalid(_("信息系统 %(code)s 不是本单位登记的。") % {"code": system}, field="system")
    entry = _make(actor, owner, system=held)
    version = _first_version(entry)
    set_fields(version, fields or {})
    if items:
        replace_items(version, items)
    _told(actor, "catalog.entry.drafted", entry, {"items": version.items.count()})
    return entry


@service("catalog.entry_edit", "PATCH", "/entries/{entry}", summary="编辑目录草稿")
def entry_edit(
    *,
    actor: Actor,
    entry: str,
    fields: dict[str, Any],
    system: str | None = None,
    revision: int | None = None,
) -> EntryVersion:
    """Change canonical fields of the draft (only a draft can change; see `entry_change_start` for a published entry).

    revision: the revision the person saw; another one is a Conflict. secret_kinds marks kinds of secret: marking one
    that the regulation keeps off the platform is refused.
    """
    version = draft_for_edit(actor, entry, revision)
    if system is not None:
        _set_system(actor, version.entry, system)
    before = {k: v for k, v in version.content().items() if k != "items"}
    set_fields(version, fields)
    after = {k: v for k, v in version.content().items() if k != "items"}
    changed = {k: [before[k], after[k]] for k in after if before[k] != after[k]}
    _told(actor, "catalog.entry.edited", version.entry, {"version": version.number, "changed": changed})
    return version


@service("catalog.items_edit", "PUT", "/entries/{entry}/items", summary="编辑目录信息项")
def items_edit(
    *, actor: Actor, entry: str, items: list[dict[str, Any]], revision: int | None = None
) -> EntryVersion:
    """Make these the items of the draft, in this order.

    Each: name (required), label, type, is_key, nullable, kind, level (1-4), code_list [[code, label]]. An item known by
    its name keeps what is not given; an item left out is removed, and then not collected.
    """
    version = draft_for_edit(actor, entry, revision)
    replace_items(version, items)
    names = [item.name for item in version.items.all()]
    _told(actor, "catalog.entry.items_edited", version.entry, {"version": version.number, "items": names})
    return version


@service("catalog.entry_connect", "POST", "/entries/{entry}/connect", summary="为目录关联数据表")
def entry_connect(*, actor: Actor, entry: str, source: str, table: str) -> Entry:
    """Link an entry compiled by hand to the table its data come from. The table must have a column for every item.

    What an entry has been linked to once stays; another table is another entry.
    """
    found = selectors.entry_get(actor=actor, entry=entry)
    require(actor, "catalog.edit", found.unit)
    held = selectors.source_get(actor=actor, source=source)
    if found.source_id:
        raise Conflict(_("该目录已关联数据表，不能更换；数据来自另一张表的，请另编目录。"), field="table")
    if held.system.unit_id != found.unit_id or (found.system_id and found.system_id != held.system_id):
        raise Invalid(_("数据源不属于该目录的信息系统。"), field="source")
    version = found.shown
    try:
        present = {column.name for column in engine.columns(held.spec(), table)}
    except engine.SourceError as error:
        raise refused(error) from None
    missing = [item.name for item in version.items.all() if item.name not in present] if version else []
    if missing:
        raise Invalid(
            _("表“%(table)s”中没有这些信息项的字段：%(names)s。")
            % {"table": table, "names": listed(missing)},
            field="table",
        )
    try:
        with transaction.atomic():
            Entry.objects.filter(pk=found.pk, source__isnull=True).update(
                source=held, table=table, system=found.system or held.system
            )
    except IntegrityError:
        raise Conflict(_("表“%(table)s”已由另一个目录编目。") % {"table": table}, field="table") from None
    found.refresh_from_db()
    _told(actor, "catalog.entry.connected", found, {"source": held.code, "table": table})
    return found


@service("catalog.entry_discard", "POST", "/entries/{entry}/discard", summary="放弃目录草稿")
def entry_discard(*, actor: Actor, entry: str, revision: int | None = None) -> dict[str, Any]:
    """Drop the draft; an entry never published goes with it, and its code is not given out again."""
    version = draft_for_edit(actor, entry, revision)
    held = version.entry
    if Case.objects.filter(subject_type="entry", subject_id=held.code, closed_at__isnull=True).exists():
        raise Conflict(_("该目录还有未办结的办件，请先撤回办件，再放弃草稿。"))
    _told(actor, "catalog.entry.discarded", held, {"version": version.number})
    version.delete()
    gone = held.current_id is None
    if gone:
        held.delete()
    return {"entry": entry, "removed": gone}


def draft_for_edit(actor: Actor, entry: str, revision: int | None) -> EntryVersion:
    """The draft of an entry, locked, its revision raised; refused where there is none, or it is under review."""
    found = selectors.entry_get(actor=actor, entry=entry)
    require(actor, "catalog.edit", found.unit)
    version = found.versions.select_for_update().exclude(state=VersionState.PUBLISHED).first()
    if version is None:
        raise Conflict(_("已发布的目录不能直接修改，请先办理目录变更。"), code="published")
    if version.state == VersionState.SUBMITTED:
        raise Conflict(_("目录正在审核，不能修改；可撤回后修改，或等待退回。"), code="reviewing")
    expected = version.revision if revision is None else revision
    raised = EntryVersion.objects.filter(pk=version.pk, revision=expected).update(revision=F("revision") + 1)
    if not raised:
        raise Conflict(_("草稿已被他人修改，请刷新后再改。"))
    version.revision += 1
    return version


def _make(actor: Actor, unit: Unit, **links: Any) -> Entry:
    number = Sequence.take(f"entry:{unit.code}")
    code = f"{_region(unit)}-{unit.code}-{number:05d}"
    entry = Entry(code=code, unit=unit, created_at=clock.now(), **links)
    try:
        with transaction.atomic():
            entry.save(force_insert=True)
    except IntegrityError:
        raise Conflict(_("该表已编目。"), field="table") from None
    return entry


def _region(unit: Unit) -> str:
    """Region code of the unit or of the nearest unit above it."""
    held: Unit | None = unit
    while held is not None:
        if held.region:
            return held.region
        held = held.parent
    return "000000"


def _first_version(entry: Entry, **stated: Any) -> EntryVersion:
    default = current_pack().node("share_types.default").v  # PJ-30.1, PT-21.1, ZY-22.1: sharing is the rule
    return EntryVersion.objects.create(
        entry=entry, number=1, drafted_at=clock.now(), share_type=default, **stated
    )


def _of_source(source: DataSource) -> dict[str, Any]:
    file = source.kind in FORMATS
    return {
        "resource_type": ResourceType.FILE if file else ResourceType.TABLE,
        "format": FORMATS.get(SourceKind(source.kind), Format.DATABASE),
        "business": source.system.business[:400],
    }


def _write_items(version: EntryVersion, drafted: Drafted) -> None:
    Item.objects.bulk_create(
        Item(version=version, position=position, **told)
        for position, told in enumerate(drafted.items, start=1)
    )


def _set_system(actor: Actor, entry: Entry, system: str) -> None:
    held = selectors.system_get(actor=actor, system=system) if system else None
    if held and held.unit_id != entry.unit_id:
        raise Invalid(_("信息系统 %(code)s 不是本单位登记的。") % {"code": system}, field="system")
    if entry.source and held and entry.source.system_id != held.pk:
        raise Invalid(_("该目录的数据源属于另一个信息系统。"), field="system")
    entry.system = held
    entry.save(update_fields=["system"])


def _told(actor: Actor, type: str, entry: Entry, body: dict[str, Any]) -> None:
    event_append(
        actor=actor, type=type, subject=("entry", entry.code, entry.name), unit=entry.unit_id, body=body
    )
