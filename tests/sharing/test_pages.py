"""The pages of sharing, as the people of a request walk through them."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client as Browser

from gongshu.console import second_factor
from gongshu.org.models import Account
from gongshu.packs import packs
from gongshu.sharing import serving
from gongshu.sharing.models import Client, Grant, ShareRequest

pytestmark = pytest.mark.django_db
ALL = pytest.mark.parametrize("county", sorted(packs()), indirect=True)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def browse(county: Any, who: str, lang: str = "") -> Browser:
    """A browser in which somebody has signed in."""
    browser = Browser(headers={"host": "127.0.0.1"})
    account = Account.objects.get(pk=county.people[who].account_id)
    if second_factor.missing(account):
        second_factor.enroll(account, second_factor.sample_secret(account.username))
    browser.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
    if lang:
        browser.cookies["django_language"] = lang
    return browser


def text(answer: Any, status: int = 200) -> str:
    """The page, if it has that status."""
    assert answer.status_code == status, answer.content.decode()[:3000]
    return answer.content.decode()


def asked(county: Any, **more: Any) -> dict[str, Any]:
    """The request form, filled in."""
    return {
        "unit": "demander",
        "client": Client.objects.get().client_id if Client.objects.exists() else county.client()["client_id"],
        "items": ["id_no", "name"],
        "keys": ["id_no"],
        "purpose": "核验低保资格",
        "scenario": "住房保障",
        "duty_basis": "某条例第九条",
        "modes": ["key"],
        "per_day": "100",
        "valid_to": "",
        "commitment": list(county.pack.share.commitment.v),
        "scope_item": ["town", "", "", ""],
        "scope_op": ["in", "=", "=", "="],
        "scope_value": ["城关镇、大满镇", "", "", ""],
        "reason_name": "核对身份",
        **more,
    }


@ALL
def test_asking_with_the_way_ahead_in_view(county) -> None:
    entry = county.entry()
    browser = browse(county, "demander_steward")
    there = f"/sharing/entries/{entry.code}/request"
    page = text(browser.get(there))
    assert "申请后怎么办理" in page and "先登记业务系统" in page
    wrong = text(browser.post(there, asked(county, duty_basis="", items=[])), 422)
    assert "请写明履职依据" in wrong and "请至少选择一个信息项" in wrong and "核对身份" in wrong
    assert "大满镇" in wrong
    answer = browser.post(there, asked(county), follow=True)
    page = text(answer)
    request = ShareRequest.objects.get()
    assert request.scope == [{"item": "town", "op": "in", "value": ["城关镇", "大满镇"]}]
    assert request.reasons == {"name": "核对身份"}
    assert request.case.number in page and "核验低保资格" in page and "默认脱敏方式" in page
    assert request.case.number in text(browser.get("/sharing/requests/?side=made"))
    assert request.case.number not in text(browser.get("/sharing/requests/?side=asked"))


@ALL
def test_unconditional_data_show_their_basis_and_are_granted(county) -> None:
    entry = county.entry("unconditional")
    browser = browse(county, "demander_steward")
    page = text(browser.get(f"/sharing/entries/{entry.code}/request"))
    assert "获取授权" in page
    node = county.pack.share.unconditional_grant
    assert ("本地制度未规定" in page) if node.gap else (f"/regulation/{node.clauses[0]}" in page)
    text(browser.post(f"/sharing/entries/{entry.code}/request", asked(county), follow=True))
    grant = Grant.objects.get()
    serving.provided(entry)
    county.called(grant)
    county.called(grant, status=429, rows=0)
    page = text(browser.get(f"/sharing/grants/{grant.number}/"))
    assert grant.number in page and "examples/client.sh" in page and "撤销授权" not in page
    assert grant.number in text(browser.get("/sharing/grants/"))
    assert b"".join(browser.get("/sharing/grants/?format=xlsx").streaming_content)[:2] == b"PK"


@pytest.mark.parametrize("county", ["zhangye"], indirect=True)
def test_the_provider_chooses_items_and_masks(county) -> None:
    request = county.ask(county.entry())
    county.act(request, "data_center_reviewer", "accept")
    county.act(request, "provider_reviewer", "take_in")
    browser = browse(county, "provider_reviewer")
    number = request.case.number
    page = text(browser.get(f"/cases/{number}/"))
    assert 'name="mask_name"' in page and "隐" not in page
    given = {
        "items": ["id_no", "name"],
        "mask_id_no": "keep",
        "mask_name": "hide",
        "modes": ["key"],
        "valid_to": request.valid_to.isoformat(),
        "per_day": "20",
    }
    wrong = browser.post(f"/cases/{number}/moves/agree", given | {"per_day": "999999"})
    assert "每日上限应在" in text(wrong, 422)
    text(browser.post(f"/cases/{number}/moves/agree", given, follow=True))
    grant = Grant.objects.get()
    assert grant.masks == {"id_no": "keep", "name": "hide"} and grant.spec["quota"]["per_day"] == 20
    page = text(browser.get(f"/sharing/grants/{grant.number}/"))
    assert "不提供" in page
    text(browser.post(f"/sharing/grants/{grant.number}/suspend", {"reason": "核查"}, follow=True))
    text(browser.post(f"/sharing/grants/{grant.number}/revoke", {"reason": ""}, follow=True))
    grant.refresh_from_db()
    assert grant.state == "suspended"
    text(browser.post(f"/sharing/grants/{grant.number}/revoke", {"reason": "违规使用"}, follow=True))
    grant.refresh_from_db()
    assert grant.state == "revoked"


def test_a_returned_request_is_completed_in_the_same_form(county) -> None:
    request = county.ask(county.entry())
    county.act(request, "data_center_reviewer", "return", gaps="场景过宽")
    browser = browse(county, "demander_steward")
    number = request.case.number
    assert f"/sharing/requests/{number}/amend" in text(browser.get(f"/cases/{number}/"))
    page = text(browser.get(f"/sharing/requests/{number}/amend"))
    assert "住房保障申请审核" in page and "补正说明" in page
    given = asked(county, scenario="仅公租房资格初审", note="已缩小场景")
    for name in ("unit", "client", "commitment"):
        given.pop(name)
    text(browser.post(f"/sharing/requests/{number}/amend", given, follow=True))
    request.refresh_from_db()
    assert request.scenario == "仅公租房资格初审"
    assert browser.get(f"/sharing/requests/{number}/amend").status_code == 409


def test_a_secret_is_shown_in_the_answer_only(county) -> None:
    browser = browse(county, "demander_steward")
    assert "登记并领取凭证" in text(browser.get("/sharing/clients/"))
    given = {"unit": "demander", "system_name": "一网通办", "contact": "021-1", "algorithm": "hmac-sm3"}
    answer = browser.post("/sharing/clients/", given)
    page = text(answer)
    secret = re.search(r'id="client-secret">([^<]+)<', page)[1]
    assert answer["Cache-Control"] == "no-store"
    client = Client.objects.get()
    page = text(browser.get(f"/sharing/clients/{client.client_id}/"))
    assert secret not in page
    again = text(browser.post(f"/sharing/clients/{client.client_id}/rotate"))
    assert secret not in again
    assert "停用旧密钥" in text(browser.get(f"/sharing/clients/{client.client_id}/"))
    text(browser.post(f"/sharing/clients/{client.client_id}/retire", follow=True))
    text(browser.post(f"/sharing/clients/{client.client_id}/revoke", {"reason": "下线"}, follow=True))
    client.refresh_from_db()
    assert not client.active
    assert browse(county, "stranger_steward").get(f"/sharing/clients/{client.client_id}/").status_code == 404


@ALL
def test_english_pages_hold_no_chinese_of_ours(county) -> None:
    entry = county.entry(name="Minimum living allowance", share_condition="For approvals only")
    entry.current.items.model.objects.filter(version=entry.current)
    browser = browse(county, "demander_steward", "en")
    for there in ("/sharing/requests/", "/sharing/grants/", "/sharing/clients/"):
        page = re.sub(r"<(header|nav).*?</\1>", "", text(browser.get(there)), flags=re.S)
        body = re.sub(r"<[^>]+>", " ", page.partition("<main")[2])
        assert not CHINESE.search(body.replace("demander单位", "")), CHINESE.findall(body)


def test_what_is_not_shared_says_why(county) -> None:
    entry = county.entry("none")
    page = text(browse(county, "demander_steward").get(f"/sharing/entries/{entry.code}/request"))
    assert "社会救助法" in page and "可用不可见" in page
    tab = text(browse(county, "demander_steward").get(f"/catalog/entries/{entry.code}/?tab=sharing"))
    assert "社会救助法" in tab
