"""Why an action is or is not allowed: for oneself, and for anyone by an administrator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext as _

from gongshu.journal.services import Actor
from gongshu.kernel.errors import NotFound
from gongshu.org.models import Account, Post, Unit
from gongshu.org.policy import explain, may_anywhere
from gongshu.org.vocabulary import ACTIONS, ROLE_ACTIONS, PostKind, Scope

from .. import wording
from ..context import posts_today
from ..sheets import workbook_response
from ..web import console_view, page


@dataclass(frozen=True)
class Line:
    """One action: whether it may be done, the posts that carry it, how far they reach."""

    label: str
    name: str
    allowed: bool
    posts: str
    second_factor: bool


@console_view()
def why(request: HttpRequest) -> HttpResponseBase:
    """What the person may do and why; with an action and a unit chosen, the decision in full."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    any_person = any(may_anywhere(actor, a) for a in ("org.manage", "org.permission", "audit.view"))
    username = request.GET.get("account", "").strip()
    account = Account.objects.get(pk=actor.row)
    if username and username != account.username and any_person:
        found = Account.objects.filter(username=username).first()
        if found is None:
            raise NotFound(_("没有账号“%(name)s”。") % {"name": username})
        account = found
    of = Actor(account.pk, str(account), via="console", lang=actor.lang)
    posts = posts_today(account.pk)
    lines = _lines(posts)
    if request.GET.get("format") == "xlsx":
        heads = [_("办理事项"), _("能否"), _("来自或需要的岗位"), _("动态口令")]
        told = ([x.label, x.allowed, x.posts, x.second_factor] for x in lines)
        return workbook_response(_("权限一览"), heads, told)
    context = {
        "title": _("权限说明"),
        "account": account,
        "self": account.pk == actor.row,
        "any_person": any_person,
        "posts": posts,
        "lines": lines,
        "export_href": "?" + urlencode({"account": account.username, "format": "xlsx"}),
        "actions": [(a.name, a.label) for a in ACTIONS.values()],
        "units": Unit.objects.filter(active=True),
        "decision": _decision(request, of),
        "asked": {"action": request.GET.get("action", ""), "unit": request.GET.get("unit", "")},
    }
    return page(request, "console/why.html", context)


def _lines(posts: list[Post]) -> list[Line]:
    lines = []
    for action in ACTIONS.values():
        held = [p for p in posts if action.name in ROLE_ACTIONS[p.kind]]
        carriers: list[Any] = list(held) or [k for k in ROLE_ACTIONS if action.name in ROLE_ACTIONS[k]]
        lines.append(
            Line(str(action.label), action.name, bool(held), _words(carriers, action.name), action.two_factor)
        )
    return lines


def _words(carriers: list[Any], action: str) -> str:
    told = []
    for each in carriers:
        if isinstance(each, Post):
            told.append(
                f"{each.unit} {each.get_kind_display()} ({Scope(ROLE_ACTIONS[each.kind][action]).label})"
            )
        else:
            told.append(str(PostKind(each).label))
    return wording.listed(told)


def _decision(request: HttpRequest, of: Actor) -> Any:
    action, code = request.GET.get("action", ""), request.GET.get("unit", "")
    if action not in ACTIONS:
        return None
    unit = Unit.objects.filter(code=code).first() if code else None
    if code and unit is None:
        raise NotFound(_("没有编码为“%(code)s”的单位。") % {"code": code})
    return {"action": ACTIONS[action], "unit": unit, "told": explain(of, action, unit)}
