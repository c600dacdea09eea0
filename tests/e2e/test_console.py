"""Every shared page of the console in a real browser: both languages, wide and narrow, with and without scripts."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from .conftest import NARROW, WIDE, Console, axe_clean, login, look

pytestmark = pytest.mark.browser

PAGES = {
    "kxb.reviewer": [
        "/",
        "/?tab=late",
        "/?tab=done",
        "/cases/",
        "/notices/",
        "/regulation/",
        "/accounts/2fa/",
    ],
    "mz.steward": ["/", "/cases/?q=没有这个", "/why/?action=share.grant&unit=kxb"],
    "auditor": ["/audit/"],
    "secadmin": ["/", "/why/?account=mz.steward&action=catalog.review&unit=mz", "/audit/"],
}
VIEWS = [pytest.param(WIDE, "zh-hans", id="wide-zh"), pytest.param(NARROW, "en", id="narrow-en")]


def fits(page: Any) -> None:
    """Assert that nothing sticks out of the screen."""
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide <= 0, f"{page.url} is {wide}px wider than the screen"


@pytest.mark.parametrize(("size", "lang"), VIEWS)
@pytest.mark.parametrize("account", list(PAGES))
def test_pages_are_accessible_and_fit(
    signed_in: Callable[..., Any], account: str, size: Any, lang: str
) -> None:
    page = signed_in(account, size=size, lang=lang)
    for path in PAGES[account]:
        page.goto(page.base + path)
        axe_clean(page)
        fits(page)
        name = path.strip("/").replace("/", "-").replace("?", "_") or "workbench"
        look(page, f"{account}-{lang[:2]}-{size[0]}-{name[:40]}")


@pytest.mark.parametrize(("size", "lang"), VIEWS)
def test_case_page(signed_in: Callable[..., Any], console: Console, size: Any, lang: str) -> None:
    page = signed_in("kxb.reviewer", size=size, lang=lang)
    cases = console.sql("SELECT DISTINCT ON (state) number FROM casework_case ORDER BY state, id")
    for number, (case,) in enumerate(cases):
        page.goto(f"{console.url}/cases/{case}/")
        page.evaluate("document.querySelectorAll('details.gs-move').forEach(d => d.open = true)")
        axe_clean(page)
        fits(page)
        look(page, f"case{number}-{lang[:2]}-{size[0]}")


@pytest.mark.parametrize(("size", "lang"), VIEWS)
def test_entrance(open_context: Callable[..., Any], console: Console, size: Any, lang: str) -> None:
    page = open_context(size=size, lang=lang).new_page()
    for name, path in {"login": "/accounts/login/", "missing": "/nowhere"}.items():
        page.goto(console.url + path)
        axe_clean(page)
        fits(page)
        look(page, f"entrance-{lang[:2]}-{size[0]}-{name}")
    page.goto(console.url + "/accounts/login/")
    page.locator("#id_login").fill("sq.reviewer" if lang == "en" else "sq.head")
    page.locator("#id_password").fill("Gongshu#2026")
    page.keyboard.press("Enter")
    page.wait_for_url("**/2fa/authenticate/**")
    axe_clean(page)
    look(page, f"entrance-{lang[:2]}-{size[0]}-code")
    page.locator("#id_code").fill("123")
    page.keyboard.press("Enter")
    page.locator("#id_code_error").wait_for()
    axe_clean(page)


@pytest.mark.parametrize(("size", "lang"), VIEWS)
def test_second_factor_is_set_up_in_the_browser(
    open_context: Callable[..., Any], console: Console, size: Any, lang: str
) -> None:
    from gongshu.console.second_factor import code_now

    username = f"new.{lang[:2]}"
    console.python(
        "import django; django.setup(); from datetime import date; from tests.console.world import hashed;"
        f" from gongshu.org.models import Account, Post, Unit; a = Account.objects.create(username={username!r},"
        " password=hashed()); Post.objects.create(account=a, unit=Unit.objects.get(code='mz'), kind='reviewer',"
        " starts=date(2020, 1, 1))"
    )
    page = open_context(size=size, lang=lang).new_page()
    page.goto(console.url + "/accounts/login/")
    page.locator("#id_login").fill(username)
    page.locator("#id_password").fill("Gongshu#2026")
    page.keyboard.press("Enter")
    page.wait_for_url("**/totp/activate/")
    axe_clean(page)
    look(page, f"entrance-{lang[:2]}-{size[0]}-set-up")
    code, _seconds = code_now(str(page.locator(".gs-mono").first.text_content()))
    page.locator("#id_code").fill(code)
    page.keyboard.press("Enter")
    page.wait_for_url("**/recovery-codes/")
    assert page.locator(".gs-codes li").count() == 10
    axe_clean(page)
    look(page, f"entrance-{lang[:2]}-{size[0]}-codes")


def test_language_is_switched_and_kept(signed_in: Callable[..., Any], console: Console) -> None:
    page = signed_in("cg.steward")
    page.goto(console.url + "/cases/")
    page.locator(".gs-menu summary").click()
    page.get_by_role("button", name="English").click()
    assert page.locator("h1").text_content() == "Cases" and page.url.endswith("/cases/")
    page.goto(console.url + "/")
    assert page.locator("html").get_attribute("lang") == "en"


def test_reading_and_searching_need_no_scripts(signed_in: Callable[..., Any], console: Console) -> None:
    page = signed_in("kxb.reviewer", scripts=False)
    page.goto(console.url + "/cases/")
    page.locator("input[name=q]").fill("河道")
    page.get_by_role("button", name="查询").click()
    assert page.locator("tbody tr").count() == 1 and "q=" in page.url
    page.goto(console.url + "/")
    page.get_by_role("link", name=re.compile("河道水质监测")).first.click()
    assert "河道水质监测" in str(page.locator("#gs-process").text_content())
    page.get_by_role("link", name=re.compile("办理.*河道水质监测")).click()
    assert page.locator("#move-return").is_visible()


def test_typing_searches_and_keeps_its_address(signed_in: Callable[..., Any], console: Console) -> None:
    page = signed_in("kxb.reviewer")
    page.goto(console.url + "/cases/")
    page.locator("input[name=q]").press_sequentially("河道", delay=30)
    expect(page.locator(".gs-table tbody tr")).to_have_count(1)
    page.wait_for_url("**q=*")
    assert page.locator("input[name=q]").evaluate("e => e === document.activeElement"), "typing goes on"
    page.locator("select[name=standing]").select_option("closed")
    page.wait_for_selector(".gs-empty")
    page.go_back()
    expect(page.locator(".gs-table tbody tr")).to_have_count(1)
    assert page.locator("header.gs-top").is_visible(), "going back shows the whole page"


def test_a_move_in_the_browser(signed_in: Callable[..., Any], console: Console, tmp_path: Path) -> None:
    case = console.sql("SELECT number FROM casework_case WHERE title LIKE '%%养老机构%%'")[0][0]
    page = signed_in("mz.steward")
    page.goto(f"{console.url}/cases/{case}/")
    page.get_by_role("button", name="重新提交").click()
    assert "已办理：重新提交。" in str(page.locator("#gs-messages").text_content())
    page = signed_in("kxb.reviewer")
    page.goto(f"{console.url}/cases/{case}/")
    page.locator("#move-refuse summary").click()
    page.locator("#refuse_reason").fill("数据不归本单位")
    page.get_by_role("button", name="确认不同意").click()
    assert page.locator("#refuse_basis_error a").first.is_visible(), "the clause is said at the field"
    assert page.locator("#refuse_reason").input_value() == "数据不归本单位"
    axe_clean(page)
    look(page, "case-refused")
    with page.expect_download() as caught:
        page.goto(f"{console.url}/cases/")
        page.get_by_role("link", name="导出 Excel").click()
    assert caught.value.suggested_filename.startswith("办件-")


def test_menu_opens_on_a_phone_and_by_keyboard(signed_in: Callable[..., Any], console: Console) -> None:
    page = signed_in("mz.steward", size=NARROW)
    page.goto(console.url + "/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "gs-skip"
    page.locator(".gs-side-fold summary").click()
    page.get_by_role("link", name="办件", exact=True).click()
    assert page.url.endswith("/cases/")
    page.locator(".gs-menu summary").click()
    page.keyboard.press("Escape")
    assert not page.locator(".gs-menu-body").is_visible()


def test_a_wrong_password_five_times(open_context: Callable[..., Any], console: Console) -> None:
    page = open_context().new_page()
    for _n in range(5):
        page.goto(console.url + "/accounts/login/")
        page.locator("#id_login").fill("yb.head")
        page.locator("#id_password").fill("wrong")
        with page.expect_navigation():
            page.keyboard.press("Enter")
    assert "账号已锁定" in str(page.locator("h1").text_content())
    axe_clean(page)
    look(page, "entrance-locked")


def test_signing_in_from_a_deep_link(open_context: Callable[..., Any], console: Console) -> None:
    page = open_context().new_page()
    login(page, "yb.steward", console.url)
    page.context.clear_cookies()
    page.goto(console.url + "/notices/?q=医保")
    page.locator("#id_login").fill("yb.steward")
    page.locator("#id_password").fill("Gongshu#2026")
    page.keyboard.press("Enter")
    page.wait_for_url("**/notices/**")
