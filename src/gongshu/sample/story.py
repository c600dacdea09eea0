"""What has happened in the county so far: entries compiled, reviewed, collected; requests, issues, changes of people.

Each step is a function to be run on a working day before today, in the order of the days, as the county's own people,
through the services everybody uses. Where a limit has to be green, yellow or red today, the day of the step follows
from the length of that limit in the pack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from typing import Any

from django.conf import settings

from gongshu.casework.calendar import calendar
from gongshu.casework.models import Case
from gongshu.casework.registry import procedure_of
from gongshu.catalog import services as catalog
from gongshu.catalog.models import DataSource, Entry, System
from gongshu.collection.run import batch_run
from gongshu.collection.services import collection_start
from gongshu.journal import clock
from gongshu.org.policy import current_pack

from . import stores
from .acting import act, actor, limit_days, push
from .catalogue import BY_HAND, DEMO, PLANS, Plan, stated
from .datasets import SOURCES, Source

FOUNDED = 120
"""Working days ago the platform was set up."""
LEFT = {"green": 4, "yellow": 1, "red": -3}
"""Working days a limit still has today, by its light."""


@dataclass(frozen=True)
class Step:
    """Something that happened so many working days ago. name: unlike any other; a step is done once."""

    ago: int
    name: str
    run: Callable[[], Any]


def working_day(ago: int) -> date:
    """The day so many working days before today."""
    return calendar().ahead(clock.today(), ago)


def entered(procedure: str, state: str, light: str) -> int:
    """How many working days ago a case entered a state if its limit shows that light today."""
    days = limit_days(procedure_of(procedure, current_pack()), state)
    return max(days - LEFT[light], 0) if days else 2


def steps() -> Iterator[Step]:
    """Every step, in no particular order."""
    for source in SOURCES.values():
        if source.code != DEMO and stores.available(source):
            yield Step(90, f"system {source.code}", partial(system, source))
    for plan in PLANS:
        if stores.available(SOURCES[plan.dataset.source]):
            yield from entry_steps(plan)
    for code in AGAIN:
        if stores.available(SOURCES[code.partition(".")[0]]):
            yield Step(0, f"collect again {code}", partial(collect, _plan(code)))
    if stores.available(SOURCES[FAILING.partition(".")[0]]):
        yield Step(1, f"collect in vain {FAILING}", collect_in_vain)
    for unit, name, business, kind, items in BY_HAND:
        yield Step(6, f"by hand {name}", partial(by_hand, unit, name, business, kind, items))


AGAIN = ("sj_zt.sp_xk", "mz_hy.yl_jg")
"""Tables collected a second time today."""
FAILING = "zr_bdc.bdc_dj"
"""A table whose only collection so far has failed: the file was being replaced."""


def _plan(code: str) -> Plan:
    return next(plan for plan in PLANS if plan.code == code)


# --- catalog and collection ----------------------------------------------------------------------------------------


def system(source: Source) -> None:
    """Register an information system and connect its store."""
    steward = actor(f"{source.unit}_steward")
    made = catalog.system_register(
        actor=steward,
        unit=source.unit,
        name=source.system,
        business=f"{source.system}承载的业务",
        contact="办公室（信息化）",
    )
    spec = stores.spec(source, settings.GONGSHU_FILES_ROOT)
    catalog.source_register(
        actor=steward,
        system=made.code,
        name=source_name(source),
        kind=source.kind,
        host=spec.host,
        port=spec.port,
        database=spec.database,
        user=spec.user,
        password=spec.password,
        path=spec.path.removeprefix(f"{source.unit}/"),
        encoding=source.encoding,
    )


def source_name(source: Source) -> str:
    """How a source is called in the platform."""
    return f"{source.system}{'台账文件' if source.kind in ('excel', 'csv') else '数据库'}"


def entry_of(code: str) -> Entry:
    """The entry of a table of the county."""
    source, _dot, table = code.partition(".")
    return Entry.objects.get(source__name=source_name(SOURCES[source]), table=table)


def entry_steps(plan: Plan) -> Iterator[Step]:
    """Compile, submit, review, collect: as far as the plan goes."""
    if plan.goal == "draft":
        yield Step(5, f"draft {plan.code}", partial(draft, plan, complete=False))
        return
    if plan.goal == "reviewing":
        ago = entered("entry_review", "reviewing", plan.light)
        yield Step(ago, f"submit {plan.code}", partial(submit, plan))
        return
    ago = {"returned": 4, "published": 40}.get(plan.goal, plan.ago + 30)
    yield Step(ago + 3, f"submit {plan.code}", partial(submit, plan))
    if plan.goal == "returned":
        yield Step(ago, f"return {plan.code}", partial(review, plan.code, "return"))
        return
    yield Step(ago, f"approve {plan.code}", partial(review, plan.code, "approve"))
    if plan.goal == "collected":
        yield Step(plan.ago, f"collect {plan.code}", partial(collect, plan))


def draft(plan: Plan, *, complete: bool = True) -> Entry:
    """Draft an entry from its table and, unless it is to stay incomplete, state everything the pack asks for."""
    steward = actor(f"{plan.unit}_steward")
    source = DataSource.objects.get(name=source_name(SOURCES[plan.dataset.source]))
    entry = catalog.entry_draft(actor=steward, source=source.code, table=plan.dataset.table)
    if not complete:
        catalog.entry_edit(actor=steward, entry=entry.code, fields={"name": plan.dataset.label})
        return entry
    until = clock.today() + timedelta(days=3 * 365)
    catalog.entry_edit(actor=steward, entry=entry.code, fields=stated(plan, current_pack(), until))
    labels = {c.name: c.label for c in plan.dataset.columns}
    keys = {plan.dataset.key, labels.get(plan.dataset.key, "")} - {""}
    version = entry.draft
    items = [
        {
            "name": item.name,
            "label": labels.get(item.name, item.label),
            "level": item.suggested_level or 1,
            "is_key": item.is_key or item.name in keys,
        }
        for item in (version.items.all() if version else [])
    ]
    catalog.items_edit(actor=steward, entry=entry.code, items=items)
    return entry


def submit(plan: Plan) -> None:
    """Compile an entry and submit it."""
    entry = draft(plan)
    catalog.entry_submit(actor=actor(f"{plan.unit}_steward"), entry=entry.code)


def case_of(code: str) -> Case:
    """The open case about the entry of a table."""
    return Case.objects.get(subject_type="entry", subject_id=entry_of(code).code, closed_at__isnull=True)


def review(code: str, move: str) -> None:
    """Approve or return an entry under review."""
    act(case_of(code), move)


def collect(plan: Plan) -> None:
    """Ask for the first collection; the loader runs the jobs that follow."""
    collection_start(actor=actor(f"{plan.unit}_steward"), entry=entry_of(plan.code).code)


def collect_in_vain() -> None:
    """Collect while the file is away; the batch fails and says why."""
    path = settings.GONGSHU_FILES_ROOT / SOURCES[FAILING.partition(".")[0]].name
    away = path.with_name(f".{path.name}.away")
    if path.exists():
        path.rename(away)
    try:
        batch = collection_start(actor=actor("zr_steward"), entry=entry_of(FAILING).code)
        batch_run(batch.pk)
    finally:
        away.rename(path)


def by_hand(unit: str, name: str, business: str, kind: str, items: tuple[str, ...]) -> None:
    """Compile an entry without a table, and leave it a draft."""
    catalog.entry_create(
        actor=actor(f"{unit}_steward"),
        unit=unit,
        system=System.objects.filter(unit__code=unit).values_list("code", flat=True).first() or "",
        fields={"name": name, "business": business, "resource_type": kind},
        items=[{"name": f"x{n}", "label": label} for n, label in enumerate(items, start=1)],
    )


__all__ = ["FOUNDED", "Step", "push", "steps", "working_day"]
