"""One table through nine steps over the REST API, under any pack. `Journey.run` is used plain and under kill -9."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlparse

import httpx
import psycopg

from .installation import Installation, until

FAMILIES = """
CREATE TABLE low_income_family (
  id_card varchar(18) PRIMARY KEY, name text, phone varchar(11), town text NOT NULL, amount numeric(10,2), since date
);
COMMENT ON TABLE low_income_family IS '低保家庭信息';
COMMENT ON COLUMN low_income_family.id_card IS '公民身份号码';
COMMENT ON COLUMN low_income_family.name IS '户主姓名';
COMMENT ON COLUMN low_income_family.phone IS '联系电话';
COMMENT ON COLUMN low_income_family.town IS '所属街镇';
COMMENT ON COLUMN low_income_family.amount IS '月救助金额';
COMMENT ON COLUMN low_income_family.since IS '享受待遇起始日期';
"""
ROWS = 400
TOWNS = ("石桥街道", "青溪镇")


def id_card(n: int, *, right: bool = True) -> str:
    """A synthetic identity number with a right or a wrong check digit (GB 11643)."""
    body = f"999999{1950 + n % 50}0{1 + n % 9}1{n % 9 + 1}{n % 1000:03}"
    digit = "10X98765432"[sum(int(d) * 2 ** (17 - i) for i, d in enumerate(body)) % 11]
    return body + (digit if right else ("0" if digit != "0" else "1"))


def person(n: int) -> str:
    """An invented name of three characters."""
    return "张王李赵刘陈杨黄吴周"[n % 10] + "示" + "甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥"[n % 22]


def families(dsn: str) -> list[tuple[Any, ...]]:
    """Fill the department's own database; every twentieth number has a wrong check digit. Returns the rows."""
    rows = [
        (id_card(n, right=n % 20 != 0), person(n), f"1390000{n:04}", TOWNS[n % 2], n + 0.5, "2024-03-01")
        for n in range(ROWS)
    ]
    with psycopg.connect(dsn) as connection:
        connection.execute(FAMILIES.encode())
        connection.cursor().executemany("INSERT INTO low_income_family VALUES (%s, %s, %s, %s, %s, %s)", rows)
    return rows


# Who does what after the request is filed, in the order of the pack's topology.
ROUTES: dict[str, list[tuple[str, str]]] = {
    "pujiang": [
        ("authority_reviewer", "accept"),
        ("mz_reviewer", "agree"),
        ("authority_reviewer", "approve"),
        ("authority_head", "grant"),
    ],
    "putuo": [("authority_reviewer", "approve"), ("mz_reviewer", "agree"), ("center_reviewer", "grant")],
    "zhangye": [("center_reviewer", "accept"), ("mz_reviewer", "take_in"), ("mz_reviewer", "agree")],
    "xinchang": [("mz_reviewer", "agree"), ("authority_reviewer", "grant")],
    "chongming": [("mz_reviewer", "agree"), ("authority_reviewer", "grant")],
}
REVIEWER = {
    "pujiang": "authority_reviewer",
    "putuo": "center_reviewer",
    "zhangye": "center_reviewer",
    "xinchang": "authority_reviewer",
    "chongming": "authority_reviewer",
}
FIELDS = {
    "name": "低保家庭信息",
    "business": "最低生活保障审核确认",
    "resource_type": "table",
    "format": "database",
    "category": "unit",
    "update_cycle": "monthly",
    "share_type": "conditional",
    "share_mode": "api",
    "share_term": "2030-12-31",
    "open_type": "none",
    "security_level": 3,
    "share_condition": "仅用于行政审批核验，不得留存",
    "share_scope": "本县政务部门",
    "use_purpose": "行政审批核验",
    "share_reason": "含个人信息",
    "legal_basis": {"rank": "法律", "document": "中华人民共和国个人信息保护法", "article": "第三十四条"},
}


