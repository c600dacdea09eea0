"""Entries in a workbook: the template under the policy pack in force, and reading it back.

Sheet 1 has a row per entry in the regulation's own words, sheet 2 a row per item, joined by the entry's name; sheet 3
says what may be filled in. Reading gives plain values for `entries_import` and every cell that is wrong.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import xlsxwriter
from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook

from gongshu.engine.source import TYPES
from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import Invalid
from gongshu.packs import Pack
from gongshu.packs.loader import clauses

from .rules import field_label, required
from .vocabulary import FIELDS, Level, SensitiveKind, ShareType, basis_ranks
from .wording import listed

MOST = 5000
"""Rows of one file."""


def type_labels() -> dict[str, str]:
    """The engine's types in words."""
    words = (_("文本"), _("整数"), _("小数"), _("日期"), _("日期时间"), _("是否"), _("浮点数"), _("二进制"))
    return dict(zip(TYPES, words, strict=True))


@dataclass(frozen=True)
class Head:
    """A column of the workbook: where its value goes ("share_type", "legal_basis.rank"), its heading and options."""

    key: str
    label: str
    options: list[tuple[Any, str]] = field(default_factory=list)
    required: bool = False
    basis: Basis = field(default_factory=Basis)

    @property
    def choices(self) -> str:
        """The options in words."""
        return listed(text for _code, text in self.options)

    @property
    def ground(self) -> str:
        """The clauses that ask for it, with their articles."""
        return listed(f"{c} {clauses()[c].article}" for c in self.basis.clauses)


def entry_heads(pack: Pack) -> list[Head]:
    """Columns of the entries' sheet, in the pack's words, the required ones first."""
    asked = required(pack, "")
    order = [k for k in asked if k in FIELDS or k == "system"]
    order = ["name", *(k for k in order if k != "name")]
    order += [k for k in ("system", *FIELDS) if k not in order]
    heads: list[Head] = []
    for key in order:
        label = field_label(pack, key)
        if key == "legal_basis":
            ranks = dict(basis_ranks(pack, ShareType.NONE)) | dict(basis_ranks(pack, ShareType.CONDITIONAL))
            heads.append(Head("legal_basis.rank", _("依据效力层级"), [(r, r) for r in ranks]))
            heads.append(Head("legal_basis.document", _("依据文件名称")))
            heads.append(Head("legal_basis.article", _("依据条款")))
            continue
        options = [(c, str(text)) for c, text in FIELDS[key].options(pack)] if key in FIELDS else []
        heads.append(Head(key, label, options, key in asked, asked.get(key, Basis())))
    return [*heads, Head("summary", _("目录摘要"))]


def item_heads() -> list[Head]:
    """Columns of the items' sheet."""
    return [
        Head("entry", _("目录名称"), required=True),
        Head("name", _("字段名"), required=True),
        Head("label", _("信息项名称"), required=True),
        Head("type", _("数据类型"), list(type_labels().items())),
        Head("is_key", _("主键"), [(True, _("是")), (False, _("否"))]),
        Head("nullable", _("可空"), [(True, _("是")), (False, _("否"))]),
        Head("kind", _("敏感类别"), [(c, str(text)) for c, text in SensitiveKind.choices]),
        Head("level", _("级别"), [(c, str(text)) for c, text in Level.choices]),
    ]


