"""People at work in the console: each signs in once and has a page of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .conftest import NARROW, WIDE, axe_clean, login, look
from .installation import Installation

GROUNDS = "a[href^='/regulation/'], .gs-basis-gap"
"""The clause something rests on, or the sentence that the local text is silent."""


class People:
    """The people of an installation. thorough: axe and width on every page, and the refusals on the way."""

    def __init__(self, place: Installation, open_context: Callable[..., Any], *, thorough: bool) -> None:
        self.place, self.open_context, self.thorough = place, open_context, thorough
        self.pages: dict[str, Any] = {}

    def page(self, who: str) -> Any:
        """The page of a person, who signs in the first time."""
        if who not in self.pages:
            page = self.open_context().new_page()
            login(page, who, self.place.console)
            self.pages[who] = page
            self.seen(page, f"workbench-{who}")
        return self.pages[who]

    def at(self, who: str, path: str) -> Any:
        """That person's page at an address."""
        page = self.page(who)
        page.goto(self.place.console + path)
        return page

    def seen(self, page: Any, name: str) -> None:
        """What every page has to keep to; a picture for whoever wants to look."""
        assert page.locator("h1").count() == 1, page.url
        if self.thorough:
            axe_clean(page)
            self.fits(page, name)
        look(page, f"{self.place.pack}-{name}")

    def fits(self, page: Any, name: str) -> None:
        """Not wider than the screen of a telephone."""
        page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        look(page, f"{self.place.pack}-{name}-narrow")
        page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})
        assert over <= 0, f"{page.url} is {over}px wider than the screen"

    def menu(self, who: str, path: str) -> Any:
        """That person goes there by the menu."""
        page = self.page(who)
        page.locator(f".gs-side a[href='{path}']").click()
        page.wait_for_url(f"**{path}")
        return page

    def told(self, page: Any, text: str) -> None:
        """A message at the top says so."""
        page.locator("#gs-messages .gs-message", has_text=text).wait_for()

    def row(self, page: Any, case: str) -> Any:
        """The line of a case in the workbench."""
        return page.locator("#gs-todo .gs-todo-row", has=page.locator(f"a[href='/cases/{case}/']"))

    def act(
        self, who: str, case: str, move: str, given: dict[str, str], *, empty: str = "", limit: bool = True
    ) -> Any:
        """Somebody makes a move: finds the case in the workbench with its limit and clause, opens it, fills in.

        empty: a required field that is first left empty. limit: whether a limit runs.
        """
        page = self.at(who, "/")
        row = self.row(page, case)
        row.wait_for()
        if limit:
            assert row.locator("time").count() and row.locator(GROUNDS).count(), row.inner_html()
        row.locator("a.gs-todo-do").click()
        page.wait_for_url(f"**/cases/{case}/")
        self.seen(page, f"case-{move}")
        if empty and self.thorough:
            self.send(page, move, {})
            page.locator(f"#move-{move} .gs-error").first.wait_for()
            self.seen(page, f"case-{move}-refused")
        self.send(page, move, given)
        self.told(page, "已办理")
        return page

    def send(self, page: Any, move: str, given: dict[str, str]) -> None:
        """Fill in the form of a move and send it."""
        form = page.locator(f"#move-{move}")
        if form.evaluate("e => e.tagName === 'DETAILS' && !e.open"):
            form.locator("summary").click()
        for name, value in given.items():
            form.locator(f"[name={name}]").fill(value)
        form.locator("button").last.click()
