"""What the county's units have with each other so far: share requests, data issues, changes of people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from gongshu.casework.calendar import calendar
from gongshu.casework.models import Case, Notice, NoticeSeen
from gongshu.casework.registry import procedure_of
from gongshu.casework.selectors import procedure_for
from gongshu.catalog.models import Entry
from gongshu.duty import services as duty
from gongshu.governance.models import DataIssue
from gongshu.governance.services import issue_report
from gongshu.journal import clock
from gongshu.org.models import Account
from gongshu.org.policy import current_pack
from gongshu.org.services import post_assign
from gongshu.sharing.models import Client, ShareRequest
from gongshu.sharing.services import client_register, share_request_submit

from . import stores
from .acting import LAW, act, actor, limit_days, main_moves, push
from .calls import first_calls
from .catalogue import PLANS
from .datasets import SOURCES
from .story import Step, entered, entry_of


@dataclass(frozen=True)
class Wish:
    """A share request. end: first (nobody has acted), midway, returned, withdrawn, refused, granted.

    light: of the limit at the first station; ago: working days since it was submitted, where no limit decides.
    """

    demander: str
    code: str
    end: str
    purpose: str
    duty: str
    light: str = ""
    ago: int = 1


WISHES = (
    Wish("yb", "ga_rk.rk_jbxx", "granted", "参保登记时核验人员身份", "《社会保险经办条例》第十三条", ago=5),
    Wish("rs", "ga_rk.rk_jbxx", "first", "养老待遇资格认证", "《社会保险法》第十六条", light="green"),
    Wish("cl", "ga_rk.hj_bd", "first", "残疾人证户籍信息核对", "《残疾人保障法》第十五条", light="yellow"),
    Wish(
        "zj",
        "mz_hy.hy_dj",
        "first",
        "公租房申请家庭婚姻状况核验",
        "《公共租赁住房管理办法》第七条",
        light="red",
    ),
    Wish("jy", "ga_rk.jzz", "midway", "随迁子女入学资格核验", "《义务教育法》第十二条", ago=2),
    Wish("mz", "rs_jy.jy_dj", "returned", "低保家庭就业收入核对", "《社会救助暂行办法》第十一条", ago=3),
    Wish(
        "sw", "sj_zt.gt_dj", "withdrawn", "取水户登记核对", "《取水许可和水资源费征收管理条例》第十条", ago=10
    ),
    Wish("wj", "jy_xj.xs_xj", "refused", "儿童预防接种核对", "《疫苗管理法》第四十八条", ago=9),
    Wish("rs", "sj_zt.qy_dj", "granted", "用人单位主体资格核验", "《劳动合同法》第七条", ago=4),
    Wish("zr", "sj_zt.qy_dj", "granted", "用地单位主体资格核验", "《土地管理法》第五十二条", ago=3),
    Wish("mz", "cl_cj.残疾人", "granted", "残疾人两项补贴资格核验", "《残疾人保障法》第四十八条", ago=1),
    Wish("wj", "mz_hy.yl_jg", "granted", "医养结合机构信息核对", "《老年人权益保障法》第三十七条", ago=6),
)

SYSTEMS = {
    "yb": "医保经办系统",
    "rs": "人社经办系统",
    "cl": "残疾人服务系统",
    "zj": "住房保障系统",
    "jy": "入学报名系统",
    "mz": "社会救助核对系统",
    "sw": "取水许可办理系统",
    "wj": "预防接种系统",
    "zr": "建设用地审批系统",
}
"""The business system each demander calls from."""

FIXED = ("sj_zt.gt_dj", "ga_rk.hj_bd", "zj_bz.公租房")
"""Tables whose issues have been fixed and verified."""
VERIFYING = ("ga_rk.jzz", "wj_ws.cs_yx")
"""Tables whose fixes wait to be verified."""


def steps() -> Iterator[Step]:
    """Every dealing, in no particular order."""
    for unit in SYSTEMS:
        yield Step(35, f"client {unit}", partial(client, unit))
    for number, wish in enumerate(WISHES, start=1):
        if _kept(wish.code):
            ago = entered("share_request", timed_station(), wish.light) if wish.light else wish.ago
            yield Step(ago, f"request {number} {wish.demander}", partial(ask, wish))
    plans = {plan.code: plan for plan in PLANS}
    for code in (*FIXED, *VERIFYING):
        if _kept(code):
            yield Step(max(plans[code].ago - 3, 0), f"fix {code}", partial(fix, code, whole=code in FIXED))
    yield Step(2, "report", report)
    yield Step(1, "change of steward", partial(change, "zj", "steward", "newcomer", 9))
    yield Step(30, "change of head", partial(change, "sw", "head", "newcomer2", 36, approve=True))
    yield Step(3, "security officer to come", security_officer)
    yield Step(0, "first calls", first_calls)
    yield Step(2, "notices read", notices_read)
    if current_pack().node("security.policy_review").duration:
        yield Step(110, "policy review", partial(duty.policy_review_open, actor=_reviewing_body()))


def _kept(code: str) -> bool:
    return stores.available(SOURCES[code.partition(".")[0]])


def _reviewing_body() -> Any:
    limit = current_pack().node("security.policy_review").duration
    role = {"data_center": "center"}.get(limit.clock, limit.clock) if limit else "authority"
    return actor(f"{role}_reviewer")


def timed_station() -> str:
    """The first state of a conditional request in which a limit runs; the first at all where none does."""
    procedure = procedure_of("share_request", current_pack())
    state = first = procedure.move("route").target
    for _turn in range(4):
        if limit_days(procedure, state):
            return state
        state = next((m.target for m in procedure.moves_from(state) if m.style == "primary"), state)
    return first


# --- requests ------------------------------------------------------------------------------------------------------


def client(unit: str) -> None:
    """Register the unit's business system; its key is kept where the other secrets of the county are."""
    told = client_register(
        actor=actor(f"{unit}_steward"),
        unit=unit,
        system_name=SYSTEMS[unit],
        contact=f"{unit}_steward",
    )
    stores.secret_keep(f"client {unit}", told["secret"])


