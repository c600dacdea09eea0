"""Synthetic people and firms with GB 11643 identity numbers and GB 32100 credit codes, in DuckDB, from a seed.

Every value is a function of the seed, a word and a row number (integer mixing only), so that the same seed gives the
same county on every machine, in any order, whatever else is generated beside it.
"""

from __future__ import annotations

import duckdb

from . import SEED
from .names import COUNTY, GIVEN, NATIONS, PHONE, REGION, STREETS, SURNAMES, TOWNS, TRADE_NAMES, TRADES

PEOPLE = 200_000
FIRMS = 10_000

DIRT = {
    "id_wrong": 100,  # identity number with a wrong check digit
    "id_missing": 330,
    "id_twice": 1000,  # the identity number of the person before
    "phone_wrong": 125,  # one digit short
    "name_spaced": 500,
    "birth_differs": 500,  # birth date other than in the identity number
    "stale": 200,  # not updated since before 2015
    "uscc_wrong": 80,
    "row_twice": 250,  # the whole row before again, in tables that say `repeats`
}
"""One row in so many carries this fault, everywhere that kind of value occurs; the tests hold the generator to it."""

_DAYS = 33_900
"""Births are spread over so many days from 1932 on."""

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(3**k % 31 for k in range(17))
_ORG_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def text(value: str) -> str:
    """A SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


def listed(values: tuple[str, ...]) -> str:
    """A SQL list of texts."""
    return "[" + ", ".join(text(v) for v in values) + "]"


def one_in(word: str, row: str = "i") -> str:
    """SQL: whether the row carries the fault of that word."""
    return f"r({row}, {text(word)}, {DIRT[word]}) = 0"


def world(seed: int = SEED, people: int = PEOPLE, firms: int = FIRMS) -> duckdb.DuckDBPyConnection:
    """A DuckDB with the tables `people` and `firms` and the macro r(row, word, n): a number below n.

    people: person (from 0), id (true), id_told (as written down, sometimes wrong), name, sex, birth, nation, town,
    address, phone, phone_told, updated. firms: number (from 0), uscc, uscc_told, firm, legal (a person), trade, town,
    address, capital, founded.
    """
    con = duckdb.connect(":memory:", config={"threads": 2})
    # The word becomes one constant of the query; the row is mixed with it as in the lowbias32 hash.
    con.execute("CREATE MACRO mixed(x) AS (xor(x, x >> 16) * 2146121005) % 4294967296")
    con.execute(
        "CREATE MACRO r(i, word, n) AS mixed(mixed((CAST(i AS BIGINT) * 73244475 + "
        f"CAST(md5_number_lower('{seed}/' || word) % 4294967296 AS BIGINT)) % 4294967296)) % n"
    )
    con.execute("CREATE MACRO pick(i, word, list) AS list[1 + r(i, word, len(list))]")
    con.execute("CREATE MACRO sign(i, word, signs) AS substr(signs, 1 + r(i, word, length(signs)), 1)")
    con.execute(f"CREATE MACRO id_check(body) AS {_id_check('body')}")
    con.execute(f"CREATE MACRO uscc_check(body) AS {_uscc_check('body')}")
    con.execute(f"CREATE MACRO org_check(body) AS {_org_check('body')}")
    con.execute(_people(people))
    con.execute(_firms(firms, people))
    return con


def _weighted(body: str, weights: tuple[int, ...]) -> str:
    return " + ".join(f"CAST(substr({body}, {k}, 1) AS INTEGER) * {w}" for k, w in enumerate(weights, 1))


def _id_check(body: str) -> str:
    """ISO 7064 MOD 11-2, as GB 11643 has it."""
    return f"substr('10X98765432', 1 + CAST(({_weighted(body, _ID_WEIGHTS)}) % 11 AS INTEGER), 1)"


def _uscc_check(body: str) -> str:
    """MOD 31-3, as GB 32100 has it."""
    total = " + ".join(
        f"(strpos('{_USCC}', substr({body}, {k}, 1)) - 1) * {w}" for k, w in enumerate(_USCC_WEIGHTS, 1)
    )
    return f"substr('{_USCC}', 1 + CAST((31 - ({total}) % 31) % 31 AS INTEGER), 1)"


def _org_check(body: str) -> str:
    """MOD 11 of GB 11714; the body here has digits only."""
    return f"substr('0X987654321', 1 + CAST(({_weighted(body, _ORG_WEIGHTS)}) % 11 AS INTEGER), 1)"


def _address(row: str, word: str) -> str:
    return (
        f"{text(COUNTY)} || pick({row}, '{word}town', {listed(TOWNS)}) || pick({row}, '{word}street', "
        f"{listed(STREETS)}) || (1 + r({row}, '{word}no', 400)) || '号'"
    )


def _people(count: int) -> str:
    return f"""
    CREATE TABLE people AS
    WITH placed AS (  -- day and serial number together: one place for each person, so that no two share a number
      SELECT i, (i * 7368787 + r(0, 'place', {_DAYS * 998})) % {_DAYS * 998} AS place FROM range({count}) t(i)
    ), born AS (
      SELECT i, DATE '1932-01-01' + CAST(place // 998 AS INTEGER) AS birth, 1 + place % 998 AS serial FROM placed
    ), numbered AS (
      SELECT *, '{REGION}' || strftime(birth, '%Y%m%d') || lpad(CAST(serial AS VARCHAR), 3, '0') AS body FROM born
    ), named AS (
      SELECT i, birth, CASE serial % 2 WHEN 1 THEN '男' ELSE '女' END AS sex, body || id_check(body) AS id,
             sign(i, 'surname', '{SURNAMES}') || sign(i, 'given', '{GIVEN}')
               || CASE WHEN r(i, 'two', 4) > 0 THEN sign(i, 'given2', '{GIVEN}') ELSE '' END AS name,
             pick(i, 'nation', {listed(NATIONS)}) AS nation,
             pick(i, 'home-town', {listed(TOWNS)}) AS town,
             {_address("i", "home-")} AS address,
             '{PHONE}' || lpad(CAST(r(i, 'phone', 100000000) AS VARCHAR), 8, '0') AS phone,
             CASE WHEN {one_in("stale")} THEN DATE '2009-01-01' + CAST(r(i, 'old', 2000) AS INTEGER)
                  ELSE DATE '2022-01-01' + CAST(r(i, 'fresh', 1440) AS INTEGER) END AS updated
        FROM numbered
    )
    SELECT i AS person, * EXCLUDE (i),
           CASE WHEN {one_in("id_missing")} THEN NULL
                WHEN {one_in("id_wrong")} THEN left(id, 17) || CASE right(id, 1) WHEN '7' THEN '3' ELSE '7' END
                WHEN {one_in("id_twice")} THEN COALESCE(lag(id) OVER (ORDER BY i), id) ELSE id END AS id_told,
           CASE WHEN {one_in("phone_wrong")} THEN left(phone, 10) ELSE phone END AS phone_told,
           CASE WHEN {one_in("name_spaced")} THEN left(name, 1) || '　' || substr(name, 2) ELSE name END AS name_told,
           CASE WHEN {one_in("birth_differs")} THEN birth + 1 ELSE birth END AS birth_told
      FROM named ORDER BY i"""


def _firms(count: int, people: int) -> str:
    return f"""
    CREATE TABLE firms AS
    WITH coded AS (
      SELECT i, lpad(CAST(10000000 + i * 13 + r(0, 'firm', 999) AS VARCHAR), 8, '0') AS org FROM range({count}) t(i)
    ), bodied AS (
      SELECT i, '91{REGION}' || org || org_check(org) AS body FROM coded
    ), named AS (
      SELECT i, body || uscc_check(body) AS uscc, pick(i, 'trade', {listed(TRADES)}) AS trade,
             sign(i, 'firm1', '{TRADE_NAMES}') || sign(i, 'firm2', '{TRADE_NAMES}') AS word,
             r(i, 'legal', {people}) AS legal, pick(i, 'firm-town', {listed(TOWNS)}) AS town,
             {_address("i", "firm-")} AS address, (1 + r(i, 'capital', 500)) * 10 AS capital,
             DATE '2001-01-01' + CAST(r(i, 'founded', 9000) AS INTEGER) AS founded
        FROM bodied
    )
    SELECT i AS number, * EXCLUDE (i), {text(COUNTY)} || word || trade || '有限公司' AS firm,
           CASE WHEN {one_in("uscc_wrong")}
                THEN left(uscc, 17) || CASE right(uscc, 1) WHEN '8' THEN '4' ELSE '8' END ELSE uscc END AS uscc_told
      FROM named ORDER BY i"""
