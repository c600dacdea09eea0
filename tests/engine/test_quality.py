"""The rules against plain Python over the same rows: counts, applicable rows, and every failing key."""

from __future__ import annotations

import datetime
import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.engine import synthetic
from tests.engine.conftest import spec_of

from gongshu.engine.lake import Lake, LakeError
from gongshu.engine.quality import KINDS, BadRule, Rule, check, failing_rows

NOW = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8)))
ROWS = 4000
TODAY = datetime.date(2026, 6, 30)
FIELDS = ("id", "id_no", "name", "phone", "uscc", "card", "sex", "town", "born", "pay")


def person(index: int, chance: random.Random) -> dict[str, Any]:
    def dirty(value: str, *bad: str | None) -> str | None:
        return chance.choice(bad) if chance.random() < 0.05 else value

    number = synthetic.id_card(chance)
    return {
        "id": index,
        "id_no": dirty(number, None, "", " ", "\u3000", number[:-1] + "Y", number[:16] + "00", " " + number, "330726199002300012"),
        "name": dirty(synthetic.name(chance), None, "", "王\t"),
        "phone": dirty(synthetic.phone(chance), None, "123", "电话"),
        "uscc": dirty(synthetic.uscc(random.Random(chance.randint(1, 40))), None, "91330100MA27XXXX0I", "x"),
        "card": dirty(synthetic.bank_card(chance), None, "6222021234567890123", "62"),
        "sex": chance.choice(["1", "2", "2", "9", None]),
        "town": chance.choice(["330726001", "330726002", "330726999", None]),
        "born": datetime.date(1900 + chance.randint(0, 125), 1, 1),
        "pay": chance.choice([None, -1, 0, 99999, 100000, 100001]),
    }  # fmt: skip


@pytest.fixture
def lake(lake_module: Lake) -> Lake:
    return lake_module


@pytest.fixture(scope="module")
def people(pg_dsn_module: str, lake_module: Lake) -> list[dict[str, Any]]:
    chance = random.Random(17)
    rows = [person(index, chance) for index in range(ROWS)]
    rows += [{**chance.choice(rows), "id": ROWS + index} for index in range(40)]  # the same person twice
    postgresql = spec_of("postgresql", pg_dsn_module)
    with psycopg.connect(pg_dsn_module, autocommit=True) as db:
        db.execute("CREATE TABLE towns (code text)")
        db.execute("INSERT INTO towns VALUES ('330726001'), ('330726002'), (NULL)")
        db.execute(
            "CREATE TABLE people (id int PRIMARY KEY, id_no text, name text, phone text, uscc text, card text,"
            " sex text, town text, born date, pay numeric(12,2))"
        )
        with db.cursor().copy("COPY people FROM STDIN") as copy:
            for row in rows:
                copy.write_row([row[name] for name in FIELDS])
    lake_module.ingest(postgresql, "towns", None, "towns", "b1")
    lake_module.ingest(postgresql, "people", None, "people", "b2")
    return rows


RULES = [
    Rule("R1", "not_null", ("id_no",)),
    Rule("R2", "not_null", ("name", "phone")),
    Rule("R3", "unique", ("id_no",)),
    Rule("R4", "unique", ("name", "phone")),
    Rule("R5", "pattern", ("phone",), {"pattern": "1[0-9]{10}"}),
    Rule("R6", "check", ("id_no",), {"check": "id_card"}),
    Rule("R7", "check", ("uscc",), {"check": "uscc"}),
    Rule("R8", "check", ("card",), {"check": "bank_card"}),
    Rule("R9", "code_list", ("sex",), {"values": ["1", "2"]}),
    Rule("R10", "reference", ("town",), {"target": "towns", "column": "code"}),
    Rule("R11", "range", ("pay",), {"min": 0, "max": "100000"}),
    Rule("R12", "range", ("born",), {"min": "1950-01-01"}),
    Rule("R13", "check", ("phone",), {"check": "phone"}),
    Rule("R14", "check", ("id_no",), {"check": "id_card"}),
]


def blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip(" \t\r\n\u3000\u00a0"))


