"""Pages of collection: what is due, one batch as it runs, and how an entry is collected."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from gongshu.catalog import selectors as catalog
from gongshu.catalog.models import Entry
from gongshu.catalog.rules import cited
from gongshu.console.forms import refuse
from gongshu.console.tables import table_page
from gongshu.console.web import console_view, next_url, page
from gongshu.journal.models import Event
from gongshu.journal.services import Actor
from gongshu.kernel.errors import Refused
from gongshu.org.policy import current_pack, explain

from . import selectors, services
from .forms import ChangeRequestForm, PlanForm
from .models import Batch, BatchState
from .notes import note_text, text
from .tables import BatchTable, DueTable, batch_badge


@console_view("collection.view")
def index(request: HttpRequest) -> HttpResponseBase:
    """Every published entry with how fresh its data are."""
    rows = selectors.due_entries(request.actor).prefetch_related("collection__batches")  # type: ignore[attr-defined]
    found = selectors.rate_of(selectors.due_entries(request.actor))  # type: ignore[attr-defined]
    context = {
        "title": _("数据归集"),
        "basis": current_pack().node("collect.only_catalogued").basis,
        "rate": found,
        "rate_basis": cited(current_pack(), *selectors.RATE_BASIS),
        "arrears": found.due - found.collected,
        "stale": found.collected - found.fresh,
    }
    return table_page(request, "collection/index.html", DueTable(rows, request), context)


@console_view("collection.view")
def batches(request: HttpRequest) -> HttpResponseBase:
    """Every batch."""
    rows = selectors.batches_visible_to(request.actor)  # type: ignore[attr-defined]
    return table_page(request, "collection/batches.html", BatchTable(rows, request), {"title": _("归集批次")})


@console_view("collection.view")
def batch(request: HttpRequest, number: str) -> HttpResponse:
    """One batch: progress while it runs, and afterwards what proves it. Without scripts the page reloads itself."""
    found = selectors.batch_get(actor=request.actor, batch=number)  # type: ignore[attr-defined]
    response = page(request, "collection/batch.html", _batch(request.actor, found))  # type: ignore[attr-defined]
    if found.live and request.GET.get("follow") == "1":
        response["Refresh"] = "3"
    return response


@console_view("collection.view")
def live(request: HttpRequest, number: str) -> HttpResponse:
    """The moving part of a batch's page."""
    found = selectors.batch_get(actor=request.actor, batch=number)  # type: ignore[attr-defined]
    response = page(request, "collection/batch_live.html", _batch(request.actor, found))  # type: ignore[attr-defined]
    response["Cache-Control"] = "no-store"
    return response


def _batch(actor: Actor, batch: Batch) -> dict[str, Any]:
    entry = batch.job.entry
    proof = Event.objects.filter(
        type="collection.batch.committed", subject_type="batch", subject_id=batch.number
    ).first()
    digests = [(name, type_, batch.column_digests.get(name, "")) for name, type_ in batch.shape]
    return {
        "title": _("批次 %(number)s") % {"number": batch.number},
        "batch": batch,
        "entry": entry,
        "badge": batch_badge(batch),
        "proof": proof,
        "digests": digests,
        "error": text(batch.error_code, batch.error_facts) if batch.error_code else "",
        "notes": [(n.at, note_text(n)) for n in batch.notes.all()],
        "run": explain(actor, "collection.run", entry.unit),
        "seconds": f"{batch.milliseconds / 1000:.1f}" if batch.milliseconds is not None else "",
        "equal": batch.source_rows is not None and batch.source_rows == batch.rows,
        "can_retry": batch.state in (BatchState.FAILED, BatchState.CANCELLED) and not _live(batch),
    }


def _live(batch: Batch) -> bool:
    return Batch.objects.filter(job=batch.job, state__in=[BatchState.QUEUED, BatchState.RUNNING]).exists()


@require_POST
@console_view()
def start(request: HttpRequest, code: str) -> HttpResponse:
    """Queue a collection."""
    try:
        made = services.collection_start(actor=request.actor, entry=code)  # type: ignore[attr-defined]
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(next_url(request, "collection:index"))
    return redirect("collection:batch", made.number)


@require_POST
@console_view()
def cancel(request: HttpRequest, number: str) -> HttpResponse:
    """Ask a batch to stop."""
    services.batch_cancel(actor=request.actor, batch=number)  # type: ignore[attr-defined]
    messages.success(request, _("已要求停止，平台数据不变。"))
    return redirect("collection:batch", number)


@require_POST
@console_view()
def retry(request: HttpRequest, number: str) -> HttpResponse:
    """Collect again."""
    made = services.batch_retry(actor=request.actor, batch=number)  # type: ignore[attr-defined]
    return redirect("collection:batch", made.number)


@console_view()
def plan(request: HttpRequest, code: str) -> HttpResponse:
    """Settle mode, frequency and content before the first batch."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    entry = catalog.published_get(actor=actor, entry=code)
    form = PlanForm(request.POST or None, entry=entry)
    if request.method == "POST" and form.is_valid():
        try:
            services.collection_plan(actor=actor, entry=code, **form.given())
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, _("已确定归集方式、频率和内容。"))
            return _back(code)
    return _form(request, entry, form, _("确定归集安排：%(name)s") % {"name": entry.name}, _("确定"))


@console_view()
def change(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for another mode, frequency or content."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    entry = catalog.published_get(actor=actor, entry=code)
    form = ChangeRequestForm(request.POST or None, entry=entry)
    if request.method == "POST" and form.is_valid():
        try:
            case = services.collection_change_request(actor=actor, entry=code, **form.given())
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(
                request, _("已提交归集变更申请，办件编号 %(number)s。") % {"number": case.number}
            )
            return redirect("case", case.number)
    return _form(request, entry, form, _("申请归集变更：%(name)s") % {"name": entry.name}, _("提交申请"))


def _form(request: HttpRequest, entry: Entry, form: PlanForm, title: str, verb: str) -> HttpResponse:
    context = {"title": title, "form": form, "entry": entry, "verb": verb}
    return page(request, "collection/plan.html", context, status=422 if form.errors else 200)


def _back(code: str) -> HttpResponse:
    from django.urls import reverse

    return redirect(reverse("catalog:entry", args=[code]) + "?tab=collection")
