"""Tokens for programs: one's own, and for the security administrator and the auditor everybody's."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from gongshu.console.forms import refuse
from gongshu.console.web import console_view, page
from gongshu.kernel.errors import Refused

from .. import accounts, selectors
from ..forms import TokenForm
from ..policy import may_anywhere
from .tabs import tabs


@console_view()
def tokens(request: HttpRequest) -> HttpResponse:
    """The tokens one may see, and a form for a new one of one's own; the token itself is shown once."""
    actor = request.actor  # type: ignore[attr-defined]
    form = TokenForm(request.POST or None)
    made = None
    if request.method == "POST" and form.is_valid():
        try:
            made = accounts.token_issue(actor=actor, account=request.user.username, **form.cleaned_data)
            form = TokenForm()
        except Refused as refusal:
            refuse(form, refusal)
    context = {
        "title": _("单位与人员"),
        "form": form,
        "made": made,
        "rows": selectors.tokens_visible_to(actor)[:200],
        "now": timezone.now(),
        "secures": may_anywhere(actor, "org.permission"),
        **tabs("tokens"),
    }
    response = page(request, "org/tokens.html", context, status=422 if form.errors else 200)
    if made:
        response["Cache-Control"] = "no-store"
    return response


@require_POST
@console_view()
def revoke(request: HttpRequest, number: int) -> HttpResponse:
    """End a token."""
    accounts.token_revoke(actor=request.actor, token=number)  # type: ignore[attr-defined]
    messages.success(request, _("令牌已吊销。"))
    return redirect("org:tokens")
