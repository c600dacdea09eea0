"""Batches in the lake: whole, recorded once, readable as they were."""

from __future__ import annotations

import threading
from pathlib import Path

import duckdb
import psycopg
import pytest

from gongshu.engine import digest, source
from gongshu.engine.lake import Lake, LakeError
from gongshu.engine.source import SourceError, SourceSpec


def fill(dsn: str, rows: int, extra: str = "") -> None:
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("DROP TABLE IF EXISTS pop")
        db.execute(
            "CREATE TABLE pop AS SELECT i AS id, '张' || i AS name, (i / 7.0)::numeric(12,2) AS pay,"
            f" date '2000-01-01' + i % 9000 AS day {extra} FROM generate_series(1, {rows}) i"
        )


def test_a_batch_replaces_the_table_and_history_stays(
    pg_dsn: str, postgresql: SourceSpec, lake: Lake
) -> None:
    fill(pg_dsn, 50_000)
    told: list[int] = []
    first = lake.ingest(postgresql, "pop", None, "pop", "b1", progress=told.append, verify=True)
    assert first.rows == first.source_rows == 50_000 and first.digest == first.source_digest
    assert told[-1] == 50_000 and told == sorted(told)
    assert set(first.column_digests) == {"id", "name", "pay", "day"}
    fill(pg_dsn, 10, ", i % 2 = 0 AS flag")
    second = lake.ingest(postgresql, "pop", None, "pop", "b2")
    assert lake.count("pop") == 10 and lake.count("pop", first.snapshot) == 50_000
    assert second.schema_fingerprint != first.schema_fingerprint
    assert [batch.batch_id for batch in lake.history("pop")] == ["b2", "b1"]
    assert lake.history("pop")[1] == first
    assert [name for name, _ in lake.columns("pop")] == ["id", "name", "pay", "day", "flag"]
    assert lake.sample("pop", 4).to_pylist() == lake.sample("pop", 4).to_pylist()


def test_the_same_batch_again_returns_what_was_recorded(
    pg_dsn: str, postgresql: SourceSpec, lake: Lake
) -> None:
    fill(pg_dsn, 100)
    first = lake.ingest(postgresql, "pop", None, "pop", "b1")
    fill(pg_dsn, 5)
    assert lake.ingest(postgresql, "pop", None, "pop", "b1") == first
    assert lake.count("pop") == 100
    with pytest.raises(LakeError, match="recorded for pop"):
        lake.ingest(postgresql, "pop", None, "elsewhere", "b1")


def test_digest_is_of_content_not_of_order(pg_dsn: str, postgresql: SourceSpec, lake: Lake) -> None:
    fill(pg_dsn, 3000)
    first = lake.ingest(postgresql, "pop", None, "a", "b1")
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute("CREATE TABLE shuffled AS SELECT * FROM pop ORDER BY md5(id::text)")
    again = lake.ingest(postgresql, "shuffled", None, "b", "b2")
    assert again.digest == first.digest and again.column_digests == first.column_digests
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute("UPDATE shuffled SET name = name || ' ' WHERE id = 1777")
    changed = lake.ingest(postgresql, "shuffled", None, "b", "b3")
    assert changed.digest != first.digest
    differ = {name for name, value in changed.column_digests.items() if value != first.column_digests[name]}
    assert differ == {"name"}


def test_digest_text_is_injective_over_separators() -> None:
    assert digest.digest_text(0, 0, 0) == "ms1-0-" + "0" * 32
    columns = [source.Column("a", "text"), source.Column("b", "text")]
    values = ["('x,1:y', 'z')", "('x', '1:y,1:z')", "(NULL, '~')", "('~', NULL)", "('', NULL)", "(NULL, '')"]
    values += ["('2', 'aaaaaaaaa,9bbbbbbbbb')", "(',20aaaaaaaaa', 'bbbbbbbbb')"]
    seen = {
        duckdb.sql(digest.duckdb_select(columns, f"(VALUES {value}) t(a, b)")).fetchall()[0]
        for value in values
    }
    assert len(seen) == len(values)


def test_chosen_columns_and_a_column_that_went(pg_dsn: str, postgresql: SourceSpec, lake: Lake) -> None:
    fill(pg_dsn, 10)
    wanted = [c for c in source.columns(postgresql, "pop") if c.name in ("name", "id")][::-1]
    lake.ingest(postgresql, "pop", wanted, "pop", "b1")
    assert [name for name, _ in lake.columns("pop")] == ["name", "id"]
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute("ALTER TABLE pop DROP name")
    with pytest.raises(SourceError) as caught:
        lake.ingest(postgresql, "pop", wanted, "pop", "b2")
    assert (caught.value.code, caught.value.facts["columns"]) == ("column_missing", ["name"])
    assert lake.count("pop") == 10


