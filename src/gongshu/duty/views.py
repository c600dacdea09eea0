"""Filing a change of steward or head, and beginning the recurring policy review."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from gongshu.casework.calendar import calendar
from gongshu.console.forms import refuse
from gongshu.console.web import console_view, page
from gongshu.journal import clock
from gongshu.kernel.errors import Refused
from gongshu.org.lookup import unit_get
from gongshu.org.policy import current_pack, require

from . import services
from .forms import StewardChangeForm


@console_view("org.file")
def steward_change(request: HttpRequest, code: str) -> HttpResponse:
    """File a change; the earliest day that is still in time stands beside the form."""
    actor = request.actor  # type: ignore[attr-defined]
    unit = unit_get(code)
    require(actor, "org.file", unit)
    node = current_pack().node("unit_posts.steward_change_notice")
    notice = node.duration
    in_time = calendar().add(clock.today(), notice.n) if notice and notice.n else None
    form = StewardChangeForm(request.POST or None, unit=unit, initial={"effective": in_time})
    if request.method == "POST" and form.is_valid():
        try:
            case = services.steward_change(actor=actor, unit=code, **form.cleaned_data)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, _("已提交变更申请。"))
            return redirect("case", case.number)
    context = {
        "title": _("申报人员变更：%(unit)s") % {"unit": unit},
        "unit": unit,
        "form": form,
        "notice": notice,
        "basis": node.basis,
        "in_time": in_time,
    }
    return page(request, "duty/steward_change.html", context, status=422 if form.errors else 200)


@require_POST
@console_view("policy.review")
def policy_review(request: HttpRequest) -> HttpResponse:
    """Begin the recurring review."""
    case = services.policy_review_open(actor=request.actor)  # type: ignore[attr-defined]
    return redirect("case", case.number)
