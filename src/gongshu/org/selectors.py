"""Reading units, people, posts and bodies; and what a unit still lacks under the regulation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Prefetch, Q, QuerySet
from django.utils.translation import gettext as _

from gongshu.journal import clock
from gongshu.journal.services import Actor, query
from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import NotAllowed, NotFound, Refused
from gongshu.packs import Pack, clauses

from .lookup import account_get, unit_get
from .models import Account, ApiToken, BodyRole, Post, Unit
from .policy import current_pack, explain, may_anywhere, require_anywhere
from .vocabulary import ACTIONS, PROFILE, ROLE_ACTIONS, BodyKind, PostKind

CURRENT, FUTURE, PAST = "current", "future", "past"


def units_visible_to(actor: Actor) -> QuerySet[Unit]:
    """The unit tree, in the order of the tree, for whoever may see units."""
    require_anywhere(actor, "org.view")
    return Unit.objects.select_related("parent").order_by("path")


def posts_on(when: str) -> Q:
    """Posts held today, posts to come, or posts that have ended."""
    today = clock.today()
    if when == FUTURE:
        return Q(starts__gt=today)
    if when == PAST:
        return Q(ends__lt=today)
    return Q(starts__lte=today) & (Q(ends__isnull=True) | Q(ends__gte=today))


@query("org.units", "GET", "/units", summary="单位列表")
def units(*, actor: Actor, q: str | None = None, active: bool = True) -> list[dict[str, Any]]:
    """Units in tree order; q matches code and name."""
    found = units_visible_to(actor)
    if active:
        found = found.filter(active=True)
    if q:
        found = found.filter(Q(code__icontains=q) | Q(name__icontains=q) | Q(name_en__icontains=q))
    return [unit.as_dict() for unit in found]


@query("org.unit", "GET", "/units/{unit}", summary="单位详情：任职、承担角色、缺少的岗位")
def unit_show(*, actor: Actor, unit: str) -> dict[str, Any]:
    """A unit with its posts, the bodies of the regulation it holds, and what it lacks under it."""
    require_anywhere(actor, "org.view")
    found = unit_get(unit)
    return {
        **found.as_dict(),
        "bodies": [r.role for r in found.body_roles.all()],
        "posts": {when: [p.as_dict() for p in unit_posts(found, when)] for when in (CURRENT, FUTURE, PAST)},
        "lacks": [gap.as_dict() for gap in unit_gaps(found)],
    }


def unit_posts(unit: Unit, when: str = CURRENT) -> QuerySet[Post]:
    """The posts of a unit that are held now, to come or past."""
    return unit.posts.filter(posts_on(when)).select_related("account", "unit").order_by("kind", "starts")


@query("org.people", "GET", "/people", summary="人员与账号列表")
def people(*, actor: Actor, q: str | None = None, unit: str | None = None) -> list[dict[str, Any]]:
    """Accounts with the posts they hold today; q matches user name and name."""
    found = people_visible_to(actor)
    if q:
        found = found.filter(Q(username__icontains=q) | Q(display_name__icontains=q))
    if unit:
        found = found.filter(posts__unit=unit_get(unit)).distinct()
    return [{**a.as_dict(), "posts": [p.as_dict() for p in a.current_posts]} for a in found]  # type: ignore[attr-defined]


def people_visible_to(actor: Actor) -> QuerySet[Account]:
    """Accounts for whoever may see people; each carries its posts of today as `current_posts`."""
    require_anywhere(actor, "org.view")
    current = Post.objects.filter(posts_on(CURRENT)).select_related("unit", "account")
    return Account.objects.prefetch_related(Prefetch("posts", current, to_attr="current_posts")).order_by(
        "username"
    )


@query("org.posts", "GET", "/posts", summary="任职列表")
def posts(
    *, actor: Actor, account: str | None = None, unit: str | None = None, when: str | None = None
) -> list[dict[str, Any]]:
    """Posts; when: current, future or past."""
    require_anywhere(actor, "org.view")
    found = Post.objects.select_related("account", "unit").order_by("unit__path", "kind", "starts")
    if account:
        found = found.filter(account=account_get(account))
    if unit:
        found = found.filter(unit=unit_get(unit))
    if when:
        if when not in (CURRENT, FUTURE, PAST):
            raise NotFound(_("任职状态须为 current、future 或 past。"), field="when")
        found = found.filter(posts_on(when))
    return [post.as_dict() for post in found]


@query("org.bodies", "GET", "/bodies", summary="规则包角色与承担单位")
def bodies(*, actor: Actor) -> list[dict[str, Any]]:
    """Every role of the regulation in force: its name there, the clause, and the unit that holds it."""
    require_anywhere(actor, "org.view")
    return [row.as_dict() for row in body_rows()]


@dataclass(frozen=True)
class BodyRow:
    """A role of the regulation: what the text calls the body, the clause, the unit that holds it here."""

    role: str
    named: str
    basis: Basis
    unit: Unit | None

    def as_dict(self) -> dict[str, Any]:
        """The row as the API shows it."""
        held = self.unit.code if self.unit else None
        return {"role": self.role, "named": self.named, "unit": held, "basis": self.basis.as_dict()}


def body_rows(pack: Pack | None = None) -> list[BodyRow]:
    """The role map: what the regulation says, beside the unit that holds the role."""
    pack = pack or current_pack()
    held = {r.role: r.unit for r in BodyRole.objects.select_related("unit")}
    nodes = [(role, pack.node(f"bodies.{role}")) for role in BodyKind.values]
    return [BodyRow(role, str(node.v or ""), node.basis, held.get(role)) for role, node in nodes]


# --- what a unit lacks ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Gap:
    """A post or statement the regulation requires of a unit and that it does not have."""

    unit: Unit
    key: str
    label: str
    basis: Basis

    def as_dict(self) -> dict[str, Any]:
        """The gap as the API shows it."""
        return {"unit": self.unit.code, "key": self.key, "label": self.label, "basis": self.basis.as_dict()}


POSTS_FOR: Mapping[str, tuple[str, ...]] = {
    "first_responsible": (PostKind.HEAD,),
    "data_steward": (PostKind.STEWARD,),
    "issue_manager": (PostKind.ISSUE_MANAGER,),
    "security_section_and_person": (PostKind.SECURITY,),
    "important_data_head": (PostKind.SECURITY_HEAD,),
}
"""Key below unit_posts -> the posts that satisfy it."""

STATEMENTS_FOR: Mapping[str, str] = {
    "business_section": "business_section",
    "security_section_and_person": "security_section",
}
"""Key below unit_posts -> what the unit's profile has to state."""

