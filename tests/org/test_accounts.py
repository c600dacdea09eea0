"""Accounts, second factors, tokens: who may, what is shown once, and that SQL and explanation agree."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from axes.models import AccessAttempt
from django.contrib.auth.password_validation import validate_password
from django.utils import timezone, translation

from gongshu.journal.models import Event
from gongshu.journal.services import Actor
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from gongshu.org import accounts, selectors
from gongshu.org.models import Access, Account, ApiToken, Unit
from gongshu.org.policy import explain, may
from gongshu.org.vocabulary import ACTIONS

pytestmark = pytest.mark.django_db


def test_a_new_account_gets_a_temporary_password_told_once(place) -> None:
    told = accounts.account_create(actor=place.actors["sysadmin"], username="li.yi", name="李样例")
    account = Account.objects.get(username="li.yi")
    assert account.must_change_password and account.check_password(told["temporary_password"])
    validate_password(told["temporary_password"])
    assert told["temporary_password"] not in str([e.as_dict() for e in Event.objects.all()])
    with pytest.raises(Conflict):
        accounts.account_create(actor=place.actors["sysadmin"], username="li.yi", name="李样例")
    for bad in ("Li", "1abc", "a b", "李"):
        with pytest.raises(Invalid):
            accounts.account_create(actor=place.actors["sysadmin"], username=bad, name="x")
    with pytest.raises(NotAllowed):
        accounts.account_create(actor=place.actors["secadmin"], username="wang", name="王样例")


def test_unlocking_and_resetting_belong_to_the_security_administrator(place) -> None:
    AccessAttempt.objects.create(username="mz_steward", ip_address="127.0.0.1", failures_since_start=5)
    Authenticator.objects.create(user=place.accounts["mz_reviewer"], type=Authenticator.Type.TOTP, data={})
    for who in ("sysadmin", "auditor", "mz_reviewer"):
        actor = place.actors[who]
        with pytest.raises(NotAllowed):
            accounts.account_unlock(actor=actor, account="mz_steward")
        with pytest.raises(NotAllowed):
            accounts.second_factor_reset(actor=actor, account="mz_reviewer")
        with pytest.raises(NotAllowed):
            accounts.password_reset(actor=actor, account="mz_steward")
    secadmin = place.actors["secadmin"]
    accounts.account_unlock(actor=secadmin, account="mz_steward")
    assert not AccessAttempt.objects.filter(username="mz_steward").exists()
    accounts.second_factor_reset(actor=secadmin, account="mz_reviewer")
    assert not accounts.has_second_factor(place.accounts["mz_reviewer"])
    with pytest.raises(Conflict):
        accounts.second_factor_reset(actor=secadmin, account="mz_reviewer")
    with pytest.raises(NotAllowed, match="自己"):
        accounts.password_reset(actor=secadmin, account="secadmin")
    told = accounts.password_reset(actor=secadmin, account="mz_steward")
    assert Account.objects.get(username="mz_steward").check_password(told["temporary_password"])


def test_a_stopped_account_can_do_nothing_and_its_tokens_end(place) -> None:
    steward, mz = place.actors["mz_steward"], Unit.objects.get(code="mz")
    token = accounts.token_issue(actor=steward, account="mz_steward", name="低保系统")
    accounts.account_deactivate(actor=place.actors["sysadmin"], account="mz_steward")
    assert not may(steward, "catalog.edit", mz)
    assert ApiToken.objects.get(pk=token["id"]).revoked_at
    accounts.account_activate(actor=place.actors["sysadmin"], account="mz_steward")
    assert may(steward, "catalog.edit", mz)
    with pytest.raises(NotAllowed, match="自己"):
        accounts.account_deactivate(actor=place.actors["sysadmin"], account="sysadmin")


def test_a_token_is_shown_once_and_lives_a_year_at_most(place) -> None:
    steward = place.actors["mz_steward"]
    told = accounts.token_issue(actor=steward, account="mz_steward", name="低保系统", days=365)
    kept = ApiToken.objects.get(pk=told["id"])
    assert kept.digest == hashlib.sha256(told["token"].encode()).hexdigest()
    assert kept.expires_at - timezone.now() < timedelta(days=365, seconds=1)
    assert told["token"] not in str([e.as_dict() for e in Event.objects.all()])
    for days in (0, 366):
        with pytest.raises(Invalid):
            accounts.token_issue(actor=steward, account="mz_steward", name="x", days=days)
    with pytest.raises(NotAllowed, match="本人"):
        accounts.token_issue(actor=place.actors["sysadmin"], account="mz_steward", name="x")
    with pytest.raises(NotAllowed):
        accounts.token_revoke(actor=place.actors["rs_steward"], token=told["id"])
    assert [t.pk for t in selectors.tokens_visible_to(steward)] == [told["id"]]
    assert not selectors.tokens_visible_to(place.actors["rs_steward"]).exists()
    assert selectors.tokens_visible_to(place.actors["auditor"]).exists()
    accounts.token_revoke(actor=place.actors["secadmin"], token=told["id"])
    with pytest.raises(Conflict):
        accounts.token_revoke(actor=steward, token=told["id"])


def test_who_approves_needs_a_second_factor_before_a_token(place) -> None:
    reviewer = place.actors["mz_reviewer"]
    with pytest.raises(Refused, match="第二因素"):
        accounts.token_issue(actor=reviewer, account="mz_reviewer", name="x")
    Authenticator.objects.create(
        user=place.accounts["mz_reviewer"], type=Authenticator.Type.RECOVERY_CODES, data={}
    )
    with pytest.raises(Refused, match="第二因素"):
        accounts.token_issue(actor=reviewer, account="mz_reviewer", name="x")
    Authenticator.objects.create(user=place.accounts["mz_reviewer"], type=Authenticator.Type.TOTP, data={})
    assert accounts.token_issue(actor=reviewer, account="mz_reviewer", name="x")["token"]


def test_every_decision_is_the_one_of_the_database_and_is_explained(place) -> None:
    rows = set(Access.objects.values_list("account__username", "action", "unit__code"))
    assert len(rows) > 200
    units = list(Unit.objects.all())
    for username in ("mz_steward", "mz_head", "auth_reviewer", "sysadmin", "auditor", "newcomer"):
        account = place.accounts[username]
        actor = Actor(account.pk, str(account))
        for action in ACTIONS:
            allowed = {u.code for u in units if (username, action, u.code) in rows}
            for unit in units[1:3]:
                decision = explain(actor, action, unit)
                assert decision.allowed is (unit.code in allowed), (username, action, unit.code)
                assert decision.reason and bool(decision.posts) is decision.allowed


def test_one_may_ask_why_for_oneself_and_administrators_for_all(place) -> None:
    steward = place.actors["mz_steward"]
    mine = selectors.access_explain(actor=steward, account="mz_steward", action="catalog.edit", unit="mz")
    assert mine["allowed"] and mine["posts"][0]["kind"] == "steward"
    other = selectors.access_explain(actor=steward, account="mz_steward", action="catalog.edit", unit="rs")
    assert not other["allowed"] and "单位rs" in other["reason"] and "数据专管员" in other["reason"]
    with pytest.raises(NotAllowed):
        selectors.access_explain(actor=steward, account="rs_steward", action="catalog.edit")
    for who in ("sysadmin", "secadmin", "auditor"):
        asked = {"account": "rs_steward", "action": "catalog.edit", "unit": "rs"}
        assert selectors.access_explain(actor=place.actors[who], **asked)["allowed"]
    with pytest.raises(NotFound):
        selectors.access_explain(actor=steward, account="mz_steward", action="world.rule")


def test_reading_people_needs_a_post(place) -> None:
    with pytest.raises(NotAllowed):
        selectors.people(actor=place.actors["newcomer"])
    steward = place.actors["mz_steward"]
    assert [p["username"] for p in selectors.people(actor=steward, unit="rs")] == [
        "rs_head",
        "rs_reviewer",
        "rs_steward",
    ]
    assert len(selectors.units(actor=steward)) == 4
    shown = selectors.unit_show(actor=steward, unit="auth")
    assert (shown["bodies"], len(shown["posts"]["current"])) == (["authority", "data_center"], 3)
    assert {row["action"] for row in selectors.matrix(actor=steward)} == set(ACTIONS)


def test_refusals_speak_english(place) -> None:
    with translation.override("en"), pytest.raises(NotAllowed, match="your unit's system administrator"):
        accounts.account_create(actor=place.actors["mz_steward"], username="abc", name="x")
