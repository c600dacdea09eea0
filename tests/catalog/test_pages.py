"""The pages of catalog and collection, as a steward walks through them: every refusal stays on the page it belongs to."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils.html import escape
from python_calamine import CalamineWorkbook
from tests.catalog.world import COMPLETE, make_source, make_system, publish, reviewer, spec_of

from gongshu.casework.models import Case
from gongshu.casework.services import case_act
from gongshu.catalog import sheets
from gongshu.catalog.forms import item_forms
from gongshu.catalog.models import DataSource, Entry, System
from gongshu.collection.models import Batch
from gongshu.collection.run import batch_run
from gongshu.org.models import Account
from gongshu.org.policy import current_pack

pytestmark = pytest.mark.django_db
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def steward(world: SimpleNamespace) -> Iterator[Client]:
    yield signed_in(world, "civil_steward")


def signed_in(world: SimpleNamespace, who: str) -> Client:
    client = Client()
    client.force_login(
        Account.objects.get(pk=world.actors[who].account_id),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    return client


def text(response: Any, status: int = 200) -> str:
    assert response.status_code == status, response.content.decode()[:2000]
    return response.content.decode()


def test_a_system_and_its_database(world: SimpleNamespace, people: str, steward: Client) -> None:
    blank = steward.post("/catalog/systems/new", {"unit": world.units["civil"].code, "kind": "business"})
    assert blank.status_code == 422
    told = {
        "unit": world.units["civil"].code,
        "name": "救助系统",
        "business": "低保审核",
        "kind": "platform",
        "ownership": "own",
        "network": "egov",
        "hosting": "cloud",
        "status": "running",
    }
    barred = text(steward.post("/catalog/systems/new", told), 422)
    assert "不得自建" in barred and "/regulation/PJ-11.2a" in barred
    done = steward.post("/catalog/systems/new", {**told, "kind": "business"})
    system = System.objects.get()
    assert done.headers["Location"] == f"/catalog/systems/{system.code}/"
    assert "救助系统" in text(steward.get("/catalog/systems/"))
    assert "连接数据源" in text(steward.get(f"/catalog/systems/{system.code}/"))

    given = {k: v for k, v in spec_of(people).items() if k != "kind"} | {"name": "救助库"}
    at = f"/catalog/systems/{system.code}/sources/new"
    wrong = text(
        steward.post(at, {**given, "database": "no_such_database", "password": "Secret-In-Form-1"}), 422
    )
    assert "服务器上没有名为" in wrong or "密码" in wrong
    assert "Secret-In-Form-1" not in wrong and not DataSource.objects.exists()
    assert steward.post(at, given).status_code == 302
    source = DataSource.objects.get()
    page = text(steward.get(f"/catalog/systems/sources/{source.code}/"))
    assert "连接正常" in page and "resident" in page and "起草目录" in page
    assert steward.post(f"/catalog/systems/sources/{source.code}/check").status_code == 302
    assert "已按新的连接" in text(
        steward.post(f"/catalog/systems/sources/{source.code}/edit", given, follow=True)
    )
    drafted = steward.post(f"/catalog/systems/sources/{source.code}/draft", {"table": "resident"})
    assert drafted.headers["Location"].endswith("/edit")


def form_of(entry: Entry, **changed: Any) -> dict[str, Any]:
    """What the draft page would send."""
    version = Entry.objects.get(pk=entry.pk).draft
    held = {k: getattr(version, k) for k in ("collect_mode", "acquisition_way", "summary")}
    data: dict[str, Any] = {"revision": version.revision, **COMPLETE, **held, **changed}
    for row in item_forms(version):
        for name, value in row.initial.items():
            if value not in (False, ""):
                data[f"{row.prefix}-{name}"] = "on" if value is True else value
    return {k: v for k, v in data.items() if v not in (None, "")}


def test_from_draft_to_batch_on_pages(world: SimpleNamespace, people: str, steward: Client) -> None:
    make_source(world, people)
    steward.post(f"/catalog/systems/sources/{DataSource.objects.get().code}/draft", {"table": "resident"})
    entry = Entry.objects.get()
    at = f"/catalog/entries/{entry.code}/"
    page = text(steward.get(at + "edit"))
    assert "更新周期" in page and "/regulation/PJ-13.2" in page and "必填" in page
    assert "****" in page  # masked samples

    refused = text(steward.post(at + "edit", form_of(entry, update_cycle="", submit="1")), 422)
    assert "请填写“更新周期”" in refused and "/regulation/PJ-13.2" in refused
    assert "已填内容已保存为草稿" in refused
    assert Entry.objects.get().draft.share_mode == "api"  # kept although the submission failed
    stale = text(steward.post(at + "edit", {**form_of(entry), "revision": 1}), 422)
    assert "草稿已被他人修改" in stale

    assert steward.post(at + "edit", form_of(entry)).status_code == 302
    assert "目录发布后才能归集" in text(steward.get(at + "?tab=collection"))
    sent = steward.post(at + "edit", form_of(entry, submit="1"))
    case = Case.objects.get()
    assert sent.headers["Location"] == f"/cases/{case.number}/"
    assert steward.get(at + "edit").status_code == 409

    boss = reviewer(world)
    case_act(actor=boss, case=case.number, move="return", given={"reasons": "请核对级别"})
    again = text(steward.get(at + "edit"))
    assert "请核对级别" in again and "保存并重新提交" in again
    steward.post(at + "edit", form_of(entry, submit="1"))
    case_act(actor=boss, case=case.number, move="approve")
    assert Entry.objects.get().state == "published"

    started = steward.post(f"/collection/entries/{entry.code}/start")
    batch = Batch.objects.get()
    assert started.headers["Location"] == f"/collection/batches/{batch.number}/"
    live = text(steward.get(f"/collection/batches/{batch.number}/live"))
    assert "排队中" in live and 'hx-trigger="every' in live
    assert steward.get(f"/collection/batches/{batch.number}/?follow=1").headers["Refresh"] == "3"
    batch_run(batch.pk)
    done = text(steward.get(f"/collection/batches/{batch.number}/"))
    assert "两端一致" in done and "ms1-500-" in done and "hx-trigger" not in done
    for tab in ("items", "collection", "versions", "events"):
        assert "低保人员信息" in text(steward.get(f"{at}?tab={tab}"))


def test_every_page_in_english_shows_no_chinese_of_its_own(
    world: SimpleNamespace, people: str, steward: Client
) -> None:
    entry = publish(world, people, name="Persons", business="Relief", acquisition_way="")
    System.objects.update(name="Relief system", business="Relief")
    DataSource.objects.update(name="Relief db")
    for unit in world.units.values():
        unit.name_en = "Unit"
        unit.save()
    steward.cookies["django_language"] = "en"
    pages = [
        "/catalog/entries/",
        "/catalog/systems/",
        "/collection/",
        "/collection/batches/",
        "/catalog/entries/import",
        "/catalog/entries/new",
        "/catalog/systems/new",
        f"/catalog/entries/{entry.code}/?tab=collection",
        f"/collection/entries/{entry.code}/plan",
        f"/collection/entries/{entry.code}/change",
        f"/catalog/systems/{entry.system.code}/sources/new",
    ]
    own = {
        *current_pack().nodes["collect.acquisition_ways"].v,
        *current_pack().nodes["lists.negative_basis"].v,
        *current_pack().nodes["share.refusal_basis"].v,
        "姓名",
        "公民身份号码",
        "联系电话",
    }
    for path in pages:
        shown = text(steward.get(path))
        main = shown[shown.index("<main") : shown.index("</main>")]
        words = re.sub(r"<[^>]+>", " ", re.sub(r'(title|value|href)="[^"]*"', "", main))
        left = [w for w in words.split() if CHINESE.search(w) and not any(o in w for o in own)]
        assert not left, (path, left)


def test_a_change_is_shown_beside_what_is_in_force(
    world: SimpleNamespace, people: str, steward: Client
) -> None:
    entry = publish(world, people)
    at = f"/catalog/entries/{entry.code}/"
    assert steward.post(at + "change").headers["Location"] == at + "edit"
    plain = text(steward.post(at + "edit", form_of(entry, submit="1", reason="更新")), 422)
    assert "没有任何不同" in plain
    missing = text(steward.post(at + "edit", form_of(entry, update_cycle="daily", submit="1")), 422)
    assert "变更原因" in missing
    sent = steward.post(at + "edit", form_of(entry, update_cycle="daily", submit="1", reason="业务调整"))
    case = Case.objects.get(procedure="catalog_change")
    assert sent.headers["Location"] == f"/cases/{case.number}/"
    panel = text(steward.get(f"/cases/{case.number}/"))
    assert "变更对照" in panel and "每月" in panel and "每日" in panel


def test_an_outside_event_and_a_withdrawal_from_the_page(
    world: SimpleNamespace, people: str, steward: Client
) -> None:
    entry = publish(world, people)
    at = f"/catalog/entries/{entry.code}/"
    trigger = current_pack().nodes["catalog.change_triggers"].v[0]
    bad = steward.post(
        at + "change/event",
        {"happened_on": "2999-01-01", "trigger": trigger, "description": "x"},
        follow=True,
    )
    assert "发生日期不能晚于今天" in text(bad)
    done = steward.post(
        at + "change/event", {"happened_on": "2026-01-05", "trigger": trigger, "description": "条例修订"}
    )
    case = Case.objects.get(procedure="catalog_change")
    assert done.headers["Location"] == f"/cases/{case.number}/"
    assert "条例修订" in text(steward.get(f"/cases/{case.number}/"))
    case_act(
        actor=world.actors["civil_steward"], case=case.number, move="not_needed", given={"reason": "不涉及"}
    )
    assert "请填写" in text(steward.post(at + "change/file", {"reason": ""}, follow=True))
    assert steward.post(at + "change/file", {"reason": "职能划转"}).status_code == 302


def test_a_workbook_with_wrong_cells_lists_them(world: SimpleNamespace, steward: Client) -> None:
    make_system(world)
    template = steward.get("/catalog/entries/template.xlsx").content
    heads = CalamineWorkbook.from_filelike(io.BytesIO(template)).get_sheet_by_index(0).to_python()[0]
    assert [str(h) for h in heads] == [h.label for h in sheets.entry_heads(current_pack())]
    upload = io.BytesIO(filled([dict.fromkeys(heads, "") | {heads[0]: "甲", "共享类型": "随意"}], heads))
    upload.name = "目录.xlsx"
    wrong = text(
        steward.post("/catalog/entries/import", {"unit": world.units["civil"].code, "file": upload}), 422
    )
    assert escape("“随意”不是“共享类型”的选项") in wrong or "“随意”不是“共享类型”的选项" in wrong
    assert "目录!" in wrong and not Entry.objects.exists()
    upload = io.BytesIO(filled([dict.fromkeys(heads, "") | {heads[0]: "甲"}], heads))
    upload.name = "目录.xlsx"
    done = steward.post("/catalog/entries/import", {"unit": world.units["civil"].code, "file": upload})
    assert done.status_code == 302 and Entry.objects.get().draft.name == "甲"


def filled(rows: list[dict[str, str]], heads: list[str]) -> bytes:
    import xlsxwriter

    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = book.add_worksheet("目录")
    for column, head in enumerate(heads):
        sheet.write_string(0, column, head)
        for row, line in enumerate(rows, start=1):
            sheet.write_string(row, column, line.get(head, ""))
    book.close()
    return file.getvalue()


def test_strangers_see_why_not(world: SimpleNamespace, people: str) -> None:
    entry = publish(world, people)
    stranger = signed_in(world, "health_steward")
    page = text(stranger.get(f"/catalog/entries/{entry.code}/?tab=collection"))
    assert "需要在civil局任" in page or "不覆盖" in page
    assert "resident" not in text(stranger.get(f"/catalog/entries/{entry.code}/"))
    assert stranger.get(f"/catalog/systems/sources/{entry.source.code}/").status_code == 404
    assert stranger.get(f"/catalog/entries/{entry.code}/edit").status_code in (403, 409)
    assert stranger.post(f"/collection/entries/{entry.code}/start").status_code == 302
    assert not Batch.objects.exists()


def test_the_list_exports_what_it_shows(world: SimpleNamespace, people: str, steward: Client) -> None:
    publish(world, people)
    answer = steward.get("/catalog/entries/?format=xlsx&q=低保")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(answer.streaming_content))).get_sheet_by_index(
        0
    )
    table = rows.to_python()
    assert table[1][1] == "低保人员信息" and "无条件共享" in table[1]
