"""Tables of the catalog's pages; each exports what it shows, and more."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from gongshu.console.tables import Column, Filter, Table
from gongshu.org.models import Unit
from gongshu.org.policy import current_pack

from . import labels
from .models import Entry, Item, System
from .selectors import entries_search
from .sheets import type_labels
from .vocabulary import EntryState, Network, ShareType, SystemStatus, acquisition_ways


def _shown(entry: Entry, name: str) -> Any:
    held = entry.shown
    return getattr(held, name) if held else ""


def _units() -> list[tuple[str, str]]:
    held = Unit.objects.filter(Exists(Entry.objects.filter(unit=OuterRef("pk"))))
    return [(u.code, str(u)) for u in held]


def _system_units() -> list[tuple[str, str]]:
    held = Unit.objects.filter(Exists(System.objects.filter(unit=OuterRef("pk"))))
    return [(u.code, str(u)) for u in held]


def _share_types() -> list[tuple[str, str]]:
    return [(code, labels.share_label(code)) for code in ShareType.values]


def _cycle(entry: Entry) -> str:
    return labels.value_text("update_cycle", _shown(entry, "update_cycle"))


def _rows(entry: Entry) -> str:
    """Rows in the source when it was last drafted, with thousands separated."""
    rows = _shown(entry, "row_count")
    return f"{rows:,}" if isinstance(rows, int) else ""


class EntryTable(Table):
    """Entries the person may see."""

    title = _("数据目录")
    search = _("名称、编码、信息项、单位")
    ordering = ("code",)
    empty = _("还没有目录。从信息系统的数据源起草，或导入 Excel。")
    columns = (
        Column("code", _("目录编码"), nowrap=True, quiet=True, sort="code"),
        Column("name", _("目录名称"), wide=True, link=lambda e: reverse("catalog:entry", args=[e.code])),
        Column("unit", _("提供单位"), sort="unit__path"),
        Column("system", _("所属信息系统"), cell=lambda e: str(e.system or "")),
        Column(
            "share",
            _("共享属性"),
            cell=lambda e: labels.share_badge(_shown(e, "share_type")),
            export=lambda e: labels.share_label(_shown(e, "share_type")),
            nowrap=True,
        ),
        Column("open", _("开放属性"), cell=lambda e: labels.open_label(_shown(e, "open_type")), nowrap=True),
        Column("cycle", _("更新周期"), cell=_cycle, nowrap=True),
        Column("items", _("信息项"), cell=lambda e: e.shown.items.count() if e.shown else 0, numeric=True),
        Column(
            "rows",
            _("数据量"),
            cell=_rows,
            export=lambda e: _shown(e, "row_count"),
            numeric=True,
        ),
        Column(
            "state",
            _("状态"),
            cell=labels.state_badge,
            export=lambda e: str(EntryState(e.state).label),
            nowrap=True,
            sort="state",
        ),
        Column("version", _("版本"), export_only=True),
        Column("table", _("数据表"), export_only=True),
        Column("published_at", _("发布时间"), export=lambda e: e.published_at, export_only=True),
        Column(
            "items_named",
            _("信息项名称"),
            export_only=True,
            export=lambda e: [i.label for i in e.shown.items.all()] if e.shown else [],
        ),
    )
    filters = (
        Filter("unit", _("全部单位"), _units, field="unit__code"),
        Filter(
            "share_type",
            _("全部共享属性"),
            _share_types,
            apply=lambda rows, value: entries_search(rows, share_type=value),
        ),
        Filter("state", _("全部状态"), EntryState.choices),
        Filter(
            "way",
            _("全部来源方式"),
            lambda: acquisition_ways(current_pack()),
            apply=lambda rows, value: entries_search(rows, acquisition_way=value),
        ),
    )

    def searched(self, rows: QuerySet[Entry], query: str) -> QuerySet[Entry]:
        """The catalog's own search."""
        return entries_search(rows, q=query)


class SystemTable(Table):
    """Registered systems."""

    title = _("信息系统")
    search = _("名称、编码、业务")
    search_fields = ("name", "code", "business", "unit__name")
    ordering = ("code",)
    empty = _("还没有登记信息系统。编制目录前先登记系统。")
    columns = (
        Column("code", _("系统编码"), nowrap=True, quiet=True, sort="code"),
        Column(
            "name",
            _("系统名称"),
            wide=True,
            link=lambda s: reverse("catalog:system", args=[s.code]),
            sort="name",
        ),
        Column("unit", _("单位"), sort="unit__path"),
        Column("business", _("承载业务")),
        Column("network", _("所在网络"), nowrap=True),
        Column("hosting", _("部署位置"), nowrap=True),
        Column("status", _("状态"), nowrap=True),
        Column("entries_n", _("目录"), numeric=True),
        Column("ownership", _("权属"), export_only=True),
        Column("kind", _("系统类型"), export_only=True),
        Column("contact", _("联系方式"), export_only=True),
        Column("surveyed_on", _("普查日期"), nowrap=True, sort="surveyed_on", quiet=True),
    )
    filters = (
        Filter("unit", _("全部单位"), _system_units, field="unit__code"),
        Filter("network", _("全部网络"), Network.choices),
        Filter("status", _("全部状态"), SystemStatus.choices),
    )


def _decimal(item: Item) -> str:
    word = type_labels().get(item.type, item.type)
    return f"{word}({item.precision},{item.scale})" if item.precision and item.scale is not None else word


class ItemTable(Table):
    """The items of a version."""

    prefix = "i_"
    per_page = 100
    search = _("信息项、字段名")
    search_fields = ("label", "name")
    ordering = ("position",)
    columns = (
        Column("position", _("序号"), numeric=True),
        Column("label", _("信息项名称"), wide=True),
        Column("name", _("字段名"), nowrap=True, quiet=True),
        Column("type", _("数据类型"), cell=_decimal, nowrap=True),
        Column(
            "is_key",
            _("主键"),
            cell=lambda i: labels.badge(_("主键"), "blue") if i.is_key else "",
            export=lambda i: i.is_key,
        ),
        Column(
            "nullable",
            _("可空"),
            cell=lambda i: _("可空") if i.nullable else _("必填"),
            export=lambda i: i.nullable,
        ),
        Column("kind", _("敏感类别"), cell=lambda i: labels.kind_label(i.kind)),
        Column(
            "level",
            _("级别"),
            cell=labels.item_level,
            export=lambda i: i.get_level_display() or "",
            nowrap=True,
        ),
        Column("code_list", _("代码表"), cell=lambda i: "；".join(f"{c} {t}" for c, t in i.code_list[:6])),
    )
