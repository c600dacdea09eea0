"""What every template of the console can use."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.utils.translation import gettext as _

from gongshu.casework.selectors import notices_unread, turns_for
from gongshu.journal import clock
from gongshu.journal.services import Actor
from gongshu.org.models import Post
from gongshu.org.policy import current_pack
from gongshu.org.vocabulary import ROLE_ACTIONS
from gongshu.packs import Pack

from . import navigation, wording
from .web import actor_of


class Shell:
    """The frame around a page. Nothing in it costs a query until a template asks for it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def actor(self) -> Actor:
        """Who looks at the page."""
        return getattr(self.request, "actor", None) or actor_of(self.request)

    @cached_property
    def posts(self) -> list[Post]:
        """Posts the person holds today."""
        known: list[Post] | None = getattr(self.request, "posts_today", None)
        return posts_today(self.actor.account_id) if known is None else known

    @cached_property
    def actions(self) -> set[str]:
        """Actions the person may do somewhere, for menus only; what counts is decided by `org_access`."""
        return {action for post in self.posts for action in ROLE_ACTIONS[post.kind]}

    @cached_property
    def menu(self) -> list[navigation.Shown]:
        """The menu at the left."""
        return navigation.menu(self.request, self.actor, self.actions, {"workbench": self.waiting})

    @cached_property
    def waiting(self) -> int:
        """How many steps wait for the person."""
        known = getattr(self.request, "turns_waiting", None)
        return known if known is not None else turns_for(self.actor).count()

    @cached_property
    def unread(self) -> int:
        """Notices not yet seen."""
        return notices_unread(self.actor)

    @cached_property
    def pack(self) -> Pack:
        """The policy pack in force."""
        return current_pack()

    @cached_property
    def site(self) -> str:
        """Name of the installation."""
        return _("%(place)s公共数据管理平台") % {"place": self.pack.name}

    @cached_property
    def document(self) -> str:
        """The regulation in force with its number."""
        number = self.pack.node("source.doc_no").v
        return f"{self.pack.title}（{number}）" if number else self.pack.title

    @property
    def today(self) -> date:
        """The business date."""
        return clock.today()

    @property
    def today_text(self) -> str:
        """The business date with its weekday."""
        return wording.long_day(self.today)

    @property
    def sample(self) -> bool:
        """Whether this is a sample installation."""
        return bool(settings.GONGSHU_SAMPLE)


def posts_today(account_id: int | None) -> list[Post]:
    """Posts an account holds on the business date, in units that still exist."""
    today = clock.today()
    in_force = Q(ends__isnull=True) | Q(ends__gte=today)
    held = Post.objects.filter(in_force, account_id=account_id or 0, starts__lte=today, unit__active=True)
    return list(held.select_related("unit"))


def console(request: HttpRequest) -> dict[str, Any]:
    """Context shared by all pages: the shell, and the actor."""
    shell = Shell(request)
    return {"shell": shell, "actor": getattr(request, "actor", None)}
