"""One table through nine steps in the browser, by the people who would do it, each on a page of their own."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from gongshu.packs import load

from .conftest import free_port
from .installation import Installation, until
from .journey import FIELDS, REVIEWER, ROUTES, ROWS, TOWNS, Journey, id_card
from .people import GROUNDS, People

ITEMS = ("id_card", "name", "amount")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
OWN_WORDS = ".gs-side, .gs-card-head h2, th, button, .gs-tabs, dt, legend, .gs-label label, .gs-help, .gs-due"
STEWARD, DEMANDER = "mz_steward", "yb_steward"


class Walk(People):
    """The walk under one pack."""

    def __init__(
        self, place: Installation, dsn: str, open_context: Callable[..., Any], *, thorough: bool
    ) -> None:
        super().__init__(place, open_context, thorough=thorough)
        self.dsn = dsn
        self.pack = load(place.pack)
        self.reviewer = REVIEWER[place.pack]
        self.trip = Journey(place, dsn)
        self.entry = self.review = self.case = self.batch = ""

    # ---- 1. the system, its database, a draft
    def register(self) -> None:
        """She registers the system and its database; a wrong port is answered with what to do."""
        page = self.menu(STEWARD, "/catalog/systems/")
        self.seen(page, "systems")
        page.get_by_role("link", name="登记信息系统").click()
        page.locator("#id_name").fill("社会救助系统")
        page.locator("#id_business").fill("最低生活保障审核确认")
        self.seen(page, "system-new")
        page.locator("main form.gs-form button.btn-primary").click()
        page.get_by_role("link", name="连接数据源").first.click()
        where = urlparse(self.dsn)
        given = {
            "name": "救助库",
            "host": where.hostname,
            "port": str(free_port()),
            "database": where.path[1:],
            "user": where.username,
        }
        for name, value in given.items():
            page.locator(f"#id_{name}").fill(value or "")
        self.connect(page, where.password or "")
        said = page.locator(".gs-error, .gs-message-error").first
        said.wait_for()
        assert "端口" in said.inner_text() and "请" in said.inner_text(), said.inner_text()
        assert page.locator("#id_password").input_value() == ""
        self.seen(page, "source-wrong-port")
        page.locator("#id_port").fill(str(where.port))
        self.connect(page, where.password or "")
        page.wait_for_url("**/catalog/systems/sources/*/")
        self.seen(page, "source")

    def connect(self, page: Any, password: str) -> None:
        """Try the connection."""
        page.locator("#id_password").fill(password)
        page.get_by_role("button", name="试连并保存").click()

    def draft(self) -> None:
        """The platform drafts the entry: items, types, key, rows, masked samples, suggested levels."""
        page = self.page(STEWARD)
        page.locator("tr", has_text="low_income_family").get_by_role("button", name="起草目录").click()
        page.wait_for_url("**/catalog/entries/*/edit")
        self.entry = page.url.split("/")[-2]
        items = page.locator("#items tbody tr")
        assert items.count() == 6
        number = items.filter(has_text="id_card").first
        assert number.locator("[name$='-is_key']").is_checked()
        assert number.locator("[name$='-kind']").input_value() == "id_card"
        assert int(number.locator("[name$='-level']").input_value()) >= 3
        assert "*" in number.inner_text() and "9999991950" not in number.inner_text()
        assert f"{ROWS} 行" in page.locator(".gs-subtitle").inner_text()

    # ---- 2. what the pack requires
    def compile(self) -> None:
        """She fills it in; with one required field empty it is refused, by name and with its clause."""
        page = self.page(STEWARD)
        given = FIELDS | self.trip.pack_fields()
        asked = [key for key, _label, _basis in self.pack.required_fields()]
        left = next(k for k in reversed(asked) if k in given and k not in ("name", "business", "share_type"))
        for key, value in given.items():
            if key != left:
                self.fill(page, key, value)
        self.fill(page, left, "")
        self.seen(page, "entry-edit")
        page.get_by_role("button", name="保存并提交审核").click()
        wrong = page.locator(".gs-field-wrong", has=page.locator(f"[name^='{left}']"))
        wrong.wait_for()
        said = wrong.locator(".gs-error")
        assert self.pack.field_label(left, "zh") in said.inner_text(), said.inner_text()
        assert said.locator("a[href^='/regulation/']").count(), said.inner_html()
        self.seen(page, "entry-refused")
        self.fill(page, left, given[left])
        page.get_by_role("button", name="保存并提交审核").click()
        page.wait_for_url("**/cases/*/")
        self.review = page.url.split("/")[-2]
        early = self.at(STEWARD, f"/catalog/entries/{self.entry}/?tab=collection")
        assert early.get_by_role("button", name="立即归集").is_disabled()
        assert early.locator("#why-collect").locator(GROUNDS).count()
        self.seen(early, "entry-not-published")

    def fill(self, page: Any, key: str, value: Any) -> None:
        """One field of the entry, whatever it is drawn as."""
        if isinstance(value, dict):
            page.locator(f"[name={key}_rank]").select_option(value["rank"])
            page.locator(f"[name={key}_document]").fill(value["document"])
            page.locator(f"[name={key}_article]").fill(value["article"])
            return
        field = page.locator(f"#id_{key}")
        if field.evaluate("e => e.tagName") == "SELECT":
            field.select_option(str(value))
        else:
            field.fill(str(value))

    # ---- 3. review
    def publish(self) -> None:
        """The reviewer finds it with its limit and clause, returns it, approves it the second time."""
        limit = bool(self.pack.node("catalog.change_review_within").duration)
        reasons = {"reasons": "请写明更新周期的依据"}
        self.act(self.reviewer, self.review, "return", reasons, empty="reasons", limit=limit)
        page = self.at(STEWARD, "/")
        self.row(page, self.review).wait_for()
        page = self.at(STEWARD, f"/catalog/entries/{self.entry}/edit")
        assert "请写明更新周期的依据" in page.locator(".gs-message-warning").inner_text()
        self.seen(page, "entry-returned")
        self.fill(page, "summary", "更新周期按《最低生活保障审核确认办法》每月核查确定")
        page.get_by_role("button", name="保存并重新提交").click()
        page.wait_for_url("**/cases/*/")
        self.act(self.reviewer, self.review, "approve", {}, limit=limit)
        page = self.at(DEMANDER, f"/catalog/entries/{self.entry}/")
        assert "第 1 版" in page.locator(".gs-subtitle").inner_text()

    # ---- 4. collection
    def collect(self) -> None:
        """The first collection, watched until it is done."""
        page = self.at(STEWARD, f"/catalog/entries/{self.entry}/?tab=collection")
        page.get_by_role("button", name="立即归集").click()
        page.wait_for_url("**/collection/batches/*/")
        self.batch = page.url.split("/")[-2]
        self.seen(page, "batch-running")
        page.get_by_text("两端一致").wait_for(timeout=60_000)
        shown = page.locator("#gs-batch").inner_text()
        assert shown.count(str(ROWS)) >= 2 and re.search(rf"ms1-{ROWS}-[0-9a-f]+", shown), shown
        self.seen(page, "batch")

    # ---- 5. the data issue
    def issue(self) -> None:
        """Failing rows have opened an issue at the provider, with its limit."""
        page = self.page(STEWARD)

        def found() -> Any:
            page.goto(self.place.console + "/governance/issues/")
            rows = page.locator("#gs-main tbody tr", has_text="低保家庭信息")
            return rows if rows.count() else None

        rows = until(found, 60, every=1)
        assert rows.locator("time, .gs-due").count() or "工作日" in rows.first.inner_text()
        self.seen(page, "issues")
        rows.first.locator("a").first.click()
        page.wait_for_url("**/cases/*/")
        self.seen(page, "issue")
        assert page.locator(".gs-clocks").locator(GROUNDS).count()
        assert str(ROWS // 20) in page.locator("#gs-main").inner_text()
        case = page.url.split("/")[-2]
        self.row(self.at(STEWARD, "/"), case).wait_for()

    # ---- 6. the request
    def search(self) -> Any:
        """She finds the entry and sees the way her request would take."""
        page = self.menu(DEMANDER, "/catalog/") if False else self.at(DEMANDER, "/catalog/entries/")
        page.locator("form[role=search] input[type=search]").fill("低保")
        page.get_by_role("button", name="查询").click()
        page.wait_for_url("**q=*")
        hits = page.locator("#gs-main tbody tr")
        assert hits.count() == 1
        self.seen(page, "entries")
        hits.get_by_role("link", name="低保家庭信息").click()
        page.get_by_role("link", name="共享", exact=True).click()
        assert page.locator(".gs-step").count() >= 3
        self.seen(page, "entry-sharing")
        return page

    def system(self) -> None:
        """She registers the system that will call; its secret is shown once."""
        page = self.at(DEMANDER, "/sharing/clients/")
        page.locator("#register #id_system_name").fill("医保结算系统")
        page.locator("#register #id_contact").fill("0931-1234567")
        self.seen(page, "clients")
        page.get_by_role("button", name="登记并领取凭证").click()
        self.trip.client = {
            "client_id": page.locator("#client-id").inner_text(),
            "secret": page.locator("#client-secret").inner_text(),
        }
        page.get_by_role("link", name="已抄录，继续").click()
        page.wait_for_url("**/sharing/clients/*/")
        assert self.trip.client["secret"] not in page.content()
        self.seen(page, "client")

    def request(self) -> None:
        """She asks for some items, with purpose, duty basis and scope; without a purpose it is refused."""
        page = self.at(DEMANDER, f"/sharing/entries/{self.entry}/request")
        for item in ITEMS:
            page.locator(f"input[name=items][value={item}]").check()
        page.locator("input[name=keys][value=id_card]").check()
        page.locator("#id_scenario").fill("门诊结算")
        page.locator("#id_duty_basis").fill("《社会救助暂行办法》第二十八条")
        page.locator("[name=scope_item]").first.select_option("town")
        page.locator("[name=scope_value]").first.fill(TOWNS[1])
        page.locator("input[name=modes][value=page]").check()
        page.locator("#id_per_day").fill("50")
        for box in page.locator("input[name=commitment]").all():
            box.check()
        page.locator("#request-form button.btn-primary").click()
        page.locator(".gs-field-wrong", has=page.locator("#id_purpose")).wait_for()
        self.seen(page, "request-refused")
        page.locator("#id_purpose").fill("医疗救助资格核验（门诊）")
        page.locator("#request-form button.btn-primary").click()
        page.wait_for_url("**/cases/*/")
        self.case = self.trip.case = page.url.split("/")[-2]
        self.seen(page, "request")

    # ---- 6 and 7. decision and grant
    def decide(self) -> None:
        """Everybody on the pack's route acts; the grant comes into force and the data are there."""
        for who, move in ROUTES[self.place.pack]:
            self.act(who, self.case, move, {}, limit=False)
        page = self.page(DEMANDER)

        def granted() -> bool:
            page.goto(f"{self.place.console}/cases/{self.case}/")
            return "已授权，待获取" in page.locator(".gs-subtitle").inner_text()

        until(granted, 60, every=1)
        link = page.locator("#gs-main a.gs-mono[href^='/sharing/grants/']")
        self.trip.grant = link.inner_text().strip()
        link.click()
        page.wait_for_url(f"**/sharing/grants/{self.trip.grant}/")
        self.seen(page, "grant")

    # ---- 8. receipt confirmed
    def delivered(self) -> None:
        """The first answer has been noticed."""
        page = self.page(DEMANDER)

        def noticed() -> bool:
            page.goto(f"{self.place.console}/cases/{self.case}/")
            return page.locator("#move-confirm").count() == 1

        until(noticed, 60, every=1)

    def confirm(self) -> None:
        """She confirms receipt."""
        page = self.act(
            DEMANDER, self.case, "confirm", {}, limit=bool(self.pack.share.confirm_within.duration)
        )
        assert "已确认" in page.locator(".gs-subtitle").inner_text()

    # ---- 9. every step, and its proof
    def prove(self, tmp_path: Path) -> None:
        """The case page tells who, when, what, on which clause; the receipt downloaded there verifies offline."""
        page = self.at(DEMANDER, f"/cases/{self.case}/")
        self.seen(page, "case-closed")
        steps = page.locator("#history .gs-step")
        for step in steps.all():
            assert step.locator("time").count() == 1, step.inner_html()
            assert step.locator(".gs-step-title").inner_text().split(), step.inner_html()
        made = page.locator("section", has=page.get_by_role("heading", name="流程跟踪")).locator(".gs-step")
        assert (
            made.count() == len(ROUTES[self.place.pack]) + 5
        )  # opened, routed, ready, first called, confirmed
        for step in made.all():
            assert step.locator(GROUNDS).count(), step.inner_html()
            assert step.locator(".gs-step-unit, .gs-badge").count(), step.inner_html()
        issued = steps.filter(has_text=self.trip.grant).filter(has_text="授予共享授权").first
        with page.expect_download() as download:
            issued.get_by_role("link", name="存证回执").click()
        receipt = tmp_path / "receipt.tlog-proof"
        download.value.save_as(receipt)
        key = self.place.command("audit", "key").stdout.strip()
        self.place.command("verify", "--key", key, str(receipt))
        before = receipt.read_text(encoding="utf-8")
        receipt.write_text(tampered(before, "青溪镇", "石桥镇"), encoding="utf-8")
        self.place.command("verify", "--key", key, str(receipt), code=1)

    # ---- 8 again, by silence
    def lapse(self) -> None:
        """A second request, which nobody confirms: on the day after the last one the platform does, and says so."""
        trip = self.trip
        trip.entry = self.entry
        trip.request()
        trip.decide()
        inside = id_card(1)
        trip.use(inside)
        trip.delivered()
        clocks = trip.ask(DEMANDER, "GET", f"/cases/{trip.case}")["clocks"]
        (due,) = [date.fromisoformat(c["due_on"]) for c in clocks if c["name"] == "confirm"]
        for day, state in ((due, "已获取，待确认"), (due + timedelta(days=1), "逾期自动确认")):
            self.place.command("lapse", "--as-of", day.isoformat())
            page = self.at(DEMANDER, f"/cases/{trip.case}/")
            assert state in page.locator(".gs-subtitle").inner_text()
        self.seen(page, "case-auto-confirmed")
        step = page.locator("#history .gs-step", has_text="自动确认").last
        assert "自动" in step.locator(".badge, .gs-badge").all_inner_texts()
        assert (
            step.locator("a[href='/regulation/ZY-25']").count()
            or step.locator("a[href^='/regulation/ZY-25']").count()
        )

    # ---- in English
    def english(self) -> None:
        """The main pages in English: nothing the platform itself says is left in Chinese."""
        for who in (STEWARD, self.reviewer):
            page = self.at(who, "/")
            page.locator(".gs-menu summary").click()
            page.get_by_role("button", name="English").click()
            for path in self.main_pages(who):
                page.goto(self.place.console + path)
                assert page.locator("html").get_attribute("lang") == "en"
                left = [text for text in page.locator(OWN_WORDS).all_inner_texts() if CHINESE.search(text)]
                assert not left, (path, left)
                self.seen(page, f"en-{who}-{re.sub(r'[^a-z]+', '-', path)}")

    def main_pages(self, who: str) -> list[str]:
        """Addresses of the main pages: the person's menu, and what the walk has made."""
        menu = [str(a.get_attribute("href")) for a in self.page(who).locator(".gs-side a").all()]
        entry = f"/catalog/entries/{self.entry}/"
        if who != STEWARD:
            return ["/", f"/cases/{self.review}/"]
        tabs = [
            f"{entry}?tab={tab}"
            for tab in ("items", "collection", "quality", "sharing", "versions", "events")
        ]
        return [
            *menu,
            *tabs,
            f"/collection/batches/{self.batch}/",
            f"/cases/{self.case}/",
            "/catalog/systems/new",
        ]


def tampered(receipt: str, old: str, new: str) -> str:
    """A receipt whose disclosed body says something else."""
    head, extra, rest = re.split(r"(?m)^extra (.*)$", receipt, maxsplit=1)
    told = base64.b64decode(extra).decode()
    assert old in told
    return f"{head}extra {base64.b64encode(told.replace(old, new).encode()).decode()}{rest}"
