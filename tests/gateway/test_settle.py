"""gate.settle, the admitting transaction, called directly: what two gateways at once would do to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from gongshu.gateway.spec import Quota

from .conftest import PERSON, prepare

_SETTLE = """SELECT verdicts, used_day, used_minute FROM gate.settle(coalesce(%(at)s, now()), %(client)s::text[],
    %(client_revision)s::int[], %(grant)s::text[], %(grant_revision)s::int[], %(mode)s::text[], %(address)s::text[],
    %(counted)s::int[], %(party)s::int[], %(nonce)s::text[], %(digest)s::text[], %(case)s::text[], %(rows)s::int[],
    %(bytes)s::int[], %(micros)s::int[])"""

Parties = list[tuple[str, int, str, int, str]]  # client, revision, grant, revision, mode


@pytest.fixture(scope="module")
def dsn(pg_dsn_module: str) -> str:
    prepare(pg_dsn_module)
    return pg_dsn_module


@pytest.fixture
def db(dsn: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(
            "TRUNCATE gate.client, gate.grant_, gate.grant_client, gate.nonce, gate.usage, gate.call"
        )
        for client in ("c1", "c2"):
            connection.execute("INSERT INTO gate.client VALUES (%s, 'x', NULL, 1, 'x')", [client])
        for grant, quota in (("A", Quota(per_day=8)), ("B", Quota()), ("C", Quota(per_day=9, per_minute=2))):
            spec = json.dumps(replace(PERSON, quota=quota).as_dict())
            connection.execute(
                "INSERT INTO gate.grant_ VALUES (%s, 1, %s, now() - interval '1 day', now() + interval '1 day')",
                [grant, spec],
            )
            connection.execute("INSERT INTO gate.grant_client SELECT %s, client_id FROM gate.client", [grant])
        yield connection


def settle(
    db: psycopg.Connection[Any], parties: Parties, calls: list[tuple[int, str]], at: object = None
) -> Any:
    """Settle calls given as (number of the party, nonce)."""
    counted = [
        sum(party == n for party, _ in calls) if parties[n - 1][4] in ("key", "page") else 0
        for n in range(1, len(parties) + 1)
    ]
    given = {
        "at": at,
        "client": [p[0] for p in parties],
        "client_revision": [p[1] for p in parties],
        "grant": [p[2] for p in parties],
        "grant_revision": [p[3] for p in parties],
        "mode": [p[4] for p in parties],
        "address": ["127.0.0.1"] * len(parties),
        "counted": counted,
        "party": [c[0] for c in calls],
        "nonce": [c[1] for c in calls],
        "digest": [f"sha256:{c[0]}{c[1]}" for c in calls],
        "case": [None] * len(calls),
    }
    for name in ("rows", "bytes", "micros"):
        given[name] = [1] * len(calls)
    return db.execute(_SETTLE.encode(), given).fetchone()


def records(db: psycopg.Connection[Any]) -> list[str]:
    return [d for (d,) in db.execute("SELECT request_digest FROM gate.call ORDER BY id").fetchall()]


def test_all_good_is_said_in_one_word(db: psycopg.Connection[Any]) -> None:
    assert settle(db, [("c1", 1, "A", 1, "key")], [(1, "a"), (1, "b")]) == (None, [2], [2])
    assert records(db) == ["sha256:1a", "sha256:1b"]


def test_each_call_gets_its_own_verdict(db: psycopg.Connection[Any]) -> None:
    settle(db, [("c1", 1, "B", 1, "key")], [(1, "old")])
    parties = [
        ("c1", 1, "A", 1, "key"),
        ("c1", 2, "B", 1, "key"),
        ("c2", 1, "B", 1, "page"),
        ("c1", 1, "C", 7, "key"),
    ]
    calls = [(1, "old"), (1, "x"), (1, "x"), (2, "m"), (3, "old"), (4, "n")]
    verdicts, _, _ = settle(db, parties, calls)
    assert verdicts == ["replayed", "ok", "replayed", "moved", "ok", "moved"]
    assert records(db)[1:] == ["sha256:1x", "sha256:3old"]
    # What was moved has not used its nonce.
    assert settle(db, [("c1", 1, "B", 1, "key")], [(1, "m"), (1, "n")])[0] is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE gate.grant_ SET state = 'revoked'",
        "UPDATE gate.grant_ SET state = 'suspended'",
        "UPDATE gate.grant_ SET valid_to = now()",
        "UPDATE gate.grant_ SET valid_from = now() + interval '1 minute'",
        'UPDATE gate.grant_ SET spec = spec || \'{"purpose": "another"}\'',
        "UPDATE gate.client SET active = false",
        "UPDATE gate.client SET secret_sealed = 'new'",
        "DELETE FROM gate.grant_client",
        "DELETE FROM gate.grant_",
    ],
)
def test_nothing_passes_after_a_change_it_was_not_checked_against(
    db: psycopg.Connection[Any], change: str
) -> None:
    db.execute(change.encode())
    assert settle(db, [("c1", 1, "A", 1, "key")], [(1, "a")])[0] == ["moved"]
    assert records(db) == []


def test_quota_is_cut_at_the_call(db: psycopg.Connection[Any]) -> None:
    parties = [("c1", 1, "A", 1, "key"), ("c1", 1, "A", 1, "quota"), ("c2", 1, "A", 1, "page")]
    calls = [*((1, f"a{n}") for n in range(5)), (2, "q"), *((3, f"b{n}") for n in range(5))]
    verdicts, days, _ = settle(db, parties, calls)
    assert verdicts == ["ok"] * 5 + ["ok"] + ["ok"] * 3 + ["quota_day"] * 2
    assert days == [5, 5, 8]
    assert len(records(db)) == 9
    assert settle(db, [parties[1]], [(1, "q2")]) == (None, [8], [8])


def test_the_limit_that_was_met_is_named(db: psycopg.Connection[Any]) -> None:
    db.execute("UPDATE gate.grant_ SET valid_from = '2026-01-01', valid_to = '2027-01-01'")
    party = [("c1", 1, "C", 2, "key")]
    first = settle(db, party, [(1, "a"), (1, "b"), (1, "c")], "2026-03-02T10:00:00+08")
    assert first == (["ok", "ok", "quota_minute"], [2], [2])
    for minute in range(1, 4):
        settle(db, party, [(1, f"{minute}a"), (1, f"{minute}b")], f"2026-03-02T10:0{minute}:00+08")
    last = settle(db, party, [(1, "y"), (1, "z")], "2026-03-02T10:04:00+08")
    assert last == (["ok", "quota_day"], [9], [1])
    assert settle(db, party, [(1, "next day")], "2026-03-03T00:00:00+08") == (None, [1], [1])


def test_periods_are_those_of_shanghai(db: psycopg.Connection[Any]) -> None:
    db.execute("UPDATE gate.grant_ SET valid_from = '2026-01-01', valid_to = '2027-01-01'")
    party = [("c1", 1, "A", 2, "key")]
    settle(db, party, [(1, "a")], "2026-03-01T15:59:59Z")
    settle(db, party, [(1, "b")], "2026-03-01T16:00:00Z")
    periods = db.execute("SELECT period FROM gate.usage WHERE period LIKE 'd:%' ORDER BY 1").fetchall()
    assert periods == [("d:2026-03-01",), ("d:2026-03-02",)]


def test_two_gateways_at_once_count_exactly(db: psycopg.Connection[Any], dsn: str) -> None:
    party = [("c1", 1, "A", 1, "key")]
    settle(db, party, [(1, "first")])
    results: list[Any] = []
    with psycopg.connect(dsn) as one, psycopg.connect(dsn, autocommit=True) as other:
        assert settle(one, party, [(1, f"a{n}") for n in range(4)])[0] is None  # not yet committed
        late = threading.Thread(
            target=lambda: results.append(settle(other, party, [(1, f"b{n}") for n in range(5)]))
        )
        late.start()
        late.join(0.5)
        assert late.is_alive()  # it waits for the counter
        one.commit()
        late.join(10)
    assert results == [(["ok"] * 3 + ["quota_day"] * 2, [8], [8])]


def test_two_gateways_at_once_take_a_nonce_once(db: psycopg.Connection[Any], dsn: str) -> None:
    party = [("c1", 1, "B", 1, "key")]
    results: list[Any] = []
    with psycopg.connect(dsn) as one, psycopg.connect(dsn, autocommit=True) as other:
        assert settle(one, party, [(1, "n")])[0] is None
        late = threading.Thread(target=lambda: results.append(settle(other, party, [(1, "m"), (1, "n")])[0]))
        late.start()
        late.join(0.5)
        assert late.is_alive()
        one.commit()
        late.join(10)
    assert results == [["ok", "replayed"]]


def test_an_undone_transaction_leaves_nothing(db: psycopg.Connection[Any], dsn: str) -> None:
    party = [("c1", 1, "A", 1, "key")]
    with psycopg.connect(dsn) as one:
        settle(one, party, [(1, "n")])
        one.rollback()
    assert records(db) == []
    assert settle(db, party, [(1, "n")]) == (None, [1], [1])