def id_good(value: str) -> bool:
    shape = r"[1-9]\d{5}(18|19|20)\d{2}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[0-9X]"
    if not re.fullmatch(shape, value):
        return False
    try:
        datetime.datetime.strptime(value[6:14], "%Y%m%d")
    except ValueError:
        return False
    return synthetic.id_check(value[:17]) == value[17]


def uscc_good(value: str) -> bool:
    if len(value) != 18 or any(char not in synthetic.ALPHABET for char in value):
        return False
    return value[2:8].isdigit() and synthetic.uscc_check(value[:17]) == value[17]


def reference(rows: list[dict[str, Any]]) -> dict[str, tuple[int, set[int]]]:
    """What each rule should say: applicable rows and failing ids."""

    def simple(name: str, good: Any) -> tuple[int, set[int]]:
        filled = [row for row in rows if not blank(row[name])]
        return len(filled), {row["id"] for row in filled if not good(row[name])}

    def unique(*names: str) -> tuple[int, set[int]]:
        filled = [row for row in rows if not any(blank(row[name]) for name in names)]
        seen = Counter(tuple(row[name] for name in names) for row in filled)
        return len(filled), {row["id"] for row in filled if seen[tuple(row[name] for name in names)] > 1}

    phone = r"(1[3-9]\d{9}|0\d{2,3}-?\d{7,8})"
    id_card = simple("id_no", id_good)
    return {
        "R1": (len(rows), {row["id"] for row in rows if blank(row["id_no"])}),
        "R2": (len(rows), {row["id"] for row in rows if blank(row["name"]) or blank(row["phone"])}),
        "R3": unique("id_no"),
        "R4": unique("name", "phone"),
        "R5": simple("phone", lambda value: re.fullmatch(r"1\d{10}", value)),
        "R6": id_card,
        "R7": simple("uscc", uscc_good),
        "R8": simple(
            "card", lambda value: 15 <= len(value) <= 19 and synthetic.luhn(value[:-1]) == value[-1]
        ),
        "R9": simple("sex", lambda value: value in ("1", "2")),
        "R10": simple("town", lambda value: value in ("330726001", "330726002")),
        "R11": simple("pay", lambda value: 0 <= value <= 100000),
        "R12": simple("born", lambda value: value >= datetime.date(1950, 1, 1)),
        "R13": simple("phone", lambda value: re.fullmatch(phone, value)),
        "R14": id_card,
    }


