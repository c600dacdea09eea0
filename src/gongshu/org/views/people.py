"""People: the list, one account, and what the two administrators may do to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from gongshu.console.forms import refuse
from gongshu.console.tables import table_page
from gongshu.console.web import console_view, page
from gongshu.kernel.errors import NotFound, Refused

from .. import accounts, selectors
from ..forms import AccountForm
from ..lookup import account_get
from ..policy import approves, may_anywhere
from ..tables import PeopleTable
from .tabs import tabs


@console_view("org.view")
def people(request: HttpRequest) -> HttpResponseBase:
    """Every account with the posts it holds today."""
    actor = request.actor  # type: ignore[attr-defined]
    context = {
        "title": _("单位与人员"),
        "manages": may_anywhere(actor, "org.manage"),
        **tabs("people"),
    }
    return table_page(
        request, "org/people.html", PeopleTable(selectors.people_visible_to(actor), request), context
    )


@console_view("org.view")
def account(request: HttpRequest, username: str) -> HttpResponse:
    """One account: its posts over time, whether its second factor is set up, its tokens."""
    actor = request.actor  # type: ignore[attr-defined]
    found = account_get(username)
    posts = found.posts.select_related("unit", "account").order_by("-starts", "kind")
    context = {
        "title": str(found),
        "account": found,
        "posts": posts,
        "approves": approves(found),
        "second_factor": accounts.has_second_factor(found),
        "tokens": selectors.tokens_visible_to(actor).filter(account=found),
        "self": actor.account_id == found.pk,
        "manages": may_anywhere(actor, "org.manage"),
        "secures": may_anywhere(actor, "org.permission"),
        **tabs("people"),
    }
    return page(request, "org/account.html", context)


@console_view("org.manage")
def new(request: HttpRequest) -> HttpResponse:
    """Make an account; its temporary password is shown once, on the page that follows."""
    actor = request.actor  # type: ignore[attr-defined]
    form = AccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            told = accounts.account_create(actor=actor, **form.cleaned_data)
        except Refused as refusal:
            refuse(form, refusal)
        else:
            return _once(
                request, told["username"], _("临时密码"), told["temporary_password"], _password_note()
            )
    context = {"title": _("新建账号"), "form": form, "verb": _("建立"), "back": redirect("org:people").url}
    return page(request, "org/form.html", context, status=422 if form.errors else 200)


def _password_note() -> str:
    return _("请当面或通过安全渠道交给本人；首次登录须修改。离开本页后不再显示。")


def _once(request: HttpRequest, username: str, label: str, secret: str, note: str) -> HttpResponse:
    """A page that shows a secret this one time."""
    context = {
        "title": label,
        "label": label,
        "secret": secret,
        "note": note,
        "username": username,
        "back": redirect("org:account", username).url,
    }
    response = page(request, "org/once.html", context)
    response["Cache-Control"] = "no-store"
    return response


_DEEDS: dict[str, tuple[Callable[..., Any], Callable[[], str]]] = {
    "deactivate": (accounts.account_deactivate, lambda: _("账号已停用，其令牌已吊销。")),
    "activate": (accounts.account_activate, lambda: _("账号已恢复。")),
    "unlock": (accounts.account_unlock, lambda: _("账号已解锁。")),
    "password": (accounts.password_reset, lambda: ""),
    "second-factor": (accounts.second_factor_reset, lambda: _("第二因素已重置，本人下次登录须重新设置。")),
}


@require_POST
@console_view("org.view")
def deed(request: HttpRequest, username: str, deed: str) -> HttpResponse:
    """Stop, restore, unlock, reset: the services decide who may."""
    if deed not in _DEEDS:
        raise NotFound(_("没有这个页面。"))
    act, said = _DEEDS[deed]
    told = act(actor=request.actor, account=username)  # type: ignore[attr-defined]
    if deed == "password":
        return _once(request, username, _("临时密码"), told["temporary_password"], _password_note())
    messages.success(request, said())
    return redirect("org:account", username)