class Journey:
    """The nine steps. Every step repeats a request whose answer was lost, as a person would, and stays right."""

    def __init__(self, place: Installation, dsn: str) -> None:
        self.place, self.dsn = place, dsn
        self.entry = self.case = self.grant = ""
        self.client: dict[str, str] = {}
        self.answers: list[dict[str, Any]] = []

    # ---- calls
    def ask(
        self,
        who: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        ok: Callable[[httpx.Response], bool] | None = None,
    ) -> Any:
        """One call as a person; while nobody answers, again under the same Idempotency-Key.

        `ok` accepts a refusal that shows the step had been made before.
        """
        key = {"Idempotency-Key": secrets.token_hex(16)}

        def once() -> httpx.Response | None:
            try:
                with self.place.api(who) as client:
                    if method == "GET":
                        answer = client.get(path, params=body)
                    else:
                        answer = client.request(method, path, json=body or {}, headers=key)
            except httpx.TransportError:
                return None
            return None if answer.status_code in (500, 502, 503) else answer

        answer = until(once, 90)
        assert answer.status_code < 300 or (ok and ok(answer)), (
            f"{method} {path}: {answer.status_code} {answer.text}"
        )
        return answer.json()

    def refused(self, who: str, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """A call that has to be refused; its problem document."""
        with self.place.api(who) as client:
            answer = client.request(method, path, json=body or {})
        assert 400 <= answer.status_code < 500, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.json()

    def act(self, who: str, case: str, move: str, **given: Any) -> None:
        """Make a move; a Conflict after a lost answer means it was made."""
        before = self.ask(who, "GET", f"/cases/{case}")
        made = sum(e["type"] == "case.moved" and e["body"]["move"] == move for e in before["events"])
        self.ask(
            who,
            "POST",
            f"/cases/{case}/moves/{move}",
            {"given": given},
            ok=lambda a: a.status_code in (403, 409),
        )
        after = self.ask(who, "GET", f"/cases/{case}")
        assert (
            sum(e["type"] == "case.moved" and e["body"]["move"] == move for e in after["events"]) == made + 1
        ), move

    # ---- the steps
    def register(self) -> None:
        """1. The steward registers the system and its database and has an entry drafted from a table."""
        where = urlparse(self.dsn)
        known = self.ask("mz_steward", "GET", "/systems", {"q": "社会救助"})["rows"]
        system = (
            known[0]
            if known
            else self.ask(
                "mz_steward",
                "POST",
                "/systems",
                {"unit": "mz", "name": "社会救助系统", "business": "最低生活保障审核确认"},
            )
        )
        right = {
            "name": "救助库",
            "kind": "postgresql",
            "host": where.hostname,
            "port": where.port,
            "database": where.path[1:],
            "user": where.username or "",
            "password": where.password or "",
        }
        shown = self.ask("mz_steward", "GET", f"/systems/{system['code']}")
        sources = shown.get("sources", [])
        source = (
            sources[0]
            if sources
            else self.ask("mz_steward", "POST", f"/systems/{system['code']}/sources", right)
        )
        found = self.ask("mz_steward", "GET", "/entries", {"unit": "mz", "state": "draft"})["rows"]
        entry = (
            found[0]
            if found
            else self.ask(
                "mz_steward", "POST", f"/sources/{source['code']}/drafts", {"table": "low_income_family"}
            )
        )
        self.entry = entry["code"]

    def wrong_sources(self) -> dict[str, str]:
        """Wrong host, port, password and database: code of each refusal."""
        where = urlparse(self.dsn)
        system = self.ask("mz_steward", "GET", "/systems", {"q": "社会救助"})["rows"][0]["code"]
        right = {
            "name": "救助库二",
            "kind": "postgresql",
            "host": where.hostname,
            "port": where.port,
            "database": where.path[1:],
            "user": where.username or "",
            "password": where.password or "",
        }
        wrong = {"host": "nowhere.invalid", "port": 1, "database": "no_such_database"}
        said = {}
        for name, value in wrong.items():
            problem = self.refused("mz_steward", "POST", f"/systems/{system}/sources", {**right, name: value})
            assert right["password"] == "" or right["password"] not in str(problem)
            said[name] = problem["title"]
        return said

    def compile(self) -> None:
        """2. She completes what the pack requires and submits."""
        fields = dict(FIELDS)
        shown = self.ask("mz_steward", "GET", f"/entries/{self.entry}")
        draft = shown["draft_version"] or shown["shown"]
        items = [
            {
                "name": i["name"],
                "label": i["label"] or i["name"],
                "level": i.get("suggested_level") or i.get("level") or 2,
            }
            for i in draft["items"]
        ]
        self.ask("mz_steward", "PATCH", f"/entries/{self.entry}", {"fields": fields | self.pack_fields()})
        self.ask("mz_steward", "PUT", f"/entries/{self.entry}/items", {"items": items})
        self.ask(
            "mz_steward", "POST", f"/entries/{self.entry}/submit", ok=lambda a: a.status_code in (409, 422)
        )
        self.review = self.cases("entry_review")[0]["number"]

    def pack_fields(self) -> dict[str, Any]:
        """Fields whose vocabulary is the pack's own."""
        from gongshu.packs import load

        pack = load(self.place.pack)
        return {
            "collect_mode": pack.node("collect.modes").v[0],
            "acquisition_way": pack.node("collect.acquisition_ways").v[0],
        }

    def cases(self, procedure: str, who: str = "mz_steward") -> list[dict[str, Any]]:
        """Visible cases of a procedure, newest first."""
        return self.ask(who, "GET", "/cases", {"procedure": procedure})["rows"]

    def publish(self) -> None:
        """3. The reviewer returns it once with reasons and approves it the second time."""
        reviewer = REVIEWER[self.place.pack]
        self.act(reviewer, self.review, "return", reasons="请写明更新周期的依据")
        self.act("mz_steward", self.review, "resubmit")
        self.act(reviewer, self.review, "approve")

    def collect(self) -> dict[str, Any]:
        """4. The first collection runs. Returns the batch."""
        self.ask("mz_steward", "POST", f"/entries/{self.entry}/collection", ok=lambda a: a.status_code == 409)

        def done() -> dict[str, Any] | None:
            rows = self.ask("mz_steward", "GET", "/batches", {"entry": self.entry})["rows"]
            return rows[0] if rows and rows[0]["state"] not in ("queued", "running") else None

        batch = until(done, 120)
        assert batch["state"] == "committed", batch
        return batch

    def issues(self) -> list[dict[str, Any]]:
        """5. Failing rows have opened data issues at the provider."""

        def found() -> list[dict[str, Any]] | None:
            return self.ask("mz_steward", "GET", "/issues")["rows"] or None

        return until(found, 90)

    def request(self) -> None:
        """6. Another department requests some items; the pack's topology decides what happens next."""
        hits = self.ask("yb_steward", "GET", "/entries", {"q": "低保"})["rows"]
        assert [h["code"] for h in hits] == [self.entry]
        if not self.client:
            self.client = self.ask(
                "yb_steward",
                "POST",
                "/clients",
                {"unit": "yb", "system_name": "医保结算系统", "contact": "0931-1"},
            )
        from gongshu.packs import load

        asked = {
            "unit": "yb",
            "client": self.client["client_id"],
            "items": ["id_card", "name", "amount"],
            "purpose": "医疗救助资格核验",
            "scenario": "门诊结算",
            "duty_basis": "《社会救助暂行办法》第二十八条",
            "keys": ["id_card"],
            "scope": [{"item": "town", "op": "=", "value": TOWNS[1]}],
            "modes": ["key", "page"],
            "per_day": 50,
            "commitment": list(load(self.place.pack).share.commitment.v),
        }
        self.ask(
            "yb_steward",
            "POST",
            f"/entries/{self.entry}/share-requests",
            asked,
            ok=lambda a: a.status_code == 409,
        )
        self.case = self.cases("share_request", "yb_steward")[0]["number"]

    def decide(self) -> None:
        """6 and 7. Everybody on the pack's route does their part; a grant comes into force."""
        for who, move in ROUTES[self.place.pack]:
            self.act(who, self.case, move)
        self.grant = self.ask("yb_steward", "GET", "/grants")["rows"][0]["number"]

        def served() -> bool:
            return self.ask("yb_steward", "GET", f"/cases/{self.case}")["state"] == "granted"

        until(served, 120)

    def signed(self, path: str, query: dict[str, Any], **wrong: Any) -> httpx.Request:
        """A signed request to the gateway; `wrong` replaces parts after signing, or the time and nonce before."""
        raw = urlencode(query)
        at = str(wrong.pop("at", int(time.time() * 1000)))
        nonce = wrong.pop("nonce", secrets.token_hex(12))
        secret = wrong.pop("secret", self.client["secret"])
        text = "\n".join(
            ["GET", path, raw, hashlib.sha256(b"").hexdigest(), self.client["client_id"], at, nonce]
        )
        signature = base64.b64encode(hmac.new(secret.encode(), text.encode(), "sha256").digest()).decode()
        headers = {
            "X-Client-Id": self.client["client_id"],
            "X-Timestamp": at,
            "X-Nonce": nonce,
            "X-Signature": signature,
        }
        return httpx.Request(
            "GET", self.place.gateway + wrong.get("path", path) + "?" + wrong.get("raw", raw), headers=headers
        )

    def call(self, path: str, query: dict[str, Any], **wrong: Any) -> httpx.Response:
        """A call of the gateway; again, newly signed, while nobody answers."""

        def once() -> httpx.Response | None:
            try:
                with httpx.Client(timeout=20) as client:
                    answer = client.send(self.signed(path, query, **dict(wrong)))
            except httpx.TransportError:
                return None
            return None if answer.status_code == 503 else answer

        return until(once, 60)

    def use(self, key: str) -> dict[str, Any]:
        """7. The business system gets what was granted."""
        answer = self.call(f"/share/v1/{self.grant}", {"id_card": key})
        assert answer.status_code == 200, answer.text
        self.answers.append(answer.json())
        return answer.json()

    def delivered(self) -> None:
        """The first retrieval has been noticed."""
        until(lambda: self.ask("yb_steward", "GET", f"/cases/{self.case}")["state"] == "delivered", 60)

    def confirm(self) -> None:
        """8. She confirms receipt."""
        self.act("yb_steward", self.case, "confirm")

    def run(self, rows: list[tuple[Any, ...]]) -> None:
        """All steps to the confirmation."""
        self.register()
        self.compile()
        self.publish()
        batch = self.collect()
        assert batch["rows"] == batch["source_rows"] == ROWS
        self.issues()
        self.request()
        self.decide()
        self.use(rows[1][0])
        self.delivered()
        self.confirm()