_WORDS = {"目标": "goals", "责任": "responsibility"}
"""Words in the value list of a clause that a business section rests on -> what the profile has to state (CM-5.1a)."""


def demands(pack: Pack) -> list[tuple[str, str, str, Basis]]:
    """What the pack requires of every unit: (key of unit_posts, "post" or "statement", which, basis)."""
    asked = []
    for key in (*POSTS_FOR, "business_section"):
        node = pack.node(f"unit_posts.{key}")
        if node.v != "required":
            continue
        asked += [(key, "post", kind, node.basis) for kind in POSTS_FOR.get(key, ())]
        if key in STATEMENTS_FOR:
            asked.append((key, "statement", STATEMENTS_FOR[key], node.basis))
        if key == "business_section":
            words = {w for c in node.clauses for w in clauses()[c].values.split("|")}
            asked += [(key, "statement", _WORDS[w], node.basis) for w in sorted(words & set(_WORDS))]
    return asked


def unit_gaps(unit: Unit, pack: Pack | None = None) -> list[Gap]:
    """What a unit lacks today under the regulation, each with its clause; empty where it is complete."""
    held = set(unit.posts.filter(posts_on(CURRENT), account__is_active=True).values_list("kind", flat=True))
    return list(_lacking(unit, held, pack or current_pack()))


def _lacking(unit: Unit, held: set[str], pack: Pack) -> Any:
    for key, what, which, basis in demands(pack):
        if what == "post" and which not in held:
            yield Gap(unit, key, str(PostKind(which).label), basis)
        elif what == "statement" and not unit.profile.get(which):
            yield Gap(unit, key, str(PROFILE[which]), basis)


def gaps_of_all(pack: Pack | None = None) -> list[Gap]:
    """Every gap of every unit in use, in the order of the tree."""
    pack = pack or current_pack()
    held: dict[int, set[str]] = {}
    current = Post.objects.filter(posts_on(CURRENT), account__is_active=True)
    for unit_id, kind in current.values_list("unit_id", "kind"):
        held.setdefault(unit_id, set()).add(kind)
    found = Unit.objects.filter(active=True, children__isnull=True).order_by("path")
    return [gap for unit in found for gap in _lacking(unit, held.get(unit.pk, set()), pack)]


