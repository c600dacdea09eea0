"""Serving tables: complete, indexed, readable by the gateway's role, swapped whole, also when builders die."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import psycopg
import pytest
from tests.engine.conftest import spec_of

from gongshu.engine.lake import Lake, LakeError
from gongshu.engine.serve import publish, published, withdraw
from gongshu.engine.source import SourceSpec

ROWS = 30_000


@pytest.fixture
def pg_dsn(pg_dsn_module: str) -> str:
    return pg_dsn_module


@pytest.fixture
def lake(lake_module: Lake) -> Lake:
    return lake_module


@pytest.fixture(scope="module")
def filled(pg_dsn_module: str, lake_module: Lake) -> Lake:
    pg_dsn, lake = pg_dsn_module, lake_module
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute("CREATE SCHEMA IF NOT EXISTS serving")
        db.execute(
            "CREATE TABLE pop AS SELECT i AS id, (i * 7919 % 30011)::text AS code, '张' || i AS name, 1.50::numeric(8,2)"
            " AS pay, '2020-01-01'::date AS day, '2020-01-01 01:02:03.000004'::timestamp AS moment, i % 2 = 0 AS flag,"
            f" 0.1::float8 AS ratio, '\\x00ff'::bytea AS raw FROM generate_series(1, {ROWS}) i"
        )
    lake.ingest(spec_of("postgresql", pg_dsn), "pop", None, "pop", "b1")
    return lake


def test_published_as_it_lies_in_the_lake(filled: Lake, pg_dsn: str) -> None:
    columns = ["code", "name", "pay", "day", "moment", "flag", "ratio", "raw"]
    assert publish(filled, "pop", columns, ["code", "name"], pg_dsn, table="g_pop") == ROWS
    with psycopg.connect(pg_dsn) as db:
        assert db.execute("SELECT count(*), min(_rowid), max(_rowid) FROM serving.g_pop").fetchone() == (
            ROWS,
            1,
            ROWS,
        )
        row = db.execute(
            "SELECT name, pay, day, moment, flag, ratio, raw FROM serving.g_pop WHERE code = '7919'"
        )
        wanted = db.execute("SELECT name, pay, day, moment, flag, ratio, raw FROM pop WHERE code = '7919'")
        assert row.fetchall() == wanted.fetchall()
        indexes = db.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'g_pop'").fetchall()
        shapes = {text[text.index("(") :] for (text,) in indexes}
        assert shapes == {"(_rowid)", "(code, name)", "(name)"}
        ordered = db.execute("SELECT code FROM serving.g_pop ORDER BY _rowid LIMIT 3").fetchall()
        assert [code for (code,) in ordered] == sorted(code for (code,) in ordered)
    facts = published(pg_dsn, "g_pop")
    assert facts and facts["rows"] == ROWS and facts["snapshot"] == filled.history("pop")[0].snapshot
    assert publish(filled, "pop", ["id"], [], pg_dsn, table="g_pop") == ROWS
    withdraw(pg_dsn, "g_pop")
    withdraw(pg_dsn, "g_pop")
    assert published(pg_dsn, "g_pop") is None


def test_only_what_is_chosen_and_only_for_the_reader(filled: Lake, pg_dsn: str) -> None:
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute("DROP ROLE IF EXISTS engine_gate")
        db.execute("CREATE ROLE engine_gate")
        db.execute("GRANT USAGE ON SCHEMA serving TO engine_gate")
        publish(filled, "pop", ["name"], ["code"], pg_dsn, table="t1", reader_role="engine_gate")
        publish(filled, "pop", ["name"], ["code"], pg_dsn, table="t2")
        found = db.execute(
            "SELECT has_table_privilege('engine_gate', 'serving.t1', 'SELECT'),"
            " has_table_privilege('engine_gate', 'serving.t1', 'UPDATE'),"
            " has_table_privilege('engine_gate', 'serving.t2', 'SELECT')"
        ).fetchone()
        assert found == (True, False, False)
        names = db.execute(
            "SELECT column_name FROM information_schema.columns WHERE table_name = 't1'"
        ).fetchall()
        assert {name for (name,) in names} == {"_rowid", "name", "code"}
        db.execute("DROP OWNED BY engine_gate")
        db.execute("DROP ROLE engine_gate")


def test_refusals(filled: Lake, pg_dsn: str) -> None:
    with pytest.raises(ValueError, match="absent"):
        publish(filled, "pop", ["absent"], [], pg_dsn)
    with pytest.raises(ValueError):
        publish(filled, "pop", [], [], pg_dsn)
    with pytest.raises(LakeError):
        publish(filled, "nothing", ["id"], [], pg_dsn)


def test_text_that_postgresql_cannot_hold(lake: Lake, pg_dsn: str, tmp_path: Path) -> None:
    (tmp_path / "n.csv").write_bytes(b"id,name\n1,a\x00b\n")
    spec = SourceSpec("csv", path="n.csv", options={"root": str(tmp_path)})
    lake.ingest(spec, "n", None, "n", "b2")
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute("CREATE SCHEMA IF NOT EXISTS serving")
        publish(lake, "n", ["id", "name"], ["id"], pg_dsn)
        assert db.execute("SELECT name FROM serving.n").fetchone() == ("ab",)


def test_readers_never_see_less(filled: Lake, pg_dsn: str) -> None:
    publish(filled, "pop", ["name"], ["code"], pg_dsn)
    stop, wrong = threading.Event(), []

    def read() -> None:
        with psycopg.connect(pg_dsn, autocommit=True) as db:
            while not stop.is_set():
                try:
                    found = db.execute("SELECT count(*) FROM serving.pop").fetchone()
                except psycopg.Error as error:
                    found = (str(error),)
                if found != (ROWS,):
                    wrong.append(found)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(3):
            publish(filled, "pop", ["name"], ["code"], pg_dsn)
    finally:
        stop.set()
        reader.join()
    assert not wrong


PROGRAM = """
import sys
from gongshu.engine.lake import Lake
from gongshu.engine.serve import publish
lake = Lake(sys.argv[1], sys.argv[2])
print("started", flush=True)
publish(lake, "pop", ["name"], ["code"], sys.argv[1])
"""


def test_killed_builders_leave_the_old_table(filled: Lake, pg_dsn: str) -> None:
    started = time.monotonic()
    publish(filled, "pop", ["name"], ["code"], pg_dsn)
    whole = time.monotonic() - started
    for _ in range(4):
        command = [sys.executable, "-c", PROGRAM, pg_dsn, str(filled.data_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout and process.stdout.readline() == "started\n"
        time.sleep(random.uniform(0, whole))
        process.kill()
        process.wait()
        process.stdout.close()
        with psycopg.connect(pg_dsn) as db:
            assert db.execute("SELECT count(*) FROM serving.pop").fetchone() == (ROWS,)
    assert publish(filled, "pop", ["name"], ["code"], pg_dsn) == ROWS
    with psycopg.connect(pg_dsn) as db:
        assert db.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'serving' AND tablename LIKE 'pop%'"
        ).fetchall() == [("pop",)]
