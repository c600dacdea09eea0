"""Business systems and their credentials."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from gongshu.console.forms import refuse
from gongshu.console.tables import table_page
from gongshu.console.web import console_view, page
from gongshu.journal.models import Event
from gongshu.journal.services import Actor
from gongshu.kernel.errors import NotFound, Refused
from gongshu.org.policy import may, may_anywhere

from .. import labels, selectors, services
from ..forms import ClientForm, ReasonForm
from ..tables import ClientTable, live_secrets
from .requests import my_units


@console_view("share.view")
def clients(request: HttpRequest) -> HttpResponseBase:
    """Business systems, and registering one; its secret is shown in the answer and never again."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    form = ClientForm(request.POST or None, units=my_units(actor))
    if request.method == "POST" and form.is_valid():
        try:
            made = services.client_register(actor=actor, **form.cleaned_data)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            return secret_page(request, made, _("业务系统已登记"))
    rows = selectors.clients_visible_to(actor)
    context = {"title": _("业务系统登记"), "form": form, "may_ask": may_anywhere(actor, "share.request")}
    return table_page(request, "sharing/clients.html", ClientTable(rows, request), context)


def secret_page(request: HttpRequest, made: dict[str, Any], title: str) -> HttpResponse:
    """A secret, once. No cache keeps it."""
    response = page(request, "sharing/secret.html", {"title": title, "made": made})
    response["Cache-Control"] = "no-store"
    return response


@console_view("share.view")
def client(request: HttpRequest, client_id: str) -> HttpResponse:
    """One business system: its credentials and its grants."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = selectors.clients_visible_to(actor).filter(client_id=client_id).first()
    if found is None:
        raise NotFound(_("没有标识为 %(code)s 的业务系统。") % {"code": client_id})
    grants = selectors.grants_visible_to(actor).filter(request__client=found)
    context = {
        "title": found.system_name,
        "client": found,
        "badge": labels.client_badge(found),
        "secrets": live_secrets(found),
        "grants": [(g, labels.grant_badge(g)) for g in grants[:50]],
        "events": Event.objects.filter(subject_type="client", subject_id=client_id).order_by("-id")[:20],
        "may_change": found.active and may(actor, "share.request", found.unit),
        "form": ReasonForm(),
    }
    return page(request, "sharing/client.html", context)


@require_POST
@console_view()
def change(request: HttpRequest, client_id: str, verb: str) -> HttpResponse:
    """Rotate the secret, retire the old one, or revoke all."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    if verb == "rotate":
        return secret_page(request, services.client_rotate(actor=actor, client=client_id), _("密钥已更换"))
    try:
        if verb == "retire":
            services.client_retire(actor=actor, client=client_id)
            messages.success(request, _("旧密钥已停用。"))
        elif verb == "revoke":
            services.client_revoke(actor=actor, client=client_id, reason=request.POST.get("reason", ""))
            messages.success(request, _("凭证已停用，该系统的调用即刻被拒绝。"))
        else:
            raise Http404
    except Refused as refusal:
        if refusal.status not in (409, 422):
            raise
        messages.error(request, str(refusal))
    return redirect("sharing:client", client_id)
