"""Signing in: lockout, second factor, recovery codes, temporary passwords."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache

from gongshu.console import second_factor
from gongshu.journal.services import Actor
from gongshu.org.models import Account, Post, Unit

from .world import hashed

Visit = Callable[..., Any]
LOGIN, ACTIVATE = "/accounts/login/", "/accounts/2fa/totp/activate/"


@pytest.fixture(autouse=True)
def fresh_cache() -> None:
    cache.clear()


@pytest.fixture
def people(db: None) -> dict[str, Actor]:
    from .world import people

    return people()


def sign_in(client: Any, username: str, password: str = second_factor.SAMPLE_PASSWORD) -> Any:
    return client.post(LOGIN, {"login": username, "password": password})


def newcomer(username: str, kind: str) -> Account:
    """An account in a post that has not set anything up."""
    account = Account.objects.create(username=username, display_name="新人", password=hashed())
    Post.objects.create(account=account, unit=Unit.objects.get(code="mz"), kind=kind, starts=date(2020, 1, 1))
    return account


def test_five_wrong_passwords_lock_the_account_and_say_what_to_do(
    people: dict[str, Actor], visit: Visit
) -> None:
    client = visit()
    for _n in range(4):
        assert "账号或密码不正确" in sign_in(client, "mz.steward", "wrong").content.decode()
    locked = sign_in(client, "mz.steward", "wrong")
    assert locked.status_code == 429 and "请联系安全管理员解锁" in locked.content.decode()
    again = sign_in(visit(), "mz.steward")
    assert again.status_code == 429, "the right password does not help while the account is locked"
    assert sign_in(visit(), "cg.steward").status_code == 302, "nobody else is locked out"


def test_a_code_is_asked_for_and_used_once(people: dict[str, Actor], visit: Visit) -> None:
    client = visit()
    assert sign_in(client, "kxb.reviewer")["Location"].endswith("/accounts/2fa/authenticate/")
    assert client.get("/")["Location"].startswith(LOGIN), "the password alone opens nothing"
    code, _seconds = second_factor.code_now(second_factor.sample_secret("kxb.reviewer"))
    wrong = client.post("/accounts/2fa/authenticate/", {"code": "000000" if code != "000000" else "000001"})
    assert "动态口令不正确" in wrong.content.decode()
    assert client.post("/accounts/2fa/authenticate/", {"code": code})["Location"] == "/"
    assert client.get("/").status_code == 200
    other = visit()
    sign_in(other, "kxb.reviewer")
    assert "动态口令不正确" in other.post("/accounts/2fa/authenticate/", {"code": code}).content.decode()


def test_approvers_must_set_up_a_code_before_they_act(people: dict[str, Actor], visit: Visit) -> None:
    newcomer("new.reviewer", "reviewer")
    client = visit()
    assert sign_in(client, "new.reviewer")["Location"] == "/"
    for path in ("/", "/cases/", "/regulation/"):
        assert client.get(path)["Location"] == ACTIVATE
    assert client.post("/cases/X/moves/approve", {})["Location"] == ACTIVATE
    assert client.get("/api/v1/cases").status_code == 401, "the API door is shut to the session as well"
    page = client.get(ACTIVATE).content.decode()
    assert "data:image/svg+xml" in page
    secret = re.search(r'class="gs-mono">([A-Z2-7]{32})<', page)
    assert secret
    code, _seconds = second_factor.code_now(secret[1])
    assert client.post(ACTIVATE, {"code": code})["Location"] == "/accounts/2fa/recovery-codes/"
    assert (
        len(
            re.findall(r"<li>[0-9a-z]{8,}</li>", client.get("/accounts/2fa/recovery-codes/").content.decode())
        )
        == 10
    )
    assert client.get("/").status_code == 200 and client.get("/api/v1/cases").status_code == 200
    stored = Authenticator.objects.get(user__username="new.reviewer", type="totp").data["secret"]
    assert secret[1] not in stored and second_factor.unseal(stored) == secret[1], (
        "sealed under the master key"
    )
    off = client.post("/accounts/2fa/totp/deactivate/", {})
    assert "不能停用" in off.content.decode() and second_factor.has_one(
        Account.objects.get(username="new.reviewer")
    )


def test_a_recovery_code_serves_once(people: dict[str, Actor], visit: Visit) -> None:
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    account = Account.objects.get(username="kxb.head")
    code = RecoveryCodes.activate(account).get_unused_codes()[0]
    for expected in (302, 200):
        client = visit()
        sign_in(client, "kxb.head")
        assert client.post("/accounts/2fa/authenticate/", {"code": code}).status_code == expected


def test_stewards_need_no_code(people: dict[str, Actor], visit: Visit) -> None:
    client = visit()
    assert sign_in(client, "mz.steward")["Location"] == "/"
    assert client.get("/").status_code == 200


def test_a_temporary_password_is_changed_first(people: dict[str, Actor], visit: Visit) -> None:
    account = newcomer("temp", "steward")
    Account.objects.filter(pk=account.pk).update(must_change_password=True)
    client = visit()
    sign_in(client, "temp")
    assert client.get("/")["Location"] == "/accounts/password/change/"
    assert client.get("/api/v1/cases").status_code == 401
    old, new = second_factor.SAMPLE_PASSWORD, "Quiet-River-83"
    weak = {"oldpassword": old, "password1": "aaaaaaaaaa", "password2": "aaaaaaaaaa"}
    assert "至少三类" in client.post("/accounts/password/change/", weak).content.decode()
    client.post("/accounts/password/change/", {"oldpassword": old, "password1": new, "password2": new})
    account.refresh_from_db()
    assert not account.must_change_password and client.get("/").status_code == 200


def test_hints_only_in_a_sample_installation(people: dict[str, Actor], visit: Visit, settings: Any) -> None:
    assert "kxb.reviewer" in visit().get(LOGIN).content.decode()
    settings.GONGSHU_SAMPLE = False
    assert "kxb.reviewer" not in visit().get(LOGIN).content.decode()
    with pytest.raises(RuntimeError):
        second_factor.sample_secret("kxb.reviewer")


@pytest.mark.parametrize(
    "path", ["signup/", "email/", "password/reset/", "confirm-email/", "login/code/confirm/"]
)
def test_there_is_no_other_way_in(db: None, visit: Visit, path: str) -> None:
    assert visit().get(f"/accounts/{path}").status_code == 404


def test_leaving_a_post_lifts_the_demand(people: dict[str, Actor], visit: Visit) -> None:
    account = newcomer("gone.reviewer", "reviewer")
    assert second_factor.missing(account)
    Post.objects.filter(account=account).update(ends=date(2021, 1, 1))
    assert not second_factor.missing(account)
