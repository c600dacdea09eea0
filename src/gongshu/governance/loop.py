"""The data issue as the pack declares it: found, fed back, fixed, verified (PJ-26, ZY-36, XC-4.2 to 4.4, CM-13.3).

Who takes a report in, who dispatches it, who verifies the fix, how long the provider has and whether a cause must be
stated come from the pack.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from gongshu.kernel.clause import Basis
from gongshu.kernel.procedure import SYSTEM_ROLE, Clock, Field, Move, Procedure, ProcedureError, State
from gongshu.packs import Pack

NAME = "data_issue"
OWN = Basis(gap=True, source="product-default")
REPORTED, FIXING, EXTENSION, VERIFYING, REROUTING = (
    "reported",
    "fixing",
    "extension",
    "verifying",
    "rerouting",
)
CLOSED, DISMISSED = "closed", "dismissed"
ACTION = {"provider": "issue.handle"}


def build(pack: Pack) -> Procedure:
    """The data issue under this pack."""
    loop = _Loop(pack)
    moves, clocks = tuple(loop.moves()), tuple(loop.clocks())
    used = {r for m in moves for r in m.by} | {c.owner for c in clocks}
    return Procedure(
        name=NAME,
        label=_("问题数据"),
        prefix="WT",
        subject="data_issue",
        initial=REPORTED,
        states=tuple(loop.states()),
        moves=moves,
        clocks=clocks,
        roles=tuple(r for r in ("provider", "authority", "data_center") if r in used),
    )


def intake_direct(pack: Pack) -> bool:
    """Whether a report reaches the provider at once, because the text makes the provider take it in (CM-13.3)."""
    return pack.bodies.issue_intake.v == "provider"


class _Loop:
    """Everything of one pack's data issue."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        bodies, quality = pack.bodies, pack.quality
        self.dispatcher, self.verifier = str(bodies.issue_dispatcher.v), str(bodies.issue_verifier.v)
        self.dispatch_basis: Basis = bodies.issue_dispatcher.basis | bodies.issue_intake.basis
        self.verify_basis: Basis = bodies.issue_verifier.basis
        self.fix = quality.issue_fix_within
        self.extend = quality.issue_extend_to.duration

    def states(self) -> Iterator[State]:
        """All states."""
        yield State(REPORTED, _("待派发"))
        yield State(FIXING, _("待提供单位整改"))
        if self.extend:
            yield State(EXTENSION, _("待批准延期"))
        yield State(VERIFYING, _("待核验"))
        yield State(REROUTING, _("待重新派发"))
        yield State(CLOSED, _("已核验，归档"), final=True, outcome="fixed")
        yield State(DISMISSED, _("不属于问题数据"), final=True, outcome="dismissed")

    def moves(self) -> Iterator[Move]:
        """All moves, in the order in which an issue meets them."""
        yield from self._dispatch()
        yield from self._fix()
        if self.extend:
            yield from self._extension()
        yield from self._verify()

    def _by(self, role: str) -> tuple[tuple[str, ...], str]:
        return (role,), ACTION.get(role, "issue.review")

    def _dispatch(self) -> Iterator[Move]:
        direct = self.pack.bodies.issue_intake.basis if intake_direct(self.pack) else self.dispatch_basis
        yield Move("found", _("交提供单位整改"), (REPORTED,), FIXING, (SYSTEM_ROLE,), "", direct)
        yield Move(
            "dispatch",
            _("派发给提供单位"),
            (REPORTED,),
            FIXING,
            *self._by(self.dispatcher),
            self.dispatch_basis,
            fields=(
                Field("note", _("派发意见"), "longtext", required=False),
                Field(
                    "suspend",
                    _("整改期间暂停共享"),
                    "bool",
                    required=False,
                    help=_("涉嫌侵犯第三方权益的，可先暂停相关授权，办结后自动恢复。"),
                ),
            ),
            effects=("suspend_use",),
            style="primary",
        )
        yield Move(
            "dismiss",
            _("不属于问题数据"),
            (REPORTED, REROUTING),
            DISMISSED,
            *self._by(self.dispatcher),
            self.dispatch_basis,
            fields=(Field("reason", _("理由"), "longtext"),),
            effects=("ended",),
            style="danger",
            optional=True,
        )
        yield Move(
            "redispatch",
            _("重新派发"),
            (REROUTING,),
            FIXING,
            *self._by(self.dispatcher),
            self.dispatch_basis,
            fields=(
                Field("unit", _("责任单位编码"), required=False, help=_("留空则仍由原单位整改。")),
                Field("note", _("派发意见"), "longtext"),
            ),
            guards=("unit_exists",),
            effects=("reassign",),
            style="primary",
        )

    def _fix(self) -> Iterator[Move]:
        provider, action = self._by("provider")
        cause = self.pack.quality.issue_cause_required
        for name, label, what in (
            ("locate", _("登记定位情况"), _("问题出在哪里")),
            ("check", _("登记核实情况"), _("核实结果")),
        ):
            yield Move(
                name,
                label,
                (FIXING,),
                FIXING,
                provider,
                action,
                OWN,
                fields=(Field("note", what, "longtext"),),
                optional=True,
            )
        yield Move(
            "fixed",
            _("整改完成，提交核验"),
            (FIXING,),
            VERIFYING,
            provider,
            action,
            self.fix.basis,
            fields=(
                Field("cause", _("原因"), "longtext", required=bool(cause.v), clause=cause.basis),
                Field("measure", _("整改措施"), "longtext", clause=cause.basis),
            ),
            style="primary",
        )
        yield Move(
            "not_mine",
            _("不属于本单位数据"),
            (FIXING,),
            REROUTING,
            provider,
            action,
            self.dispatch_basis,
            fields=(Field("reason", _("理由"), "longtext"),),
            optional=True,
        )
        urgent = self.pack.quality.issue_urgent
        if urgent.v:
            yield Move(
                "urge",
                _("设定紧急时限"),
                (FIXING,),
                FIXING,
                (self.dispatcher,),
                "case.urge",
                urgent.basis,
                fields=(Field("due_on", _("最晚完成日期"), "date"), Field("reason", _("原因"), "longtext")),
                effects=("clock_set:fix",),
                optional=True,
            )

    def _extension(self) -> Iterator[Move]:
        provider, action = self._by("provider")
        assert self.extend  # noqa: S101 - the caller asked
        basis, approver = self.pack.quality.issue_extend_to.basis, (self.extend.approver or self.dispatcher,)
        yield Move(
            "request_extension",
            _("申请延期"),
            (FIXING,),
            EXTENSION,
            provider,
            action,
            basis,
            fields=(Field("reason", _("特殊原因"), "longtext"),),
            guards=("not_extended",),
            optional=True,
        )
        opinion = Field("opinion", _("审核意见"), "longtext", required=False)
        yield Move(
            "approve_extension",
            _("同意延期"),
            (EXTENSION,),
            FIXING,
            approver,
            "case.urge",
            basis,
            fields=(opinion,),
            effects=("clock_extend:fix",),
            not_by_actor_of=("request_extension",),
            style="primary",
        )
        yield Move(
            "deny_extension",
            _("不同意延期"),
            (EXTENSION,),
            FIXING,
            approver,
            "case.urge",
            basis,
            fields=(Field("opinion", _("审核意见"), "longtext"),),
            style="danger",
        )

    def _verify(self) -> Iterator[Move]:
        by, action = self._by(self.verifier)
        yield Move(
            "pass",
            _("核验通过，归档"),
            (VERIFYING,),
            CLOSED,
            by,
            action,
            self.verify_basis | self.pack.quality.issue_archive.basis,
            fields=(Field("opinion", _("核验意见"), "longtext", required=False),),
            effects=("ended",),
            not_by_actor_of=("fixed",),
            style="primary",
        )
        yield Move(
            "back",
            _("核验未通过，退回整改"),
            (VERIFYING,),
            FIXING,
            by,
            action,
            self.verify_basis,
            fields=(Field("reason", _("未通过的原因"), "longtext"),),
        )

    def clocks(self) -> Iterator[Clock]:
        """The limit for fixing. It stands still while others look at the fix or at who has to make it."""
        within = self.fix.duration
        if within is None:
            return
        if not within.n:
            raise ProcedureError(f"{NAME}: the limit for fixing needs a number of days")
        extended = {}
        if self.extend:
            extended = {"extend_to": self.extend.n, "extend_by": self.extend.approver or self.dispatcher}
        yield Clock(
            "fix",
            _("整改时限"),
            within.n,
            within.clock,
            (FIXING, EXTENSION) if self.extend else (FIXING,),
            self.fix.basis,
            unit=within.unit,
            pauses_in=(VERIFYING, REROUTING),
            urgent=bool(self.pack.quality.issue_urgent.v),
            **extended,
        )
