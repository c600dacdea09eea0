"""Two standing duties of units: filing a change of steward or head, and reviewing the data-security policy."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _

from gongshu.casework.registry import register
from gongshu.journal import clock
from gongshu.kernel import procedure as kernel
from gongshu.kernel.clause import Basis
from gongshu.kernel.procedure import Clock, Field, Move, Procedure, State
from gongshu.org.lookup import account_get, post_get, unit_get
from gongshu.org.services import post_enter, post_leave
from gongshu.packs import Pack

if TYPE_CHECKING:
    from gongshu.casework.models import Case
    from gongshu.journal.services import Actor

STEWARD_CHANGE = "steward_change"
POLICY_REVIEW = "policy_review"


def steward_change(pack: Pack) -> Procedure:
    """A unit files a change of steward or head; the authority agrees; the posts switch on the effective day.

    Notice ahead where the pack asks for it: a late filing is accepted and marked late (ZY-5.4b).
    """
    node = pack.node("unit_posts.steward_change_notice")
    limit = node.duration
    clocks: tuple[Clock, ...] = ()
    if limit and limit.n:
        clocks = (
            Clock(
                "notice",
                _("变更申请提前期"),
                limit.n,
                "provider",
                ("review",),
                node.basis,
                unit=limit.unit,
                direction=kernel.BEFORE,
                counts_from="effective",
                accept_late=True,
            ),
        )
    reason = Field("reason", _("理由"), "longtext")
    return Procedure(
        name=STEWARD_CHANGE,
        label=_("专管员、负责人变更"),
        prefix="BG",
        subject="unit",
        initial="review",
        roles=("provider", "authority"),
        states=(
            State("review", _("待审批")),
            State("approved", _("已同意"), final=True, outcome="approved"),
            State("refused", _("不同意"), final=True, outcome="refused"),
            State("withdrawn", _("已撤回"), final=True, outcome="withdrawn"),
        ),
        moves=(
            Move(
                "approve",
                _("同意变更"),
                ("review",),
                "approved",
                ("authority",),
                "org.approve",
                node.basis,
                effects=("posts_switch",),
                not_by_actor_of=("open",),
                style="primary",
            ),
            Move(
                "refuse",
                _("不同意"),
                ("review",),
                "refused",
                ("authority",),
                "org.approve",
                node.basis,
                fields=(reason,),
                not_by_actor_of=("open",),
                style="danger",
            ),
            Move(
                "withdraw",
                _("撤回"),
                ("review",),
                "withdrawn",
                ("provider",),
                "org.file",
                node.basis,
                optional=True,
            ),
        ),
        clocks=clocks,
    )


def posts_switch(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """End the outgoing post the day before and begin the incoming one on the effective day, today at the earliest."""
    told = case.data
    day = max(date.fromisoformat(told["effective"]), clock.today())
    unit = unit_get(told["unit"])
    if told.get("outgoing_post"):
        post = post_get(told["outgoing_post"])
        if post.ends is None or post.ends >= day:
            post_leave(actor=actor, post=post, ends=max(day - timedelta(days=1), post.starts))
    post_enter(
        actor=actor, holder=account_get(told["incoming"]), unit=unit, kind=told["kind"], starts=day, ends=None
    )


def policy_review(pack: Pack) -> Procedure:
    """The data-security policy is reviewed every year at least, and at once after a major change (ZY-33.2, 33.3)."""
    node = pack.node("security.policy_review")
    limit = node.duration
    role = limit.clock if limit else "authority"
    clocks: tuple[Clock, ...] = ()
    if limit and limit.n:
        clocks = (
            Clock(
                "yearly",
                _("数据安全策略审核周期"),
                limit.n,
                role,
                ("resting",),
                node.basis,
                unit=limit.unit,
                direction=kernel.RECURRING,
            ),
        )
    occasions = tuple((word, word) for word in (limit.also_on if limit else ()))
    return Procedure(
        name=POLICY_REVIEW,
        label=_("数据安全策略审核"),
        prefix="SC",
        subject="policy_review",
        initial="resting",
        roles=(role,),
        states=(
            State("resting", _("执行中")),
            State("revising", _("修订中")),
            State("ended", _("已停止"), final=True, outcome="ended"),
        ),
        moves=_review_moves(role, node.basis, occasions),
        clocks=clocks,
    )


def _review_moves(role: str, basis: Basis, occasions: tuple[tuple[str, str], ...]) -> tuple[Move, ...]:
    summary = Field("summary", _("审核更新情况"), "longtext")
    occasion = (
        Field("occasion", _("重大变化"), "choice", choices=occasions)
        if occasions
        else Field("occasion", _("重大变化"))
    )
    by, action = (role,), "policy.review"
    return (
        Move(
            "record",
            _("登记审核结果"),
            ("resting", "revising"),
            "resting",
            by,
            action,
            basis,
            fields=(summary,),
            style="primary",
        ),
        Move(
            "change",
            _("登记重大变化，启动修订"),
            ("resting",),
            "revising",
            by,
            action,
            basis,
            fields=(occasion,),
            optional=True,
        ),
        Move(
            "end",
            _("停止"),
            ("resting", "revising"),
            "ended",
            by,
            action,
            basis,
            fields=(Field("reason", _("理由"), "longtext"),),
            optional=True,
        ),
    )


register(STEWARD_CHANGE, steward_change, effects={"posts_switch": posts_switch})
register(POLICY_REVIEW, policy_review)
