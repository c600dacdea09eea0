"""A small county: two departments, an authority and a data center with the people a pack needs, and one entry."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from gongshu.journal.services import Actor

ITEMS = [
    # name, label, type, is_key, kind, level
    ("id_no", "公民身份号码", "text", True, "id_card", 4),
    ("name", "姓名", "text", False, "name", 3),
    ("town", "所属街镇", "text", False, "", 1),
    ("amount", "救助金额", "decimal", False, "", 2),
    ("since", "享受待遇起始日期", "date", False, "", 1),
]
POSTS = ("steward", "reviewer", "reviewer2", "head", "security")


def under(**clauses: list[str]) -> pytest.MarkDecorator:
    """Run a test in a county under each of these packs, marked with the clauses it proves under that one."""
    params = [
        pytest.param(pack, marks=[pytest.mark.clause(clause) for clause in proved])
        for pack, proved in clauses.items()
    ]
    return pytest.mark.parametrize("county", params, indirect=True)


class County:
    """Units, people and helpers of one test."""

    def __init__(self, pack: str) -> None:
        from gongshu.org.models import Account, BodyRole, Post, Unit
        from gongshu.packs import load

        self.pack = load(pack)
        self.units: dict[str, Any] = {}
        self.people: dict[str, Actor] = {}
        for name in ("demander", "provider", "authority", "data_center", "stranger"):
            profile = {"security_section": "办公室", "business_section": "业务科"}
            unit = Unit.objects.create(code=name, name=f"{name}单位", path=f"/{name}/", profile=profile)
            self.units[name] = unit
            for post in POSTS:
                account = Account.objects.create(username=f"{name}_{post}", display_name=f"{name} {post}")
                Post.objects.create(
                    account=account, unit=unit, kind=post.rstrip("2"), starts=date(2020, 1, 1)
                )
                self.people[f"{name}_{post}"] = Actor(account.pk, account.username)
        center = "authority" if self.pack.bodies.data_center.gap else "data_center"
        BodyRole.objects.create(role="authority", unit=self.units["authority"])
        BodyRole.objects.create(role="data_center", unit=self.units[center])
        self.center = center

    def entry(self, share_type: str = "conditional", unit: str = "provider", **stated: Any) -> Any:
        """A published entry with five items."""
        from gongshu.catalog.models import Entry, EntryVersion, Item
        from gongshu.journal import clock

        owner = self.units[unit]
        n = Entry.objects.count() + 1
        entry = Entry.objects.create(code=f"T{n:04}", unit=owner, state="published", created_at=clock.now())
        defaults = {
            "name": "低保家庭信息",
            "share_type": share_type,
            "update_cycle": "daily",
            "share_condition": "仅用于行政审批核验，不得留存" if share_type == "conditional" else "",
            "legal_basis": {"rank": "法律", "document": "社会救助法", "article": "第十条"}
            if share_type == "none"
            else {},
        }
        version = EntryVersion.objects.create(
            entry=entry, number=1, state="draft", drafted_at=clock.now(), **defaults | stated
        )
        for at, (name, label, type_, key, kind, level) in enumerate(ITEMS):
            Item.objects.create(
                version=version,
                position=at,
                name=name,
                label=label,
                type=type_,
                is_key=key,
                nullable=not key,
                kind=kind,
                level=level,
            )
        EntryVersion.objects.filter(pk=version.pk).update(state="published", published_at=clock.now())
        version.refresh_from_db()
        entry.current = version
        entry.save(update_fields=["current"])
        return entry

    def client(self, unit: str = "demander", system: str = "一网通办") -> dict[str, Any]:
        """A registered business system with its secret."""
        from gongshu.sharing.services import client_register

        return client_register(
            actor=self.people[f"{unit}_steward"], unit=unit, system_name=system, contact="021-1234"
        )

    def ask(self, entry: Any, **given: Any) -> Any:
        """A complete request by the demander's steward."""
        from gongshu.sharing.models import Client
        from gongshu.sharing.services import share_request_submit

        known = Client.objects.filter(unit=self.units["demander"], active=True).first()
        client = known.client_id if known else self.client()["client_id"]
        whole = {
            "unit": "demander",
            "client": client,
            "items": ["id_no", "name", "amount"],
            "purpose": "核验低保资格",
            "scenario": "住房保障申请审核",
            "duty_basis": "《某市住房保障条例》第九条",
            "keys": ["id_no"],
            "commitment": list(self.pack.share.commitment.v),
        }
        return share_request_submit(actor=self.people["demander_steward"], entry=entry.code, **whole | given)

    def act(self, request: Any, who: str, move: str, **given: Any) -> Any:
        """Make a move of the request's case; the case as it then stands."""
        from gongshu.casework.services import case_act

        request.case = case_act(actor=self.people[who], case=request.case.number, move=move, given=given)
        return request.case

    def to_provision(self, request: Any) -> Any:
        """Everybody agrees, in the way of the pack, until the grant is made."""
        center = self.center
        steps = {
            "pujiang": [
                ("authority_reviewer", "accept"),
                ("provider_reviewer", "agree"),
                ("authority_reviewer", "approve"),
                ("authority_reviewer2", "grant"),
            ],
            "putuo": [
                ("authority_reviewer", "approve"),
                ("provider_head", "agree"),
                ("data_center_reviewer", "grant"),
            ],
            "zhangye": [
                ("data_center_reviewer", "accept"),
                ("provider_reviewer", "take_in"),
                ("provider_reviewer", "agree"),
            ],
            "xinchang": [("provider_reviewer", "agree"), (f"{center}_reviewer", "grant")],
            "chongming": [("provider_reviewer", "agree"), (f"{center}_reviewer", "grant")],
        }[self.pack.id]
        for who, move in steps:
            case = self.act(request, who, move)
        return case

    def called(self, grant: Any, rows: int = 1, status: int = 200) -> None:
        """A call of the grant, as the gateway records it."""
        from django.db import connection

        from gongshu.journal import clock

        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO gate.call (at, client_id, grant_no, grant_version, mode, request_digest, status, rows,"
                " bytes, micros) VALUES (%s, %s, %s, 1, 'key', 'd', %s, %s, 1, 1)",
                [clock.now(), grant.request.client.client_id, grant.number, status, rows],
            )


@pytest.fixture
def county(request: pytest.FixtureRequest, settings: Any, db: None) -> Iterator[County]:
    """The county under the pack given by `@pytest.mark.parametrize("county", [...], indirect=True)`."""
    settings.GONGSHU_PACK = getattr(request, "param", "zhangye")
    yield County(settings.GONGSHU_PACK)


@pytest.fixture
def day(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the business date."""
    return lambda text: monkeypatch.setenv("GONGSHU_TODAY", text)
