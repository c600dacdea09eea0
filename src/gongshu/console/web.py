"""What every view of the console begins with: the actor, the page, and refusals shown as pages."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlsplit

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language

from gongshu.journal.services import Actor
from gongshu.kernel.errors import Refused
from gongshu.org.policy import require_anywhere

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]


def actor_of(request: HttpRequest) -> Actor:
    """The signed-in person as the services know them; an anonymous visitor may do nothing anywhere."""
    account = request.user
    name = str(account) if account.is_authenticated else ""
    return Actor(account.pk, name, via="console", lang=get_language() or "zh-hans")


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page it already shows."""
    return request.headers.get("HX-Request-Type") == "partial"


def console_view(action: str | None = None) -> Callable[[View[P]], View[P]]:
    """Declare a view for signed-in people; `request.actor` is set, a Refused raised inside becomes its page.

    action: additionally refuse whoever may not do that action upon any unit at all.
    """

    def declare(view: View[P]) -> View[P]:
        @functools.wraps(view)
        def run(request: HttpRequest, /, *args: P.args, **given: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return to_login(request)
            request.actor = actor_of(request)  # type: ignore[attr-defined]
            try:
                if action:
                    require_anywhere(request.actor, action)  # type: ignore[attr-defined]
                return view(request, *args, **given)
            except Refused as refusal:
                return refused(request, refusal)

        return run

    return declare


def page(
    request: HttpRequest, template: str, context: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    """A whole page of the console."""
    return render(request, template, context or {}, status=status)


def refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """A refusal as a page (or, for htmx, as a message above the page): what was refused, why, on which clause."""
    context = {"refusal": refusal, "title": refusal.message}
    if is_fragment(request):
        response = render(request, "console/refusal.html", context, status=refusal.status)
        response["HX-Retarget"], response["HX-Reswap"] = "#gs-messages", "beforeend"
        return response
    return render(request, "console/refused.html", context, status=refusal.status)


def to_login(request: HttpRequest) -> HttpResponse:
    """Off to sign in, and back here afterwards."""
    if is_fragment(request):
        here = urlsplit(request.headers.get("HX-Current-URL", "/"))
        target = redirect_to_login(here.path + (f"?{here.query}" if here.query else "")).url
        return HttpResponse(status=204, headers={"HX-Redirect": target})
    return redirect_to_login(request.get_full_path())


def next_url(request: HttpRequest, default: str) -> str:
    """Where a form wants to return to (`next`), if that is a page of this console, else `default`."""
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    if url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure()):
        return wanted
    return resolve_url(default)
