"""What sharing adds to other pages: panels of a case, the provider's form, the entry's tab, figures, wording."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from gongshu.casework.models import Case
from gongshu.catalog import tabs
from gongshu.catalog.labels import item_level, share_badge
from gongshu.catalog.models import Entry
from gongshu.catalog.vocabulary import EntryState
from gongshu.console import navigation, panels
from gongshu.governance import masks
from gongshu.journal import clock
from gongshu.journal.models import Event
from gongshu.journal.services import Actor
from gongshu.org.policy import current_pack, explain, may, may_anywhere

from . import flow, labels, route, selectors
from .compile import default_mask
from .forms import AgreeForm
from .models import ShareRequest


def request_panel(case: Case, actor: Actor) -> tuple[str, dict[str, Any]] | None:
    """What is asked, what was answered, and the grant."""
    asked = (
        ShareRequest.objects.select_related("entry", "version", "demander", "client")
        .filter(case=case)
        .first()
    )
    if asked is None:
        return None
    grant = asked.grants.order_by("-id").first()
    amend = case.state == flow.RETURNED and may(actor, "share.request", asked.demander)
    decided = bool(grant or asked.reply)
    return "sharing/request_panel.html", {
        "case": case,
        "asked": asked,
        "grant": grant,
        "grant_badge": labels.grant_badge(grant) if grant else "",
        "share": share_badge(asked.share_type),
        "facts": labels.facts(asked),
        "items": _items(asked, grant.masks if grant else asked.reply.get("masks") or {}),
        "mask_heading": _t("脱敏方式") if decided else _t("默认脱敏方式"),
        "amend": amend,
    }


def _items(asked: ShareRequest, hidden: dict[str, str]) -> list[dict[str, Any]]:
    kept = asked.reply.get("items") or asked.items
    by_name = {item.name: item for item in asked.version.items.filter(name__in=asked.items)}
    return [
        {
            "item": by_name[name],
            "level": item_level(by_name[name]),
            "mask": masks.label(hidden.get(name) or default_mask(by_name[name], asked.keys)),
            "reason": asked.reasons.get(name, ""),
            "keyed": name in asked.keys,
            "dropped": name not in kept,
        }
        for name in asked.items
        if name in by_name
    ]


panels.register(flow.NAME, request_panel, order=10)
panels.register_move_form(flow.NAME, "agree", AgreeForm)


def entry_tab(entry: Entry, actor: Actor) -> tuple[str, dict[str, Any]] | None:
    """Asking for an entry's data, and who holds them."""
    version = entry.current
    if version is None:
        return None
    pack = current_pack()
    grants = selectors.grants_visible_to(actor).filter(request__entry=entry)[:50]
    may_ask = may_anywhere(actor, "share.request")
    return "sharing/entry_tab.html", {
        "entry": entry,
        "version": version,
        "published": entry.state == EntryState.PUBLISHED,
        "share": share_badge(version.share_type),
        "grants": [(grant, labels.grant_badge(grant)) for grant in grants],
        "own": may(actor, "share.request", entry.unit),
        "may_ask": may_ask,
        "why": "" if may_ask else explain(actor, "share.request", None).reason,
        "auto": route.is_auto(pack, version),
        "auto_basis": pack.share.unconditional_grant.basis,
        "none_basis": pack.node("share_types.none").basis | pack.share.masked_alternative.basis,
        "alternatives": list(pack.share.masked_alternative.v),
        "steps": route.ahead(pack, version, entry.unit),
    }


tabs.register("sharing", _("共享"), entry_tab, order=30)


def calls_figure(actor: Actor) -> panels.Figure | None:
    """Calls answered in the last thirty days under grants the actor may see."""
    if not may_anywhere(actor, "share.view"):
        return None
    numbers = list(selectors.grants_visible_to(actor).values_list("number", flat=True)[:2000])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM gate.call WHERE grant_no = ANY(%s) AND status = 200 AND at >= %s",
            [numbers, clock.now() - timedelta(days=30)],
        )
        answered = cursor.fetchone()[0]
    note = _t("生效授权 %(n)d 个") % {"n": selectors.grants_visible_to(actor).filter(state="active").count()}
    return panels.Figure(_("近 30 日调用"), f"{answered:,}", note, url=reverse("sharing:grants"))


panels.register_figure(calls_figure, order=30)
navigation.register(
    navigation.Item(_("业务系统登记"), "sharing:clients", "plug", 57, actions=("share.request",))
)


def _issued(event: Event) -> list[tuple[str, Any]]:
    body = event.body
    return [
        (_t("授权编号"), body.get("number", "")),
        (_t("授权内容摘要"), str(body.get("spec_hash", ""))[:16] + "…"),
    ]


def _reason(event: Event) -> list[tuple[str, Any]]:
    reason = event.body.get("reason")
    return [(_t("原因"), reason)] if reason else []


def _delivered(event: Event) -> list[tuple[str, Any]]:
    return [(_t("授权编号"), event.body.get("grant", ""))]


panels.register_events(
    {
        "share.request.submitted": _("提交共享申请"),
        "share.request.amended": _("补正共享申请"),
        "share.client.registered": _("登记业务系统"),
        "share.client.rotated": _("更换密钥"),
        "share.client.retired": _("停用旧密钥"),
        "share.client.revoked": _("停用业务系统的凭证"),
        "grant.issued": _("授予共享授权"),
        "grant.suspended": _("暂停授权"),
        "grant.resumed": _("恢复授权"),
        "grant.revoked": _("撤销授权"),
        "grant.expired": _("授权到期"),
        "delivery.recorded": _("首次获取数据"),
    },
    {
        "grant.issued": _issued,
        "grant.suspended": _reason,
        "grant.revoked": _reason,
        "share.client.revoked": _reason,
        "delivery.recorded": _delivered,
    },
)
