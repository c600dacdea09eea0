"""Which post may do what, which unit holds which role of the regulation, and what units lack."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from gongshu.console.forms import refuse
from gongshu.console.tables import table_page
from gongshu.console.web import console_view, page
from gongshu.kernel.errors import Refused

from .. import selectors, services
from ..forms import BodyForm
from ..policy import current_pack, may_anywhere
from ..tables import GapTable
from ..vocabulary import ACTIONS, ROLE_ACTIONS, PostKind, Scope
from .tabs import tabs


@console_view("org.view")
def permissions(request: HttpRequest) -> HttpResponse:
    """Every action against every kind of post."""
    groups = _alike()
    rows = []
    for action in ACTIONS.values():
        held = [ROLE_ACTIONS[kinds[0]].get(action.name) for kinds in groups]
        rows.append((action, [Scope(scope).label if scope else "" for scope in held]))
    context = {
        "title": _("单位与人员"),
        "kinds": [[PostKind(kind).label for kind in kinds] for kinds in groups],
        "rows": rows,
        **tabs("permissions"),
    }
    return page(request, "org/permissions.html", context)


def _alike() -> list[list[str]]:
    """Kinds of post, those that may do exactly the same together."""
    groups: list[list[str]] = []
    for kind, actions in ROLE_ACTIONS.items():
        group = next((g for g in groups if ROLE_ACTIONS[g[0]] == actions), None)
        if group is None:
            groups.append([kind])
        else:
            group.append(kind)
    return groups


@console_view("org.view")
def bodies(request: HttpRequest) -> HttpResponse:
    """The role map: what the regulation names, on which clause, and the unit that holds it here."""
    actor = request.actor  # type: ignore[attr-defined]
    may_assign = may_anywhere(actor, "org.permission")
    form = BodyForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.body_assign(actor=actor, **form.cleaned_data)
        except Refused as refusal:
            if not may_assign:  # there is no form on the page to show it at
                raise
            refuse(form, refusal)
        else:
            messages.success(request, _("已指定承担单位；正在办理的办件仍由原单位承担。"))
            return redirect("org:bodies")
    pack = current_pack()
    context = {
        "title": _("单位与人员"),
        "pack": pack,
        "rows": selectors.body_rows(pack),
        "form": form,
        "may_assign": may_assign,
        **tabs("bodies"),
    }
    return page(request, "org/bodies.html", context, status=422 if form.errors else 200)


@console_view("org.view")
def gaps(request: HttpRequest) -> HttpResponseBase:
    """Units that lack a post or a statement the regulation requires, each with its clause."""
    table = GapTable(selectors.gaps_of_all(), request)
    asked = selectors.demands(current_pack())
    context = {"title": _("单位与人员"), "asked": bool(asked), **tabs("gaps")}
    return table_page(request, "org/gaps.html", table, context)
