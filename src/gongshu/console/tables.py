"""Tables: search, filters, sorting, pages and Excel export, declared once and the same everywhere.

A table is a class with `columns`; an instance has its rows (a QuerySet, or a list) and the request. It works with
scripts off (a GET form and plain links) and swaps only itself where htmx runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.db.models import Q, QuerySet
from django.http import FileResponse, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify
from django.utils.translation import gettext as _

from .sheets import workbook_response
from .web import is_fragment, page

Text = str | Promise
COUNT_TO = 10_000
"""Rows are counted exactly up to here; beyond, the table says "more than" (a full count of a million is not cheap)."""


@dataclass(frozen=True)
class Column:
    """One column. `name` is the attribute read when neither `cell` nor `export` says otherwise.

    cell: row -> what is shown (text or SafeString). export: row -> the value in Excel (default: the attribute, or
    what `cell` shows). link: row -> address. sort: ORM field to order by. numeric: right-aligned figures.
    nowrap: never broken. wide: takes what room there is. quiet: secondary, grey. export_only: not on screen.
    """

    name: str
    label: Text
    cell: Callable[[Any], Any] | None = None
    export: Callable[[Any], Any] | None = None
    link: Callable[[Any], str | None] | None = None
    numeric: bool = False
    sort: str = ""
    nowrap: bool = False
    wide: bool = False
    quiet: bool = False
    export_only: bool = False

    def show(self, row: Any) -> Any:
        """What the cell shows."""
        return self.cell(row) if self.cell else _attribute(row, self.name)

    def value(self, row: Any) -> Any:
        """What Excel gets."""
        if self.export:
            return self.export(row)
        return self.cell(row) if self.cell else _attribute(row, self.name)

    @property
    def classes(self) -> str:
        """CSS classes of the column's cells."""
        told = {
            "gs-num": self.numeric,
            "gs-nowrap": self.nowrap,
            "gs-wide": self.wide,
            "gs-quiet": self.quiet,
        }
        return " ".join(name for name, on in told.items() if on)


@dataclass(frozen=True)
class Filter:
    """A drop-down that narrows the rows.

    choices: (value, label) pairs or a function giving them. field: ORM field compared with the value; or
    apply: (rows, value) -> rows.
    """

    name: str
    label: Text
    choices: Iterable[tuple[str, Text]] | Callable[[], Iterable[tuple[str, Text]]]
    field: str = ""
    apply: Callable[[Any, str], Any] | None = None

    def options(self) -> list[tuple[str, Text]]:
        """The choices as a list."""
        return [(str(v), label) for v, label in (self.choices() if callable(self.choices) else self.choices)]

    def narrow(self, rows: Any, value: str) -> Any:
        """The rows that pass."""
        return self.apply(rows, value) if self.apply else rows.filter(**{self.field or self.name: value})


@dataclass(frozen=True)
class Head:
    """A column's heading with its sorting link."""

    column: Column
    href: str
    direction: str


