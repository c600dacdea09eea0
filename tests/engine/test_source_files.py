"""SQLite, Excel and CSV as sources."""

from __future__ import annotations

import datetime
import secrets
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
import xlsxwriter

from gongshu.engine import source
from gongshu.engine.lake import Lake
from gongshu.engine.source import SourceError, SourceSpec

FileSpec = Callable[..., SourceSpec]


@pytest.fixture
def lake(lake_module: Lake) -> Lake:
    return lake_module


CSV = (
    "编号,姓名,身份证号,金额,日期,数量\n"
    '1,张𬱖,110101199003070038,1.50,2024-01-05,007\n2,"李,""四""",11010119900307003X,-2,2024/2/29,8\n3,,,,,\n'
)


def fault(call: Callable[[], object]) -> SourceError:
    with pytest.raises(SourceError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv_in_office_encodings(encoding: str, file_spec: FileSpec, lake: Lake) -> None:
    spec = file_spec("csv", "人员.csv", CSV.encode(encoding))
    columns = {c.name: c.duckdb_type for c in source.columns(spec, "人员")}
    assert columns == {
        "编号": "BIGINT",
        "姓名": "VARCHAR",
        "身份证号": "VARCHAR",
        "金额": "DECIMAL(18,2)",
        "日期": "DATE",
        "数量": "VARCHAR",
    }
    assert source.count(spec, "人员") == 3
    batch = lake.ingest(spec, "人员", None, "people", secrets.token_hex(4))
    assert batch.rows == batch.source_rows == 3
    first, second, third = sorted(lake.rows("people").to_pylist(), key=lambda row: row["编号"])
    assert first["姓名"] == "张𬱖" and first["数量"] == "007" and first["金额"] == Decimal("1.50")
    assert second["姓名"] == '李,"四"' and second["日期"] == datetime.date(2024, 2, 29)
    assert [third[name] for name in ("姓名", "身份证号", "金额", "日期", "数量")] == [None] * 5


def test_csv_faults(file_spec: FileSpec) -> None:
    broken = "姓名\n张三\n".encode() + b"\xff\xfe\xfd\n"
    assert fault(lambda: source.probe(file_spec("csv", "a.csv", broken))).code == "bad_encoding"
    stated = fault(
        lambda: source.probe(file_spec("csv", "b.csv", "姓名\n".encode("gb18030"), encoding="utf-8"))
    )
    assert (stated.code, stated.facts["encoding"]) == ("bad_encoding", "utf-8")
    ragged = file_spec("csv", "c.csv", b'a,b\n1,2\n3,4,5,6\n"open,2\n')
    assert fault(lambda: source.count(ragged, "c")).code == "bad_csv"
    assert fault(lambda: source.columns(file_spec("csv", "c.csv"), "other")).code == "table_missing"


@pytest.mark.parametrize("kind", ["csv", "excel", "sqlite"])
def test_files_only_below_their_directory(kind: str, file_spec: FileSpec, tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "secret.csv").write_text("a\n1\n")
    (inside / "link.csv").symlink_to(tmp_path / "secret.csv")
    for path in ("../secret.csv", str(tmp_path / "secret.csv"), "link.csv", "", "a\x00b"):
        spec = SourceSpec(kind, path=path, options={"root": str(inside)})
        assert fault(lambda spec=spec: source.probe(spec)).code == "file_outside"
    missing = SourceSpec(kind, path="none.csv", options={"root": str(inside)})
    assert fault(lambda: source.probe(missing)).code == "file_missing"
    assert fault(lambda: source.probe(SourceSpec(kind, path="secret.csv"))).code == "file_outside"


def test_a_later_value_that_does_not_fit_keeps_the_column_as_text(file_spec: FileSpec, lake: Lake) -> None:
    lines = "\n".join(str(number) for number in range(12_000))
    spec = file_spec("csv", "n.csv", f"n\n{lines}\n待补录\n".encode())
    assert source.columns(spec, "n")[0].type == "integer"  # what the first rows say
    batch = lake.ingest(spec, "n", None, "n", secrets.token_hex(4))
    assert batch.widened == ("n",) and batch.columns[0].type == "text" and batch.rows == 12_001


def workbook() -> bytes:
    target = BytesIO()
    book = xlsxwriter.Workbook(target)
    sheet = book.add_worksheet("企业")
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for index, name in enumerate(["统一社会信用代码", "成立日期", "人数", "注册资本", "是否停业"]):
        sheet.write(0, index, name)
    sheet.write_row(1, 0, ["91330100MA27XXXX0X", datetime.datetime(2020, 2, 29), 12, 1.5, True])
    sheet.write_datetime(1, 1, datetime.datetime(2020, 2, 29), day)
    sheet.write_row(3, 0, ["代码二", None, 5, 100])  # row 3 stays empty
    sheet.write_datetime(3, 1, datetime.datetime(2021, 1, 1), day)
    book.add_worksheet("空表")
    book.close()
    return target.getvalue()


def test_excel_sheets_are_tables(file_spec: FileSpec, lake: Lake) -> None:
    spec = file_spec("excel", "firms.xlsx", workbook())
    assert [t.name for t in source.probe(spec).tables] == ["企业", "空表"]
    types = [(c.name, c.duckdb_type) for c in source.columns(spec, "企业")]
    assert types == [
        ("统一社会信用代码", "VARCHAR"),
        ("成立日期", "DATE"),
        ("人数", "BIGINT"),
        ("注册资本", "DECIMAL(18,2)"),
        ("是否停业", "VARCHAR"),
    ]
    assert source.count(spec, "企业") == 2
    assert lake.ingest(spec, "企业", None, "firms", secrets.token_hex(4)).rows == 2
    rows = sorted(lake.rows("firms").to_pylist(), key=lambda row: row["人数"])
    assert rows[1]["成立日期"] == datetime.date(2020, 2, 29) and rows[1]["是否停业"] == "true"
    assert rows[0]["注册资本"] == Decimal("100.00") and rows[0]["是否停业"] is None
    assert fault(lambda: source.columns(spec, "空表")).code == "column_missing"
    assert fault(lambda: source.columns(spec, "无")).code == "table_missing"
    assert fault(lambda: source.probe(file_spec("excel", "x.xlsx", b"a,b\n"))).code == "not_a_workbook"


def sqlite_file(path: Path, wal: bool = False) -> None:
    with sqlite3.connect(path) as db:
        if wal:
            db.execute("PRAGMA journal_mode = wal")
        db.executescript(
            "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, name VARCHAR(20) NOT NULL, pay DECIMAL(10,2),"
            " ratio REAL, day DATE, moment DATETIME, flag BOOLEAN, raw BLOB, free);"
            "INSERT INTO t VALUES (1, 5, '张', 1.25, 0.1, '2020-02-29', '2020-02-29 01:02:03', 1, x'00ff', 'x'),"
            " (2, '无', '', NULL, 1e300, NULL, NULL, 0, NULL, 7), (3, NULL, '李', 2, 2, '2021-1-1', NULL, NULL, x'', NULL);"
            "CREATE VIEW v AS SELECT id FROM t;"
        )
    db.close()


@pytest.mark.parametrize("wal", [False, True])
def test_sqlite_types_and_dirty_cells(wal: bool, file_spec: FileSpec, tmp_path: Path, lake: Lake) -> None:
    sqlite_file(tmp_path / "a.db", wal)
    spec = file_spec("sqlite", "a.db")
    assert [(t.name, t.kind) for t in source.probe(spec).tables] == [("t", "table"), ("v", "view")]
    columns = {c.name: c for c in source.columns(spec, "t")}
    assert (
        columns["id"].is_key
        and not columns["name"].nullable
        and columns["pay"].duckdb_type == "DECIMAL(10,2)"
    )
    assert source.count(spec, "t") == 3
    batch = lake.ingest(spec, "t", None, "t", secrets.token_hex(4))
    assert batch.rows == batch.source_rows == 3 and batch.widened == ("n",)
    first, second, third = sorted(lake.rows("t").to_pylist(), key=lambda row: row["id"])
    assert first["pay"] == Decimal("1.25") and first["ratio"] == 0.1 and first["raw"] == b"\x00\xff"
    assert first["day"] == datetime.date(2020, 2, 29) and first["flag"] is True
    assert second["n"] == "无" and second["name"] == "" and second["ratio"] == 1e300 and second["raw"] is None
    assert third["raw"] == b"" and third["n"] is None
    assert fault(lambda: source.columns(spec, "none")).code == "table_missing"
    assert fault(lambda: source.probe(file_spec("sqlite", "b.db", b"nonsense" * 9))).code == "not_a_database"


def test_two_columns_alike_are_refused(file_spec: FileSpec) -> None:
    error = fault(lambda: source.columns(file_spec("csv", "d.csv", b"Name,name\n1,2\n"), "d"))
    # DuckDB renames the second; whichever way it is told, no column may be lost silently.
    assert error.code == "column_clash"
