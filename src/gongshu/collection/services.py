"""Everything that changes a collection: start, cancel, retry, plan, ask for a change of plan."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from gongshu.casework.models import Case
from gongshu.casework.services import case_open
from gongshu.catalog import selectors as catalog
from gongshu.catalog.models import Entry, EntryVersion
from gongshu.catalog.rules import cited
from gongshu.catalog.vocabulary import COLLECTABLE, EntryState, ResourceType, UpdateCycle, collect_modes
from gongshu.catalog.wording import listed
from gongshu.journal import clock
from gongshu.journal.services import Actor, event_append, service
from gongshu.kernel.errors import Conflict, Invalid, Refused
from gongshu.org.models import Unit
from gongshu.org.policy import body_unit, current_pack, require
from gongshu.runner.jobs import defer

from . import selectors
from .models import Batch, BatchState, CollectionJob, CollectionPlan
from .notes import note

SILENT = timedelta(seconds=90)
"""A running batch whose worker has given no sign of life for so long may be cancelled outright."""


@service("collection.start", "POST", "/entries/{entry}/collection", summary="发起归集")
def collection_start(*, actor: Actor, entry: str) -> Batch:
    """Queue a full collection of a published entry.

    Refused without a published version (collect.only_catalogued), without a connected table, for kinds of resource not
    yet collectable, and while another batch of the entry is queued or running.
    """
    found = catalog.entry_get(actor=actor, entry=entry)
    require(actor, "collection.run", found.unit)
    version = _collectable(found)
    job = _job(found)
    plan = job.plan_on(clock.today())
    names = [item.name for item in version.items.all()]
    wanted = [name for name in names if not plan or not plan.columns or name in plan.columns]
    last = job.last
    batch = Batch(
        job=job,
        version=version,
        number=f"{found.code}-{job.batches.count() + 1:04d}",
        columns=wanted,
        requested_by=actor.name,
        queued_at=clock.now(),
        expected_rows=last.rows if last else version.row_count,
    )
    try:
        with transaction.atomic():
            batch.save(force_insert=True)
    except IntegrityError:
        raise Conflict(_("该目录已有一个批次在排队或归集，请等它结束或先取消。"), code="running") from None
    note(batch, "queued")
    defer("collection.run", batch=batch.pk)
    _told(actor, "collection.batch.queued", batch, {"version": version.number, "columns": wanted})
    return batch


def _collectable(entry: Entry) -> EntryVersion:
    pack = current_pack()
    if entry.state != EntryState.PUBLISHED or entry.current is None:
        raise Refused(
            _("“%(name)s”还没有已发布的目录版本，不能归集；请先完成目录编制和审核。") % {"name": entry.name},
            basis=pack.collect.only_catalogued.basis | cited(pack, "PJ-13.1"),
            code="not_catalogued",
        )
    kind = entry.current.resource_type
    if kind and kind not in COLLECTABLE:
        raise Refused(
            _("平台还不能归集“%(kind)s”；目前可以归集库表和文件。") % {"kind": ResourceType(kind).label},
            basis=pack.scope.data_forms.basis,
            code="not_supported",
        )
    if entry.source is None or not entry.table:
        raise Refused(_("该目录还没有关联数据表，请先在目录页关联数据源和表。"), code="no_source")
    return entry.current


def _job(entry: Entry) -> CollectionJob:
    """The entry's collection, locked; made at first use."""
    CollectionJob.objects.get_or_create(entry=entry, defaults={"created_at": clock.now()})
    return CollectionJob.objects.select_for_update(of=("self",)).select_related("last").get(entry=entry)


@service("collection.batch_cancel", "POST", "/batches/{batch}/cancel", summary="取消归集批次")
def batch_cancel(*, actor: Actor, batch: str) -> Batch:
    """Ask for a batch to stop; nothing of it becomes visible. One that has been committed meanwhile stays."""
    found = selectors.batch_get(actor=actor, batch=batch)
    require(actor, "collection.run", found.job.entry.unit)
    found = Batch.objects.select_for_update(of=("self",)).select_related("job__entry").get(pk=found.pk)
    if not found.live:
        raise Conflict(_("该批次已结束，不能取消。"))
    note(found, "cancel_requested", by=actor.name)
    found.cancel_requested = True
    silent = found.seen_at is None or found.seen_at < clock.now() - SILENT
    if found.state == BatchState.QUEUED or silent:
        found.state, found.ended_at, found.error_code = BatchState.CANCELLED, clock.now(), "cancelled"
        note(found, "cancelled")
        _told(actor, "collection.batch.cancelled", found, {})
    found.save(update_fields=["cancel_requested", "state", "ended_at", "error_code"])
    return found


@service("collection.batch_retry", "POST", "/batches/{batch}/retry", summary="重新归集")
def batch_retry(*, actor: Actor, batch: str) -> Batch:
    """Begin a new batch of the same entry after one that failed or was cancelled."""
    found = selectors.batch_get(actor=actor, batch=batch)
    if found.state not in (BatchState.FAILED, BatchState.CANCELLED):
        raise Conflict(_("只有失败或已取消的批次需要重新归集。"))
    again: Batch = collection_start(actor=actor, entry=found.job.entry.code)
    return again


