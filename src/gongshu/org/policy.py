"""Who may do what: asked here, decided in SQL by the view `org_access`."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from gongshu.journal import clock
from gongshu.journal.services import Actor
from gongshu.kernel.errors import NotAllowed
from gongshu.packs import Pack, load

from .models import Access, Account, BodyRole, Post, Unit
from .vocabulary import ACTIONS, APPROVERS, ROLE_ACTIONS, PostKind


def current_pack() -> Pack:
    """The policy pack in force in this installation."""
    return load(settings.GONGSHU_PACK)


def allowed_units(actor: Actor, action: str) -> QuerySet[Access, int]:
    """Ids of the units upon which the actor may do that action today, as a subquery for `unit__in=`."""
    if action not in ACTIONS:
        raise KeyError(action)
    pin_today()
    return Access.objects.filter(account_id=actor.row, action=action).values_list("unit_id", flat=True)


def may(actor: Actor, action: str, unit: Unit | int | None) -> bool:
    """Whether the actor may do that action upon that unit today. The platform itself may do everything."""
    if actor.account_id is None:
        return actor.via == "system"
    unit_id = unit.pk if isinstance(unit, Unit) else unit
    return unit_id is not None and allowed_units(actor, action).filter(unit_id=unit_id).exists()


def may_anywhere(actor: Actor, action: str) -> bool:
    """Whether the actor may do that action upon any unit at all (menus, empty forms)."""
    return actor.account_id is not None and allowed_units(actor, action).exists()


def require(actor: Actor, action: str, unit: Unit | None) -> None:
    """Refuse unless the actor may do that action upon that unit; the refusal says what is missing."""
    if not may(actor, action, unit):
        raise NotAllowed(explain(actor, action, unit).reason)


@dataclass(frozen=True)
class Decision:
    """A permission decision with its reason: the posts that allow it, or what is missing."""

    allowed: bool
    reason: str
    posts: list[Post]


def explain(actor: Actor, action: str, unit: Unit | None) -> Decision:
    """Why an action is or is not allowed upon a unit."""
    label = ACTIONS[action].label
    where = str(unit) if unit else _("该对象")
    if actor.account_id is None:
        return Decision(
            actor.via == "system", _("平台自动办理") if actor.via == "system" else _("请先登录。"), []
        )
    pin_today()
    granting = Access.objects.filter(account_id=actor.row, action=action, unit=unit)
    if unit is None:
        granting = Access.objects.filter(account_id=actor.row, action=action)
    posts = list(Post.objects.filter(pk__in=granting.values("post_id")).select_related("unit", "account"))
    if posts:
        held = "、".join(f"{p.unit} {p.get_kind_display()}" for p in posts)
        if not any(action in ROLE_ACTIONS[p.kind] for p in posts):
            reason = _(
                "可以：%(posts)s代行数据专管员职责（该单位没有在任的数据专管员），含“%(action)s”权限。"
            )
            return Decision(True, reason % {"posts": held, "action": label}, posts)
        return Decision(
            True, _("可以：%(posts)s 岗位含“%(action)s”权限。") % {"posts": held, "action": label}, posts
        )
    today = clock.today()
    carriers = [kind for kind, actions in ROLE_ACTIONS.items() if action in actions]
    names = "、".join(str(PostKind(kind).label) for kind in carriers)
    held_posts = Post.objects.filter(account_id=actor.row, kind__in=carriers).select_related("unit")
    future = [p for p in held_posts if p.starts > today]
    if future:
        reason = _("岗位自 %(day)s 起任职，现在还不能%(action)s。") % {
            "day": future[0].starts,
            "action": label,
        }
    elif held_posts:
        reason = _("您的岗位不覆盖%(unit)s，或已离任。“%(action)s”需要在该单位任%(posts)s。") % {
            "unit": where,
            "action": label,
            "posts": names,
        }
    else:
        reason = _("“%(action)s”需要在%(unit)s任%(posts)s；如确有需要，请联系本单位系统管理员办理任职。") % {
            "action": label,
            "unit": where,
            "posts": names,
        }
    return Decision(False, reason, [])


def approves(account: Account) -> bool:
    """Whether the account holds, or is to hold, a post that approves or grants, and so needs a second factor."""
    posts = account.posts.filter(kind__in=APPROVERS)
    return posts.filter(Q(ends__isnull=True) | Q(ends__gte=clock.today())).exists()


def body_unit(role: str) -> Unit | None:
    """The unit that holds a body role of the pack (authority, data_center, cyber ...), if one does."""
    held = BodyRole.objects.filter(role=role).select_related("unit").first()
    return held.unit if held else None


def pin_today() -> None:
    """Let the access view use the platform's business date, where a sample installation has shifted it."""
    if settings.GONGSHU_SAMPLE:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('gongshu.today', %s, false)", [clock.today().isoformat()])


def require_anywhere(actor: Actor, action: str) -> None:
    """Refuse unless the actor may do that action upon some unit (for things that belong to no unit)."""
    if actor.via != "system" and not may_anywhere(actor, action):
        raise NotAllowed(explain(actor, action, None).reason)
