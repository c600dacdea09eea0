"""A department with a database of its own, the bodies that review, and people in their posts. Shared by two areas."""

from __future__ import annotations

import itertools
from datetime import date
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlparse

import psycopg

from gongshu.catalog import services
from gongshu.journal.services import Actor

_serial = itertools.count(1)

PEOPLE = """
CREATE TABLE resident (
  id integer PRIMARY KEY, name text NOT NULL, id_card varchar(18), phone varchar(11), born date,
  income numeric(12,2), status char(1), updated_at timestamp
);
COMMENT ON TABLE resident IS '低保人员信息';
COMMENT ON COLUMN resident.name IS '姓名';
COMMENT ON COLUMN resident.id_card IS '公民身份号码';
COMMENT ON COLUMN resident.phone IS '联系电话';
INSERT INTO resident
SELECT n, '测' || n, '11010119900101' || lpad((n % 1000)::text, 3, '0') || '1', '138' || lpad(n::text, 8, '0'),
       date '1990-01-01' + n, n * 1.25, CASE WHEN n % 2 = 0 THEN 'A' ELSE 'B' END, timestamp '2026-01-01 08:00'
  FROM generate_series(1, 500) n;
"""

COMPLETE: dict[str, Any] = {
    "name": "低保人员信息",
    "business": "最低生活保障审核确认",
    "resource_type": "table",
    "format": "database",
    "category": "unit",
    "update_cycle": "monthly",
    "share_type": "unconditional",
    "share_mode": "api",
    "share_term": "2030-12-31",
    "open_type": "none",
    "security_level": 3,
}


def make_world() -> SimpleNamespace:
    """Units civil (provider), health (stranger), center (data center), office (authority), and people in posts."""
    from gongshu.org.models import Account, BodyRole, Post, Unit

    n = next(_serial)
    found = SimpleNamespace(units={}, actors={})
    posts = {
        "civil": ("steward", "reviewer"),
        "health": ("steward", "reviewer"),
        "center": ("steward", "reviewer"),
        "office": ("steward", "reviewer"),
        "audit": ("auditor",),
    }
    for name, kinds in posts.items():
        code = f"{name}{n}"
        unit = Unit.objects.create(code=code, name=f"{name}局", path=f"/{code}/", region="310112")
        found.units[name] = unit
        for kind in kinds:
            for serial in ("", "2"):
                account = Account.objects.create(username=f"{code}_{kind}{serial}")
                Post.objects.create(account=account, unit=unit, kind=kind, starts=date(2020, 1, 1))
                found.actors[f"{name}_{kind}{serial}"] = Actor(account.pk, account.username)
    BodyRole.objects.create(role="data_center", unit=found.units["center"])
    BodyRole.objects.create(role="authority", unit=found.units["office"])
    return found


def spec_of(dsn: str) -> dict[str, Any]:
    """The parts of a database address as `source_register` takes them."""
    parts = urlparse(dsn)
    return {
        "kind": "mariadb" if dsn.startswith("mysql") else "postgresql",
        "host": parts.hostname,
        "port": parts.port,
        "database": parts.path.lstrip("/"),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
    }


def fill(dsn: str, sql: str = PEOPLE) -> None:
    """Put tables into a department's database."""
    with psycopg.connect(dsn) as connection:
        connection.execute(sql.encode())


def make_system(world: SimpleNamespace) -> Any:
    """The civil-affairs system, registered."""
    return services.system_register(
        actor=world.actors["civil_steward"],
        unit=world.units["civil"].code,
        name="社会救助系统",
        business="最低生活保障审核确认",
    )


def make_source(world: SimpleNamespace, dsn: str) -> Any:
    """That system's database, connected."""
    return services.source_register(
        actor=world.actors["civil_steward"], system=make_system(world).code, name="救助库", **spec_of(dsn)
    )


def complete(world: SimpleNamespace, entry: str, **more: Any) -> None:
    """Fill in everything a pack may ask for, and decide every item's level."""
    from gongshu.catalog.models import Entry
    from gongshu.org.policy import current_pack

    actor = world.actors["civil_steward"]
    pack = current_pack()
    fields = {
        **COMPLETE,
        "collect_mode": pack.node("collect.modes").v[0],
        "acquisition_way": pack.node("collect.acquisition_ways").v[0],
        **more,
    }
    services.entry_edit(actor=actor, entry=entry, fields=fields)
    draft = Entry.objects.get(code=entry).draft
    items = [{"name": i.name, "label": i.label, "level": i.suggested_level or 2} for i in draft.items.all()]
    services.items_edit(actor=actor, entry=entry, items=items)


def reviewer(world: SimpleNamespace) -> Actor:
    """Who reviews the catalog under the pack in force."""
    from gongshu.org.policy import current_pack

    return world.actors[
        {"authority": "office", "data_center": "center"}[str(current_pack().bodies.catalog_reviewer.v)]
        + "_reviewer"
    ]


def publish(world: SimpleNamespace, dsn: str, table: str = "resident", **more: Any) -> Any:
    """From a table to a published entry: register, connect, draft, complete, submit, approve."""
    from gongshu.casework.services import case_act
    from gongshu.catalog.models import DataSource, Entry

    source = DataSource.objects.filter(system__unit=world.units["civil"]).first() or make_source(world, dsn)
    entry = services.entry_draft(actor=world.actors["civil_steward"], source=source.code, table=table)
    complete(world, entry.code, **more)
    case = services.entry_submit(actor=world.actors["civil_steward"], entry=entry.code)
    case_act(actor=reviewer(world), case=case.number, move="approve")
    return Entry.objects.get(pk=entry.pk)
