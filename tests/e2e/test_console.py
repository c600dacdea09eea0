"""Every shared page of the console in a real browser: both languages, wide and narrow, with and without scripts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from .conftest import NARROW, WIDE, Console, axe_clean, look

pytestmark = pytest.mark.browser

PAGES = {
    "kxb.reviewer": ["/", "/?tab=late", "/?tab=done", "/cases/", "/notices/", "/regulation/", "/why/", "/accounts/2fa/"],
    "mz.steward": ["/", "/cases/?q=没有这个", "/why/?action=share.grant&unit=kxb"],
    "auditor": ["/", "/audit/"],
    "secadmin": ["/", "/why/?account=mz.steward&action=catalog.review&unit=mz", "/audit/"],
}


@pytest.mark.parametrize("lang", ["zh-hans", "en"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("account", list(PAGES))
def test_pages_are_accessible_and_fit(signed_in: Callable[..., Any], account: str, size: Any, lang: str) -> None:
    page = signed_in(account, size=size, lang=lang)
    for path in PAGES[account]:
        page.goto(page.base + path)
        axe_clean(page)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        name = path.strip("/").replace("/", "-").replace("?", "_") or "workbench"
        look(page, f"{account}-{lang[:2]}-{size[0]}-{name[:40]}")
        assert wide <= 0, f"{path} is {wide}px wider than the screen"


@pytest.mark.parametrize("lang", ["zh-hans", "en"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_case_page(signed_in: Callable[..., Any], console: Console, size: Any, lang: str) -> None:
    page = signed_in("kxb.reviewer", size=size, lang=lang)
    for number, (case,) in enumerate(console.sql("SELECT number FROM casework_case ORDER BY id")):
        page.goto(f"{console.url}/cases/{case}/")
        axe_clean(page)
        look(page, f"case{number}-{lang[:2]}-{size[0]}")
        assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0
