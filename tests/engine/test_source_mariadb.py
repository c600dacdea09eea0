"""MariaDB as a source."""

from __future__ import annotations

import datetime
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pymysql
import pytest

from gongshu.engine import source
from gongshu.engine.lake import Lake
from gongshu.engine.source import SourceError, SourceSpec

TABLE = """
CREATE TABLE t (id int PRIMARY KEY, name varchar(40) NOT NULL COMMENT '姓名', fixed char(5), big bigint unsigned,
 money decimal(12,2), fine decimal(30,15), huge decimal(60,2), flag tinyint(1), ratio double, part float, born date,
 moment datetime(6), stamp timestamp NULL, doc json, raw blob, clock time, y year, bits bit(3), kind enum('甲','乙'))
"""


@pytest.fixture
def db(mariadb: SourceSpec) -> Iterator[Any]:
    session = pymysql.connect(
        host=mariadb.host,
        port=mariadb.port or 3306,
        user=mariadb.user,
        password=mariadb.password,
        database=mariadb.database,
        charset="utf8mb4",
        autocommit=True,
        init_command="SET sql_mode = '', time_zone = '+00:00'",
    )
    with session, session.cursor() as cursor:
        cursor.execute(TABLE)
        cursor.execute(
            "INSERT INTO t VALUES (1, '张𬱖', 'ab ', 18446744073709551615, -0.05, 123456789012345.123456789012345,"
            " 12345678901234567890123456789012345678901234.12, 2, 0.1, 0.5, '9999-12-31', '2020-02-29 23:59:59.000001',"
            " '2020-01-01 00:00:00', '{\"a\": 1}', x'00ff', '08:00:01', 2020, 5, '乙'),"
            " (2, '', NULL, 0, 1, NULL, NULL, NULL, NULL, NULL, '0000-00-00', '2020-00-10', NULL, NULL, '', NULL, NULL,"
            " NULL, NULL)"
        )
        yield cursor


def test_columns_and_probe(db: Any, mariadb: SourceSpec) -> None:
    probe = source.probe(mariadb)
    assert probe.server.startswith("MariaDB 1") and [t.name for t in probe.tables] == ["t"]
    columns = {c.name: c for c in source.columns(mariadb, "t")}
    assert columns["id"].is_key and not columns["name"].nullable and columns["name"].comment == "姓名"
    assert columns["big"].duckdb_type == "DECIMAL(20,0)" and columns["huge"].type == "text"
    assert source.count(mariadb, "t") == 2


def test_values_arrive_exactly(db: Any, mariadb: SourceSpec, lake: Lake) -> None:
    batch = lake.ingest(mariadb, "t", None, "t", "b1")
    assert batch.rows == batch.source_rows == 2
    first, second = sorted(lake.rows("t").to_pylist(), key=lambda row: row["id"])
    assert first["name"] == "张𬱖" and first["big"] == Decimal(18446744073709551615)
    assert first["money"] == Decimal("-0.05") and first["fine"] == Decimal("123456789012345.123456789012345")
    assert first["huge"] == "12345678901234567890123456789012345678901234.12" and first["flag"] == 2
    assert first["born"] == datetime.date(9999, 12, 31) and first["moment"].microsecond == 1
    assert str(first["stamp"]) == "2020-01-01 08:00:00"
    assert first["raw"] == b"\x00\xff" and first["clock"] == "08:00:01" and first["y"] == 2020
    assert first["bits"] == 5 and first["kind"] == "乙"
    # A zero date is no date; an empty text stays one.
    assert (
        second["born"] is None and second["moment"] is None and second["name"] == "" and second["raw"] == b""
    )


