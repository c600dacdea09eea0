"""How much is catalogued, unit by unit."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from gongshu.console.tables import Column, Table, table_page
from gongshu.console.web import console_view
from gongshu.org.policy import current_pack

from ..coverage import BASIS, Coverage, coverage_of
from ..rules import cited
from ..wording import listed


def _tables(told: Coverage) -> str:
    return listed(f"{source}.{table}" for source, table in told.tables[:12]) + (
        "…" if len(told.tables) > 12 else ""
    )


class CoverageTable(Table):
    """A row per unit, the least covered first."""

    title = _("编目情况")
    per_page = 50
    empty = _("还没有登记信息系统。编制目录前先登记系统。")
    columns = (
        Column("unit", _("单位")),
        Column("systems_n", _("在用系统"), numeric=True),
        Column("systems", _("未编目系统"), cell=lambda c: listed(c.systems) or "—"),
        Column("tables_n", _("数据表"), numeric=True),
        Column("tables_done", _("已编目"), numeric=True),
        Column("rate", _("编目率"), numeric=True),
        Column(
            "missing",
            _("未编目的表"),
            cell=lambda c: _tables(c) or "—",
            wide=True,
            export=lambda c: [f"{source}.{table}" for source, table in c.tables],
        ),
    )


@console_view("catalog.view")
def coverage(request: HttpRequest) -> HttpResponseBase:
    """The page."""
    rows: list[Any] = coverage_of(request.actor)  # type: ignore[attr-defined]
    context = {"title": _t("编目情况"), "basis": cited(current_pack(), *BASIS)}
    return table_page(request, "catalog/coverage.html", CoverageTable(rows, request), context)
