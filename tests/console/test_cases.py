"""The generic case page: moves with their forms, refusals at the field, disabled moves with the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gongshu.casework.models import Case
from gongshu.journal.models import Event
from gongshu.journal.services import Actor

from .world import opened

Visit = Callable[..., Any]


@pytest.fixture
def case(town: dict[str, Actor]) -> Case:
    return opened("trial_change", "《殡葬服务信息》新增信息项", "mz", "p1", town)


def test_a_form_for_every_field(case: Case, visit: Visit) -> None:
    body = visit("kxb.reviewer").get(f"/cases/{case.number}/").content.decode()
    for name in ("opinion", "until", "mode", "items", "per_day", "urgent"):
        assert f'id="approve_{name}' in body, name
    for part in ("basis_rank", "basis_document", "basis_article"):
        assert f'name="{part}"' in body
    assert "撤回" in body and "disabled" in body and "民政办" in body


def test_a_move_is_made_and_told(case: Case, visit: Visit) -> None:
    given = {
        "opinion": "已核对。",
        "mode": "key",
        "items": ["name"],
        "per_day": "20",
        "version": case.version,
    }
    response = visit("kxb.reviewer").post(f"/cases/{case.number}/moves/approve", given, follow=True)
    body = response.content.decode()
    assert "已办理：同意。" in body and "已核对。" in body and "按条件查询" in body
    case.refresh_from_db()
    assert case.state == "sign"
    told = Event.objects.filter(case_id=case.pk, type="case.moved").latest("id").body["given"]
    assert told == {"opinion": "已核对。", "mode": "key", "items": ["name"], "per_day": 20}


def test_what_is_missing_is_said_at_the_field_with_the_clause(case: Case, visit: Visit) -> None:
    url = f"/cases/{case.number}/moves/refuse"
    given = {
        "basis_rank": "法律",
        "basis_document": "数据安全法",
        "reason": "不宜提供",
        "version": case.version,
    }
    response = visit("kxb.reviewer").post(url, given)
    body = response.content.decode()
    assert response.status_code == 422
    error = body[body.index('id="refuse_basis_error"') :][:400]
    assert "须写明文件名称和条款" in error and "/regulation/PJ-" in error
    assert "不宜提供" in body, "what was typed is kept"
    case.refresh_from_db()
    assert case.state == "review"


def test_a_guard_refuses_at_its_field(case: Case, visit: Visit) -> None:
    given = {"opinion": "谜", "mode": "key", "version": case.version}
    response = visit("kxb.reviewer").post(f"/cases/{case.number}/moves/approve", given)
    body = response.content.decode()
    assert response.status_code == 422 and "审核意见须明确。" in body and "/regulation/ZY-24.2" in body


def test_a_stale_page_is_told_so(case: Case, visit: Visit) -> None:
    url = f"/cases/{case.number}/moves/return"
    response = visit("kxb.reviewer").post(url, {"reason": "请补充", "version": case.version - 1})
    assert response.status_code == 409 and "已被他人办理" in response.content.decode()


def test_the_opener_may_not_approve(case: Case, town: dict[str, Actor], visit: Visit) -> None:
    response = visit("mz.steward").post(
        f"/cases/{case.number}/moves/approve", {"opinion": "x", "mode": "key"}
    )
    assert response.status_code == 403
    assert visit("cg.steward").get(f"/cases/{case.number}/").status_code == 404, (
        "not a party: as if it did not exist"
    )
    assert visit("kxb.reviewer").post(f"/cases/{case.number}/moves/sign", {}).status_code == 409
    assert visit("kxb.reviewer").get(f"/cases/{case.number}/moves/return").status_code == 405


def test_return_goes_only_within_the_console(case: Case, visit: Visit) -> None:
    url = f"/cases/{case.number}/moves/return"
    given = {"reason": "请补充", "version": case.version, "next": "https://evil.example/"}
    assert visit("kxb.reviewer").post(url, given)["Location"] == f"/cases/{case.number}/"


def test_joint_signing_shows_who_is_missing(case: Case, town: dict[str, Actor], visit: Visit) -> None:
    visit("kxb.reviewer").post(f"/cases/{case.number}/moves/approve", {"opinion": "同意", "mode": "key"})
    body = visit("mz.reviewer").get(f"/cases/{case.number}/").content.decode()
    assert body.count("待签署意见") == 2
    visit("mz.reviewer").post(f"/cases/{case.number}/moves/sign", {})
    body = visit("mz.reviewer").get(f"/cases/{case.number}/").content.decode()
    assert body.count("待签署意见") == 1 and "disabled" in body
    visit("kxb.reviewer").post(f"/cases/{case.number}/moves/sign", {})
    body = visit("mz.reviewer").get(f"/cases/{case.number}/").content.decode()
    assert "已办结" in body and 'id="act"' not in body


def test_workbench_shows_colour_words_clause_and_process(town: dict[str, Actor], visit: Visit) -> None:
    client = visit("kxb.reviewer")
    body = client.get("/").content.decode()
    assert "gs-light-red" in body and "超期" in body and "gs-light-green" in body and "剩余" in body
    number = Case.objects.get(title__startswith="《河道水质监测》").number
    chosen = client.get(f"/?case={number}").content.decode()
    assert f'href="/cases/{number}/">{number}</a></h2>' in chosen
    late = client.get("/?tab=late").content.decode()
    assert "《河道水质监测》" not in late.split("gs-process")[0] and "超期" in late
    done = client.get("/?tab=done").content.decode()
    assert "退回补正" in done


def test_receipt_is_downloaded(case: Case, visit: Visit) -> None:
    from gongshu.evidence.services import seal_all

    event = Event.objects.filter(case_id=case.pk).first()
    client = visit("mz.steward")
    assert client.get(f"/events/{event.pk}/receipt").status_code == 409, "not sealed yet"
    seal_all()
    response = client.get(f"/events/{event.pk}/receipt")
    assert response.status_code == 200 and response["Content-Disposition"].endswith('.tlog-proof"')
    assert visit("cg.steward").get(f"/events/{event.pk}/receipt").status_code == 404
