"""Asking for data, and the list of requests."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from gongshu.casework.registry import pack_of
from gongshu.catalog.labels import share_badge
from gongshu.catalog.models import Entry
from gongshu.catalog.selectors import published_get
from gongshu.console.forms import refuse
from gongshu.console.tables import table_page
from gongshu.console.web import console_view, page
from gongshu.journal.services import Actor
from gongshu.kernel.errors import Conflict, Refused
from gongshu.org.models import Unit
from gongshu.org.policy import allowed_units, current_pack, may_anywhere

from .. import flow, route, selectors, services
from ..forms import RequestForm
from ..tables import RequestTable


@console_view("share.view")
def requests(request: HttpRequest) -> HttpResponseBase:
    """Requests of one's units: made, or to be answered."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    side = request.GET.get("side", "")
    rows = selectors.requests_visible_to(actor).prefetch_related("case__clocks")
    mine = allowed_units(actor, "share.view")
    if side == "made":
        rows = rows.filter(demander__in=mine)
    elif side == "asked":
        rows = rows.filter(provider__in=mine)
    context = {
        "title": _("共享申请"),
        "side": side,
        "may_ask": may_anywhere(actor, "share.request"),
        "basis": current_pack().share.intake.basis | current_pack().share.point_to_point.basis,
    }
    return table_page(request, "sharing/requests.html", RequestTable(rows, request), context)


def my_units(actor: Actor) -> list[Unit]:
    """Units for which the actor may ask for data."""
    return list(Unit.objects.filter(pk__in=allowed_units(actor, "share.request"), active=True))


@console_view("share.request")
def new(request: HttpRequest, code: str) -> HttpResponse:
    """Ask to use items of an entry. The way ahead is shown before anything is written."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    entry, pack = published_get(actor=actor, entry=code), current_pack()
    version = entry.current
    assert version is not None  # noqa: S101 - published_get gives none without
    form = RequestForm(request.POST or None, version=version, pack=pack, units=my_units(actor))
    if request.method == "POST" and form.is_valid():
        try:
            made = services.share_request_submit(actor=actor, entry=code, **form.given())
        except Refused as refusal:
            refuse(form, refusal)
        else:
            if made.case.state == flow.PROVISION:
                messages.success(request, _("该数据无条件共享，已直接授权，数据就绪后即可调用。"))
            else:
                number = made.case.number
                messages.success(request, _("申请已提交，办件编号 %(number)s。") % {"number": number})
            return redirect("case", made.case.number)
    context = _page(entry, form, pack, entry.unit in my_units(actor))
    return page(request, "sharing/request.html", context, status=422 if form.errors else 200)


@console_view("share.request")
def amend(request: HttpRequest, number: str) -> HttpResponse:
    """Complete a request that was sent back."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = selectors.request_get(actor=actor, case=number)
    if found.case.state != flow.RETURNED:
        raise Conflict(_("只有退回补正的申请可以修改。"))
    pack = pack_of(found.case.pack_version)
    form = RequestForm(request.POST or None, version=found.version, pack=pack, amended=found)
    if request.method == "POST" and form.is_valid():
        try:
            services.share_request_amend(actor=actor, case=number, **form.given())
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, _("已补正并重新提交。"))
            return redirect("case", number)
    context = _page(found.entry, form, pack) | {"amended": found}
    return page(request, "sharing/request.html", context, status=422 if form.errors else 200)


def _page(entry: Entry, form: RequestForm, pack: Any, own: bool = False) -> dict[str, Any]:
    version = form.version
    return {
        "title": _("申请共享：%(name)s") % {"name": version.name},
        "entry": entry,
        "version": version,
        "form": form,
        "share": share_badge(version.share_type),
        "own": own,
        "steps": route.ahead(pack, version, entry.unit),
        "auto": route.is_auto(pack, version),
        "refused_type": version.share_type == "none",
        "none_basis": pack.node("share_types.none").basis | pack.share.masked_alternative.basis,
        "alternatives": list(pack.share.masked_alternative.v),
        "onward_basis": pack.share.onward_supply.basis,
    }