@query("org.gaps", "GET", "/unit-gaps", summary="缺少必设岗位或信息的单位")
def gaps(*, actor: Actor) -> list[dict[str, Any]]:
    """Units that lack a post or statement the regulation requires, each with the clause."""
    require_anywhere(actor, "org.view")
    return [gap.as_dict() for gap in gaps_of_all()]


def require_steward(unit: Unit, pack: Pack | None = None) -> None:
    """Hold a catalog submission or share request of a unit without a steward where the pack requires one (ZY-5.4a)."""
    lacking = [g for g in unit_gaps(unit, pack) if g.key == "data_steward"]
    if lacking:
        raise Refused(
            _("%(unit)s还没有在任的数据专管员，登记后方可提交。") % {"unit": unit},
            basis=lacking[0].basis,
            code="steward_missing",
        )


def require_security_person(unit: Unit, pack: Pack | None = None) -> None:
    """Hold a share request of a unit without security section and person where the pack requires them (PJ-35.3)."""
    lacking = [g for g in unit_gaps(unit, pack) if g.key == "security_section_and_person"]
    if lacking:
        labels = "、".join(g.label for g in lacking)
        raise Refused(
            _("%(unit)s还没有确定%(what)s，补充后方可申请数据。") % {"unit": unit, "what": labels},
            basis=lacking[0].basis,
            code="security_person_missing",
        )


def support_contact(unit: Unit) -> str:
    """Whom a user of the unit's data turns to: what the unit states, else its steward, else its head (ZY-5.2a)."""
    if stated := unit.profile.get("support_contact"):
        return str(stated)
    order = {PostKind.STEWARD: 0, PostKind.HEAD: 1}
    held = [p for p in unit_posts(unit) if p.kind in order and p.account.is_active]
    if not held:
        return ""
    best = min(held, key=lambda p: order[PostKind(p.kind)])
    return f"{best.account} {best.account.phone}".strip()


# --- permissions and tokens ----------------------------------------------------------------------------------------


@query("org.access_explain", "GET", "/access", summary="说明一项权限为何有或没有")
def access_explain(*, actor: Actor, account: str, action: str, unit: str | None = None) -> dict[str, Any]:
    """Why an account may or may not do an action upon a unit today.

    One's own account, or any for the administrators.
    """
    holder = account_get(account)
    _own_or_administrator(actor, holder)
    if action not in ACTIONS:
        raise NotFound(_("没有“%(action)s”这项权限。") % {"action": action}, field="action")
    place = unit_get(unit) if unit else None
    decision = explain(Actor(holder.pk, str(holder)), action, place)
    return {
        "account": holder.username,
        "action": action,
        "unit": unit,
        "allowed": decision.allowed,
        "reason": decision.reason,
        "posts": [post.as_dict() for post in decision.posts],
    }


def _own_or_administrator(actor: Actor, holder: Account) -> None:
    if actor.account_id == holder.pk or actor.via == "system":
        return
    if not any(may_anywhere(actor, a) for a in ("org.manage", "org.permission", "audit.view")):
        raise NotAllowed(_("只能查看自己的权限；查看他人的须为系统管理员、安全管理员或审计管理员。"))


@query("org.matrix", "GET", "/permissions", summary="岗位与权限对照表")
def matrix(*, actor: Actor) -> list[dict[str, Any]]:
    """Every action with the kinds of post that carry it and how far."""
    require_anywhere(actor, "org.view")
    return [
        {
            "action": action.name,
            "label": str(action.label),
            "two_factor": action.two_factor,
            "posts": {kind: str(a[action.name]) for kind, a in ROLE_ACTIONS.items() if action.name in a},
        }
        for action in ACTIONS.values()
    ]


def tokens_visible_to(actor: Actor) -> QuerySet[ApiToken]:
    """One's own tokens; every token for the security administrator and the auditor."""
    found = ApiToken.objects.select_related("account").order_by("-created_at")
    if actor.via == "system" or any(may_anywhere(actor, a) for a in ("org.permission", "audit.view")):
        return found
    return found.filter(account_id=actor.row)


@query("org.tokens", "GET", "/tokens", summary="接口令牌列表")
def tokens(*, actor: Actor) -> list[dict[str, Any]]:
    """Visible tokens, newest first; never the secret."""
    return [token.as_dict() for token in tokens_visible_to(actor)]
