"""Grant specs: kept whole, checked, compiled into one statement that lets nothing else out."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongshu.gateway.problems import PROBLEMS, Refusal, document, language
from gongshu.gateway.spec import Column, GrantSpec, Quota, SpecError, compile_sql

from .conftest import PERSON, prepare


def test_a_spec_survives_being_stored() -> None:
    assert GrantSpec.from_dict(json.loads(json.dumps(PERSON.as_dict()))) == PERSON


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"columns": ()}, "columns"),
        ({"columns": (*PERSON.columns, PERSON.columns[0])}, "columns"),
        ({"columns": (Column('a"b', "1"),), "keys": ()}, "name"),
        ({"columns": (Column("id_no", "id_no", "uuid"),)}, "type"),
        ({"columns": (Column("id_no", ""),)}, "expression"),
        ({"table": "person"}, "schema"),
        ({"table": 'serving.a"b'}, "name"),
        ({"keys": ("name",)}, "unmasked"),
        ({"keys": ("phone",)}, "granted"),
        ({"keys": ("id_no", "id_no")}, "once"),
        ({"keys": ()}, "keys"),
        ({"columns": (Column("after", "after"),), "keys": ("after",)}, "keys"),
        ({"columns": (Column("at", "at", "datetime"),), "keys": ("at",)}, "keys"),
        ({"modes": ()}, "modes"),
        ({"modes": ("dump",)}, "modes"),
        ({"page_max": 0}, "page_max"),
        ({"page_max": 1001}, "page_max"),
        ({"quota": Quota(per_day=0)}, "per_day"),
        ({"quota": Quota(per_minute=-1)}, "per_minute"),
        ({"quota": Quota(rows_per_call=True)}, "rows_per_call"),
        ({"where_sql": "region = $1) OR (true"}, "brackets"),
        ({"where_sql": "true) --"}, "brackets"),
        ({"where_sql": "true -- "}, "--"),
        ({"where_sql": "true; SELECT 1"}, ";"),
        ({"where_sql": "true /* "}, "/*"),
        ({"where_sql": "region = $2"}, "$2"),
        ({"where_sql": "region = 'a"}, "'"),
        ({"where_sql": "region = E'\\' OR true --'"}, "E'"),
        ({"where_sql": "region = $$a$$"}, "$"),
        ({"columns": (Column("x", "$1"),), "keys": (), "modes": ("page",)}, "$1"),
    ],
)
def test_a_spec_that_must_not_be_served(change: dict[str, Any], part: str) -> None:
    with pytest.raises(SpecError) as refused:
        dataclasses.replace(PERSON, **change).check()
    assert part in str(refused.value)


def test_texts_inside_literals_are_no_danger() -> None:
    columns = (Column("id_no", '"id_no"'), Column("x", "'--;/*(' || \"name;--\" || 'it''s'"))
    dataclasses.replace(PERSON, columns=columns, keys=("id_no",)).check()


@pytest.mark.parametrize(
    "stored", [{}, {"table": "a.b"}, {**PERSON.as_dict(), "sort": "name"}, {"columns": 1}]
)
def test_stored_rubbish_is_refused(stored: dict[str, Any]) -> None:
    with pytest.raises(SpecError):
        GrantSpec.from_dict(stored)


def test_only_granted_keys_compile() -> None:
    for keys in ((), ("name",), ("id_no", "phone")):
        with pytest.raises(SpecError):
            compile_sql(PERSON, "key", keys)
    with pytest.raises(SpecError):
        compile_sql(PERSON, "dump")


def test_a_look_up_walks_the_index_of_its_key(pg_dsn: str) -> None:
    prepare(pg_dsn)
    statement = compile_sql(PERSON, "key", ("id_no",))
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute(
            "INSERT INTO serving.person SELECT n, 'SYN' || lpad(n::text, 15, '0'), '赵', '1990-01-01', 1, n, '330726', ''"
            " FROM generate_series(1000, 60000) n"
        )
        db.execute("ANALYZE serving.person")
        db.execute("SET plan_cache_mode = force_generic_plan")
        db.execute(f"PREPARE look (text, bigint[], int[], text[]) AS {statement}".encode())
        plan = "\n".join(
            str(line)
            for (line,) in db.execute(
                "EXPLAIN EXECUTE look ('330726', '{0,0}', '{9,9}', '{SYN1,SYN2}')"
            ).fetchall()
        )
    assert "person_id_no_idx" in plan
    assert "Seq Scan" not in plan


def test_many_calls_in_one_statement_stay_apart(pg_dsn: str) -> None:
    prepare(pg_dsn)
    by_key, by_page = compile_sql(PERSON, "key", ("household",)), compile_sql(PERSON, "page")
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        cursor = psycopg.RawCursor(db)
        found = cursor.execute(by_key.encode(), ["330726", [0, 0, 0], [9, 1, 9], [14, 14, 9999]]).fetchall()
        assert [(call, row) for call, row, _ in found] == [(1, 42), (1, 44), (2, 42)]
        paged = cursor.execute(by_page.encode(), ["330726", [0, 100, 598], [2, 2, 5]]).fetchall()
        assert [(call, row) for call, row, _ in paged] == [(1, 2), (1, 4), (2, 102), (2, 104), (3, 600)]
    assert set(json.loads(found[0][2])) == {column.name for column in PERSON.columns}


# ---- problems
FACTS = {
    "name": "n", "allowed": "a", "limit": 1, "header": "h", "off": 1, "window": 300, "client": "c", "algorithm": "a",
    "grant": "g", "since": "s", "until": "u", "modes": "m", "type_zh": "文", "type_en": "t", "most": 9,
    "window_zh": "本日", "window_en": "day", "seconds": 5,
}  # fmt: skip


@pytest.mark.parametrize("kind", sorted(PROBLEMS))
def test_every_problem_speaks_both_languages(kind: str) -> None:
    chinese = json.loads(document(Refusal(kind, **FACTS), "/x", "zh"))
    english = json.loads(document(Refusal(kind, **FACTS), "/x", "en"))
    assert chinese["type"] == english["type"] == f"urn:gongshu:problem:{kind}"
    assert chinese["status"] == PROBLEMS[kind].status
    assert any("\u4e00" <= c <= "\u9fff" for c in chinese["title"])
    assert english["title"].isascii()
    assert english["detail"].isascii() or kind == "bad-value"
    assert "{" not in chinese["detail"].replace("{grant}", "")


@pytest.mark.parametrize(
    ("header", "lang"),
    [(None, "zh"), (b"", "zh"), (b"en", "en"), (b"en-US,en;q=0.9", "en"), (b"zh-CN,en;q=0.8", "zh"),
     (b"en;q=0.2, zh;q=0.9", "zh"), (b"fr", "zh"), (b"en;q=x", "zh"), (b"*", "zh")],
)  # fmt: skip
def test_the_language_of_a_problem(header: bytes | None, lang: str) -> None:
    assert language(header) == lang


@given(st.binary(max_size=80))
def test_any_accept_language_is_survived(raw: bytes) -> None:
    assert language(raw) in ("zh", "en")
