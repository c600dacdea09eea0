"""Systems: the list, one, registering and changing one."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from gongshu.console.forms import refuse
from gongshu.console.tables import table_page
from gongshu.console.web import console_view, page
from gongshu.kernel.errors import Refused
from gongshu.org.policy import current_pack, explain, may, may_anywhere

from .. import labels, selectors, services
from ..forms import SystemForm
from ..models import System
from ..tables import EntryTable, SystemTable
from ..wording import label_of


@console_view("catalog.view")
def systems(request: HttpRequest) -> HttpResponseBase:
    """Every registered system."""
    actor = request.actor  # type: ignore[attr-defined]
    rows = selectors.systems_visible_to(actor).annotate(entries_n=Count("entries"))
    context = {
        "title": _("信息系统"),
        "may_edit": may_anywhere(actor, "catalog.edit"),
        "basis": current_pack().node("catalog.system_registered_first").basis,
    }
    return table_page(request, "catalog/systems.html", SystemTable(rows, request), context)


@console_view("catalog.view")
def system(request: HttpRequest, code: str) -> HttpResponseBase:
    """One system: what is registered of it, its sources, its entries."""
    actor = request.actor  # type: ignore[attr-defined]
    found = selectors.system_get(actor=actor, system=code)
    sources = [(s, labels.probe_badge(s)) for s in selectors.sources_visible_to(actor).filter(system=found)]
    entries = EntryTable(selectors.entries_visible_to(actor).filter(system=found), request, title=_("目录"))
    context = {
        "title": found.name,
        "system": found,
        "facts": _facts(found),
        "sources": sources,
        "edit": explain(actor, "catalog.edit", found.unit),
    }
    return table_page(request, "catalog/system.html", entries, context)


def _facts(system: System) -> list[tuple[str, Any]]:
    names = ("business", "kind", "ownership", "network", "hosting", "status", "contact", "surveyed_on")
    told = []
    for name in names:
        display = getattr(system, f"get_{name}_display", None)
        told.append((label_of(System, name), display() if display else getattr(system, name)))
    return [(label, value) for label, value in told if value]


@console_view("catalog.edit")
def register(request: HttpRequest) -> HttpResponse:
    """Register a system."""
    actor = request.actor  # type: ignore[attr-defined]
    form = SystemForm(request.POST or None, actor=actor)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.system_register(actor=actor, **form.cleaned_data)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(
                request, _("已登记信息系统“%(name)s”。下一步：连接它的数据源。") % {"name": made.name}
            )
            return redirect("catalog:system", made.code)
    return _form(request, form, _("登记信息系统"), _("登记"))


@console_view("catalog.edit")
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """Change what is registered of a system."""
    actor = request.actor  # type: ignore[attr-defined]
    found = selectors.system_get(actor=actor, system=code)
    form = SystemForm(request.POST or None, actor=actor, system=found, initial=found.as_dict())
    if request.method == "POST" and form.is_valid():
        try:
            services.system_edit(actor=actor, system=code, fields=form.cleaned_data)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, _("已更新登记，普查日期记为今天。"))
            return redirect("catalog:system", code)
    return _form(
        request,
        form,
        _("更新登记：%(name)s") % {"name": found.name},
        _("保存"),
        found if may(actor, "catalog.edit", found.unit) else None,
    )


def _form(
    request: HttpRequest, form: SystemForm, title: str, verb: str, system: System | None = None
) -> HttpResponse:
    status = 422 if form.errors else 200
    return page(
        request,
        "catalog/system_form.html",
        {"title": title, "form": form, "verb": verb, "system": system},
        status=status,
    )
