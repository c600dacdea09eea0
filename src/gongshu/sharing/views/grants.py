"""Grants: what was granted to whom, how it is used, how to call, and how it is ended."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from gongshu.collection.tables import fresh_badge
from gongshu.console.tables import table_page
from gongshu.console.web import console_view, page
from gongshu.governance import masks
from gongshu.governance.models import DataIssue
from gongshu.journal.models import Event
from gongshu.journal.services import Actor
from gongshu.kernel.errors import Refused
from gongshu.org.policy import current_pack, may_anywhere

from .. import labels, selectors, services
from ..forms import ReasonForm
from ..models import Grant, GrantState
from ..services.grants import grant_changeable
from ..tables import GrantTable

VERBS = {
    "revoke": services.grant_revoke,
    "suspend": services.grant_suspend,
    "resume": services.grant_resume,
}


@console_view("share.view")
def grants(request: HttpRequest) -> HttpResponseBase:
    """Grants of one's units, held or given."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    rows = selectors.grants_visible_to(actor)
    context = {"title": _("授权与调用"), "basis": current_pack().share.point_to_point.basis}
    return table_page(request, "sharing/grants.html", GrantTable(rows, request), context)


@console_view("share.view")
def grant(request: HttpRequest, number: str) -> HttpResponse:
    """One grant."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = selectors.grant_get(actor=actor, grant=number)
    return page(request, "sharing/grant.html", _page(actor, found))


def _page(actor: Actor, grant: Grant) -> dict[str, Any]:
    asked = grant.request
    items = {item.name: item for item in asked.version.items.all()}
    proof = Event.objects.filter(type="grant.issued", subject_type="grant", subject_id=grant.number).first()
    calls = selectors.calls(grant)
    for call in calls:
        call["ms"] = f"{call['micros'] / 1000:.1f}"
        call["mode"] = labels.modes_text([call["mode"]]) or call["mode"]
        call["why"] = labels.problem_title(call["problem"]) if call["problem"] else ""
    key = grant.spec["keys"][0] if grant.spec["keys"] else ""
    return {
        "title": asked.version.name,
        "grant": grant,
        "asked": asked,
        "badge": labels.grant_badge(grant),
        "items": [
            (
                items[c["name"]],
                masks.label(grant.masks.get(c["name"], "keep")),
                c["name"] in grant.spec["keys"],
            )
            for c in grant.spec["columns"]
            if c["name"] in items
        ],
        "scope": labels.scope_text(asked.scope, items),
        "modes": labels.modes_text(grant.spec["modes"]),
        "usage": selectors.usage(grant),
        "calls": calls,
        "proof": proof,
        "fresh": fresh_badge(asked.entry),
        "issues": DataIssue.objects.filter(entry=asked.entry, open=True).count(),
        "key": key,
        "gateway": settings.GONGSHU_GATEWAY_URL.rstrip("/"),
        "path": f"/share/v1/{grant.number}" + ("" if key else "/rows"),
        "may_change": grant_changeable(actor, grant),
        "may_report": may_anywhere(actor, "share.request"),
        "verbs": _verbs(grant),
        "onward": current_pack().share.onward_supply.basis,
    }


def _verbs(grant: Grant) -> list[tuple[str, str, str, ReasonForm]]:
    """(verb, label, tone, form) of what can be done to a grant in its state."""
    suspend = ("suspend", _("暂停授权"), "outline-primary")
    resume = ("resume", _("恢复授权"), "outline-primary")
    revoke = ("revoke", _("撤销授权"), "danger")
    offered = {GrantState.ACTIVE: [suspend, revoke], GrantState.SUSPENDED: [resume, revoke]}
    return [(*v, ReasonForm(auto_id=f"{v[0]}_%s")) for v in offered.get(GrantState(grant.state), [])]


@require_POST
@console_view()
def change(request: HttpRequest, number: str, verb: str) -> HttpResponse:
    """Suspend, resume or revoke."""
    if verb not in VERBS:
        raise Http404
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        VERBS[verb](actor=actor, grant=number, reason=request.POST.get("reason", ""))
    except Refused as refusal:
        if refusal.status != 422:
            raise
        messages.error(request, str(refusal))
    else:
        told = {
            "revoke": _("授权已撤销，各网关在一秒内停止应答。"),
            "suspend": _("授权已暂停。"),
            "resume": _("授权已恢复。"),
        }
        messages.success(request, told[verb])
    return redirect("sharing:grant", number)
