"""What every page keeps to: permission, headers, language, no scripts needed, small server time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gongshu.journal.services import Actor

Visit = Callable[..., Any]
PAGES = ("/", "/?tab=late", "/?tab=done", "/cases/", "/notices/", "/regulation/", "/why/")


@pytest.mark.parametrize("path", PAGES)
def test_every_page_opens_in_both_languages(town: dict[str, Actor], visit: Visit, path: str) -> None:
    zh, en = visit("kxb.reviewer").get(path), visit("kxb.reviewer", "en").get(path)
    assert zh.status_code == en.status_code == 200
    assert '<html lang="zh"' in zh.content.decode() and '<html lang="en"' in en.content.decode()


@pytest.mark.parametrize("path", [*PAGES, "/audit/", "/cases/X-1/", "/events/1/receipt"])
def test_nobody_gets_in_unsigned(db: None, visit: Visit, path: str) -> None:
    response = visit().get(path)
    assert response.status_code == 302 and response["Location"].startswith("/accounts/login/?next=")


def test_chinese_unless_switched(town: dict[str, Actor], visit: Visit) -> None:
    client = visit("kxb.reviewer")
    assert "工作台" in client.get("/", headers={"accept-language": "en-US"}).content.decode()
    response = client.post("/language/", {"language": "en", "next": "/cases/"})
    assert response.status_code == 302 and response["Location"] == "/cases/"
    assert "Workbench" in client.get("/").content.decode()


@pytest.mark.parametrize("path", [*PAGES, "/accounts/login/", "/nowhere"])
def test_security_headers_and_no_inline_code(town: dict[str, Actor], visit: Visit, path: str) -> None:
    response = visit("kxb.reviewer").get(path, follow=True)
    assert response["Content-Security-Policy"].startswith("default-src 'self'; img-src 'self' data:;")
    assert response["X-Frame-Options"] == "DENY" and response["X-Content-Type-Options"] == "nosniff"
    body = response.content.decode()
    assert not re.search(r"<script(?![^>]*\ssrc=)|\sstyle=|\son\w+=|<style|javascript:", body)


def test_titles_are_escaped(town: dict[str, Actor], visit: Visit) -> None:
    from .world import opened

    case = opened("trial_mode", "<script>alert(1)</script>", "mz", "evil", town)
    for path in ("/", "/cases/", f"/cases/{case.number}/"):
        body = visit("kxb.reviewer").get(path).content.decode()
        assert "<script>alert" not in body and "&lt;script&gt;alert" in body


def test_regulation_names_what_carries_each_clause(town: dict[str, Actor], visit: Visit) -> None:
    client = visit("mz.steward")
    body = client.get("/regulation/zhangye/").content.decode()
    assert 'id="ZY-24.2"' in body and "张掖市政务数据共享管理办法" in body
    hop = client.get("/regulation/ZY-24.2")
    assert hop["Location"] == "/regulation/zhangye/#ZY-24.2"
    assert client.get("/regulation/ZY-999").status_code == 404
    assert client.get("/regulation/nowhere/").status_code == 404
    only = client.get("/regulation/zhangye/?q=ZY-24.2").content.decode()
    assert 'id="ZY-24.2"' in only and 'id="ZY-1"' not in only
    assert client.get("/regulation/?format=xlsx").status_code == 200


@pytest.mark.clause("PJ-1")
def test_screens_name_the_document_and_its_articles(town: dict[str, Actor], visit: Visit) -> None:
    body = visit("kxb.reviewer").get("/").content.decode()
    assert "闵浦府[2022]179号" in body and 'href="/regulation/PJ-' in body and "第三十条" in body


def test_audit_is_for_the_auditor(town: dict[str, Actor], visit: Visit) -> None:
    assert visit("kxb.reviewer").get("/audit/").status_code == 403
    body = visit("auditor").get("/audit/?kind=clock&q=低保").content.decode()
    assert "开始计时" in body and "《低保家庭信息》" in body and "发起目录变更审核" not in body


def test_verify_names_the_first_bad_record(town: dict[str, Actor], visit: Visit) -> None:
    from gongshu.evidence.services import seal_all

    client = visit("auditor")
    seal_all()
    assert "全部与存证一致" in client.post("/audit/verify").content.decode()
    assert visit("kxb.reviewer").post("/audit/verify").status_code == 403


def test_why_explains_oneself_and_others_only_to_administrators(town: dict[str, Actor], visit: Visit) -> None:
    query = "?account=mz.steward&action=catalog.review&unit=mz"
    own = visit("mz.steward").get("/why/?action=share.grant&unit=kxb").content.decode()
    assert "授予、撤销共享授权" in own and "审核人" in own
    other = visit("secadmin").get("/why/" + query).content.decode()
    assert "mz.steward" in other
    refused = visit("kxb.steward").get("/why/" + query)
    assert "林甲 的岗位" not in refused.content.decode(), "somebody else's posts are not shown to a steward"
    assert visit("secadmin").get("/why/?account=nobody").status_code == 404
    assert visit("mz.steward").get("/why/?format=xlsx")["Content-Type"].startswith("application/vnd.openxml")


def test_error_pages(town: dict[str, Actor], visit: Visit, settings: Any) -> None:
    client = visit("kxb.reviewer", "en")
    missing = client.get("/nowhere")
    assert missing.status_code == 404 and "No such page" in missing.content.decode()
    strict = visit("kxb.reviewer", enforce_csrf_checks=True)
    assert "页面已过期" in strict.post("/notices/seen").content.decode()


def test_500_needs_no_database(db: None, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.test import RequestFactory

    from gongshu.console.errors import failed

    request = RequestFactory(headers={"host": "127.0.0.1"}).get("/")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        response = failed(request)
    assert response.status_code == 500 and not queries.captured_queries
    assert re.search(r"[0-9a-f-]{36}", response.content.decode())


def test_notices_are_read_once(town: dict[str, Actor], visit: Visit) -> None:
    client = visit("mz.steward")
    assert "未读" in client.get("/notices/").content.decode()
    client.post("/notices/seen")
    assert 'gs-badge-red">未读' not in client.get("/notices/").content.decode()


@pytest.mark.parametrize(("path", "most"), [("/", 40), ("/cases/", 30), ("/notices/", 25)])
def test_queries_do_not_grow_with_rows(town: dict[str, Actor], visit: Visit, path: str, most: int) -> None:
    from .world import opened

    client = visit("kxb.reviewer")
    client.get(path)
    with CaptureQueriesContext(connection) as few:
        client.get(path)
    for n in range(12):
        opened("trial_mode", f"更多 {n}", "mz", f"more{n}", town)
    with CaptureQueriesContext(connection) as many:
        client.get(path)
    assert len(many) <= len(few) + 2 and len(many) <= most, [q["sql"][:120] for q in many.captured_queries]
