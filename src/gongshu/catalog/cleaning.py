"""What people state of an entry, checked before it is stored in a draft."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from gongshu.engine import source as engine
from gongshu.kernel.errors import Invalid
from gongshu.org.policy import current_pack
from gongshu.packs import Pack

from .models import EntryVersion, Item
from .rules import field_label, refuse_secret, secret_marks
from .vocabulary import FIELDS, Level, SensitiveKind
from .wording import length_of, listed, sentences


def set_fields(version: EntryVersion, given: dict[str, Any]) -> None:
    """Clean and store canonical fields; Invalid names every wrong one."""
    pack = current_pack()
    wrong: dict[str, str] = {}
    for key, value in given.items():
        try:
            setattr(version, key, _clean(key, value, pack))
        except ValueError as error:
            wrong[key] = str(error)
    if wrong:
        raise Invalid(sentences(wrong.values()), fields=wrong, field=next(iter(wrong)))
    refuse_secret(version.secret_kinds, pack)
    version.save()


def _clean(key: str, value: Any, pack: Pack) -> Any:
    if key == "summary":
        return str(value or "").strip()
    if key == "secret_kinds":
        return _marks(value, pack)
    if key not in FIELDS:
        raise ValueError(_("目录没有“%(name)s”这一项。") % {"name": key})
    spec, label = FIELDS[key], field_label(pack, key)
    if value in (None, "", {}, []):
        return {"basis": {}, "date": None, "int": None}.get(spec.kind, "")
    if spec.kind == "date":
        try:
            return date.fromisoformat(str(value))
        except ValueError:
            raise ValueError(_("“%(label)s”应为日期，如 2027-12-31。") % {"label": label}) from None
    if spec.kind == "basis":
        if not isinstance(value, dict):
            raise ValueError(_("“%(label)s”须写明效力层级、文件名称和条款。") % {"label": label})
        told = {part: str(value.get(part) or "").strip() for part in ("rank", "document", "article")}
        return told if any(told.values()) else {}
    options = spec.options(pack)
    if options:
        code = int(value) if spec.kind == "int" and str(value).isdigit() else value
        if code not in {code for code, _label in options}:
            allowed = listed(text for _code, text in options)
            raise ValueError(
                _("“%(label)s”没有“%(value)s”这个选项，可以是：%(options)s。")
                % {"label": label, "value": value, "options": allowed}
            )
        return code
    text = str(value).strip()
    limit = length_of(EntryVersion, key)
    if len(text) > limit:
        raise ValueError(_("“%(label)s”不能超过 %(n)d 字。") % {"label": label, "n": limit})
    return text


def _marks(value: Any, pack: Pack) -> list[str]:
    marks = [str(mark) for mark in (value if isinstance(value, list) else [value]) if mark]
    stray = [mark for mark in marks if mark not in dict(secret_marks(pack))]
    if stray:
        raise ValueError(_("没有这种秘密类型：%(kind)s。") % {"kind": stray[0]})
    return marks


def replace_items(version: EntryVersion, given: list[dict[str, Any]]) -> None:
    """Make these the items of a draft, in order; an item known by its name keeps what is not given."""
    held = {item.name: item for item in version.items.all()}
    made: list[Item] = []
    wrong: list[str] = []
    for position, told in enumerate(given, start=1):
        name = str(told.get("name") or "").strip()
        if not name or name in {item.name for item in made}:
            wrong.append(_("第 %(n)d 个信息项没有字段名，或与前面的重复。") % {"n": position})
            continue
        item = held.get(name) or Item(name=name, label=name, type="text")
        item.pk, item.version, item.position = None, version, position
        wrong += [f"{name}：{problem}" for problem in _set_item(item, told)]
        made.append(item)
    if wrong:
        raise Invalid(sentences(wrong[:20]), field="items")
    version.items.all().delete()
    for item in made:
        item._state.adding = True
    Item.objects.bulk_create(made)


def _set_item(item: Item, told: dict[str, Any]) -> list[str]:
    wrong = []
    if "label" in told:
        item.label = str(told["label"] or "").strip()[:200]
    if told.get("type"):
        if told["type"] not in engine.TYPES:
            wrong.append(_("没有数据类型 %(type)s。") % {"type": told["type"]})
        item.type = str(told["type"])[:20]
    for flag in ("is_key", "nullable"):
        if flag in told:
            setattr(item, flag, told[flag] in (True, "true", "on", "1", 1))
    if "kind" in told:
        if told["kind"] and told["kind"] not in SensitiveKind.values:
            wrong.append(_("没有敏感类别 %(kind)s。") % {"kind": told["kind"]})
        item.kind = str(told["kind"] or "")[:20]
    if "level" in told:
        level = int(told["level"]) if str(told["level"] or "").isdigit() else None
        if level is not None and level not in Level.values:
            wrong.append(_("级别应为 1 至 4。"))
        item.level = level
    if "code_list" in told:
        pairs = told["code_list"] or []
        if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs):
            wrong.append(_("代码表应为“代码、名称”成对。"))
        else:
            item.code_list = [[str(code), str(label)] for code, label in pairs]
    return wrong