def template(pack: Pack) -> bytes:
    """The workbook to fill in, with drop-down lists and a sheet of explanations."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    )
    bold = book.add_format({"bold": True, "bottom": 1, "bg_color": "#F0F4FA"})
    must = book.add_format({"bold": True, "bottom": 1, "bg_color": "#FDECEA"})
    entries, items = entry_heads(pack), item_heads()
    for name, heads in ((_("目录"), entries), (_("信息项"), items)):
        sheet = book.add_worksheet(name)
        sheet.freeze_panes(1, 0)
        for column, head in enumerate(heads):
            sheet.set_column(column, column, max(len(head.label) * 2 + 4, 14))
            sheet.write_string(0, column, head.label, must if head.required else bold)
            listed = [text for _code, text in head.options]
            if listed and len(",".join(listed)) < 250:
                sheet.data_validation(1, column, MOST, column, {"validate": "list", "source": listed})
    sheet = book.add_worksheet(_("填写说明"))
    sheet.set_column(0, 3, 30)
    for column, text in enumerate((_("列"), _("是否必填"), _("可填内容"), _("依据"))):
        sheet.write_string(0, column, text, bold)
    for row, head in enumerate([*entries, *items], start=1):
        told = (
            head.label,
            _("必填") if head.required else "",
            head.choices,
            head.ground,
        )
        for column, text in enumerate(told):
            sheet.write_string(row, column, text)
    book.close()
    return file.getvalue()


def read(content: bytes, pack: Pack) -> list[dict[str, Any]]:
    """Entries of a filled workbook: {at, cells, system, fields, items}; Invalid names every wrong cell.

    `cells` maps a field to its place ("目录!C5"), so that a later refusal can be shown there too.
    """
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    except (CalamineError, OSError, ValueError):
        raise Invalid(
            _("文件不是 Excel 工作簿（.xlsx、.xls、.ods）。请下载模板填写后再导入。"), field="file"
        ) from None
    wrong: dict[str, str] = {}
    told: list[dict[str, Any]] = []
    by_name: dict[str, dict[str, Any]] = {}
    for line in _lines(book, 0, entry_heads(pack), wrong):
        entry = _entry(line)
        name = entry["fields"].get("name", "")
        if name in by_name:
            wrong[line.at("name")] = _("目录名称“%(name)s”在文件中重复。") % {"name": name}
        by_name[name] = entry
        told.append(entry)
    for line in _lines(book, 1, item_heads(), wrong):
        owner = by_name.get(str(line.values.get("entry", "")))
        if owner is None:
            wrong[line.at("entry")] = _("“目录”表中没有名为“%(name)s”的目录。") % {
                "name": line.values.get("entry", "")
            }
            continue
        owner["items"].append({k: v for k, v in line.values.items() if k != "entry"})
        owner["cells"].setdefault("items", line.at("name"))
    if not told and not wrong:
        wrong[_("目录")] = _("没有填写任何目录。")
    if wrong:
        raise Invalid(
            _("有 %(n)d 处需要更正，未导入任何目录。") % {"n": len(wrong)}, fields=wrong, code="sheet"
        )
    return told


@dataclass
class _Line:
    """A row: its values by key, and where each stands."""

    sheet: str
    row: int
    values: dict[str, Any]
    columns: dict[str, str]

    def at(self, key: str) -> str:
        return f"{self.sheet}!{self.columns.get(key, 'A')}{self.row}"


def _entry(line: _Line) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in line.values.items():
        if key.startswith("legal_basis."):
            fields.setdefault("legal_basis", {})[key.partition(".")[2]] = value
        elif key != "system":
            fields[key] = value
    cells = {key.partition(".")[0]: line.at(key) for key in line.columns}
    return {
        "at": line.at("name"),
        "cells": cells,
        "system": str(line.values.get("system", "")),
        "fields": fields,
        "items": [],
    }


def _lines(book: Any, index: int, heads: list[Head], wrong: dict[str, str]) -> Iterator[_Line]:
    """Rows of a sheet, matched by heading; unknown headings and values that are no option go to `wrong`."""
    if index >= len(book.sheet_names):
        return
    name = book.sheet_names[index]
    rows = book.get_sheet_by_index(index).to_python(skip_empty_area=False)
    if not rows:
        return
    by_label = {head.label: head for head in heads}
    placed: dict[int, Head] = {}
    for column, cell in enumerate(rows[0]):
        label = str(cell).strip().rstrip("*")
        if label in by_label:
            placed[column] = by_label[label]
        elif label:
            wrong[f"{name}!{_letter(column)}1"] = _("模板中没有“%(label)s”这一列。") % {"label": label}
    missing = [h.label for h in heads if h.required and h not in placed.values()]
    if missing:
        wrong[f"{name}!1"] = _("缺少这些列：%(labels)s。") % {"labels": listed(missing)}
        return
    if len(rows) > MOST:
        wrong[f"{name}!{MOST}"] = _("一次最多导入 %(n)d 行，请分次导入。") % {"n": MOST}
        return
    letters = {head.key: _letter(column) for column, head in placed.items()}
    for number, row in enumerate(rows[1:], start=2):
        if not any(str(cell).strip() for cell in row):
            continue
        line = _Line(name, number, {}, letters)
        for column, head in placed.items():
            _cell(line, head, row[column] if column < len(row) else "", wrong)
        yield line


def _cell(line: _Line, head: Head, raw: Any, wrong: dict[str, str]) -> None:
    value = _plain(raw)
    if value == "":
        if head.key in ("entry", "name"):
            wrong[line.at(head.key)] = _("请填写“%(label)s”。") % {"label": head.label}
        return
    if head.options:
        by_text = {str(text): code for code, text in head.options} | {
            str(code): code for code, _t in head.options
        }
        if value not in by_text:
            options = listed(str(text) for _code, text in head.options)
            wrong[line.at(head.key)] = _("“%(value)s”不是“%(label)s”的选项，可以是：%(options)s。") % {
                "value": value,
                "label": head.label,
                "options": options,
            }
            return
        line.values[head.key] = by_text[value]
        return
    line.values[head.key] = value


def _plain(raw: Any) -> str:
    """A cell as text: whole numbers without a fraction, dates as ISO."""
    if isinstance(raw, datetime):
        return raw.date().isoformat()
    if isinstance(raw, date):
        return raw.isoformat()
    if isinstance(raw, bool):
        return _("是") if raw else _("否")
    if isinstance(raw, float) and raw.is_integer():
        return str(int(raw))
    return str(raw).strip()


def _letter(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
