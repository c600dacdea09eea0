"""Procedures of the console's own tests: every kind of field, a joint state, clocks, two people."""

from __future__ import annotations

from typing import Any

from gongshu.casework.registry import register
from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import Refused
from gongshu.kernel.procedure import Clock, Field, Move, Procedure, State
from gongshu.packs import Pack

KINDS = {
    "trial_change": ("目录变更审核", "MB", 5),
    "trial_reply": ("共享申请答复", "SQ", 5),
    "trial_issue": ("问题数据处理", "WT", 5),
    "trial_confirm": ("需求确认备案", "QR", 7),
    "trial_mode": ("归集方式变更", "GJ", 20),
}
RANKS = (("法律", "法律"), ("行政法规", "行政法规"), ("国家政策", "国家政策"))


def trial(pack: Pack, name: str) -> Procedure:
    """Review by the authority; it may be returned; provider and authority sign together; done."""
    label, prefix, days = KINDS[name]
    node = pack.share.reply_within
    gap = Basis(gap=True, source="national-2025")
    decide = (
        Field("opinion", "审核意见", "longtext", help="写明核对了哪些内容。"),
        Field("until", "授权截止", "date", required=False),
        Field("mode", "提供方式", "choice", choices=(("key", "按条件查询"), ("page", "分页查询"))),
        Field(
            "items",
            "同意提供的信息项",
            "choices",
            choices=(("name", "姓名"), ("town", "所属街镇")),
            required=False,
        ),
        Field("per_day", "每日上限", "int", required=False),
        Field("urgent", "急需", "bool", required=False),
    )
    ground = Field("basis", "法律依据", "basis", choices=RANKS, clause=node.basis)
    return Procedure(
        name=name,
        label=label,
        prefix=prefix,
        subject="trial",
        initial="review",
        roles=("provider", "authority"),
        states=(
            State("review", "待审核"),
            State("returned", "已退回"),
            State("sign", "待会签", all_of=("provider", "authority")),
            State("done", "已办结", final=True, outcome="done"),
            State("refused", "不同意", final=True, outcome="refused"),
        ),
        moves=(
            Move(
                "approve",
                "同意",
                ("review",),
                "sign",
                ("authority",),
                "catalog.review",
                node.basis,
                decide,
                guards=("no_riddles",),
                not_by_actor_of=("open",),
                style="primary",
            ),
            Move(
                "return",
                "退回补正",
                ("review",),
                "returned",
                ("authority",),
                "catalog.review",
                gap,
                (Field("reason", "退回原因", "longtext"),),
            ),
            Move(
                "refuse",
                "不同意",
                ("review",),
                "refused",
                ("authority",),
                "catalog.review",
                node.basis,
                (ground, Field("reason", "理由", "longtext")),
                style="danger",
            ),
            Move(
                "resubmit",
                "重新提交",
                ("returned",),
                "review",
                ("provider",),
                "catalog.edit",
                gap,
                style="primary",
            ),
            Move(
                "sign",
                "会签",
                ("sign",),
                "done",
                ("provider", "authority"),
                "catalog.review",
                node.basis,
                joint=True,
                style="primary",
            ),
            Move(
                "withdraw",
                "撤回",
                ("review", "returned"),
                "refused",
                ("provider",),
                "catalog.edit",
                gap,
                optional=True,
            ),
        ),
        clocks=(
            Clock(
                "review",
                "审核时限",
                days,
                "authority",
                ("review", "sign"),
                node.basis,
                pauses_in=("returned",),
            ),
            Clock("fix", "补正时限", 7, "provider", ("returned",), gap),
        ),
    )


def _no_riddles(case: Any, actor: Any, given: dict[str, Any]) -> None:
    if "谜" in str(given.get("opinion", "")):
        raise Refused("审核意见须明确。", field="opinion", basis=Basis(("ZY-24.2",)))


for _name in KINDS:
    register(_name, lambda pack, name=_name: trial(pack, name), guards={"no_riddles": _no_riddles})
