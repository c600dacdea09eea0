"""Drafting an entry from a table: classes by content, levels, samples that show nothing."""

from __future__ import annotations

import random
from collections.abc import Callable

import psycopg
import pymysql
import pytest
from tests.engine import synthetic

from gongshu.engine.profile import LEVELS, WHYS, draft
from gongshu.engine.source import SourceSpec

COLUMNS: dict[str, tuple[str | None, Callable[[random.Random], object]]] = {
    "a": ("id_card", synthetic.id_card),
    "b": ("phone", synthetic.phone),
    "c": ("uscc", synthetic.uscc),
    "d": ("name", synthetic.name),
    "e": ("address", synthetic.address),
    "f": ("bank_card", synthetic.bank_card),
    # What looks like one and is none.
    "g": (None, lambda chance: f"{chance.randint(10**17, 10**18 - 1)}"),  # an 18-digit order number
    "h": (None, lambda chance: f"330726{chance.randint(1950, 2010)}0101{chance.randint(1000, 9999)}"),
    "i": (None, lambda chance: f"9{chance.randint(10**17, 10**18 - 1)}"),  # nineteen digits, no card
    "j": (None, lambda chance: chance.choice("王李张陈") + chance.choice("家上下") + "村"),
    "k": (None, lambda chance: chance.choice(["男", "女"])),
    "l": (None, lambda chance: chance.choice(["办理户口迁移手续", "咨询电话占线请稍后", "无"])),
    "m": (None, lambda chance: f"2{chance.randint(10**9, 10**10 - 1)}"),
    "n": (None, lambda chance: f"{chance.randint(1950, 2010)}-01-01"),
}
DIRT: list[object] = [None, "", "待补录", "123"]


def rows(count: int) -> list[tuple[object, ...]]:
    chance = random.Random(3)
    cells = [make for _, make in COLUMNS.values()]
    return [
        tuple(chance.choice(DIRT) if chance.random() < 0.05 else make(chance) for make in cells)
        for _ in range(count)
    ]


def test_classes_levels_and_masked_samples(pg_dsn: str, postgresql: SourceSpec) -> None:
    data = rows(3000)
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute(f"CREATE TABLE t (id serial PRIMARY KEY, {', '.join(f'{name} text' for name in COLUMNS)})")
        with db.cursor().copy(f"COPY t ({', '.join(COLUMNS)}) FROM STDIN") as copy:
            for row in data:
                copy.write_row(row)
    found = draft(postgresql, "t")
    assert found.rows == 3000 and found.sampled == 2000
    by_name = {item.column.name: item for item in found.columns}
    assert {name: by_name[name].kind for name in COLUMNS} == {
        name: kind for name, (kind, _) in COLUMNS.items()
    }
    raw = {name: {row[index] for row in data} for index, name in enumerate(COLUMNS)}
    for name, item in by_name.items():
        assert item.level == LEVELS.get(item.kind or "", 1) and item.why in WHYS
        assert len(item.samples_masked) <= 3
        if name in raw and name != "n":
            assert not raw[name] & set(item.samples_masked), name
    assert by_name["id"].column.is_key and by_name["id"].distinct == 2000
    assert 0 < by_name["a"].null_ratio < 0.05
    assert all("*" in sample for sample in by_name["n"].samples_masked)


def test_a_draft_from_mariadb(mariadb: SourceSpec) -> None:
    session = pymysql.connect(
        host=mariadb.host,
        port=mariadb.port or 3306,
        user=mariadb.user,
        password=mariadb.password,
        database=mariadb.database,
        charset="utf8mb4",
        autocommit=True,
    )
    with session, session.cursor() as db:
        db.execute("CREATE TABLE t (id int PRIMARY KEY, who char(18), pay decimal(12,2))")
        chance = random.Random(5)
        db.executemany(
            "INSERT INTO t VALUES (%s, %s, %s)", [(i, synthetic.id_card(chance), i) for i in range(100)]
        )
    found = draft(mariadb, "t")
    assert (found.rows, found.sampled) == (100, 100)
    assert [item.kind for item in found.columns] == [None, "id_card", None]
    assert found.columns[1].samples_masked[0][6:14] == "********"


@pytest.mark.parametrize("content", ["a,b\n", "a,b\n,\n,\n"])
def test_a_table_with_nothing_in_it(content: str, file_spec: Callable[..., SourceSpec]) -> None:
    found = draft(file_spec("csv", "t.csv", content.encode()), "t")
    assert [(item.kind, item.samples_masked) for item in found.columns] == [(None, []), (None, [])]


def test_a_csv_of_people(file_spec: Callable[..., SourceSpec]) -> None:
    chance = random.Random(11)
    lines = [f"{synthetic.name(chance)},{synthetic.phone(chance)},{i}" for i in range(500)]
    found = draft(file_spec("csv", "t.csv", ("姓名,手机,序号\n" + "\n".join(lines)).encode("gb18030")), "t")
    assert found.rows == 500
    assert [item.kind for item in found.columns] == ["name", "phone", None]
