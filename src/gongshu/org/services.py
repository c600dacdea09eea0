"""Units, bodies and posts: the only writer of these tables. Accounts and tokens are in `accounts`."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, Value
from django.db.models.functions import Concat, Substr
from django.utils.translation import gettext as _

from gongshu.journal import clock
from gongshu.journal.services import Actor, event_append, service
from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import Conflict, Invalid, NotFound, Refused

from . import accounts as accounts
from .lookup import account_get, post_get, unit_get
from .models import Account, BodyRole, Post, Unit
from .policy import current_pack, require, require_anywhere
from .vocabulary import ADMINISTRATORS, PROFILE, BodyKind, PostKind, UnitKind

_CODE = re.compile(r"^[a-z0-9][a-z0-9_-]{0,39}$")
SEPARATION = Basis(gap=True, source="product-default", note="三员分立")
NOTICED_KINDS = (PostKind.STEWARD, PostKind.HEAD)
"""Posts whose change is filed ahead where the pack asks for notice (ZY-5.4b: 分管领导和数据共享专员)."""


def _said(
    actor: Actor,
    type: str,
    subject: tuple[str, str, str],
    unit: Unit | None,
    body: dict[str, Any],
    basis: Basis | None = None,
) -> None:
    event_append(
        actor=actor, type=type, subject=subject, unit=unit.pk if unit else None, body=body, basis=basis
    )


def _unit_event(actor: Actor, what: str, unit: Unit, body: dict[str, Any]) -> None:
    _said(actor, f"org.unit.{what}", ("unit", unit.code, unit.name), unit, body)


# --- units ---------------------------------------------------------------------------------------------------------


@service("org.unit_create", "POST", "/units", summary="新建单位")
def unit_create(
    *,
    actor: Actor,
    code: str,
    name: str,
    name_en: str = "",
    parent: str | None = None,
    kind: str = UnitKind.ORGAN,
    region: str = "",
) -> Unit:
    """Add a unit below `parent` (code), or as a root. code: lower-case letters, digits, - and _; never changes."""
    require_anywhere(actor, "org.manage")
    if not _CODE.match(code):
        raise Invalid(_("单位编码须为小写字母、数字、“-”或“_”，最长 40 位。"), field="code")
    if not name.strip():
        raise Invalid(_("请填写单位名称。"), field="name")
    if kind not in UnitKind.values:
        raise Invalid(_("没有这种单位类型：%(kind)s。") % {"kind": kind}, field="kind")
    above = unit_get(parent) if parent else None
    unit = Unit(
        code=code,
        name=name.strip(),
        name_en=name_en.strip(),
        parent=above,
        path=f"{above.path if above else '/'}{code}/",
        kind=kind,
        region=region,
    )
    try:
        with transaction.atomic():
            unit.save(force_insert=True)
    except IntegrityError:
        raise Conflict(_("单位编码“%(code)s”已被使用。") % {"code": code}, field="code") from None
    _unit_event(actor, "created", unit, unit.as_dict())
    return unit


@service("org.unit_rename", "PATCH", "/units/{unit}", summary="更改单位名称")
def unit_rename(*, actor: Actor, unit: str, name: str, name_en: str | None = None) -> Unit:
    """Give a unit another name; its code and all references stay."""
    require_anywhere(actor, "org.manage")
    found = unit_get(unit)
    if not name.strip():
        raise Invalid(_("请填写单位名称。"), field="name")
    before = {"name": found.name, "name_en": found.name_en}
    found.name = name.strip()
    found.name_en = found.name_en if name_en is None else name_en.strip()
    found.save(update_fields=["name", "name_en"])
    _unit_event(
        actor, "renamed", found, {"from": before, "to": {"name": found.name, "name_en": found.name_en}}
    )
    return found


@service("org.unit_move", "POST", "/units/{unit}/move", summary="调整单位隶属")
def unit_move(*, actor: Actor, unit: str, parent: str | None) -> Unit:
    """Put a unit, with everything below it, under another parent (None: a root)."""
    require_anywhere(actor, "org.manage")
    list(
        Unit.objects.select_for_update().order_by("pk").values_list("pk", flat=True)
    )  # one move at a time: no rings
    found = unit_get(unit)
    above = unit_get(parent) if parent else None
    if above and above.path.startswith(found.path):
        raise Refused(_("不能把单位移到自己或自己的下级之下。"), field="parent")
    old, new = found.path, f"{above.path if above else '/'}{found.code}/"
    before = found.parent.code if found.parent else None
    Unit.objects.filter(pk=found.pk).update(parent=above)
    Unit.objects.filter(path__startswith=old).update(path=Concat(Value(new), Substr("path", len(old) + 1)))
    found.refresh_from_db()
    _unit_event(actor, "moved", found, {"from": before, "to": parent})
    return found


@service("org.unit_profile", "PUT", "/units/{unit}/profile", summary="填写单位数据工作信息")
def unit_profile(*, actor: Actor, unit: str, profile: dict[str, str]) -> Unit:
    """State goals, responsibility, business section, security section and support contact of a unit.

    By the unit itself (org.file) or the system administrator. Keys that are left out stay as they are.
    """
    found = unit_get(unit)
    if not _may_manage(actor):
        require(actor, "org.file", found)
    unknown = sorted(set(profile) - set(PROFILE))
    if unknown:
        raise Invalid(_("单位信息没有“%(name)s”这一项。") % {"name": unknown[0]}, field="profile")
    long = [key for key, text in profile.items() if len(str(text)) > 1000]
    if long:
        raise Invalid(_("“%(label)s”不能超过 1000 字。") % {"label": PROFILE[long[0]]}, field=long[0])
    found.profile = {**found.profile, **{key: str(text).strip() for key, text in profile.items()}}
    found.save(update_fields=["profile"])
    _unit_event(actor, "profiled", found, {"profile": found.profile})
    return found


def _may_manage(actor: Actor) -> bool:
    from .policy import may_anywhere

    return actor.via == "system" or may_anywhere(actor, "org.manage")


@service("org.unit_close", "POST", "/units/{unit}/close", summary="撤销单位")
def unit_close(*, actor: Actor, unit: str) -> Unit:
    """Take a unit out of use. It must hold no body role, no unit below it in use and no post from today on."""
    require_anywhere(actor, "org.manage")
    found = unit_get(unit)
    held = found.body_roles.first()
    if held:
        raise Refused(
            _("该单位承担“%(role)s”角色，请先改由其他单位承担。") % {"role": BodyKind(held.role).label}
        )
    if Unit.objects.filter(parent=found, active=True).exists():
        raise Refused(_("该单位还有下级单位，请先调整或撤销下级单位。"))
    if found.posts.filter(Q(ends__isnull=True) | Q(ends__gte=clock.today())).exists():
        raise Refused(_("该单位还有在任或待任人员，请先办理离任。"))
    found.active = False
    found.save(update_fields=["active"])
    _unit_event(actor, "closed", found, {})
    return found


@service("org.body_assign", "PUT", "/bodies/{role}", summary="指定规则包角色的承担单位")
def body_assign(*, actor: Actor, role: str, unit: str) -> BodyRole:
    """Let a unit hold a role of the regulation (authority, data_center ...). A unit may hold several.

    Running cases keep the units they began with. By the security administrator: it moves permissions.
    """
    require_anywhere(actor, "org.permission")
    if role not in BodyKind.values:
        raise NotFound(_("没有“%(role)s”这个角色。") % {"role": role})
    found = unit_get(unit)
    before = BodyRole.objects.filter(role=role).select_related("unit").first()
    held, _made = BodyRole.objects.update_or_create(role=role, defaults={"unit": found})
    _said(
        actor,
        "org.body.assigned",
        ("body", role, str(BodyKind(role).label)),
        found,
        {"role": role, "unit": found.code, "before": before.unit.code if before else None},
        current_pack().node(f"bodies.{role}").basis,
    )
    return held


# --- posts ---------------------------------------------------------------------------------------------------------


@service("org.post_assign", "POST", "/posts", summary="办理任职")
def post_assign(
    *, actor: Actor, account: str, unit: str, kind: str, starts: date | None = None, ends: date | None = None
) -> Post:
    """Put a person into a post of a unit from a day on (today or later), until a day or without end.

    Refused: a post for oneself; a second administrator's hat; a change of a steward or head already in post where the
    pack wants it filed ahead (ZY-5.4b), which is `duty.steward_change`.
    """
    require_anywhere(actor, "org.manage")
    holder, place = account_get(account), unit_get(unit)
    _not_oneself(actor, holder)
    if kind in NOTICED_KINDS:
        _filed_ahead(place, kind)
    return post_enter(
        actor=actor, holder=holder, unit=place, kind=kind, starts=starts or clock.today(), ends=ends
    )


def _not_oneself(actor: Actor, holder: Account) -> None:
    if actor.account_id == holder.pk:
        raise Refused(
            _("不能为自己办理任职或离任，请由另一名系统管理员办理。"), basis=SEPARATION, field="account"
        )


def _filed_ahead(unit: Unit, kind: str) -> None:
    node = current_pack().node("unit_posts.steward_change_notice")
    on_duty = unit.posts.filter(kind=kind, account__is_active=True).filter(
        Q(ends__isnull=True) | Q(ends__gte=clock.today())
    )
    if node.duration and on_duty.exists():
        raise Refused(
            _("%(post)s变动须由单位提前 %(n)d 个工作日申请变更，经审批后自动生效；请改用“申报人员变更”。")
            % {"post": PostKind(kind).label, "n": node.duration.n},
            basis=node.basis,
            field="kind",
        )


def post_enter(
    *, actor: Actor, holder: Account, unit: Unit, kind: str, starts: date, ends: date | None
) -> Post:
    """Write a post after the rules every post obeys; for `post_assign` and an approved steward change."""
    if kind not in PostKind.values:
        raise Invalid(_("没有这种岗位：%(kind)s。") % {"kind": kind}, field="kind")
    if starts < clock.today():
        raise Invalid(_("任职日期不能早于今天。"), field="starts")
    if ends and ends < starts:
        raise Invalid(_("离任日期不能早于任职日期。"), field="ends")
    if not unit.active:
        raise Refused(_("该单位已撤销。"), field="unit")
    if not holder.is_active:
        raise Refused(_("该账号已停用。"), field="account")
    Account.objects.select_for_update(of=("self",)).get(
        pk=holder.pk
    )  # two posts given at once must see each other
    held = list(_overlapping(holder, starts, ends))
    if any(p.unit_id == unit.pk and p.kind == kind for p in held):
        raise Conflict(_("%(name)s在该单位已有同一岗位。") % {"name": holder}, field="account")
    _separate(holder, kind, held)
    post = Post.objects.create(account=holder, unit=unit, kind=kind, starts=starts, ends=ends)
    _post_event(actor, "assigned", post)
    return post


def post_possible(holder: Account, unit: Unit, kind: str, starts: date, ends: date | None) -> None:
    """Refuse a post the person already holds in that time, or one that the posts of that time exclude."""
    held = list(_overlapping(holder, starts, ends))
    if any(p.unit_id == unit.pk and p.kind == kind for p in held):
        raise Conflict(_("%(name)s在该单位已有同一岗位。") % {"name": holder}, field="account")
    _separate(holder, kind, held)


def _overlapping(holder: Account, starts: date, ends: date | None) -> Any:
    found = holder.posts.filter(Q(ends__isnull=True) | Q(ends__gte=starts)).select_related("unit")
    return found.filter(starts__lte=ends) if ends else found


def _separate(holder: Account, kind: str, held: list[Post]) -> None:
    """Three administrators, three people, and none of them beside a business post (三员分立)."""
    for post in held:
        if post.kind != kind and (kind in ADMINISTRATORS or post.kind in ADMINISTRATORS):
            raise Refused(
                _("三员分立：%(name)s已任%(held)s，不能同时任%(kind)s。")
                % {"name": holder, "held": post.get_kind_display(), "kind": PostKind(kind).label},
                basis=SEPARATION,
                field="kind",
            )


@service("org.post_end", "POST", "/posts/{post}/end", summary="办理离任")
def post_end(*, actor: Actor, post: int, ends: date) -> Post:
    """End a post: `ends` is its last day, yesterday at the earliest (which takes effect at once)."""
    require_anywhere(actor, "org.manage")
    found = post_get(post)
    _not_oneself(actor, found.account)
    if found.kind in NOTICED_KINDS and found.account.is_active:
        _filed_ahead(found.unit, found.kind)
    return post_leave(actor=actor, post=found, ends=ends)


def post_leave(*, actor: Actor, post: Post, ends: date) -> Post:
    """Write the last day of a post; for `post_end` and an approved steward change."""
    if post.ends and post.ends < clock.today():
        raise Conflict(_("该任职已经结束。"))
    if ends < clock.today() - timedelta(days=1):
        raise Invalid(_("离任日期不能早于昨天。"), field="ends")
    if ends < post.starts:
        raise Invalid(_("离任日期不能早于任职日期。"), field="ends")
    post.ends = ends
    post.save(update_fields=["ends"])
    _post_event(actor, "ended", post)
    return post


def _post_event(actor: Actor, what: str, post: Post) -> None:
    title = f"{post.account} {post.unit.name} {PostKind(post.kind).label}"
    _said(actor, f"org.post.{what}", ("post", str(post.pk), title), post.unit, post.as_dict())
