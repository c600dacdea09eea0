"""Acting as the county's people: who may make a move, what they write, and pushing a case along its main road."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gongshu.casework.models import Case
from gongshu.casework.selectors import procedure_for
from gongshu.casework.services import acting_role, case_act
from gongshu.journal.services import Actor
from gongshu.kernel.errors import Refused
from gongshu.kernel.procedure import SYSTEM_ROLE, Field, Move
from gongshu.org.models import Access, Account, Unit
from gongshu.org.policy import pin_today

WORDS: dict[str, str] = {
    "opinion": "情况属实，同意办理。",
    "note": "材料齐全，予以受理。",
    "reasons": "信息项缺少业务含义说明，更新周期与系统实际不符，请补充后重新提交。",
    "reason": "经核对，情况属实。",
    "gaps": "请补充履职依据的条款，并说明使用人员范围。",
    "cause": "历史数据录入时未校验，部分证件号码位数不足。",
    "measure": "已在源系统逐条核对更正，并增加录入校验。",
    "summary": "已逐条复核安全策略和操作规程，更新了账号管理一节。",
}
"""What people write into the fields of a move, by the name of the field."""

LAW = {"rank": "法律", "document": "中华人民共和国个人信息保护法", "article": "第二十八条"}


def actor(username: str) -> Actor:
    """A person of the county, at the console."""
    account = Account.objects.get(username=username)
    return Actor(account.pk, str(account))


def holder(action: str, unit: Unit, accepts: Callable[[Actor], bool] = lambda _actor: True) -> Actor:
    """Somebody of the unit who may do that action upon it today; those whose post is in the unit first."""
    pin_today()
    rows = Access.objects.filter(action=action, unit=unit).select_related("account", "post")
    for row in sorted(rows, key=lambda r: (r.post.unit_id != unit.pk, r.account.username)):
        found = Actor(row.account_id, str(row.account))
        if accepts(found):
            return found
    raise LookupError(f"nobody may {action} upon {unit.code}")


def mover(case: Case, move: Move) -> Actor:
    """Somebody who may make this move of this case, the rule of two people included."""

    def accepts(someone: Actor) -> bool:
        try:
            acting_role(case, move, someone)
        except Refused:
            return False
        return True

    for role in move.by:
        unit = case.party(role) if role != SYSTEM_ROLE else None
        if unit is None or (move.joint and role not in case.pending):
            continue
        try:
            return holder(move.action, unit, accepts)
        except LookupError:
            continue
    raise LookupError(f"nobody may make {move.name} of {case.number}")


def act(case: Case, name: str, **given: Any) -> Case:
    """Make a move as whoever may, its required fields filled in."""
    case.refresh_from_db()
    move = procedure_for(case).move(name, case.state)
    asked = {f.name: given[f.name] if f.name in given else _written(f) for f in move.fields}
    told = {key: value for key, value in asked.items() if value is not None}
    done: Case = case_act(actor=mover(case, move), case=case.number, move=name, given=told)
    return done


def _written(field: Field) -> Any:
    if field.kind == "basis":
        return LAW if field.required else None
    if field.kind in ("text", "longtext"):
        return (
            WORDS.get(field.name, WORDS["reason"])
            if field.required or field.name in ("opinion", "note")
            else None
        )
    if field.kind == "choice" and field.required:
        return field.choices[0][0]
    return None


def push(case: Case, until: tuple[str, ...] = ()) -> Case:
    """Let everybody do what the procedure mainly wants of them, until a state is reached or nobody has to act."""
    for _turn in range(20):
        case.refresh_from_db()
        if case.closed_at or case.state in until:
            return case
        wanted = main_moves(case)
        if not wanted:
            return case
        case = act(case, wanted[0].name)
    raise RuntimeError(f"{case.number} goes round in circles")


def main_moves(case: Case) -> list[Move]:
    """What the procedure mainly wants of people now; of a joint move, only from those who have not made it."""
    wanted = [
        m
        for m in procedure_for(case).moves_from(case.state)
        if m.style == "primary" and set(m.by) != {SYSTEM_ROLE}
    ]
    return [m for m in wanted if not m.joint or set(m.by) & set(case.pending)]


def limit_days(case_procedure: Any, state: str) -> int:
    """Working days of the shortest limit that runs in a state; 0 where none does."""
    days = [
        c.days
        for c in case_procedure.clocks
        if state in c.runs_in and c.unit == "wd" and c.direction == "within"
    ]
    return min(days, default=0)
