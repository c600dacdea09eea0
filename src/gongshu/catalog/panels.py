"""What the catalog adds to pages of the console: the review panel, wording of events, figures."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from gongshu.casework.models import Case
from gongshu.casework.registry import pack_of
from gongshu.console import panels
from gongshu.journal.models import Event
from gongshu.journal.services import Actor
from gongshu.kernel.errors import NotFound

from . import labels, selectors
from .models import ChangeEvent
from .rules import gaps
from .services.changes import differences
from .views.changes import difference_rows
from .vocabulary import EntryState, VersionState


def entry_panel(case: Case, actor: Actor) -> tuple[str, dict[str, Any]] | None:
    """The version under review: what it states, its items, and for a change what differs from the one in force."""
    try:
        entry = selectors.entry_get(actor=actor, entry=case.subject_id)
    except NotFound:
        return None
    seen = selectors.versions_visible_to(actor).filter(entry=entry)
    version = seen.exclude(state=VersionState.PUBLISHED).first()
    number = case.data.get("version") or case.data.get("from", 0) + 1
    version = version or seen.filter(number=number).first() or seen.order_by("-number").first()
    if version is None:
        return None
    return "catalog/review_panel.html", {
        "entry": entry,
        "version": version,
        "facts": labels.facts(version),
        "items": version.items.all(),
        "share": labels.share_badge(version.share_type),
        "level": labels.level_badge(version.security_level),
        "diff": difference_rows(differences(version)) if version.state != VersionState.PUBLISHED else [],
        "withdrawing": case.data.get("kind") == "withdraw",
        "reason": case.data.get("reason", ""),
        "obliging": ChangeEvent.objects.filter(case_number=case.number),
        "gaps": gaps(version, pack_of(case.pack_version)) if version.state != VersionState.PUBLISHED else [],
        "row_count": version.row_count,
    }


panels.register("entry_review", entry_panel)
panels.register("catalog_change", entry_panel)


def published_figure(actor: Actor) -> panels.Figure | None:
    """How many entries are published, among those the actor may see."""
    if actor.account_id is None:
        return None
    seen = selectors.entries_visible_to(actor)
    published = seen.filter(state=EntryState.PUBLISHED).count()
    working = seen.filter(state__in=[EntryState.DRAFT, EntryState.REVIEWING]).count()
    note = _t("编制和审核中 %(n)d 个") % {"n": working} if working else ""
    return panels.Figure(_("已发布目录"), f"{published:,}", note, url=reverse("catalog:entries"))


panels.register_figure(published_figure, order=10)


def _changed(event: Event) -> list[tuple[str, Any]]:
    from gongshu.org.policy import current_pack

    from .rules import field_label

    told = event.body.get("changed", {})
    return [
        (
            field_label(current_pack(), k) if k in labels.FIELDS else k,
            f"{labels.value_text(k, before) or '—'} → {labels.value_text(k, after) or '—'}",
        )
        for k, (before, after) in told.items()
    ]


def _version(event: Event) -> list[tuple[str, Any]]:
    return [(_t("版本"), event.body["version"])] if event.body.get("version") else []


def _obliged(event: Event) -> list[tuple[str, Any]]:
    body = event.body
    return [
        (_t("发生日期"), body.get("happened_on", "")),
        (_t("变更情形"), body.get("trigger", "")),
        (_t("说明"), body.get("description", "")),
    ]


panels.register_events(
    {
        "catalog.system.registered": _("登记信息系统"),
        "catalog.system.edited": _("更新系统登记"),
        "catalog.source.registered": _("连接数据源"),
        "catalog.source.edited": _("更新数据源连接"),
        "catalog.source.checked": _("检查数据源"),
        "catalog.entry.drafted": _("起草目录"),
        "catalog.entry.edited": _("编辑目录"),
        "catalog.entry.items_edited": _("编辑信息项"),
        "catalog.entry.connected": _("关联数据表"),
        "catalog.entry.discarded": _("放弃草稿"),
        "catalog.entry.submitted": _("提交目录审核"),
        "catalog.entry.published": _("发布目录"),
        "catalog.entry.withdrawn": _("撤销目录"),
        "catalog.entry.change_drafted": _("起草目录变更"),
        "catalog.entries.imported": _("批量导入目录"),
        "catalog.change.obliged": _("登记引起变更的外部事件"),
    },
    {
        "catalog.entry.edited": _changed,
        "catalog.entry.published": _version,
        "catalog.entry.submitted": _version,
        "catalog.entry.change_drafted": _version,
        "catalog.change.obliged": _obliged,
    },
)
