"""A small office: three units, a person for each role, and a procedure with every kind of clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace

import pytest

from gongshu.casework import registry
from gongshu.journal.services import Actor
from gongshu.kernel.clause import Basis
from gongshu.kernel.procedure import BEFORE, RECURRING, Clock, Field, Move, Procedure, State

B = Basis(("PJ-26.3a",))


def demo(_pack: object) -> Procedure:
    """Fix within 5, extendable to 15; verify (pauses the fix clock); confirm within 7 or it confirms itself."""
    both = ("provider", "authority")
    return Procedure(
        name="demo",
        label="演示",
        prefix="YS",
        subject="thing",
        initial="fixing",
        roles=both,
        states=(
            State("fixing", "整改中"),
            State("asked", "申请延期"),
            State("verifying", "待核验"),
            State("joint", "会审", all_of=both),
            State("done", "办结", final=True, outcome="done"),
        ),
        moves=(
            Move(
                "fix",
                "整改完成",
                ("fixing",),
                "verifying",
                ("provider",),
                "issue.handle",
                B,
                (
                    Field("cause", "原因"),
                    Field("when", "日期", "date", required=False),
                    Field("ground", "依据", "basis", required=False, choices=(("法律", "法律"),)),
                ),
            ),
            Move("ask", "申请延期", ("fixing",), "asked", ("provider",), "issue.handle", B, optional=True),
            Move(
                "extend",
                "同意延期",
                ("asked",),
                "fixing",
                ("authority",),
                "issue.review",
                B,
                effects=("clock_extend:fix",),
            ),
            Move("back", "退回", ("verifying",), "fixing", ("authority",), "issue.review", B),
            Move(
                "pass",
                "核验通过",
                ("verifying",),
                "joint",
                ("authority",),
                "issue.review",
                B,
                not_by_actor_of=("fix", "open"),
            ),
            Move("agree", "同意", ("joint",), "done", ("authority",), "issue.review", B, joint=True),
            Move("concur", "同意", ("joint",), "done", ("provider",), "issue.handle", B, joint=True),
            Move("auto", "自动确认", ("joint",), "done", ("system",), "", B),
        ),
        clocks=(
            Clock(
                "fix",
                "整改",
                5,
                "provider",
                ("fixing", "asked"),
                B,
                pauses_in=("verifying",),
                extend_to=15,
                extend_by="authority",
            ),
            Clock(
                "confirm",
                "确认",
                7,
                "authority",
                ("joint",),
                Basis(gap=True, source="product-default"),
                on_lapse="auto",
            ),
        ),
    )


def notice(_pack: object) -> Procedure:
    """Notice 20 working days ahead, and a yearly review that arms itself again."""
    return Procedure(
        name="notice",
        label="告知",
        prefix="GZ",
        subject="thing",
        initial="told",
        roles=("provider",),
        states=(State("told", "已告知"), State("yearly", "年度复核"), State("done", "办结", final=True)),
        moves=(
            Move("start", "生效", ("told",), "yearly", ("provider",), "issue.handle", B),
            Move("review", "复核", ("yearly",), "yearly", ("provider",), "issue.handle", B),
            Move("end", "结束", ("yearly",), "done", ("provider",), "issue.handle", B, optional=True),
        ),
        clocks=(
            Clock(
                "ahead", "提前告知", 20, "provider", ("told",), B, direction=BEFORE, counts_from="effective"
            ),
            Clock("review", "年度复核", 1, "provider", ("yearly",), B, unit="y", direction=RECURRING),
        ),
    )


@pytest.fixture
def procedures() -> Iterator[None]:
    registry.register("demo", demo)
    registry.register("notice", notice)
    yield
    registry.DECLARED.pop("demo")
    registry.DECLARED.pop("notice")
    registry.procedure_of.cache_clear()


@pytest.fixture
def office(procedures: None) -> SimpleNamespace:
    """Units provider, authority and a stranger; a steward and a reviewer in each."""
    from gongshu.org.models import Account, BodyRole, Post, Unit

    found = SimpleNamespace(units={}, actors={})
    for name in ("provider", "authority", "stranger"):
        unit = Unit.objects.create(code=name, name=name, path=f"/{name}/")
        found.units[name] = unit
        for kind in ("steward", "reviewer"):
            account = Account.objects.create(username=f"{name}_{kind}")
            Post.objects.create(account=account, unit=unit, kind=kind, starts=date(2020, 1, 1))
            found.actors[f"{name}_{kind}"] = Actor(account.pk, account.username)
    BodyRole.objects.create(role="authority", unit=found.units["authority"])
    return found


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch):
    """Set the business date."""
    return lambda text: monkeypatch.setenv("GONGSHU_TODAY", text)
