"""Tables: search, filters, sorting, pages, fragments, Excel."""

from __future__ import annotations

import io
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.test import RequestFactory
from python_calamine import CalamineWorkbook

from gongshu.console.sheets import workbook_write
from gongshu.console.tables import COUNT_TO, Column, Filter, Table, table_page
from gongshu.journal import clock
from gongshu.org.models import Unit


class UnitTable(Table):
    title = "单位"
    search = "名称"
    search_fields = ("name", "code")
    ordering = ("code",)
    per_page = 10
    columns = (
        Column("code", "编码", sort="code", link=lambda u: f"/org/units/{u.code}/"),
        Column("name", "名称", wide=True),
        Column("kind", "类型"),
        Column("secret", "仅导出", cell=lambda u: u.code[::-1], export_only=True),
    )
    filters = (Filter("kind", "全部类型", (("organ", "机关"), ("utility", "企业"))),)


@pytest.fixture
def units(db: None) -> None:
    Unit.objects.bulk_create(
        Unit(code=f"u{n:03}", name=f"第{n}所", path=f"/u{n:03}/", kind="utility" if n % 5 == 0 else "organ")
        for n in range(35)
    )


def table(query: str = "", **headers: str) -> UnitTable:
    return UnitTable(Unit.objects.all(), RequestFactory().get("/x/" + query, headers=headers))


def test_pages_have_real_addresses(units: None) -> None:
    first = table()
    assert first.page_rows[0].code == "u000" and len(first.page_rows) == 10
    assert first.next_href == "/x/?page=2" and first.previous_href == ""
    last = table("?page=4&kind=&sort=-code")
    assert [u.code for u in last.page_rows] == ["u004", "u003", "u002", "u001", "u000"]
    assert last.next_href == "" and last.previous_href == "/x/?page=3&sort=-code"


def test_search_takes_every_word_and_filters_narrow(units: None) -> None:
    assert table("?q=第1+所").counted == 11
    assert table("?q=u030+第30").counted == 1
    assert table("?kind=utility").counted == 7
    assert table("?kind=nonsense").counted == 35, "a filter value nobody offers is ignored"
    assert table("?q=%00").counted == 35, "a zero byte would be refused by PostgreSQL"


@pytest.mark.parametrize("asked", ["0", "-1", "x", "99999999999999999999", "²"])
def test_page_numbers_out_of_range_do_no_harm(units: None, asked: str) -> None:
    assert table(f"?page={asked}").page_number == 1


def test_a_sort_that_is_not_declared_is_ignored(units: None) -> None:
    assert table("?sort=path").sorting == ("", False)


def test_count_stops_where_it_would_be_dear(units: None) -> None:
    assert table().count_text == "共 35 条"
    assert COUNT_TO == 10_000


def test_htmx_gets_the_table_only(units: None) -> None:
    whole = RequestFactory().get("/x/")
    whole.user = None
    part = RequestFactory().get(
        "/x/",
        headers={"HX-Request": "true", "HX-Request-Type": "partial", "HX-Target": "section#gs-table-main"},
    )
    response = table_page(part, "console/cases.html", UnitTable(Unit.objects.all(), part))
    body = response.content.decode()
    assert (
        body.lstrip().startswith("<section")
        and "<html" not in body
        and response["Cache-Control"] == "no-store"
    )


def test_excel_has_all_rows_and_more_columns(units: None) -> None:
    request = RequestFactory().get("/x/?format=xlsx&kind=utility")
    response = table_page(request, "console/cases.html", UnitTable(Unit.objects.all(), request))
    rows = CalamineWorkbook.from_filelike(
        io.BytesIO(b"".join(response.streaming_content))
    ).get_sheet_by_index(0)
    lines = rows.to_python()
    assert lines[0] == ["编码", "名称", "类型", "仅导出"]
    assert len(lines) == 8 and lines[1] == ["u000", "第0所", "公共服务企业", "000u"]
    assert "filename*=UTF-8''%E5%8D%95%E4%BD%8D" in response["Content-Disposition"]


def test_nothing_in_a_sheet_runs_and_nothing_is_rounded() -> None:
    moment = datetime(2026, 3, 2, 9, 30, tzinfo=clock.ZONE)
    line: list[Any] = [
        "=HYPERLINK(1)", "+1+1", "@x", "\tcmd", "http://a.b", "-12.5", 110101199003070000, Decimal("12.50"),
        date(2026, 3, 1), moment, True, None, ["甲", "乙"],
    ]  # fmt: skip
    file = io.BytesIO()
    assert workbook_write(file, [str(n) for n in range(len(line))], [line]) == 1
    (_heads, got) = (
        CalamineWorkbook.from_filelike(io.BytesIO(file.getvalue())).get_sheet_by_index(0).to_python()
    )
    assert got[:6] == ["'=HYPERLINK(1)", "'+1+1", "'@x", "cmd", "http://a.b", "-12.5"]
    assert got[6] == "110101199003070000", "Excel keeps fifteen digits"
    assert got[7:] == [12.5, date(2026, 3, 1), datetime(2026, 3, 2, 9, 30), "是", "", "甲、乙"]
