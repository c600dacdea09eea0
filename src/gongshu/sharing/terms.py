"""What a share request asks for, checked against the pack and the entry before anything is written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from gongshu.catalog.models import EntryVersion, Item
from gongshu.journal import clock
from gongshu.kernel.canonical import canonical
from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import Invalid
from gongshu.packs import Pack

from .vocabulary import LOOKED_UP, PER_DAY_MAX, TERM_DEFAULT_DAYS, Mode, Op


@dataclass(frozen=True)
class Terms:
    """A request as it will be kept. The members are those of `ShareRequest`."""

    items: list[str]
    reasons: dict[str, str]
    purpose: str
    scenario: str
    duty_basis: str
    scope: list[dict[str, Any]]
    modes: list[str]
    keys: list[str]
    valid_to: date
    per_day: int
    commitment: list[str]

    def digest(self, entry: str, client: str) -> str:
        """SHA-256 of what is asked, for whom and about what: the same request twice has the same one."""
        stated = {
            **self.__dict__,
            "valid_to": self.valid_to.isoformat(),
            "items": sorted(self.items),
            "entry": entry,
            "client": client,
        }
        return hashlib.sha256(canonical(stated)).hexdigest()


def terms_check(pack: Pack, version: EntryVersion, given: dict[str, Any]) -> Terms:
    """The terms in their stored form, or Invalid naming every field that is missing or wrong, with the clause."""
    return _Check(pack, version, given).terms()


class _Check:
    """One pass over everything a request states; collects all faults, so that a person is told once."""

    def __init__(self, pack: Pack, version: EntryVersion, given: dict[str, Any]) -> None:
        self.pack, self.version, self.given = pack, version, given
        self.items: dict[str, Item] = {item.name: item for item in version.items.all()}
        self.wrong: dict[str, str] = {}
        self.basis: Basis | None = None

    def terms(self) -> Terms:
        items = self._items()
        modes = self._modes()
        terms = Terms(
            items=items,
            reasons=self._reasons(items),
            purpose=self._text("purpose", True, None, _("请写明用途。")),
            scenario=self._required_by("scenario", "share.scenario_required", _("请写明应用场景。")),
            duty_basis=self._required_by(
                "duty_basis", "share.duty_basis_required", _("请写明履职依据（法定职责或服务事项）。")
            ),
            scope=self._scope(),
            modes=modes,
            keys=self._keys(items, modes),
            valid_to=self._valid_to(),
            per_day=self._per_day(),
            commitment=self._commitment(),
        )
        if self.wrong:
            raise Invalid(
                "；".join(self.wrong.values()),
                fields=self.wrong,
                field=next(iter(self.wrong)),
                basis=self.basis,
            )
        return terms

    def _fault(self, field: str, message: str, basis: Basis | None = None) -> None:
        self.wrong.setdefault(field, message)
        self.basis = self.basis or basis

    def _text(self, field: str, required: bool, basis: Basis | None, message: str) -> str:
        text = str(self.given.get(field) or "").strip()
        if required and not text:
            self._fault(field, message, basis)
        if len(text) > 4000:
            self._fault(field, _("不能超过 4000 字。"))
        return text

    def _required_by(self, field: str, key: str, message: str) -> str:
        node = self.pack.node(key)
        return self._text(field, bool(node.v), node.basis, message)

    def _items(self) -> list[str]:
        asked = list(dict.fromkeys(self.given.get("items") or []))
        stray = [name for name in asked if name not in self.items]
        if stray:
            self._fault("items", _("目录中没有信息项：%(names)s。") % {"names": "、".join(stray)})
        if not asked:
            self._fault("items", _("请至少选择一个信息项。"))
        return [name for name in self.items if name in asked]

    def _reasons(self, items: list[str]) -> dict[str, str]:
        """Asking for everything needs a reason for each item (最少、够用: CM-18.1, XC-1.4b)."""
        given = self.given.get("reasons") or {}
        told = {name: str(given.get(name) or "").strip() for name in items}
        node = self.pack.share.minimum_items
        if node.v and len(items) == len(self.items) > 1:
            silent = [str(self.items[name]) for name, reason in told.items() if not reason]
            if silent:
                self._fault(
                    "reasons",
                    _("申请全部信息项的，须逐项说明理由，按“最少、够用”选取。还缺：%(names)s。")
                    % {"names": "、".join(silent)},
                    node.basis,
                )
        return {name: reason for name, reason in told.items() if reason}

    def _modes(self) -> list[str]:
        asked = list(dict.fromkeys(self.given.get("modes") or [Mode.KEY]))
        if stray := [mode for mode in asked if mode not in Mode.values]:
            self._fault("modes", _("没有这种调用方式：%(mode)s。") % {"mode": stray[0]})
        return [str(mode) for mode in asked]

    def _keys(self, items: list[str], modes: list[str]) -> list[str]:
        asked = list(dict.fromkeys(self.given.get("keys") or []))
        if Mode.KEY in modes and not asked:
            asked = [name for name in items if self.items[name].is_key][:1]
            if not asked:
                self._fault("keys", _("按条件查询的，请在所申请的信息项中选定查询条件。"))
        for name in asked:
            if name not in items:
                self._fault("keys", _("查询条件“%(name)s”不在所申请的信息项中。") % {"name": name})
            elif self.items[name].type not in LOOKED_UP:
                self._fault("keys", _("“%(name)s”的数据类型不能作查询条件。") % {"name": name})
        return asked if Mode.KEY in modes else []

    def _scope(self) -> list[dict[str, Any]]:
        checked = []
        for filter_ in self.given.get("scope") or []:
            try:
                checked.append(scope_filter(filter_, self.items))
            except ValueError as error:
                self._fault("scope", str(error))
        return checked

    def _valid_to(self) -> date:
        today, limit = clock.today(), self.version.share_term
        asked = self.given.get("valid_to")
        usual = today + timedelta(days=TERM_DEFAULT_DAYS)
        asked = asked or (min(usual, limit) if limit else usual)
        if isinstance(asked, str):
            try:
                asked = date.fromisoformat(asked)
            except ValueError:
                self._fault("valid_to", _("使用期限应为日期，如 2026-12-01。"))
                return today
        if asked < today:
            self._fault("valid_to", _("使用期限不能早于今天。"))
        if limit and asked > limit:
            basis = self.pack.share.end_of_purpose_disposal.basis
            self._fault("valid_to", _("使用期限不能晚于目录的共享期限 %(day)s。") % {"day": limit}, basis)
        return asked

    def _per_day(self) -> int:
        asked = self.given.get("per_day") or 0
        if not isinstance(asked, int) or not 1 <= asked <= PER_DAY_MAX:
            self._fault("per_day", _("每日调用上限应为 1 到 %(most)s 的整数。") % {"most": PER_DAY_MAX})
            return 1
        return asked

    def _commitment(self) -> list[str]:
        """Every word of the commitment the text asks for has to be accepted (PJ-37.1, CM-18.1)."""
        node = self.pack.share.commitment
        accepted = list(self.given.get("commitment") or [])
        if missing := [word for word in node.v if word not in accepted]:
            self._fault(
                "commitment", _("请作出承诺：%(words)s。") % {"words": "、".join(missing)}, node.basis
            )
        return [word for word in node.v if word in accepted]


def scope_filter(filter_: Any, items: dict[str, Item]) -> dict[str, Any]:
    """One comparison {item, op, value} of a row scope in its stored form; ValueError, translated, if it is none.

    The value is kept as text (a list of texts for "in"); `compile` casts it to the item's type in SQL.
    """
    if not isinstance(filter_, dict) or set(filter_) != {"item", "op", "value"}:
        raise ValueError(_("范围条件须写明信息项、比较方式和值。"))
    item, op = items.get(str(filter_["item"])), str(filter_["op"])
    if item is None:
        raise ValueError(_("范围条件所用的信息项“%(name)s”不在目录中。") % {"name": filter_["item"]})
    if op not in Op.values or item.type == "bytes":
        raise ValueError(_("“%(name)s”不能这样比较。") % {"name": item})
    if op == Op.PREFIX and item.type != "text":
        raise ValueError(_("“以…开头”只用于文本；“%(name)s”不是文本。") % {"name": item})
    given = filter_["value"]
    values = [str(v).strip() for v in (given if isinstance(given, list) else [given])]
    values = [v for v in values if v]
    if not values or (op != Op.IN and len(values) != 1):
        raise ValueError(_("请写明“%(name)s”的比较值。") % {"name": item})
    for value in values:
        _check_value(value, item)
    return {"item": item.name, "op": op, "value": values if op == Op.IN else values[0]}


def _check_value(value: str, item: Item) -> None:
    try:
        if item.type == "integer":
            int(value)
        elif item.type in ("decimal", "double"):
            if not Decimal(value).is_finite():
                raise ValueError
        elif item.type == "date":
            date.fromisoformat(value)
        elif item.type == "timestamp":
            date.fromisoformat(value[:10])
        elif item.type == "boolean" and value not in ("true", "false"):
            raise ValueError
    except (ValueError, InvalidOperation):
        raise ValueError(_("“%(value)s”不是“%(name)s”的有效值。") % {"value": value, "name": item}) from None
