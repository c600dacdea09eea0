"""Bringing in entries from Excel."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from gongshu.console.forms import refuse
from gongshu.console.sheets import MIME
from gongshu.console.web import console_view, page
from gongshu.kernel.errors import Refused
from gongshu.org.policy import current_pack

from .. import services, sheets
from ..forms import ImportForm

MOST_BYTES = 10 * 1024 * 1024


@console_view("catalog.edit")
def template(request: HttpRequest) -> HttpResponse:
    """The workbook to fill in, in the words of the regulation in force."""
    response = HttpResponse(sheets.template(current_pack()), content_type=MIME)
    response["Content-Disposition"] = 'attachment; filename="catalog-template.xlsx"'
    return response


@console_view("catalog.edit")
def upload(request: HttpRequest) -> HttpResponse:
    """Read a filled workbook: every entry becomes a draft, or every wrong cell is listed and nothing happens."""
    actor = request.actor  # type: ignore[attr-defined]
    form = ImportForm(request.POST or None, request.FILES or None, actor=actor)
    wrong: list[tuple[str, str]] = []
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data["file"]
        if given.size > MOST_BYTES:
            form.add_error("file", _("文件不能超过 10 MB，请分次导入。"))
        else:
            try:
                told = sheets.read(given.read(), current_pack())
                made = services.entries_import(actor=actor, unit=form.cleaned_data["unit"], entries=told)
            except Refused as refusal:
                wrong = [] if refusal.code != "sheet" else sorted(refusal.fields.items(), key=_place)
                refuse(form, refusal)
            else:
                messages.success(
                    request, _("已导入 %(n)d 个目录草稿，请逐个核对后提交审核。") % {"n": made["count"]}
                )
                return redirect("/catalog/entries/?state=draft")
    heads = sheets.entry_heads(current_pack())
    context = {
        "title": _("导入目录"),
        "form": form,
        "wrong": wrong,
        "heads": heads,
        "basis": current_pack().node("catalog.required_fields").basis,
    }
    return page(request, "catalog/import.html", context, status=422 if form.errors else 200)


def _place(told: tuple[str, str]) -> tuple[str, int, str]:
    """Order of cells as one reads them: sheet, row, column."""
    sheet, _bang, cell = told[0].partition("!")
    digits = "".join(c for c in cell if c.isdigit())
    return sheet, int(digits or 0), cell
