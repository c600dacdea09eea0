"""PostgreSQL as a source: what can be wrong gets its own code, and every type arrives unchanged."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

import psycopg
import pytest

from gongshu.engine import source
from gongshu.engine.lake import Lake
from gongshu.engine.source import SourceError, SourceSpec


@pytest.fixture
def people(pg_dsn: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute("CREATE SCHEMA office")
        db.execute(
            'CREATE TABLE office."人员" (id bigint PRIMARY KEY, "姓名" varchar(20) NOT NULL, born date,'
            " pay numeric(12,2))"
        )
        db.execute('COMMENT ON COLUMN office."人员"."姓名" IS \'户口簿上的姓名\'')
        db.execute("COMMENT ON TABLE office.\"人员\" IS '在册人员'")
        db.execute(
            "INSERT INTO office.\"人员\" SELECT i, '张' || i, '1980-01-01', i / 3.0 FROM generate_series(1, 7) i"
        )
        db.execute('CREATE VIEW adults AS SELECT id, born FROM office."人员"')
        yield db


def test_tables_columns_and_count(people: psycopg.Connection, postgresql: SourceSpec) -> None:
    probe = source.probe(postgresql)
    assert probe.server.startswith("PostgreSQL 1")
    assert [(t.name, t.kind, t.comment) for t in probe.tables] == [
        ("adults", "view", ""),
        ("office.人员", "table", "在册人员"),
    ]
    columns = source.columns(postgresql, "office.人员")
    assert [(c.name, c.type, c.is_key, c.nullable, c.comment) for c in columns] == [
        ("id", "integer", True, False, ""),
        ("姓名", "text", False, False, "户口簿上的姓名"),
        ("born", "date", False, True, ""),
        ("pay", "decimal", False, True, ""),
    ]
    assert columns[3].duckdb_type == "DECIMAL(12,2)"
    assert source.count(postgresql, "office.人员") == 7


def code_of(spec: SourceSpec) -> str:
    with pytest.raises(SourceError) as caught:
        source.probe(spec)
    error = caught.value
    assert "Geheim&9" not in f"{error}{error.detail}{error.facts}{spec!r}"
    return error.code


def test_each_fault_has_its_code(pg_dsn: str, postgresql: SourceSpec) -> None:
    spec = replace(postgresql, password="Geheim&9")
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute("DROP ROLE IF EXISTS engine_reader")
    assert code_of(replace(spec, host="no-such-host.invalid")) == "host_unknown"
    assert code_of(replace(spec, host="bad..name")) == "host_unknown"
    assert code_of(replace(spec, port=1)) == "refused"
    assert code_of(replace(spec, user="nobody_such")) == "auth_failed"
    assert code_of(replace(postgresql, database="no_such_db", options={})) == "database_missing"


def test_a_silent_server_times_out(postgresql: SourceSpec) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(5)
        port = silent.getsockname()[1]
        assert code_of(replace(postgresql, port=port, options={"connect_timeout": 2})) == "timeout"


def test_missing_table_and_missing_right(people: psycopg.Connection, postgresql: SourceSpec) -> None:
    with pytest.raises(SourceError) as caught:
        source.columns(postgresql, "office.nothing")
    assert (caught.value.code, caught.value.facts["table"]) == ("table_missing", "office.nothing")
    people.execute("DROP ROLE IF EXISTS engine_reader")
    people.execute("CREATE ROLE engine_reader LOGIN PASSWORD 'r'")
    reader = replace(postgresql, user="engine_reader", password="r")
    assert source.probe(reader).tables == []
    with pytest.raises(SourceError) as caught:
        source.count(reader, "office.人员")
    assert caught.value.code == "permission_denied"
    people.execute("GRANT USAGE ON SCHEMA office TO engine_reader")
    people.execute('GRANT SELECT (id) ON office."人员" TO engine_reader')
    assert [t.name for t in source.tables(reader)] == ["office.人员"]
    people.execute('REVOKE ALL ON office."人员" FROM engine_reader')
    people.execute("REVOKE ALL ON SCHEMA office FROM engine_reader")
    people.execute("DROP ROLE engine_reader")


AWKWARD = """
CREATE TYPE mood AS ENUM ('好', '坏'); CREATE DOMAIN code AS varchar(6) CHECK (value <> '');
CREATE TABLE t (id int PRIMARY KEY, small smallint, money numeric(14,2), free numeric, wide numeric, odd numeric,
  flag boolean, ratio double precision, part real, fixed char(6), note text, day date, moment timestamp(6),
  instant timestamptz, raw bytea, uid uuid, doc jsonb, mood mood, code code, tags text[], clock time, addr inet);
