"""Changing what is published."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from gongshu.console.web import console_view
from gongshu.journal.services import Actor
from gongshu.kernel.errors import Refused
from gongshu.org.policy import current_pack

from .. import labels, services
from ..forms import ChangeEventForm
from ..rules import field_label
from ..sheets import type_labels
from ..vocabulary import Level
from ..wording import listed


@require_POST
@console_view()
def start(request: HttpRequest, code: str) -> HttpResponse:
    """Draft the next version."""
    services.entry_change_start(actor=request.actor, entry=code)  # type: ignore[attr-defined]
    messages.success(request, _("已按现行版本起草新版本，修改后申报变更。"))
    return redirect("catalog:entry_edit", code)


@require_POST
@console_view()
def file(request: HttpRequest, code: str) -> HttpResponse:
    """File a withdrawal (a change is filed from the draft page)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        reason = request.POST.get("reason", "")
        case = services.change_submit(actor=actor, entry=code, kind="withdraw", reason=reason)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("catalog:entry", code)
    messages.success(request, _("已申报撤销，办件编号 %(number)s。") % {"number": case.number})
    return redirect("case", case.number)


@require_POST
@console_view()
def event(request: HttpRequest, code: str) -> HttpResponse:
    """Record an outside event that obliges the unit to change the entry."""
    form = ChangeEventForm(request.POST)
    if not form.is_valid():
        messages.error(request, listed(e for errors in form.errors.values() for e in errors))
        return redirect("catalog:entry", code)
    actor: Actor = request.actor  # type: ignore[attr-defined]
    try:
        made = services.change_event_register(actor=actor, entry=code, **form.cleaned_data)
    except Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("catalog:entry", code)
    messages.success(request, _("已登记，目录变更办件 %(number)s 开始计时。") % {"number": made.case_number})
    return redirect("case", made.case_number)


def difference_rows(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Differences in words: {label, before, after, kind} with kind added, removed or changed."""
    rows = []
    for told in found:
        before, after = told["before"], told["after"]
        if told["item"]:
            label = _("信息项 %(name)s") % {"name": told["item"]}
            rows.append(
                {
                    "label": label,
                    "before": _item(before, after),
                    "after": _item(after, before),
                    "kind": "added" if before is None else "removed" if after is None else "changed",
                }
            )
        elif told["field"] == "items":
            rows.append(
                {
                    "label": _("信息项顺序"),
                    "before": listed(before),
                    "after": listed(after),
                    "kind": "changed",
                }
            )
        else:
            label = (
                _("目录摘要") if told["field"] == "summary" else field_label(current_pack(), told["field"])
            )
            rows.append(
                {
                    "label": label,
                    "before": labels.value_text(told["field"], before),
                    "after": labels.value_text(told["field"], after),
                    "kind": "changed",
                }
            )
    return rows


def _item(item: dict[str, Any] | None, other: dict[str, Any] | None) -> str:
    """An item in words; beside another, only what differs."""
    if item is None:
        return _("（无）")
    words = {
        "label": _("名称"),
        "type": _("类型"),
        "is_key": _("主键"),
        "nullable": _("可空"),
        "kind": _("敏感类别"),
        "level": _("级别"),
        "code_list": _("代码表"),
    }
    keys = [k for k in words if other is None or item[k] != other[k]]
    return listed(
        f"{words[k]} {_part(k, item[k])}" for k in keys if item[k] not in ("", None, []) or other is not None
    )


def _part(key: str, value: Any) -> str:
    if key == "type":
        return type_labels().get(value, value)
    if key == "level":
        return str(Level(value).label) if value else _("未定")
    if key == "kind":
        return labels.kind_label(value) or _("无")
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, list):
        return str(len(value))
    return str(value)