def ask(wish: Wish) -> None:
    """Submit a request and let it come as far as it is meant to."""
    entry = entry_of(wish.code)
    request = submit(wish, entry)
    case: Case = request.case
    if entry.current and entry.current.share_type == "unconditional":
        return
    first = case.state
    if wish.light:
        push(case, until=(timed_station(),))
    elif wish.end == "midway":
        act(case, main_moves(case)[0].name)
    elif wish.end == "returned":
        back = [m.name for m in procedure_for(case).moves_from(first) if m.target == "returned"]
        act(case, back[0])
    elif wish.end == "withdrawn":
        act(case, "withdraw", reason="业务调整，暂不需要。")
    elif wish.end == "refused":
        refuse(case)
    elif wish.end == "granted":
        push(case)


def submit(wish: Wish, entry: Entry) -> ShareRequest:
    """Ask for the key, the identity number or name, and two more items."""
    items = list(entry.current.items.all()) if entry.current else []
    keys = [i.name for i in items if i.kind in ("id_card", "uscc")] or [i.name for i in items if i.is_key]
    chosen = [i.name for i in items if i.name in keys[:1] or i.is_key or i.position <= 4][
        : max(len(items) - 1, 1)
    ]
    asked: ShareRequest = share_request_submit(
        actor=actor(f"{wish.demander}_steward"),
        entry=entry.code,
        unit=wish.demander,
        client=Client.objects.get(unit__code=wish.demander, active=True).client_id,
        items=chosen,
        purpose=wish.purpose,
        scenario=f"{wish.purpose}（窗口受理环节实时核验）",
        duty_basis=wish.duty,
        reasons=dict.fromkeys(chosen, wish.purpose),
        keys=keys[:1],
        commitment=[str(word) for word in current_pack().share.commitment.v],
    )
    return asked


def refuse(case: Case) -> None:
    """Go on to where the provider answers, and let it refuse on a legal ground; whoever reviews refusals agrees."""
    for _turn in range(6):
        case.refresh_from_db()
        moves = list(procedure_for(case).moves_from(case.state))
        if case.closed_at:
            return
        no = [
            m.name
            for m in moves
            if m.style == "danger" and (set(m.by) & {"provider"} or m.target == "refused")
        ]
        if no:
            act(case, no[0], basis=LAW, reason="所申请事项超出法定职责范围，提供将违反个人信息保护的规定。")
            continue
        act(case, main_moves(case)[0].name)


# --- issues --------------------------------------------------------------------------------------------------------


def fix(code: str, *, whole: bool) -> None:
    """Let the provider fix what checks have found in a table; `whole`: also have it verified."""
    for issue in DataIssue.objects.filter(entry=entry_of(code), open=True).select_related("case"):
        push(issue.case, until=() if whole else ("verifying",))


def report() -> None:
    """A user of data reports a wrong record."""
    entry = entry_of("ga_rk.rk_jbxx")
    pack = current_pack()
    issue_report(
        actor=actor("yb_steward"),
        entry=entry.code,
        unit="yb",
        kind=str(pack.quality.issue_kinds.v[0]),
        description="窗口核验时发现该人员已迁出，户口状态仍为正常。",
        item="hkzt",
        records=["RY00000815"],
    )


def notices_read() -> None:
    """Everybody has read what came in until then."""
    newest = Notice.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    for account in Account.objects.all():
        NoticeSeen.objects.update_or_create(account=account, defaults={"notice_id": newest})


# --- people --------------------------------------------------------------------------------------------------------


def change(unit: str, kind: str, incoming: str, ahead: int, *, approve: bool = False) -> None:
    """File a change of steward or head that takes effect so many working days later, and perhaps have it approved."""
    case = duty.steward_change(
        actor=actor(f"{unit}_head"),
        unit=unit,
        kind=kind,
        incoming=incoming,
        effective=calendar().add(clock.today(), ahead),
        reason="岗位调整",
    )
    if approve:
        act(case, "approve")


def security_officer() -> None:
    """A second security officer of the health commission begins next month."""
    starts = clock.today() + timedelta(days=30)
    post_assign(actor=actor("sysadmin"), account="newcomer3", unit="wj", kind="security", starts=starts)
