"""A small town for looking at pages: units, people in every post, cases of every colour."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from gongshu.journal import clock
from gongshu.journal.services import Actor

from . import trial

UNITS = (
    ("kxb", "科信办", "Science and Information Office"),
    ("mz", "民政办", "Civil Affairs Office"),
    ("yb", "医保所", "Medical Insurance Station"),
    ("scjg", "市场监管所", "Market Supervision Station"),
    ("cg", "城管中队", "Urban Management Squad"),
    (
        "sq",
        "社区党群服务与综合治理事务受理联合中心",
        "Joint Centre for Community Services and Comprehensive Governance Affairs",
    ),
)
POSTS = ("steward", "reviewer", "head")
SURNAMES = "陈林周吴郑冯"
TITLES = (
    ("trial_change", "《低保家庭信息》新增信息项 3 项", "mz"),
    ("trial_reply", "医保所申请使用《户籍人口基本信息》", "yb"),
    ("trial_issue", "《企业登记信息》统一社会信用代码校验失败 126 条", "scjg"),
    ("trial_confirm", "城管中队获取《沿街商铺信息》后待确认", "cg"),
    ("trial_mode", "《河道水质监测》由日推送调整为实时", "cg"),
    (
        "trial_change",
        "因职能调整需更新《社区事务受理事项》目录，同时把历年受理明细拆分为个人事项与法人事项两张表并补充办理时限信息项",
        "sq",
    ),
)


@functools.cache
def hashed() -> str:
    """The sample password, hashed once: hashing is slow on purpose."""
    from django.contrib.auth.hashers import make_password

    from gongshu.console import second_factor

    return make_password(second_factor.SAMPLE_PASSWORD)


def people() -> dict[str, Actor]:
    """Everybody of the town by user name, made if need be; nobody has to set up a second factor any more."""
    from gongshu.console import second_factor
    from gongshu.org.models import Account, BodyRole, Post, Unit

    known: dict[str, Actor] = {}

    def person(username: str, name: str, unit: Any, kind: str) -> None:
        account, made = Account.objects.get_or_create(username=username, defaults={"display_name": name})
        if made:
            account.password = hashed()
            account.save()
        Post.objects.get_or_create(account=account, unit=unit, kind=kind, starts=date(2020, 1, 1))
        if second_factor.required(account) and not second_factor.has_one(account):
            second_factor.enroll(account, second_factor.sample_secret(username))
        known[username] = Actor(account.pk, str(account))

    for n, (code, name, name_en) in enumerate(UNITS):
        unit, _made = Unit.objects.get_or_create(
            code=code, defaults={"name": name, "name_en": name_en, "path": f"/{code}/"}
        )
        for k, post in enumerate(POSTS):
            person(f"{code}.{post}", f"{SURNAMES[n]}{'甲乙丙'[k]}", unit, post)
        if code == "kxb":
            for role in ("authority", "data_center"):
                BodyRole.objects.get_or_create(role=role, defaults={"unit": unit})
            for k, kind in enumerate(("sysadmin", "secadmin", "auditor")):
                person(kind, f"{SURNAMES[k]}{'丁戊己'[k]}", unit, kind)
    return known


@contextmanager
def on(day: date) -> Iterator[None]:
    """Let it be that day."""
    before = os.environ.get("GONGSHU_TODAY")
    os.environ["GONGSHU_TODAY"] = day.isoformat()
    try:
        yield
    finally:
        os.environ.pop("GONGSHU_TODAY")
        if before is not None:
            os.environ["GONGSHU_TODAY"] = before


def opened(name: str, title: str, unit: str, number: str, known: dict[str, Actor]) -> Any:
    """A trial case opened by the unit's steward, before the authority."""
    from gongshu.casework.services import case_open
    from gongshu.org.models import Unit

    parties = {"provider": Unit.objects.get(code=unit), "authority": Unit.objects.get(code="kxb")}
    return case_open(
        actor=known[f"{unit}.steward"], procedure=name, subject=("trial", number, title), parties=parties
    )


def town(many: int = 0) -> dict[str, Actor]:
    """The town with a case of every colour (and `many` more)."""
    from django.db import transaction

    from gongshu.casework.clocks import clocks_lapse
    from gongshu.casework.services import case_act

    assert trial.KINDS
    known = people()
    today = clock.today()
    with transaction.atomic():
        for n, (name, title, unit) in enumerate(TITLES):
            with on(today - timedelta(days=12 - 2 * n)):
                opened(name, title, unit, f"t{n}", known)
        with on(today - timedelta(days=4)):
            case = opened("trial_reply", "城管中队申请使用《沿街商铺信息》", "cg", "t-done", known)
            given = {"opinion": "材料齐全，同意。", "mode": "key", "items": ["name", "town"], "per_day": 500}
            case_act(actor=known["kxb.reviewer"], case=case.number, move="approve", given=given)
            case = opened("trial_issue", "《养老机构信息》床位数为负 4 条", "mz", "t-back", known)
            case_act(
                actor=known["kxb.reviewer"],
                case=case.number,
                move="return",
                given={"reason": "请写明核对过程。"},
            )
        for n in range(many):
            kind = list(trial.KINDS)[n % 5]
            opened(
                kind, f"第 {n + 1} 号事项：{TITLES[n % len(TITLES)][1]}", UNITS[1 + n % 5][0], f"m{n}", known
            )
    clocks_lapse()
    return known