INSERT INTO t VALUES
 (1, -32768, -0.05, 3.14, 12345678901234567890123456789.123456789012, 'NaN', true, 0.1, 0.1, 'ab ', '', '9999-12-31',
  '2020-02-29 23:59:59.000001', '2020-01-01 00:00:00+00', '\\x00ff', '123e4567-e89b-12d3-a456-426614174000',
  '{"a": 1}', '好', '330726', '{a,"b,c"}', '08:00', '10.0.0.1'),
 (2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, E'行1\\n行2, "引" 𬱖', NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL, NULL),
 (3, 0, 999999999999.99, 1e10, 0.1, 5, false, 1e300, -1.5, 'x', '~', '0001-01-01', '1900-01-01', '1985-07-01 00:00+08',
  '', NULL, '[]', '坏', 'a', '{}', '23:59:59', '::1');
"""


def test_awkward_types_arrive_exactly(pg_dsn: str, postgresql: SourceSpec, lake: Lake) -> None:
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute(AWKWARD)
    batch = lake.ingest(postgresql, "t", None, "t", "b1", verify=True)
    assert batch.source_digest == batch.digest  # both ends computed it on their own
    assert batch.widened == ("wide", "odd")
    types = {column.name: column.duckdb_type for column in batch.columns}
    assert types["free"] == "DECIMAL(38,10)" and types["wide"] == "VARCHAR"
    row = {r["id"]: r for r in lake.rows("t").to_pylist()}
    assert row[1]["money"] == Decimal("-0.05") and row[1]["free"] == Decimal("3.1400000000")
    assert row[1]["wide"] == "12345678901234567890123456789.123456789012" and row[1]["odd"] == "NaN"
    assert row[1]["fixed"] == "ab" and row[1]["note"] == "" and row[2]["note"] == '行1\n行2, "引" 𬱖'
    assert str(row[1]["instant"]) == "2020-01-01 08:00:00"  # wall time in China
    assert row[1]["raw"] == b"\x00\xff" and row[1]["tags"] == '{a,"b,c"}' and row[1]["doc"] == '{"a": 1}'
    assert row[2]["small"] is None and row[3]["ratio"] == 1e300


def test_scanned_types_take_the_parallel_way_and_stay_exact(
    pg_dsn: str, postgresql: SourceSpec, lake: Lake
) -> None:
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute(AWKWARD)
        db.execute(
            "ALTER TABLE t DROP free, DROP wide, DROP odd, DROP doc, DROP mood, DROP code, DROP tags,"
            " DROP clock, DROP addr"
        )
    batch = lake.ingest(postgresql, "t", None, "t", "b1", verify=True)
    assert batch.source_digest == batch.digest and batch.rows == 3


def test_a_wide_table_has_one_digest_at_both_ends(pg_dsn: str, postgresql: SourceSpec, lake: Lake) -> None:
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        cells = ", ".join(f"'v{index}' || i AS c{index}" for index in range(250))
        db.execute(f"CREATE TABLE wide AS SELECT {cells} FROM generate_series(1, 20) i".encode())
    batch = lake.ingest(postgresql, "wide", None, "wide", "b1", verify=True)
    assert batch.source_digest == batch.digest and len(batch.column_digests) == 250


@pytest.mark.parametrize("kind", ["view", "partitioned", "materialized", "empty"])
def test_everything_that_selects_can_be_pulled(
    kind: str, pg_dsn: str, postgresql: SourceSpec, lake: Lake
) -> None:
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute("CREATE TABLE base (id int, n text)")
        db.execute("INSERT INTO base SELECT i, 'n' || i FROM generate_series(1, 5000) i")
        made = {
            "view": "CREATE VIEW src_t AS SELECT * FROM base",
            "materialized": "CREATE MATERIALIZED VIEW src_t AS SELECT * FROM base",
            "empty": "CREATE TABLE src_t (id int, n text)",
            "partitioned": "CREATE TABLE src_t (id int, n text) PARTITION BY RANGE (id);"
            " CREATE TABLE p1 PARTITION OF src_t FOR VALUES FROM (0) TO (3000);"
            " CREATE TABLE p2 PARTITION OF src_t FOR VALUES FROM (3000) TO (9000);"
            " INSERT INTO src_t SELECT * FROM base",
        }[kind]
        db.execute(made)
    batch = lake.ingest(postgresql, "src_t", None, "target", "b1", verify=True)
    assert batch.rows == batch.source_rows == lake.count("target") == (0 if kind == "empty" else 5000)
    assert batch.digest == batch.source_digest
