"""Excel out: any rows as a workbook, written in constant memory, with nothing in it that Excel would run."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import xlsxwriter
from django.http import FileResponse
from django.utils.html import strip_tags
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from gongshu.journal import clock

MIME = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CELL_LIMIT = 32_767
_RUNNABLE = ("=", "+", "-", "@", "\t", "\r")


def workbook_response(name: str, heads: Sequence[str], lines: Iterable[Sequence[Any]]) -> FileResponse:
    """The rows as a download called `name` with today's date. Text is written as text, never as a formula or link."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - FileResponse closes it
    workbook_write(file, heads, lines)
    file.seek(0)
    stem = "".join(c for c in name if c not in '\\/:*?"<>|\r\n') or "gongshu"
    response = FileResponse(file, content_type=MIME)
    filename = quote(f"{stem}-{clock.today():%Y%m%d}.xlsx")
    response["Content-Disposition"] = f"attachment; filename=\"export.xlsx\"; filename*=UTF-8''{filename}"
    response["Cache-Control"] = "no-store"
    return response


def workbook_write(file: Any, heads: Sequence[str], lines: Iterable[Sequence[Any]]) -> int:
    """Write heads and lines to an open binary file; returns how many lines."""
    book = xlsxwriter.Workbook(
        file,
        {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "remove_timezone": True,
        },
    )
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True, "bottom": 1, "bg_color": "#F0F4FA"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    for column, head in enumerate(heads):
        sheet.set_column(column, column, min(max(len(str(head)) * 2 + 4, 12), 40))
        sheet.write_string(0, column, str(head), bold)
    sheet.freeze_panes(1, 0)
    count = 0
    for count, line in enumerate(lines, start=1):
        for column, value in enumerate(line):
            plain = _plain(value)
            if isinstance(plain, datetime):
                sheet.write_datetime(count, column, plain, moment)
            elif isinstance(plain, date):
                sheet.write_datetime(count, column, datetime(plain.year, plain.month, plain.day), day)  # noqa: DTZ001
            elif isinstance(plain, int | float | Decimal) and not isinstance(plain, bool):
                sheet.write_number(count, column, plain)
            elif plain != "":
                sheet.write_string(count, column, plain)
    if count:
        sheet.autofilter(0, 0, count, max(len(heads) - 1, 0))
    book.close()
    return count


def _plain(value: Any) -> Any:
    """A value as Excel may have it.

    Text that begins like a formula is neutralised with an apostrophe as well as written as text, because the sheet
    may be saved as CSV and opened again. Figures of more than fifteen digits are kept as text: Excel would round them.
    """
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(clock.ZONE).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, date | int | float | Decimal):
        return str(value) if isinstance(value, int) and abs(value) > 10**15 else value
    if isinstance(value, list | tuple | set):
        value = "、".join(str(_plain(v)) for v in value)
    text = strip_tags(value) if isinstance(value, SafeString) else str(value)
    text = text.strip().replace("\x00", "")[: _CELL_LIMIT - 1]
    return f"'{text}" if text.startswith(_RUNNABLE) and not _is_figure(text) else text


def _is_figure(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdigit()
