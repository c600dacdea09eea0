"""Opening the cases of the standing duties of units."""

from __future__ import annotations

from datetime import date

from django.utils.translation import gettext as _

from gongshu.casework.models import Case
from gongshu.casework.services import case_open
from gongshu.journal import clock
from gongshu.journal.services import Actor, service
from gongshu.kernel.errors import Conflict, Invalid, Refused
from gongshu.org.lookup import account_get, unit_get
from gongshu.org.models import Account, Post, Unit
from gongshu.org.policy import body_unit, current_pack, require, require_anywhere
from gongshu.org.selectors import CURRENT, posts_on
from gongshu.org.services import NOTICED_KINDS, post_possible
from gongshu.org.vocabulary import PostKind

from .procedures import POLICY_REVIEW, STEWARD_CHANGE


@service("duty.steward_change", "POST", "/units/{unit}/steward-changes", summary="申报专管员、负责人变更")
def steward_change(
    *,
    actor: Actor,
    unit: str,
    kind: str,
    incoming: str,
    effective: date,
    outgoing: str | None = None,
    reason: str = "",
) -> Case:
    """File a change of steward or head, effective on a day to come; once approved, the posts switch on that day.

    kind: steward or head. incoming, outgoing: user names; outgoing may be left out where one person holds the post.
    Where the regulation asks for notice and the day is nearer, the filing is accepted and marked late (ZY-5.4b).
    """
    place = unit_get(unit)
    require(actor, "org.file", place)
    if kind not in NOTICED_KINDS:
        raise Invalid(_("只有数据专管员和单位负责人的变动需要申报。"), field="kind")
    if effective <= clock.today():
        raise Invalid(_("生效日期须晚于今天。"), field="effective")
    newcomer = account_get(incoming)
    if not newcomer.is_active:
        raise Refused(_("该账号已停用。"), field="incoming")
    leaving = _leaving(place, kind, outgoing)
    if leaving and leaving.account_id == newcomer.pk:
        raise Invalid(_("接任人与离任人不能是同一人。"), field="incoming")
    try:
        post_possible(newcomer, place, kind, effective, None)
    except Refused as refusal:  # told under the name the field has in this form
        raise Refused(refusal.message, basis=refusal.basis, field="incoming", status=refusal.status) from None
    label = str(PostKind(kind).label)
    return case_open(
        actor=actor,
        procedure=STEWARD_CHANGE,
        subject=("steward_change", f"{place.code}/{kind}", f"{place.name} {label}变更：{newcomer}"),
        parties={"provider": place, "authority": _body("authority")},
        data={
            "unit": place.code,
            "kind": kind,
            "incoming": newcomer.username,
            "outgoing": leaving.account.username if leaving else None,
            "outgoing_post": leaving.pk if leaving else None,
            "effective": effective.isoformat(),
            "reason": reason.strip()[:1000],
        },
    )


def _leaving(unit: Unit, kind: str, outgoing: str | None) -> Post | None:
    held = Post.objects.filter(posts_on(CURRENT), unit=unit, kind=kind).select_related("account")
    if outgoing:
        account: Account = account_get(outgoing)
        post = held.filter(account=account).first()
        if post is None:
            raise Invalid(_("%(name)s没有在任这一岗位。") % {"name": account}, field="outgoing")
        return post
    found = list(held)
    if len(found) > 1:
        raise Invalid(_("该岗位有多人在任，请指明离任人。"), field="outgoing")
    return found[0] if found else None


def _body(role: str) -> Unit:
    unit = body_unit(role)
    if unit is None:
        raise Refused(_("规则包中的角色 %(role)s 还没有对应的单位，请安全管理员先行指定。") % {"role": role})
    return unit


@service("duty.policy_review_open", "POST", "/policy-reviews", summary="建立数据安全策略定期审核")
def policy_review_open(*, actor: Actor) -> Case:
    """Begin the recurring review of the data-security policy; refused where the regulation asks for none."""
    require_anywhere(actor, "policy.review")
    node = current_pack().node("security.policy_review")
    limit = node.duration
    if limit is None:
        raise Refused(_("现行制度没有规定数据安全策略的定期审核。"), basis=node.basis)
    unit = _body(limit.clock)
    require(actor, "policy.review", unit)
    if Case.objects.filter(procedure=POLICY_REVIEW, subject_id=unit.code, closed_at__isnull=True).exists():
        raise Conflict(_("数据安全策略定期审核已经建立。"))
    title = f"{unit.name}数据安全策略和规程审核"
    return case_open(
        actor=actor,
        procedure=POLICY_REVIEW,
        subject=("policy_review", unit.code, title),
        parties={limit.clock: unit},
        data={},
    )
