"""Changing how an entry is collected: asked for ahead of time, approved, in force from its day."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _

from gongshu.casework.models import Case, Notice
from gongshu.casework.registry import pack_of, register
from gongshu.catalog.models import Entry
from gongshu.journal import clock
from gongshu.journal.services import Actor, event_append
from gongshu.kernel.procedure import BEFORE, Clock, Field, Move, Procedure, State
from gongshu.packs import Pack

from .consumers import consumers_of
from .models import CollectionJob, CollectionPlan

PROVIDER = "provider"


def build(pack: Pack) -> Procedure:
    """The procedure under a pack; the notice ahead only where the text asks for one."""
    reviewer = str(pack.bodies.collect_change_reviewer.v)
    basis = pack.bodies.collect_change_reviewer.basis
    notice = pack.collect.change_notice
    asked = pack.collect.change_items.basis | notice.basis
    clocks = []
    if notice.duration and notice.duration.n:
        clocks.append(
            Clock(
                "notice",
                _("提前告知"),
                notice.duration.n,
                notice.duration.clock,
                ("reviewing",),
                notice.basis,
                unit=notice.duration.unit,
                direction=BEFORE,
                counts_from="effective_on",
            )
        )
    return Procedure(
        "collection_change",
        _("归集变更"),
        "GB",
        "entry",
        "reviewing",
        states=(
            State("reviewing", _("待审核")),
            State("approved", _("已同意"), final=True, outcome="approved"),
            State("refused", _("不同意"), final=True, outcome="refused"),
            State("withdrawn", _("已撤回"), final=True, outcome="withdrawn"),
        ),
        moves=(
            Move(
                "approve",
                _("同意变更"),
                ("reviewing",),
                "approved",
                (reviewer,),
                "catalog.review",
                basis,
                fields=(Field("opinion", _("审核意见"), "longtext", required=False),),
                effects=("plan",),
                not_by_actor_of=("open",),
                style="primary",
            ),
            Move(
                "refuse",
                _("不同意"),
                ("reviewing",),
                "refused",
                (reviewer,),
                "catalog.review",
                basis,
                fields=(Field("reasons", _("理由"), "longtext", clause=basis),),
                not_by_actor_of=("open",),
                style="danger",
            ),
            Move(
                "withdraw",
                _("撤回"),
                ("reviewing",),
                "withdrawn",
                (PROVIDER,),
                "collection.run",
                asked,
                optional=True,
            ),
        ),
        clocks=tuple(clocks),
        roles=tuple(dict.fromkeys((PROVIDER, reviewer))),
    )


def _plan(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """Keep the approved plan, in force from its day (or today, where review took longer), and tell its users."""
    entry = Entry.objects.get(code=case.subject_id)
    job, _made = CollectionJob.objects.get_or_create(entry=entry, defaults={"created_at": clock.now()})
    held = job.plan_on(clock.today())
    columns = case.data.get("columns")
    plan = CollectionPlan.objects.create(
        job=job,
        effective_on=max(date.fromisoformat(case.data["effective_on"]), clock.today()),
        mode=case.data.get("mode") or (held.mode if held else ""),
        cycle=case.data.get("cycle") or (held.cycle if held else ""),
        columns=columns if columns is not None else (held.columns if held else []),
        reason=case.data.get("reason", ""),
        case_number=case.number,
        decided_at=clock.now(),
    )
    told = consumers_of(entry)
    Notice.objects.bulk_create(Notice(unit=unit, case=case, kind=Notice.Kind.DECIDED) for unit in told)
    event_append(
        actor=actor,
        type="collection.plan.changed",
        subject=("entry", entry.code, entry.name),
        unit=entry.unit_id,
        case=case.pk,
        pack=str(case.pack_version),
        basis=pack_of(case.pack_version).collect.change_items.basis,
        body={**plan.as_dict(), "told": [unit.code for unit in told]},
    )


register("collection_change", build, effects={"plan": _plan})