def test_each_fault_has_its_code(db: Any, mariadb: SourceSpec) -> None:
    cases = [
        ("refused", replace(mariadb, port=1)),
        ("host_unknown", replace(mariadb, host="no-such-host.invalid")),
        ("auth_failed", replace(mariadb, user="nobody", password="Geheim&9")),
        ("database_missing", replace(mariadb, database="no_such_db")),
    ]
    for code, spec in cases:
        with pytest.raises(SourceError) as caught:
            source.probe(spec)
        assert caught.value.code == code
        assert "Geheim" not in f"{caught.value}{caught.value.facts}"
    with pytest.raises(SourceError) as caught:
        source.columns(mariadb, "nothing")
    assert caught.value.code == "table_missing"


def test_a_right_that_is_missing(db: Any, mariadb: SourceSpec, lake: Lake) -> None:
    db.execute("CREATE OR REPLACE USER engine_reader@'%' IDENTIFIED BY 'r'")
    db.execute(f"GRANT SELECT (id) ON {mariadb.database}.t TO engine_reader@'%'")
    reader = replace(mariadb, user="engine_reader", password="r")
    with pytest.raises(SourceError) as caught:
        source.count(replace(reader, database="mysql"), "user")
    assert caught.value.code in ("permission_denied", "table_missing")
    assert [c.name for c in source.columns(reader, "t")] == ["id"]
    assert lake.ingest(reader, "t", None, "t", "b1").rows == 2
    db.execute("DROP USER engine_reader@'%'")


def test_count_and_rows_come_from_one_moment(db: Any, mariadb: SourceSpec, lake: Lake) -> None:
    db.execute("CREATE TABLE busy (id int AUTO_INCREMENT PRIMARY KEY, n varchar(40))")
    db.execute("INSERT INTO busy (n) SELECT concat('n', seq) FROM seq_1_to_200000")
    stop = threading.Event()

    def write() -> None:
        other = pymysql.connect(
            host=mariadb.host,
            port=mariadb.port or 3306,
            user=mariadb.user,
            password=mariadb.password,
            database=mariadb.database,
            autocommit=True,
        )
        with other, other.cursor() as cursor:
            while not stop.is_set():
                cursor.execute("INSERT INTO busy (n) SELECT 'late' FROM seq_1_to_50")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        batch = lake.ingest(mariadb, "busy", None, "busy", "b1")  # refuses by itself when the counts differ
    finally:
        stop.set()
        writer.join()
    assert batch.rows == batch.source_rows > 200_000


def test_progress_and_cancelling_of_a_stream(db: Any, mariadb: SourceSpec, lake: Lake) -> None:
    db.execute("CREATE TABLE large (id int PRIMARY KEY, n varchar(200))")
    db.execute("INSERT INTO large SELECT seq, md5(seq) FROM seq_1_to_400000")
    told: list[int] = []
    with pytest.raises(SourceError) as caught:
        lake.ingest(
            mariadb,
            "large",
            None,
            "large",
            "b1",
            progress=told.append,
            cancelled=lambda: bool(told and told[-1]),
        )
    assert caught.value.code == "cancelled" and 0 < told[0] <= 400_000
    assert not lake.exists("large")
    assert lake.ingest(mariadb, "large", None, "large", "b1").rows == 400_000


def test_a_server_that_goes_away_is_said_so(db: Any, mariadb: SourceSpec, lake: Lake) -> None:
    db.execute("CREATE TABLE large (id int PRIMARY KEY, n varchar(200))")
    db.execute("INSERT INTO large SELECT seq, repeat('x', 200) FROM seq_1_to_400000")
    killed = []

    def kill() -> None:
        for _ in range(400):
            db.execute(
                "SELECT id FROM information_schema.processlist WHERE info LIKE '%gongshu source rows%'"
                " AND id <> connection_id()"
            )
            for (number,) in db.fetchall():
                db.execute(f"KILL {number}")
                killed.append(number)
                return
            time.sleep(0.005)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with pytest.raises(SourceError) as caught:
            lake.ingest(mariadb, "large", None, "large", "b1")
    finally:
        killer.join()
    assert killed and caught.value.code == "server_gone", caught.value
    assert not lake.exists("large") and lake.batch("b1") is None
