"""The share request as the pack declares it: `share.conditional_flow` read as a procedure.

The pack's words name stations a request passes; each word brings its states, moves, fields and clauses, so a pack
that puts the same words in another order, or leaves some out, works without code. A word nobody knows is an error
when the pack is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from gongshu.kernel.clause import Basis
from gongshu.kernel.procedure import SYSTEM_ROLE, Field, Move, Procedure, State
from gongshu.packs import Pack

from .limits import clocks
from .stations import (
    ACTION,
    AUTO_CONFIRMED,
    CONFIRMED,
    DELIVERED,
    ENDED,
    GRANTED,
    HELD,
    NAME,
    OWN,
    PROVISION,
    REFUSED,
    RETURNED,
    REWORK,
    SUBMITTED,
    WITHDRAWN,
    WORDS,
    Station,
    stations,
)
from .vocabulary import Mode


def build(pack: Pack) -> Procedure:
    """The share request under this pack."""
    flow = _Flow(pack)
    moves = tuple(flow.moves())
    limits = tuple(clocks(pack, flow.stations))
    used = {r for m in moves for r in m.by} | {c.owner for c in limits}
    order = ("demander", "provider", "authority", "data_center")
    return Procedure(
        name=NAME,
        label=_("共享申请"),
        prefix="GX",
        subject="share_request",
        initial=SUBMITTED,
        states=tuple(flow.states()),
        moves=moves,
        clocks=limits,
        roles=tuple(r for r in order if r in used),
    )


class _Flow:
    """Everything of one pack's share request."""

    def __init__(self, pack: Pack) -> None:
        self.pack = pack
        self.stations = stations(pack)
        share, bodies = pack.share, pack.bodies
        self.flow_basis: Basis = share.conditional_flow.basis
        self.refusal_reviewer: str | None = share.refusal_reviewed_by.v
        self.first = self.stations[0]
        self.basis = {
            "intake": share.intake.basis,
            "answer": bodies.share_reviewers.basis,
            "grant": bodies.access_granter.basis,
        }
        self.confirm_basis: Basis = share.confirm_within.basis

    # ---- states
    def states(self) -> Iterator[State]:
        """All states: the submission, the stations with their refusals, and what follows a grant."""
        yield State(SUBMITTED, _("已提交"))
        for station in self.stations:
            yield State(
                station.state,
                station.label,
                all_of=station.roles if len(station.roles) > 1 else (),
            )
            if station.kind == "answer" and self.refusal_reviewer:
                yield State(self._refusal_state(station), _("待审核拒绝理由"))
        yield State(RETURNED, _("待补正"))
        yield State(PROVISION, _("已授权，待提供数据"))
        yield State(GRANTED, _("已授权，待获取"))
        yield State(DELIVERED, _("已获取，待确认"))
        yield State(REWORK, _("需求单位有异议，待整改"))
        yield State(CONFIRMED, _("已确认"), final=True, outcome="confirmed")
        if self._auto_confirms():
            yield State(AUTO_CONFIRMED, _("逾期自动确认"), final=True, outcome="auto_confirmed")
        yield State(REFUSED, _("不予共享"), final=True, outcome="refused")
        yield State(WITHDRAWN, _("已撤回"), final=True, outcome="withdrawn")
        yield State(ENDED, _("授权已终止"), final=True, outcome="ended")

    def _refusal_state(self, station: Station) -> str:
        answers = [s for s in self.stations if s.kind == "answer"]
        return "refusal_review" if station == answers[0] else f"refusal_review_{station.state}"

    def _auto_confirms(self) -> bool:
        within = self.pack.share.confirm_within.duration
        return within is not None and within.on_lapse == "auto_confirm"

    def _next(self, station: Station) -> str:
        """The state after a station; the end of the stations is the grant in force."""
        at = self.stations.index(station)
        return self.stations[at + 1].state if at + 1 < len(self.stations) else PROVISION

    # ---- moves
    def moves(self) -> Iterator[Move]:
        """All moves, in the order in which a request meets them."""
        yield from self._begin()
        for station in self.stations:
            yield from {"intake": self._intake, "answer": self._answer, "grant": self._grant}[station.kind](
                station
            )
        yield from self._complete()
        yield from self._after_grant()

    def _begin(self) -> Iterator[Move]:
        auto = self.pack.share.unconditional_grant
        if auto.v == "auto":
            yield Move(
                "auto_grant",
                _("无条件共享，直接授权"),
                (SUBMITTED,),
                PROVISION,
                (SYSTEM_ROLE,),
                "",
                auto.basis,
                effects=("issue",),
            )
        yield Move(
            "route", _("提交办理"), (SUBMITTED,), self.first.state, (SYSTEM_ROLE,), "", self.flow_basis
        )

    def _intake(self, station: Station) -> Iterator[Move]:
        for role in station.roles:
            take, more = WORDS[role][:2]
            yield Move(
                take,
                _("受理"),
                (station.state,),
                self._next(station),
                (role,),
                ACTION[role],
                self.basis["intake"],
                fields=(Field("note", _("受理意见"), "longtext", required=False),),
                joint=len(station.roles) > 1,
                style="primary",
            )
            yield self._return(station, role, more)

    def _return(self, station: Station, role: str, name: str) -> Move:
        gaps = Field(
            "gaps",
            _("需补正的内容"),
            "longtext",
            help=_("请一次性列明全部需要补正的内容；补正期间答复时限暂停。"),
        )
        return Move(
            name,
            _("退回补正"),
            (station.state,),
            RETURNED,
            (role,),
            ACTION[role],
            OWN,
            fields=(gaps,),
            optional=True,
        )

    def _answer(self, station: Station) -> Iterator[Move]:
        basis = self._answer_basis(station)
        for role in station.roles:
            yes = WORDS[role][2]
            yield Move(
                yes,
                _("同意共享"),
                (station.state,),
                self._next(station),
                (role,),
                ACTION[role],
                basis,
                fields=self._answer_fields(role),
                guards=("conditions_listed", "reply_within_request") if role == "provider" else (),
                effects=(
                    *(("reply", "clock_end:reply") if role == "provider" else ()),
                    *self._issues(station),
                ),
                not_by_actor_of=("open",),
                joint=len(station.roles) > 1,
                style="primary",
            )
        for role in station.roles:
            yield from self._refusal(station, role, WORDS[role][3])
            if station == self.first:
                yield self._return(station, role, WORDS[role][1])
        yield from self._refusal_review(station)

    def _answer_basis(self, station: Station) -> Basis:
        if len(station.roles) > 1:
            return self.basis["answer"]
        if station.roles == ("provider",):
            reply = self.pack.share.reply_within.basis
            return self.flow_basis if reply.gap else reply
        return self.flow_basis

    def _issues(self, station: Station) -> tuple[str, ...]:
        return ("issue",) if self._next(station) == PROVISION else ()

    def _answer_fields(self, role: str) -> tuple[Field, ...]:
        opinion = Field("opinion", _("意见"), "longtext", required=False)
        if role != "provider":
            return (opinion,)
        rule = self.pack.share.no_added_conditions
        help = _("只能引用目录中已列明的共享条件，每行一条；不得增设条件。") if rule.v else ""
        return (
            opinion,
            Field("conditions", _("共享条件"), "longtext", required=False, help=help, clause=rule.basis),
            Field("items", _("同意提供的信息项"), "json", required=False),
            Field("masks", _("脱敏方式"), "json", required=False),
            Field("modes", _("调用方式"), "choices", required=False, choices=tuple(Mode.choices)),
            Field("valid_to", _("授权截止日期"), "date", required=False),
            Field("per_day", _("每日调用上限"), "int", required=False),
        )

    def _refusal(self, station: Station, role: str, name: str) -> Iterator[Move]:
        ranks = self.pack.share.refusal_basis
        basis = Field(
            "basis",
            _("拒绝共享的依据"),
            "basis",
            choices=tuple((rank, _(rank)) for rank in ranks.v),
            help=_("须写明依据的效力层级、文件名称和条款；没有依据不得拒绝。"),
            clause=ranks.basis,
        )
        reviewed = self.refusal_reviewer is not None
        yield Move(
            name,
            _("不同意共享"),
            (station.state,),
            self._refusal_state(station) if reviewed else REFUSED,
            (role,),
            ACTION[role],
            ranks.basis,
            fields=(basis, Field("reason", _("理由"), "longtext")),
            guards=("basis_not_overturned",),
            effects=("refusal",) if reviewed else ("refusal", "refused"),
            style="danger",
        )

    def _refusal_review(self, station: Station) -> Iterator[Move]:
        reviewer = self.refusal_reviewer
        if not reviewer:
            return
        here, basis = self._refusal_state(station), self.pack.share.refusal_reviewed_by.basis
        refusals = tuple(WORDS[role][3] for role in station.roles)
        again = len(station.roles) > 1  # who has not agreed yet must still be asked
        opinion = Field("opinion", _("审核意见"), "longtext")
        yield Move(
            f"uphold_{station.state}",
            _("依据成立，不予共享"),
            (here,),
            REFUSED,
            (reviewer,),
            ACTION[reviewer],
            basis,
            fields=(opinion,),
            effects=("refused",),
            not_by_actor_of=refusals,
            style="danger",
        )
        yield Move(
            f"overturn_{station.state}",
            _("依据不成立，继续办理"),
            (here,),
            station.state if again else self._next(station),
            (reviewer,),
            ACTION[reviewer],
            basis,
            fields=(opinion,),
            effects=("overturned", *(() if again else self._issues(station))),
            not_by_actor_of=("open", *refusals),
            style="primary",
        )

    def _grant(self, station: Station) -> Iterator[Move]:
        deciders = tuple(
            WORDS[role][2]
            for s in self.stations
            if s.kind == "answer"
            for role in s.roles
            if role in station.roles
        )
        yield Move(
            "grant",
            _("授予访问权限"),
            (station.state,),
            PROVISION,
            station.roles,
            "share.grant",
            self.basis["grant"],
            fields=(Field("note", _("备注"), "longtext", required=False),),
            effects=("issue",),
            not_by_actor_of=("open", *dict.fromkeys(deciders)),
            style="primary",
        )

    def _complete(self) -> Iterator[Move]:
        yield Move(
            "resubmit",
            _("补正后重新提交"),
            (RETURNED,),
            self.first.state,
            ("demander",),
            "share.request",
            OWN,
            fields=(Field("note", _("补正说明"), "longtext"),),
            style="primary",
        )
        before = [s.state for s in self.stations]
        before += [
            self._refusal_state(s) for s in self.stations if s.kind == "answer" and self.refusal_reviewer
        ]
        yield Move(
            "withdraw",
            _("撤回申请"),
            (*before, RETURNED),
            WITHDRAWN,
            ("demander",),
            "share.request",
            OWN,
            fields=(Field("reason", _("撤回原因"), "longtext", required=False),),
            effects=("closed",),
            optional=True,
        )

    def _after_grant(self) -> Iterator[Move]:
        serve = self.pack.share.delivery_default.basis
        demander, provider = ("demander", "share.request"), ("provider", "share.reply")
        yield Move("provided", _("数据已就绪"), (PROVISION,), GRANTED, (SYSTEM_ROLE,), "", serve)
        yield Move("deliver", _("首次获取数据"), (GRANTED,), DELIVERED, (SYSTEM_ROLE,), "", serve)
        yield Move(
            "confirm",
            _("确认接收"),
            (DELIVERED,),
            CONFIRMED,
            demander[:1],
            demander[1],
            self.confirm_basis,
            fields=(Field("note", _("确认说明"), "longtext", required=False),),
            style="primary",
        )
        if self._auto_confirms():
            yield Move(
                "auto_confirm",
                _("逾期自动确认"),
                (DELIVERED,),
                AUTO_CONFIRMED,
                (SYSTEM_ROLE,),
                "",
                self.confirm_basis,
            )
        problem = Field("problem", _("问题说明"), "longtext")
        yield Move(
            "object",
            _("提出异议"),
            (GRANTED, DELIVERED),
            REWORK,
            demander[:1],
            demander[1],
            OWN,
            fields=(problem,),
            optional=True,
        )
        yield Move(
            "redeliver",
            _("整改完成，重新提供"),
            (REWORK,),
            PROVISION,
            provider[:1],
            provider[1],
            OWN,
            fields=(Field("measure", _("整改情况"), "longtext"),),
            effects=("redeliver",),
            style="primary",
        )
        yield Move("end", _("授权终止"), HELD, ENDED, (SYSTEM_ROLE,), "", OWN)