class Table:
    """Base of every table.

    search: placeholder of the search box; search_fields: ORM fields it looks in (override `searched` for more).
    prefix: parameter prefix, where a page has several tables. title: file name of the export, and heading if
    `headed`. ordering: default order. empty: what an empty table says.
    """

    columns: ClassVar[Sequence[Column]] = ()
    filters: ClassVar[Sequence[Filter]] = ()
    search: ClassVar[Text] = ""
    search_fields: ClassVar[Sequence[str]] = ()
    ordering: ClassVar[Sequence[str]] = ()
    per_page: ClassVar[int] = 20
    prefix: ClassVar[str] = ""
    headed: ClassVar[bool] = False
    title: Text = ""
    empty: Text = ""
    export_limit: ClassVar[int] = 1_000_000

    def __init__(self, rows: Any, request: HttpRequest, *, title: Text = "", base: str = "") -> None:
        """rows: a QuerySet or a list. title: heading and file name. base: address of the page, if not this one."""
        self.source = rows
        self.request = request
        self.title = title or self.title
        self.base = base or request.path

    @property
    def id(self) -> str:
        """The element's id."""
        return f"gs-table-{self.prefix or 'main'}"

    def param(self, name: str) -> str:
        """The value of one of this table's parameters."""
        return self.request.GET.get(self.prefix + name, "").replace("\x00", "").strip()

    @cached_property
    def query(self) -> str:
        """What is searched for."""
        return self.param("q")[:200]

    @cached_property
    def page_number(self) -> int:
        """The page asked for, at least 1."""
        asked = self.param("page")
        return min(max(int(asked), 1), 100_000) if asked.isdecimal() and len(asked) < 7 else 1

    def searched(self, rows: Any, query: str) -> Any:
        """The rows that match every word of the query in any of `search_fields`."""
        for word in query.split():
            matches = Q()
            for field in self.search_fields:
                matches |= Q(**{f"{field}__icontains": word})
            rows = rows.filter(matches)
        return rows

    @cached_property
    def rows(self) -> Any:
        """All rows that pass search and filters, in order."""
        rows = self.source
        if self.query:
            rows = self.searched(rows, self.query)
        for each in self.filters:
            if (value := self.param(each.name)) and value in {v for v, _label in each.options()}:
                rows = each.narrow(rows, value)
        return self.ordered(rows)

    def ordered(self, rows: Any) -> Any:
        """The rows in the order asked for."""
        if not isinstance(rows, QuerySet):
            return rows
        name, descending = self.sorting
        if name:
            field = next(c.sort for c in self.columns if c.name == name)
            return rows.order_by(("-" if descending else "") + field, "pk")
        return rows.order_by(*self.ordering) if self.ordering else rows

    @cached_property
    def sorting(self) -> tuple[str, bool]:
        """Column sorted by, and whether downwards."""
        asked = self.param("sort")
        name = asked.removeprefix("-")
        known = name in {c.name for c in self.columns if c.sort}
        return (name, asked.startswith("-")) if known else ("", False)

    @cached_property
    def counted(self) -> int:
        """How many rows, counted up to COUNT_TO + 1."""
        if isinstance(self.rows, QuerySet):
            return int(self.rows.order_by()[: COUNT_TO + 1].count())
        return len(self.rows)

    @property
    def count_text(self) -> str:
        """The count in words."""
        if self.counted > COUNT_TO:
            return _("超过 %(n)s 条") % {"n": f"{COUNT_TO:,}"}
        return _("共 %(n)s 条") % {"n": f"{self.counted:,}"}

    @property
    def pages(self) -> int:
        """How many pages; 0 where that is not known."""
        return 0 if self.counted > COUNT_TO else max(-(-self.counted // self.per_page), 1)

    @cached_property
    def page_rows(self) -> list[Any]:
        """The rows of this page, and whether more follow (`has_next`)."""
        start = (self.page_number - 1) * self.per_page
        found = list(self.rows[start : start + self.per_page + 1])
        self.has_next = len(found) > self.per_page
        return found[: self.per_page]

    def body(self) -> SafeString:
        """The rows of this page as HTML. Built here and not in the template: a list is asked for more often than
        anything else, and this takes a quarter of the time."""
        shown = [(c, format_html(' data-label="{}"', c.label), c.classes) for c in self.shown]
        return mark_safe("".join(self._row(row, shown) for row in self.page_rows))  # noqa: S308 - escaped in _row

    def _row(self, row: Any, shown: Sequence[tuple[Column, SafeString, str]]) -> str:
        cells = []
        for column, label, classes in shown:
            told = conditional_escape(column.show(row))
            href = column.link(row) if column.link else None
            if href:
                told = format_html('<a href="{}">{}</a>', href, told)
            names = f"{classes} gs-blank".strip() if told == "" else classes
            marked = f' class="{names}"' if names else ""
            cells.append(f'<td role="cell"{label}{marked}>{told}</td>')
        return f'<tr role="row">{"".join(cells)}</tr>'

    @property
    def shown(self) -> list[Column]:
        """Columns on screen."""
        return [c for c in self.columns if not c.export_only]

    def heads(self) -> list[Head]:
        """Headings with their sorting links."""
        name, descending = self.sorting
        heads = []
        for column in self.shown:
            direction = ("descending" if descending else "ascending") if column.name == name else ""
            wanted = f"-{column.name}" if column.name == name and not descending else column.name
            heads.append(Head(column, self.href(sort=wanted, page="") if column.sort else "", direction))
        return heads

    def href(self, **changed: Any) -> str:
        """This page's address with some of the table's parameters changed; an empty one is left out."""
        params = {k: v for k, v in self.request.GET.items() if k not in ("format", "table")}
        for name, value in changed.items():
            params[self.prefix + name if name not in ("format", "table") else name] = value
        told = {k: v for k, v in params.items() if v not in ("", None)}
        return self.base + ("?" + urlencode(told) if told else "")

    @property
    def export_href(self) -> str:
        """Address of the same rows as Excel."""
        return self.href(page="", format="xlsx", table=self.prefix)

    @property
    def previous_href(self) -> str:
        """Address of the page before, if there is one."""
        return (
            self.href(page=self.page_number - 1 if self.page_number > 2 else "")
            if self.page_number > 1
            else ""
        )

    @property
    def next_href(self) -> str:
        """Address of the page after, if there is one."""
        return self.href(page=self.page_number + 1) if self.page_rows and self.has_next else ""

    @property
    def narrowed(self) -> bool:
        """Whether a search or a filter is on."""
        return bool(self.query) or any(self.param(f.name) for f in self.filters)

    @property
    def clear_href(self) -> str:
        """Address without search and filters."""
        return self.href(q="", page="", **{f.name: "" for f in self.filters})

    def selects(self) -> list[dict[str, Any]]:
        """The filters as the template draws them."""
        return [
            {
                "name": self.prefix + f.name,
                "label": f.label,
                "value": self.param(f.name),
                "options": f.options(),
            }
            for f in self.filters
        ]

    def kept(self) -> list[tuple[str, str]]:
        """Parameters that the search form carries along (sorting, other tables)."""
        own = {self.prefix + n for n in ("q", "page", *(f.name for f in self.filters))} | {"format", "table"}
        return [(k, str(v)) for k, v in self.request.GET.items() if k not in own]

    def export(self) -> FileResponse:
        """All rows that pass search and filters as an Excel sheet."""
        rows = self.rows[: self.export_limit]
        found = rows.iterator(chunk_size=2000) if isinstance(rows, QuerySet) else iter(rows)
        heads = [str(c.label) for c in self.columns]
        lines = ([c.value(row) for c in self.columns] for row in found)
        name = str(self.title) or slugify(self.prefix) or "gongshu"
        return workbook_response(name, heads, lines)


def table_page(
    request: HttpRequest,
    template: str,
    table: Table,
    context: dict[str, Any] | None = None,
    *,
    more: Sequence[Table] = (),
) -> HttpResponseBase:
    """A page with a table (`table` in the context), or only the table for htmx, or its rows as Excel.

    more: further tables of the page, each with its own prefix and put into the context by the caller.
    """
    tables = [table, *more]
    if request.GET.get("format") == "xlsx":
        wanted = request.GET.get("table", "")
        return next((t for t in tables if t.prefix == wanted), table).export()
    if is_fragment(request):
        target = request.headers.get("HX-Target", "").rpartition("#")[2]
        chosen = next((t for t in tables if t.id == target), None)
        if chosen is not None:
            response = page(request, "console/table.html", {"table": chosen})
            response["Cache-Control"] = "no-store"
            return response
    response = page(request, template, {"table": table, **(context or {})})
    patch_vary_headers(response, ["HX-Request-Type"])
    return response


def _attribute(row: Any, name: str) -> Any:
    if isinstance(row, dict):
        return row.get(name, "")
    value = getattr(row, name, "")
    display = getattr(row, f"get_{name}_display", None)
    if display is not None:
        return display()
    return "" if value is None else value