@service("collection.plan", "POST", "/entries/{entry}/collection/plan", summary="确定归集方式、频率、内容")
def collection_plan(
    *,
    actor: Actor,
    entry: str,
    mode: str = "",
    cycle: str = "",
    columns: list[str] | None = None,
    reason: str = "",
) -> CollectionPlan:
    """Settle mode, frequency and content before the first batch. Once data flow, only an approved change alters them.

    The mode is set by whom the pack names (bodies.collect_mode_decider), with a reason. A column that is no item of the
    published entry is refused (collect.only_catalogued).
    """
    found = catalog.entry_get(actor=actor, entry=entry)
    version = _collectable(found)
    job = _job(found)
    pack = current_pack()
    if job.last_id:
        raise Refused(
            _(
                "归集已经开始，归集方式、频率和内容不能直接修改；请提交归集变更申请，审核通过后在生效日期起执行。"
            ),
            basis=pack.collect.change_items.basis | pack.collect.change_notice.basis | cited(pack, "ZY-19.1"),
            code="needs_change",
        )
    if mode:
        decider = str(pack.bodies.collect_mode_decider.v)
        if decider == "provider":
            require(actor, "collection.run", found.unit)
        else:
            require(actor, "catalog.review", body_unit(decider))
            if not reason.strip():
                raise Invalid(
                    _("请写明确定归集方式的理由。"),
                    field="reason",
                    basis=pack.bodies.collect_mode_decider.basis,
                )
    else:
        require(actor, "collection.run", found.unit)
    told = plan_clean(version, mode, cycle, columns)
    held = job.plan_on(clock.today())
    plan = CollectionPlan.objects.create(
        job=job,
        effective_on=clock.today(),
        mode=told["mode"] or (held.mode if held else ""),
        cycle=told["cycle"] or (held.cycle if held else ""),
        columns=told["columns"] if columns is not None else (held.columns if held else []),
        reason=reason.strip(),
        decided_at=clock.now(),
    )
    basis = pack.bodies.collect_mode_decider.basis if mode else None
    event_append(
        actor=actor,
        type="collection.plan.set",
        subject=("entry", found.code, found.name),
        unit=found.unit_id,
        body=plan.as_dict(),
        basis=basis,
    )
    return plan


@service("collection.change_request", "POST", "/entries/{entry}/collection/change", summary="申请归集变更")
def collection_change_request(
    *,
    actor: Actor,
    entry: str,
    effective_on: date,
    reason: str,
    mode: str = "",
    cycle: str = "",
    columns: list[str] | None = None,
) -> Case:
    """Ask for another mode, frequency or content from a day on.

    Where the pack wants notice (ZY-19.2: 20 working days ahead) an earlier day is refused. Takes effect once approved,
    and users of the data are told.
    """
    found = catalog.published_get(actor=actor, entry=entry)
    require(actor, "collection.run", found.unit)
    version = _collectable(found)
    told = plan_clean(version, mode, cycle, columns)
    if not (mode or cycle or columns is not None):
        raise Invalid(
            _("请至少选择一项变更：归集方式、归集频率或归集内容。"),
            field="mode",
            basis=current_pack().collect.change_items.basis,
        )
    if not reason.strip():
        raise Invalid(_("请写明变更原因。"), field="reason")
    if effective_on < clock.today():
        raise Invalid(_("生效日期不能早于今天。"), field="effective_on")
    reviewer = str(current_pack().bodies.collect_change_reviewer.v)
    return case_open(
        actor=actor,
        procedure="collection_change",
        subject=("entry", found.code, _("归集变更：%(name)s") % {"name": found.name}),
        parties={"provider": found.unit, reviewer: _body(reviewer)},
        data={
            "effective_on": effective_on.isoformat(),
            "reason": reason.strip(),
            "mode": told["mode"],
            "cycle": told["cycle"],
            "columns": told["columns"] if columns is not None else None,
        },
    )


def plan_clean(version: EntryVersion, mode: str, cycle: str, columns: list[str] | None) -> dict[str, Any]:
    """Checked mode, cycle and columns; Refused for a column outside the catalog entry (PJ-20.1, PT-16.1)."""
    pack = current_pack()
    modes = dict(collect_modes(pack))
    if mode and mode not in modes:
        raise Invalid(
            _("归集方式应为：%(modes)s。") % {"modes": listed(modes.values())},
            field="mode",
            basis=pack.collect.modes.basis,
        )
    if cycle and cycle not in UpdateCycle.values:
        raise Invalid(_("没有这种频率：%(cycle)s。") % {"cycle": cycle}, field="cycle")
    known = {item.name for item in version.items.all()}
    stray = [name for name in columns or [] if name not in known]
    if stray:
        raise Refused(
            _("目录中没有这些信息项，不能归集：%(names)s。如确需归集，请先办理目录变更。")
            % {"names": listed(stray)},
            field="columns",
            basis=pack.collect.only_catalogued.basis,
            code="outside_catalog",
        )
    return {"mode": mode, "cycle": cycle, "columns": list(columns or [])}


def _body(role: str) -> Unit:
    unit = body_unit(role)
    if unit is None:
        raise Refused(
            _("规则包指定的审核单位“%(role)s”还没有对应的单位，请系统管理员先行指定。") % {"role": role}
        )
    return unit


def _told(actor: Actor, type: str, batch: Batch, body: dict[str, Any]) -> None:
    entry = batch.job.entry
    event_append(
        actor=actor,
        type=type,
        subject=("batch", batch.number, entry.name),
        unit=entry.unit_id,
        body={"entry": entry.code, **body},
    )