@pytest.mark.parametrize("distinct_first", [False, True])
def test_equal_to_plain_python(
    distinct_first: bool,
    people: list[dict[str, Any]],
    lake: Lake,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if distinct_first:
        monkeypatch.setattr("gongshu.engine.rules.DISTINCT_FIRST_ROWS", 1)
        monkeypatch.setattr("gongshu.engine.rules.DISTINCT_FIRST_SHARE", 2.0)
    path = tmp_path / "bad.parquet"
    found = check(lake, "people", RULES, ["id"], path)
    wanted = reference(people)
    assert {r.code: (r.applicable, r.failed) for r in found.results} == {
        code: (applicable, len(ids)) for code, (applicable, ids) in wanted.items()
    }
    for rule in RULES:
        keys = [row["id"] for row in failing_rows(path, rule.code, limit=ROWS * 2)]
        assert keys == sorted(wanted[rule.code][1]), rule.code
    everything = set().union(*(ids for _, ids in wanted.values()))
    assert found.rows == len(people) and found.bad_rows == len(everything)
    first = failing_rows(path, limit=1)[0]
    assert first["_rules"] == [code for code, (_, ids) in wanted.items() if first["id"] in ids]


def test_paging_through_failures(people: list[dict[str, Any]], lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "bad.parquet"
    check(lake, "people", RULES, ["id"], path)
    whole = failing_rows(path, "R9", limit=10_000)
    paged = [
        row for offset in range(0, len(whole), 7) for row in failing_rows(path, "R9", limit=7, offset=offset)
    ]
    assert paged == whole
    with pytest.raises(KeyError):
        failing_rows(path, "R99")


def test_more_rules_than_one_word_holds(people: list[dict[str, Any]], lake: Lake, tmp_path: Path) -> None:
    rules = [Rule(f"P{index}", "code_list", ("sex",), {"values": ["1", str(index)]}) for index in range(130)]
    path = tmp_path / "bad.parquet"
    found = check(lake, "people", rules, [], path)
    two = sum(row["sex"] == "2" for row in people)
    nine = sum(row["sex"] == "9" for row in people)
    for index, result in enumerate(found.results):
        expected = (two if index != 2 else 0) + (nine if index != 9 else 0)
        assert result.failed == expected, index
    assert len(failing_rows(path, "P129", limit=10_000)) == two + nine
    assert "_rowid" in failing_rows(path, "P129", limit=1)[0]


def test_no_rules_and_an_empty_table(pg_dsn_module: str, lake: Lake, tmp_path: Path) -> None:
    postgresql = spec_of("postgresql", pg_dsn_module)
    with psycopg.connect(pg_dsn_module, autocommit=True) as db:
        db.execute("CREATE TABLE empty (id int, name text)")
    lake.ingest(postgresql, "empty", None, "empty", "b3")
    for rules in ([], [Rule("R1", "not_null", ("name",)), Rule("R2", "unique", ("id",))]):
        found = check(lake, "empty", rules, ["id"], tmp_path / "bad.parquet")
        assert (found.rows, found.bad_rows) == (0, 0)
        assert failing_rows(tmp_path / "bad.parquet") == []


def test_freshness_is_a_verdict_on_the_table(
    people: list[dict[str, Any]], lake: Lake, tmp_path: Path
) -> None:
    newest = max(row["born"] for row in people)
    moment = datetime.datetime.combine(newest, datetime.time(12), NOW.tzinfo)
    rule = Rule("F1", "fresh", ("born",), {"days": 30})
    batch = Rule("F2", "fresh", (), {"days": 1})

    def verdict(rule: Rule, now: datetime.datetime) -> int:
        return check(lake, "people", [rule], ["id"], tmp_path / "x.parquet", now=now).results[0].failed

    assert verdict(rule, moment + datetime.timedelta(days=30)) == 0
    assert verdict(rule, moment + datetime.timedelta(days=31)) == 1
    assert verdict(batch, NOW) == 0
    assert verdict(batch, NOW + datetime.timedelta(days=3)) == 1


@pytest.mark.parametrize(
    "rule",
    [
        Rule("B", "nothing", ("id",)),
        Rule("B", "not_null", ()),
        Rule("B", "not_null", ("absent",)),
        Rule("B", "pattern", ("name",), {"pattern": "(["}),
        Rule("B", "check", ("name",), {"check": "other"}),
        Rule("B", "code_list", ("name",), {"values": []}),
        Rule("B", "range", ("pay",), {"min": "much"}),
        Rule("B", "range", ("pay",), {}),
        Rule("B", "reference", ("town",), {"target": "towns", "column": "absent"}),
        Rule("B", "fresh", ("born",), {"days": 0}),
        Rule("B", "pattern", ("name", "phone"), {"pattern": "x"}),
    ],
)
def test_a_bad_rule_is_named(rule: Rule, people: list[dict[str, Any]], lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(BadRule) as caught:
        check(lake, "people", [rule], ["id"], tmp_path / "x.parquet", now=NOW)
    assert caught.value.code == "B" and caught.value.detail
    assert not (tmp_path / "x.parquet").exists()


def test_a_missing_reference_table_and_every_kind_named(lake: Lake, tmp_path: Path) -> None:
    with pytest.raises(LakeError):
        check(lake, "absent", [], [], tmp_path / "x.parquet")
    assert {rule.kind for rule in RULES} | {"fresh"} == set(KINDS)


def test_quotes_in_rules_stay_data(people: list[dict[str, Any]], lake: Lake, tmp_path: Path) -> None:
    odd = "'; DROP TABLE lake.people; --"
    rules = [
        Rule("Q1'\"", "pattern", ("name",), {"pattern": odd}),
        Rule("Q2", "code_list", ("name",), {"values": [odd]}),
    ]
    found = check(lake, "people", rules, ["id"], tmp_path / "x'y.parquet")
    assert found.results[0].failed == found.results[1].failed == found.results[0].applicable > 0
    assert lake.count("people") == len(people)
