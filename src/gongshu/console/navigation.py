"""The menu. The console lists its own pages and the domains' main ones; a domain may add more in its `panels.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gongshu.journal.services import Actor


@dataclass(frozen=True)
class Item:
    """A menu entry. url: name of the address; a name that does not exist hides the entry. prefix: addresses for which
    it is lit, its own by default. actions: shown to whoever may do any of these anywhere; empty: to everyone.
    badge: actor -> a number in red."""

    label: str | Promise
    url: str
    icon: str
    order: int = 100
    prefix: str = ""
    actions: tuple[str, ...] = ()
    badge: Callable[[Actor], int] | None = None


@dataclass(frozen=True)
class Shown:
    """An entry as the template draws it."""

    item: Item
    href: str
    current: bool
    badge: int


_ITEMS: list[Item] = [
    Item(_("工作台"), "workbench", "home", 0, prefix="/"),
    Item(_("办件"), "cases", "list-details", 10, actions=("case.view",)),
    Item(_("数据目录"), "catalog:entries", "book-2", 20, actions=("catalog.view",)),
    Item(_("信息系统"), "catalog:systems", "server", 25, actions=("catalog.edit",)),
    Item(_("数据归集"), "collection:index", "database-import", 30, actions=("collection.view",)),
    Item(_("质量治理"), "governance:index", "stethoscope", 40, actions=("issue.view",)),
    Item(_("共享申请"), "sharing:requests", "share", 50, actions=("share.view",)),
    Item(_("授权与调用"), "sharing:grants", "key", 55, actions=("share.view",)),
    Item(_("单位与人员"), "org:units", "building", 70, actions=("org.manage", "org.permission")),
    Item(_("制度条款"), "regulation", "scale", 80),
    Item(_("审计与存证"), "audit", "shield-check", 85, actions=("audit.view",)),
    Item(_("权限说明"), "why", "help-circle", 90),
]


def register(item: Item) -> None:
    """Add an entry; one with the same address replaces the earlier one."""
    _ITEMS[:] = [i for i in _ITEMS if i.url != item.url] + [item]


def menu(request: HttpRequest, actor: Actor, actions: set[str], badges: dict[str, int]) -> list[Shown]:
    """The entries this actor has, the current one lit. badges: address name -> number the page already knows."""
    found = []
    for item in sorted(_ITEMS, key=lambda i: i.order):
        if item.actions and not actions.intersection(item.actions):
            continue
        try:
            href = reverse(item.url)
        except NoReverseMatch:
            continue
        badge = badges.get(item.url, 0) or (item.badge(actor) if item.badge else 0)
        found.append((item, href, badge))
    lit = _lit(request.path, [(item.prefix or href) for item, href, _badge in found])
    return [Shown(item, href, n == lit, badge) for n, (item, href, badge) in enumerate(found)]


def _lit(path: str, prefixes: list[str]) -> int:
    """Which prefix fits best; "/" only itself; -1 for none."""
    fits = [(len(p), -n) for n, p in enumerate(prefixes) if (path.startswith(p) if p != "/" else path == "/")]
    return -max(fits)[1] if fits else -1
