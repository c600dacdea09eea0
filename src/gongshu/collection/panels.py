"""What collection adds: the tab of the entry page, the panel of a change request, figures, wording of events."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from gongshu.casework.models import Case
from gongshu.catalog import tabs
from gongshu.catalog.labels import value_text
from gongshu.catalog.models import Entry
from gongshu.catalog.vocabulary import EntryState, code_label
from gongshu.console import charts, panels
from gongshu.journal import clock
from gongshu.journal.models import Event
from gongshu.journal.services import Actor
from gongshu.org.policy import current_pack, explain, may, may_anywhere

from .models import BatchState, CollectionJob, CollectionPlan
from .selectors import batches_visible_to, fresh_until, freshness
from .tables import FRESH, batch_badge

DAYS = 14


def entry_tab(entry: Entry, actor: Actor) -> tuple[str, dict[str, Any]]:
    """How an entry is collected, its last batches, and what may be done."""
    job = CollectionJob.objects.filter(entry=entry).select_related("last").first()
    sees = actor.via == "system" or may(actor, "collection.view", entry.unit)
    batches = list(batches_visible_to(actor).filter(job=job)[:12]) if job and sees else []
    plan = job.plan_on(clock.today()) if job else None
    return "collection/entry_tab.html", {
        "entry": entry,
        "job": job,
        "sees": sees,
        "batches": [(b, batch_badge(b)) for b in batches],
        "live": next((b for b in batches if b.live), None),
        "run": explain(actor, "collection.run", entry.unit),
        "may_run": may(actor, "collection.run", entry.unit),
        "published": entry.state == EntryState.PUBLISHED,
        "only": current_pack().node("collect.only_catalogued").basis,
        "fresh": FRESH[freshness(job)] if job else FRESH["never"],
        "until": fresh_until(job) if job else None,
        "facts": plan_facts(plan, entry),
        "coming": _coming(job),
        "started": bool(job and job.last_id),
        "may_plan": may(actor, "collection.run", entry.unit) or may_anywhere(actor, "catalog.review"),
    }


def plan_facts(plan: CollectionPlan | None, entry: Entry) -> list[tuple[str, str]]:
    """Mode, frequency and content in force, from the plan or else from the entry."""
    version = entry.current
    mode = (plan.mode if plan else "") or (version.collect_mode if version else "")
    cycle = (plan.cycle if plan else "") or (version.update_cycle if version else "")
    columns = plan.columns if plan else []
    total = version.items.count() if version else 0
    content = _t("目录全部信息项（%(n)d 项）") % {"n": total}
    if columns:
        content = _t("%(n)d 项（共 %(total)d 项）") % {"n": len(columns), "total": total}
    return [
        (_t("归集方式"), code_label(mode) if mode else "—"),
        (_t("归集频率"), value_text("update_cycle", cycle) or "—"),
        (_t("归集内容"), content),
    ]


def _coming(job: CollectionJob | None) -> CollectionPlan | None:
    return job.plans.filter(effective_on__gt=clock.today()).first() if job else None


tabs.register("collection", _("归集"), entry_tab, order=20)


def change_panel(case: Case, actor: Actor) -> tuple[str, dict[str, Any]] | None:
    """What a change of collection asks for, beside what is in force."""
    entry = Entry.objects.select_related("unit", "current").filter(code=case.subject_id).first()
    if entry is None:
        return None
    job = CollectionJob.objects.filter(entry=entry).first()
    held = dict(plan_facts(job.plan_on(clock.today()) if job else None, entry))
    data, rows = case.data, []
    if data.get("mode"):
        rows.append((_t("归集方式"), held[_t("归集方式")], code_label(data["mode"])))
    if data.get("cycle"):
        rows.append((_t("归集频率"), held[_t("归集频率")], value_text("update_cycle", data["cycle"])))
    if data.get("columns") is not None:
        rows.append(
            (_t("归集内容"), held[_t("归集内容")], "、".join(data["columns"]) or _t("目录全部信息项"))
        )
    return "collection/change_panel.html", {
        "entry": entry,
        "rows": rows,
        "effective_on": data.get("effective_on", ""),
        "reason": data.get("reason", ""),
    }


panels.register("collection_change", change_panel)


def day_figure(actor: Actor) -> panels.Figure | None:
    """How the batches of the last day went."""
    if not may_anywhere(actor, "collection.view"):
        return None
    since = clock.now() - timedelta(days=1)
    ended = batches_visible_to(actor).filter(ended_at__gte=since)
    good, bad = (
        ended.filter(state=BatchState.COMMITTED).count(),
        ended.filter(state=BatchState.FAILED).count(),
    )
    if not good + bad:
        return panels.Figure(_("近一日归集成功率"), "—", _("近一日没有归集"), url=reverse("collection:index"))
    share = f"{100 * good / (good + bad):.1f}%"
    note = _t("失败 %(n)d 个批次") % {"n": bad} if bad else _t("共 %(n)d 个批次") % {"n": good}
    return panels.Figure(
        _("近一日归集成功率"), share, note, "red" if bad else "", reverse("collection:batches")
    )


panels.register_figure(day_figure, order=20)


def volume_panel(actor: Actor) -> tuple[str, dict[str, Any]] | None:
    """Rows collected on each of the last days."""
    if not may_anywhere(actor, "collection.view"):
        return None
    days = [clock.today() - timedelta(days=n) for n in range(DAYS - 1, -1, -1)]
    found = (
        batches_visible_to(actor)
        .filter(state=BatchState.COMMITTED, ended_at__date__gte=days[0])
        .annotate(day=TruncDate("ended_at"))
        .order_by()
        .values("day")
        .annotate(total=Sum("rows"))
    )
    rows = {each["day"]: each["total"] or 0 for each in found}
    if not rows:
        return None
    drawn = charts.Chart(
        _t("近 14 日归集量"),
        [f"{d:%m-%d}" for d in days],
        [charts.Series(_t("归集行数"), [rows.get(d, 0) for d in days])],
    )
    return "collection/volume.html", {"chart": drawn}


panels.register_page("workbench", volume_panel, order=20)


def _outcome(event: Event) -> list[tuple[str, Any]]:
    body = event.body
    counted = body.get("rows") if body.get("source_rows") is None else body["source_rows"]
    return [
        (_t("源端行数"), f"{counted:,}"),
        (_t("入库行数"), f"{body['rows']:,}"),
        (_t("数据摘要"), body["digest"]),
    ]


def _failure(event: Event) -> list[tuple[str, Any]]:
    from .notes import text

    return [(_t("原因"), text(event.body.get("code", ""), event.body.get("facts", {})))]


panels.register_events(
    {
        "collection.batch.queued": _("发起归集"),
        "collection.batch.committed": _("归集入库"),
        "collection.batch.failed": _("归集失败"),
        "collection.batch.cancelled": _("取消归集"),
        "collection.plan.set": _("确定归集安排"),
        "collection.plan.changed": _("归集变更生效安排"),
    },
    {"collection.batch.committed": _outcome, "collection.batch.failed": _failure},
)
