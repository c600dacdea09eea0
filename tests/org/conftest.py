"""A small place: an authority, two departments, and a person in each post."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from types import SimpleNamespace

import pytest

from gongshu.journal.services import SYSTEM, Actor
from gongshu.org import accounts, services
from gongshu.org.models import Account

TODAY = date(2026, 4, 8)  # a Wednesday without a holiday near it


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Set the business date."""
    return lambda text: monkeypatch.setenv("GONGSHU_TODAY", text)


@pytest.fixture
def place(db: None, day: Callable[[str], None], settings) -> SimpleNamespace:
    """Units gov > (mz, rs), authority; accounts and actors by user name; three administrators and a steward each."""
    settings.GONGSHU_PACK = "zhangye"
    day(TODAY.isoformat())
    for code, parent in (("gov", None), ("mz", "gov"), ("rs", "gov"), ("auth", "gov")):
        services.unit_create(actor=SYSTEM, code=code, name=f"单位{code}", parent=parent)
    services.body_assign(actor=SYSTEM, role="authority", unit="auth")
    services.body_assign(actor=SYSTEM, role="data_center", unit="auth")
    kept = "!"  # no password: nobody signs in here
    made = SimpleNamespace(actors={}, accounts={})
    people = [
        (f"{unit}_{kind}", unit, kind)
        for unit in ("mz", "rs", "auth")
        for kind in ("steward", "reviewer", "head")
    ]
    people += [(kind, "gov", kind) for kind in ("sysadmin", "secadmin", "auditor")]
    people += [("newcomer", None, None), ("sysadmin2", "gov", "sysadmin")]
    for username, unit, kind in people:
        account = accounts.account_enter(
            actor=SYSTEM, username=username, name=f"甲{username}", password=kept, must_change=False
        )
        made.accounts[username] = account
        made.actors[username] = Actor(account.pk, str(account))
        if unit:
            services.post_enter(
                actor=SYSTEM, holder=account, unit=services.unit_get(unit), kind=kind, starts=TODAY, ends=None
            )
    return made


@pytest.fixture
def refetch() -> Callable[[str], Account]:
    """An account as the database has it now."""
    return lambda username: Account.objects.get(username=username)