def test_cancelling_leaves_nothing(pg_dsn: str, postgresql: SourceSpec, lake: Lake) -> None:
    fill(pg_dsn, 300_000)
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(threading.get_ident())
        return True

    with pytest.raises(SourceError) as caught:
        lake.ingest(postgresql, "pop", None, "pop", "b1", cancelled=cancelled)
    assert caught.value.code == "cancelled"
    assert set(asked) == {threading.get_ident()}  # asked in the caller's own thread
    assert not lake.exists("pop") and lake.batch("b1") is None
    assert not list(lake.data_path.rglob("*.parquet"))


def test_a_failing_progress_function_stops_the_batch(pg_dsn: str, postgresql: SourceSpec, lake: Lake) -> None:
    fill(pg_dsn, 10)

    def progress(rows: int) -> None:
        raise RuntimeError("cannot write progress")

    with pytest.raises(RuntimeError, match="cannot write progress"):
        lake.ingest(postgresql, "pop", None, "pop", "b1", progress=progress)
    assert lake.batch("b1") is None


def test_rows_written_while_pulling_are_in_neither_count(
    pg_dsn: str, postgresql: SourceSpec, lake: Lake
) -> None:
    fill(pg_dsn, 300_000)
    stop = threading.Event()

    def write() -> None:
        with psycopg.connect(pg_dsn, autocommit=True) as db:
            while not stop.is_set():
                db.execute("INSERT INTO pop SELECT i, 'late', 1, '2020-01-01' FROM generate_series(1, 50) i")
                db.execute("DELETE FROM pop WHERE id = (SELECT min(id) FROM pop)")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        batch = lake.ingest(postgresql, "pop", None, "pop", "b1", verify=True)
    finally:
        stop.set()
        writer.join()
    assert batch.rows == batch.source_rows and batch.digest == batch.source_digest


def test_two_at_once_into_one_target_follow_each_other(
    pg_dsn: str, postgresql: SourceSpec, lake: Lake
) -> None:
    fill(pg_dsn, 20_000)
    results = {}
    names = ["b1", "b2", "b2", "b3"]
    threads = [
        threading.Thread(
            target=lambda index=index, name=name: results.update(
                {index: Lake(pg_dsn, lake.data_path).ingest(postgresql, "pop", None, "pop", name)}
            )
        )
        for index, name in enumerate(names)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4 and results[1] == results[2]
    assert lake.count("pop") == 20_000 and len(lake.history("pop")) == 3


def test_drop_and_vacuum_remove_the_files(pg_dsn: str, postgresql: SourceSpec, lake: Lake) -> None:
    fill(pg_dsn, 1000)
    lake.ingest(postgresql, "pop", None, "pop", "b1")
    lake.ingest(postgresql, "pop", None, "other", "b2")
    lake.drop("pop")
    assert not lake.exists("pop") and lake.history("pop") == []
    lake.vacuum(0)
    assert {path.parts[-3] for path in lake.data_path.rglob("*.parquet")} == {"other"}
    assert lake.count("other") == 1000
    with pytest.raises(LakeError):
        lake.count("pop")


def test_the_lake_can_be_moved(pg_dsn: str, postgresql: SourceSpec, lake: Lake) -> None:
    fill(pg_dsn, 100)
    lake.ingest(postgresql, "pop", None, "pop", "b1")
    with psycopg.connect(pg_dsn) as db:
        found = db.execute("SELECT path, path_is_relative FROM lake.ducklake_data_file").fetchall()
    assert found and all(relative and not Path(path).is_absolute() for path, relative in found)
    moved = lake.data_path.with_name("moved")
    lake.data_path.rename(moved)
    there = Lake(lake.catalog_dsn, moved)
    assert there.count("pop") == 100
    there.ingest(postgresql, "pop", None, "pop", "b2")
    assert there.count("pop") == 100 and not lake.data_path.exists()


def test_names_that_are_not_tables_are_refused(lake: Lake, postgresql: SourceSpec) -> None:
    for name in ("", "../x", "a b", "batch_done", "a" * 64, "表", 'a"b'):
        with pytest.raises(ValueError, match="not a lake table name"):
            lake.ingest(postgresql, "pop", None, name, "b1")
