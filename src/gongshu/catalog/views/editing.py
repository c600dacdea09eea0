"""Compiling: the draft page, with what the pack requires beside every field."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from gongshu.casework.models import Case
from gongshu.casework.selectors import case_events
from gongshu.casework.services import case_act
from gongshu.console.forms import refuse
from gongshu.console.web import console_view, page
from gongshu.journal.services import Actor
from gongshu.kernel.errors import Conflict, Refused
from gongshu.org.policy import current_pack, require

from .. import selectors, services
from ..drafting import why_text
from ..forms import ConnectForm, EntryForm, ItemForm, NewEntryForm, item_forms
from ..models import Entry, EntryVersion
from ..rules import gaps
from ..services.changes import differences, open_change
from ..vocabulary import VersionState
from .changes import difference_rows


@console_view("catalog.edit")
def new(request: HttpRequest) -> HttpResponse:
    """Begin an entry by hand."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    form = NewEntryForm(request.POST or None, actor=actor)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            entry = services.entry_create(
                actor=actor,
                unit=told["unit"],
                system=told["system"],
                fields={"name": told["name"]},
                items=form.rows(),
            )
        except Refused as refusal:
            refuse(form, refusal)
        else:
            return redirect("catalog:entry_edit", entry.code)
    return page(
        request,
        "catalog/entry_new.html",
        {"title": _("新建目录"), "form": form},
        status=422 if form.errors else 200,
    )


@console_view("catalog.edit")
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """Edit the draft of an entry, and submit it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    entry = selectors.entry_get(actor=actor, entry=code)
    require(actor, "catalog.edit", entry.unit)
    version = entry.versions.exclude(state=VersionState.PUBLISHED).first()
    if version is None:
        raise Conflict(_("已发布的目录不能直接修改，请先办理目录变更。"))
    if version.state == VersionState.SUBMITTED:
        raise Conflict(_("目录正在审核，不能修改；可撤回后修改，或等待退回。"))
    posted = request.POST if request.method == "POST" else None
    form, rows = EntryForm(posted, version=version, actor=actor), item_forms(version, posted)
    refusal: Refused | None = None
    if posted is not None and form.is_valid() and all(row.is_valid() for row in rows):
        try:
            case = _save(request, actor, version, form, rows)
        except Refused as error:
            refusal = error
            refuse(form, error)
        else:
            return redirect("case", case.number) if case else redirect("catalog:entry_edit", code)
    return _show(request, entry, version, form, rows, refusal)


def _save(
    request: HttpRequest, actor: Actor, version: EntryVersion, form: EntryForm, rows: list[ItemForm]
) -> Case | None:
    """Save fields and items together; then submit, if that was asked. What is incomplete is saved all the same."""
    code, seen = version.entry.code, int(request.POST.get("revision") or 0)
    with transaction.atomic():
        saved = services.entry_edit(
            actor=actor,
            entry=code,
            fields=form.given(),
            revision=seen,
            system=None if version.entry.source_id else form.cleaned_data["system"],
        )
        items = [row.told() for row in rows if row.cleaned_data["keep"]]
        services.items_edit(actor=actor, entry=code, items=items, revision=saved.revision)
    form.version.revision = saved.revision + 1
    if "submit" not in request.POST:
        messages.success(request, _("草稿已保存。"))
        return None
    case = _submit(actor, version.entry, request.POST.get("reason", ""))
    messages.success(request, _("已提交审核，办件编号 %(number)s。") % {"number": case.number})
    return case


def _submit(actor: Actor, entry: Entry, reason: str) -> Case:
    """Submit for the first time, again after a return, or as a change."""
    running = _running(entry)
    if running is not None and running.state == "returned":
        return case_act(actor=actor, case=running.number, move="resubmit")
    if entry.current_id:
        return services.change_submit(actor=actor, entry=entry.code, reason=reason)
    return services.entry_submit(actor=actor, entry=entry.code)


def _running(entry: Entry) -> Case | None:
    return Case.objects.filter(
        subject_type="entry",
        subject_id=entry.code,
        closed_at__isnull=True,
        procedure__in=("entry_review", "catalog_change"),
    ).first()


def _laid_out(form: EntryForm, keys: list[str]) -> list[tuple[Any, bool]]:
    """Each field, and whether it takes the whole width."""
    wide = (forms.Textarea, forms.MultiWidget, forms.CheckboxSelectMultiple)
    return [(form[key], isinstance(form.fields[key].widget, wide)) for key in keys]


def _show(
    request: HttpRequest,
    entry: Entry,
    version: EntryVersion,
    form: EntryForm,
    rows: list[ItemForm],
    refusal: Refused | None,
) -> HttpResponse:
    running = _running(entry)
    returned = None
    if running is not None and running.state == "returned":
        returned = case_events(running).filter(type="case.moved", body__move="return").last()
    version = EntryVersion.objects.select_related("entry__unit", "entry__system", "entry__current").get(
        pk=version.pk
    )
    context: dict[str, Any] = {
        "title": _("编制目录：%(name)s") % {"name": version.name or entry.name},
        "entry": entry,
        "version": version,
        "form": form,
        "revision": form.version.revision,
        "required": _laid_out(form, form.required_keys),
        "others": _laid_out(form, form.other_keys),
        "rows": [(row, why_text(row.item.suggested_why, row.item.suggested_share)) for row in rows],
        "gaps": gaps(version, current_pack()),
        "case": running,
        "returned": returned,
        "refusal": refusal,
        "is_change": bool(entry.current_id),
        "changed": difference_rows(differences(version)),
        "needs_reason": bool(entry.current_id) and not returned,
        "reason": request.POST.get("reason", ""),
        "obliged": open_change(entry) if entry.current_id else None,
    }
    return page(request, "catalog/entry_edit.html", context, status=422 if refusal or form.errors else 200)


@require_POST
@console_view()
def discard(request: HttpRequest, code: str) -> HttpResponse:
    """Drop the draft."""
    told = services.entry_discard(actor=request.actor, entry=code)  # type: ignore[attr-defined]
    messages.success(request, _("草稿已放弃。"))
    return redirect("catalog:entries") if told["removed"] else redirect("catalog:entry", code)


@console_view("catalog.edit")
def connect(request: HttpRequest, code: str) -> HttpResponse:
    """Link an entry compiled by hand to its table."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    entry = selectors.entry_get(actor=actor, entry=code)
    require(actor, "catalog.edit", entry.unit)
    form = ConnectForm(request.POST or None, entry=entry)
    if request.method == "POST" and form.is_valid():
        try:
            services.entry_connect(actor=actor, entry=code, **form.cleaned_data)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, _("已关联数据表。"))
            return redirect("catalog:entry", code)
    return page(
        request,
        "catalog/connect.html",
        {"title": _("关联数据表：%(name)s") % {"name": entry.name}, "form": form, "entry": entry},
        status=422 if form.errors else 200,
    )
