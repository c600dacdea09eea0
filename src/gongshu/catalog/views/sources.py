"""Data sources: connecting one with an answer at once, looking into it, drafting entries from its tables."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from gongshu.console.forms import refuse
from gongshu.console.web import console_view, page
from gongshu.kernel.errors import Refused
from gongshu.org.policy import explain, require

from .. import labels, selectors, services
from ..forms import SourceForm
from ..messages import explain as explain_code
from ..models import DataSource
from ..vocabulary import SourceKind


@console_view("catalog.edit")
def register(request: HttpRequest, code: str) -> HttpResponse:
    """Connect a source of a system. The kind is chosen first, so that only what it needs is asked."""
    actor = request.actor  # type: ignore[attr-defined]
    system = selectors.system_get(actor=actor, system=code)
    require(actor, "catalog.edit", system.unit)
    kind = request.GET.get("kind", "")
    kind = kind if kind in SourceKind.values else SourceKind.POSTGRESQL
    form = SourceForm(request.POST or None, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.source_register(actor=actor, system=code, kind=kind, **form.cleaned_data)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            told = _("已连接“%(name)s”，可以选择数据表起草目录。")
            messages.success(request, told % {"name": made.name})
            return redirect("catalog:source", made.code)
    context = {
        "title": _("连接数据源"),
        "form": form,
        "kind": kind,
        "kinds": SourceKind.choices,
        "system": system,
        "folder": system.unit.code,
    }
    return page(request, "catalog/source_form.html", context, status=422 if form.errors else 200)


@console_view()
def source(request: HttpRequest, code: str) -> HttpResponse:
    """One source: whether it answers, and its tables as they are now, each with its entry or a button to draft one."""
    actor = request.actor  # type: ignore[attr-defined]
    found = selectors.source_get(actor=actor, source=code)
    tables: list[dict[str, Any]] = []
    problem: Refused | None = None
    edit = explain(actor, "catalog.edit", found.unit)
    if edit.allowed:
        try:
            tables = selectors.source_tables(actor=actor, source=code)["rows"]
        except Refused as refusal:
            problem = refusal
    visible = dict(selectors.entries_visible_to(actor).filter(source=found).values_list("code", "pk"))
    context = {
        "title": found.name,
        "source": found,
        "badge": labels.probe_badge(found),
        "tables": tables,
        "problem": problem or (None if found.probe_ok else explain_code(found.probe_code, found.probe_facts)),
        "edit": edit,
        "known": visible,
        "uncovered": sum(1 for t in tables if not t["entry"]),
    }
    return page(request, "catalog/source.html", context)


@require_POST
@console_view()
def check(request: HttpRequest, code: str) -> HttpResponse:
    """Connect again."""
    found: DataSource = services.source_check(actor=request.actor, source=code)  # type: ignore[attr-defined]
    if found.probe_ok:
        messages.success(request, _("连接正常：%(server)s。") % {"server": found.server})
    else:
        messages.error(request, explain_code(found.probe_code, found.probe_facts))
    return redirect("catalog:source", code)


@console_view("catalog.edit")
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """Change how a source is reached."""
    actor = request.actor  # type: ignore[attr-defined]
    found = selectors.source_get(actor=actor, source=code)
    require(actor, "catalog.edit", found.unit)
    initial = {n: getattr(found, n) for n in ("name", "host", "port", "database", "user", "path")}
    initial["encoding"] = found.options.get("encoding", "")
    form = SourceForm(request.POST or None, kind=found.kind, editing=True, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.source_edit(actor=actor, source=code, fields=form.cleaned_data)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, _("已按新的连接信息连通并保存。"))
            return redirect("catalog:source", code)
    context = {
        "title": _("更新连接：%(name)s") % {"name": found.name},
        "form": form,
        "kind": found.kind,
        "kinds": [],
        "system": found.system,
        "source": found,
        "folder": found.unit.code,
    }
    return page(request, "catalog/source_form.html", context, status=422 if form.errors else 200)


@require_POST
@console_view()
def draft(request: HttpRequest, code: str) -> HttpResponse:
    """Draft an entry from a table."""
    table = request.POST.get("table", "")
    try:
        entry = services.entry_draft(actor=request.actor, source=code, table=table)  # type: ignore[attr-defined]
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("catalog:source", code)
    messages.success(
        request, _("已由表“%(table)s”起草目录，请核对信息项和级别，补全必填项。") % {"table": table}
    )
    return redirect("catalog:entry_edit", entry.code)
