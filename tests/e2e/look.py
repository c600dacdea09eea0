"""Pictures of every page: `python -m tests.e2e.look http://127.0.0.1:8000 pictures/ account...`

Signs each account of a running sample installation in, and photographs every page its menu leads to, wide and narrow,
in both languages; says which are wider than the screen.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright
from tests.e2e.conftest import FLAGS, NARROW, WIDE, login


def main(base: str, folder: str, accounts: list[str]) -> None:
    """Photograph."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for account in accounts:
            context = browser.new_context(locale="zh-CN")
            page = context.new_page()
            login(page, account, base)
            paths = [a.get_attribute("href") for a in page.locator(".gs-side a").all()]
            for lang in ("zh-hans", "en"):
                context.add_cookies([{"name": "django_language", "value": lang, "url": base}])
                for size in (WIDE, NARROW):
                    page.set_viewport_size({"width": size[0], "height": size[1]})
                    for path in paths:
                        _picture(page, base, str(path), target / f"{account}-{lang[:2]}-{size[0]}")
            context.close()
        browser.close()


def _picture(page: Any, base: str, path: str, stem: Path) -> None:
    page.goto(base + path)
    name = path.strip("/").replace("/", "-") or "workbench"
    page.screenshot(path=f"{stem}-{name}.png", full_page=True)
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        print(f"{stem.name}-{name}: {wide}px wider than the screen")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
