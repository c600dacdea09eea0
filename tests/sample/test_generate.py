"""The county's data: the same from the same seed, valid and faulty in the declared shares, belonging to nobody."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import duckdb
import pytest

from gongshu.sample import SEED
from gongshu.sample.datasets import DATASETS, SOURCES
from gongshu.sample.generate import DIRT, PEOPLE, world
from gongshu.sample.names import PHONE, REGION
from gongshu.sample.stores import of_source

GOLDEN = "e58dc16c353b0ede28c515ae5931303bb33fb937e87b7ade4add542a36d9d478"
USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@pytest.fixture(scope="module")
def county() -> Iterator[duckdb.DuckDBPyConnection]:
    with world() as con:
        yield con


def digest(con: duckdb.DuckDBPyConnection, query: str) -> str:
    total = hashlib.sha256()
    for row in con.execute(query).fetchall():
        total.update(repr(row).encode())
    return total.hexdigest()


def id_valid(text: str) -> bool:
    """GB 11643, written down a second time."""
    weights = [2**k % 11 for k in range(17, 0, -1)]
    return "10X98765432"[sum(int(c) * w for c, w in zip(text, weights, strict=False)) % 11] == text[17]


def uscc_valid(text: str) -> bool:
    """GB 32100, written down a second time."""
    total = sum(USCC.index(c) * 3**k for k, c in enumerate(text[:17]))
    return USCC[-total % 31] == text[17]


def test_the_same_seed_gives_the_same_county_on_every_machine() -> None:
    queries = (
        "FROM people",
        "FROM firms",
        next(d for d in DATASETS if d.rows < 3000 and d.repeats is False).select(),
    )
    with world(people=5_000, firms=500) as one, world(people=5_000, firms=500) as two:
        assert [digest(one, q) for q in queries] == [digest(two, q) for q in queries]
        assert digest(one, "FROM people") == GOLDEN
    with world(SEED + 1, people=5_000, firms=500) as other:
        assert digest(other, "FROM people") != GOLDEN


def test_identity_numbers_are_valid_but_for_the_declared_share(county) -> None:
    rows = county.execute("SELECT id, id_told, birth FROM people").fetchall()
    assert len({row[0] for row in rows}) == PEOPLE
    assert all(id_valid(true) and true[6:14] == f"{birth:%Y%m%d}" for true, _told, birth in rows)
    told = [row[1] for row in rows]
    wrong = sum(1 for text in told if text is not None and not id_valid(text))
    missing = told.count(None)
    twice = sum(1 for true, text, _birth in rows if text is not None and text != true and id_valid(text))
    for found, word in ((wrong, "id_wrong"), (missing, "id_missing"), (twice, "id_twice")):
        assert found == pytest.approx(PEOPLE / DIRT[word], rel=0.2), word


def test_credit_codes_are_valid_but_for_the_declared_share(county) -> None:
    rows = county.execute("SELECT uscc, uscc_told FROM firms").fetchall()
    assert len({row[0] for row in rows}) == len(rows)
    assert all(uscc_valid(true) for true, _told in rows)
    wrong = sum(not uscc_valid(told) for _true, told in rows)
    assert wrong == pytest.approx(len(rows) / DIRT["uscc_wrong"], rel=0.25)


def test_other_faults_come_in_the_declared_shares(county) -> None:
    found = county.execute(
        "SELECT count(*) FILTER (length(phone_told) = 10), count(*) FILTER (birth_told <> birth),"
        " count(*) FILTER (updated < DATE '2015-01-01'), count(*) FILTER (name_told <> name) FROM people"
    ).fetchone()
    for count, word in zip(found, ("phone_wrong", "birth_differs", "stale", "name_spaced"), strict=True):
        assert count == pytest.approx(PEOPLE / DIRT[word], rel=0.2), word


def test_nothing_belongs_to_a_real_person(county) -> None:
    """The region code and the telephone prefix are assigned to nobody."""
    strays = county.execute(
        f"SELECT count(*) FILTER (NOT starts_with(id, '{REGION}')),"
        f" count(*) FILTER (NOT starts_with(phone, '{PHONE}')) FROM people"
    ).fetchone()
    assert strays == (0, 0)
    assert county.execute(
        f"SELECT count(*) FROM firms WHERE substr(uscc, 3, 6) <> '{REGION}'"
    ).fetchone() == (0,)


@pytest.mark.parametrize("dataset", DATASETS, ids=lambda d: d.code)
def test_every_table_has_its_rows_and_keys(county, dataset) -> None:
    key = dataset.key or dataset.columns[0].name
    found = county.execute(
        f'SELECT count(*), count(DISTINCT "{key}"), count("{key}") FROM ({dataset.select()})'
    ).fetchone()
    assert found[0] == found[2] == dataset.rows
    if dataset.repeats:
        assert found[0] - found[1] == pytest.approx(dataset.rows / DIRT["row_twice"], rel=0.5)
    else:
        assert found[1] == dataset.rows


def test_the_county_has_what_it_says() -> None:
    assert max(d.rows for d in DATASETS) == 200_000
    assert {s.kind for s in SOURCES.values()} == {"postgresql", "mariadb", "sqlite", "excel", "csv"}
    assert any(s.encoding == "gb18030" for s in SOURCES.values())
    assert all(of_source(source) for source in SOURCES.values())
    assert len({d.code for d in DATASETS}) == len(DATASETS) == 39


def test_pupils_are_children(county) -> None:
    """But for the few who were given the identity number of the person before."""
    pupils = next(d for d in DATASETS if d.table == "xs_xj")
    found = county.execute(
        f"SELECT count(*) FILTER (substr(sfzh, 7, 4) NOT BETWEEN '2010' AND '2019'), count(*) FROM ({pupils.select()})"
    ).fetchone()
    assert found[0] < found[1] / DIRT["id_twice"] * 2
