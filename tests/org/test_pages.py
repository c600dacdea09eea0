"""The pages about units and people, as the administrators and a steward walk through them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client as Browser

from gongshu.casework.models import Case
from gongshu.console import second_factor
from gongshu.org.models import Account, ApiToken, BodyRole, Post, Unit

pytestmark = pytest.mark.django_db
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def browse(place: Any, who: str, lang: str = "") -> Browser:
    """A browser in which somebody has signed in."""
    browser = Browser(headers={"host": "127.0.0.1"})
    account = Account.objects.get(username=who)
    if second_factor.missing(account):
        second_factor.enroll(account, second_factor.sample_secret(who))
    browser.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    if lang:
        browser.cookies["django_language"] = lang
    return browser


def text(answer: Any, status: int = 200) -> str:
    """The page, if it has that status."""
    assert answer.status_code == status, answer.content.decode()[:3000]
    return answer.content.decode()


PAGES = (
    "/org/units/",
    "/org/units/mz/",
    "/org/people/",
    "/org/people/mz_reviewer/",
    "/org/bodies/",
    "/org/gaps/",
    "/org/permissions/",
    "/org/tokens/",
)


@pytest.mark.parametrize("who", ["mz_steward", "sysadmin", "secadmin", "auditor"])
def test_every_page_opens_for_everybody_with_a_post(place, who) -> None:
    browser = browse(place, who)
    for path in PAGES:
        assert "gs-main" in text(browser.get(path)), path
    text(browse(place, "newcomer").get("/org/units/"), 403)


def test_english_pages_have_no_chinese_of_their_own(place) -> None:
    """Names of units and people stay as they are."""
    browser = browse(place, "secadmin", "en")
    for path in ("/org/permissions/", "/org/tokens/", "/org/people/"):
        main = text(browser.get(path)).partition('id="gs-main"')[2]
        told = re.sub(r"单位\w*|甲\w*", "", re.sub(r"<[^>]+>", "", main))
        assert not CHINESE.findall(told), (path, CHINESE.findall(told)[:20])


def test_the_system_administrator_makes_a_unit_an_account_and_a_post(place) -> None:
    browser = browse(place, "sysadmin")
    answer = browser.post(
        "/org/units/new", {"code": "sw", "name": "水务局", "parent": "gov", "kind": "organ"}
    )
    assert answer.status_code == 302 and Unit.objects.get(code="sw").path == "/gov/sw/"
    wrong = text(browser.post("/org/units/new", {"code": "sw", "name": "x", "kind": "organ"}), 422)
    assert "已被使用" in wrong
    page = text(browser.post("/org/people/new", {"username": "li.yi", "name": "李样例"}))
    shown = re.search(r"<code>([^<]+)</code>", page)
    assert shown and Account.objects.get(username="li.yi").check_password(shown[1])
    given = {"account": "li.yi", "kind": "security", "starts": "2026-05-01"}
    assert browser.post("/org/units/sw/posts/new", given).status_code == 302
    page = text(browser.get("/org/units/sw/"))
    assert "待任" in page and "2026-05-01" in page and "ZY-5.4a" in page
    post = Post.objects.get(account__username="li.yi")
    assert browser.post(f"/org/posts/{post.pk}/end", {"ends": "2026-06-30"}).status_code == 302
    given = {"account": "mz_steward", "kind": "auditor", "starts": "2026-04-08"}
    assert "三员分立" in text(browser.post("/org/units/sw/posts/new", given), 422)
    text(browser.post("/org/units/sw/rename", {"name": "水务和防汛局", "parent": "mz"}, follow=True))
    assert Unit.objects.get(code="sw").path == "/gov/mz/sw/"
    text(browser.post("/org/units/mz/close"), 422)


def test_the_security_administrator_resets_and_names_bodies_and_others_may_not(place) -> None:
    browser = browse(place, "secadmin")
    page = text(browser.post("/org/people/mz_steward/password"))
    assert re.search(r"<code>[^<]{16}</code>", page)
    assert browser.post("/org/people/mz_steward/unlock").status_code == 302
    text(browser.post("/org/people/mz_steward/nonsense"), 404)
    assert browser.post("/org/bodies/", {"role": "cyber", "unit": "rs"}).status_code == 302
    assert BodyRole.objects.get(role="cyber").unit.code == "rs"
    steward = browse(place, "rs_steward")
    text(steward.post("/org/people/auth_steward/password"), 403)
    text(steward.get("/org/units/new"), 403)
    assert "安全管理员" in text(steward.post("/org/bodies/", {"role": "cyber", "unit": "mz"}), 403)
    assert BodyRole.objects.get(role="cyber").unit.code == "rs"


def test_a_token_is_shown_on_the_page_once(place) -> None:
    browser = browse(place, "mz_steward")
    page = text(browser.post("/org/tokens/", {"name": "救助系统", "days": "30"}))
    token = re.search(r"gs_\w{43}", page)
    assert token and token[0] not in text(browser.get("/org/tokens/"))
    held = ApiToken.objects.get()
    assert browser.post(f"/org/tokens/{held.pk}/revoke").status_code == 302
    assert ApiToken.objects.get().revoked_at
    assert "1 至 365" in text(browser.post("/org/tokens/", {"name": "x", "days": "366"}), 422)


def test_a_steward_files_a_change_and_sees_when_it_is_in_time(place) -> None:
    browser = browse(place, "mz_steward")
    page = text(browser.get("/duty/units/mz/steward-change"))
    assert "2026-04-15" in page and "/regulation/ZY-5.4b" in page and 'value="auditor"' not in page
    given = {"kind": "steward", "incoming": "newcomer", "effective": "2026-04-20", "reason": "岗位调整"}
    answer = browser.post("/duty/units/mz/steward-change", given)
    assert answer["Location"] == f"/cases/{Case.objects.get(procedure='steward_change').number}/"
    assert "newcomer" in Case.objects.get(procedure="steward_change").data["incoming"]
    text(browser.get(answer["Location"]))
    text(browser.get("/duty/units/rs/steward-change"), 403)
