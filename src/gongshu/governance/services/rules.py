"""Rules of entries: made from their items, added and changed by the provider; every change is a version."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from gongshu.catalog.models import Entry
from gongshu.catalog.selectors import published_get
from gongshu.catalog.vocabulary import DAYS
from gongshu.journal import clock
from gongshu.journal.services import Actor, event_append, service
from gongshu.kernel.errors import Invalid, NotFound
from gongshu.org.policy import current_pack, require
from gongshu.packs import Pack

from ..models import Rule
from ..vocabulary import Check, Origin, RuleKind, Severity, dimension_of, dimensions

GRACE_DAYS = 1
"""Days beyond the update cycle before data count as stale: a daily load may end after midnight."""


def suggested(entry: Entry, pack: Pack) -> list[dict[str, Any]]:
    """The rules an entry's items call for: keys present and unique, required items present, check digits, code lists,
    freshness by the update cycle."""
    version = entry.current
    if version is None:
        return []
    items = list(version.items.all())
    found: list[dict[str, Any]] = []
    keys = [item.name for item in items if item.is_key]
    found += [_rule(RuleKind.NOT_NULL, [i.name]) for i in items if i.is_key or not i.nullable]
    if keys:
        found.append(_rule(RuleKind.UNIQUE, keys))
    for item in items:
        if item.type == "text" and item.kind in Check.values:
            found.append(_rule(RuleKind.CHECK, [item.name], check=item.kind))
        if item.code_list:
            found.append(
                _rule(RuleKind.CODE_LIST, [item.name], values=[str(code) for code, _label in item.code_list])
            )
    if (days := DAYS.get(version.update_cycle)) is not None:
        found.append(_rule(RuleKind.FRESH, [], days=days + GRACE_DAYS))
    return [rule | {"dimension": dimension_of(rule["kind"], pack)} for rule in found]


def _rule(kind: RuleKind, columns: list[str], **params: Any) -> dict[str, Any]:
    code = f"{kind}:{','.join(columns)}" if columns else str(kind)
    return {"code": code[:120], "kind": str(kind), "columns": columns, "params": params}


def rules_generate(actor: Actor, entry: Entry) -> int:
    """Bring the automatic rules of an entry in line with its version in force; returns how many changed.

    Manual rules are left alone; an automatic one whose item is gone, or that a person switched off, is not revived.
    """
    pack = current_pack()
    wanted = {rule["code"]: rule for rule in suggested(entry, pack)}
    held = {rule.code: rule for rule in Rule.objects.filter(entry=entry)}
    changed = 0
    for code, rule in wanted.items():
        old = held.get(code)
        if old is None:
            made = Rule.objects.create(
                entry=entry, origin=Origin.AUTO, severity=Severity.ERROR, changed_at=clock.now(), **rule
            )
            _told(actor, made, "quality.rule.added", pack)
        elif old.origin == Origin.AUTO and (old.params, old.columns) != (rule["params"], rule["columns"]):
            _change(actor, old, {"params": rule["params"], "columns": rule["columns"]}, pack)
        else:
            continue
        changed += 1
    for code, old in held.items():
        if code not in wanted and old.origin == Origin.AUTO and old.active:
            _change(actor, old, {"active": False}, pack)
            changed += 1
    return changed


@service("quality.rule_save", "POST", "/entries/{entry}/rules", summary="添加质量规则")
def rule_save(
    *,
    actor: Actor,
    entry: str,
    kind: str,
    columns: list[str],
    params: dict[str, Any] | None = None,
    severity: str = Severity.ERROR,
    dimension: str = "",
) -> Rule:
    """Add a rule to an entry of one's own unit.

    params by kind: pattern {pattern}, check {check}, code_list {values}, range {min, max}, reference {entry, column},
    fresh {days}. dimension: one of the pack's; by the kind where not given.
    """
    found = published_get(actor=actor, entry=entry)
    require(actor, "issue.handle", found.unit)
    pack = current_pack()
    clean = _checked(found, kind, columns, params or {}, severity, dimension, pack)
    code = _rule(RuleKind(kind), columns)["code"]
    number = Rule.objects.filter(entry=found, code__startswith=code[:110]).count()
    rule = Rule.objects.create(
        entry=found,
        code=code if not number else f"{code[:110]}#{number + 1}",
        kind=kind,
        origin=Origin.MANUAL,
        changed_at=clock.now(),
        **clean,
    )
    _told(actor, rule, "quality.rule.added", pack)
    return rule


@service("quality.rule_change", "POST", "/entries/{entry}/rules/{code}", summary="修改或停用质量规则")
def rule_change(
    *,
    actor: Actor,
    entry: str,
    code: str,
    columns: list[str] | None = None,
    params: dict[str, Any] | None = None,
    severity: str | None = None,
    dimension: str | None = None,
    active: bool | None = None,
) -> Rule:
    """Change a rule; its version rises, and results keep the version they were found with (XC-4.2a)."""
    found = published_get(actor=actor, entry=entry)
    require(actor, "issue.handle", found.unit)
    rule = Rule.objects.select_for_update().filter(entry=found, code=code).first()
    if rule is None:
        raise NotFound(_("没有规则 %(code)s。") % {"code": code})
    pack = current_pack()
    clean = _checked(
        found,
        rule.kind,
        rule.columns if columns is None else columns,
        rule.params if params is None else params,
        severity or rule.severity,
        dimension or rule.dimension,
        pack,
    )
    if active is not None:
        clean["active"] = active
    return _change(actor, rule, clean, pack)


def _change(actor: Actor, rule: Rule, changed: dict[str, Any], pack: Pack) -> Rule:
    before = rule.as_dict()
    for name, value in changed.items():
        setattr(rule, name, value)
    if rule.as_dict() == before:
        return rule
    rule.version, rule.changed_at = rule.version + 1, clock.now()
    rule.save()
    _told(actor, rule, "quality.rule.changed", pack, before=before)
    return rule


def _told(actor: Actor, rule: Rule, type: str, pack: Pack, **more: Any) -> None:
    event_append(
        actor=actor,
        type=type,
        subject=("rule", f"{rule.entry.code}:{rule.code}"[:64], str(rule)),
        unit=rule.entry.unit_id,
        body=rule.as_dict() | more,
        basis=pack.quality.dims.basis,
    )


def _checked(
    entry: Entry,
    kind: str,
    columns: list[str],
    params: dict[str, Any],
    severity: str,
    dimension: str,
    pack: Pack,
) -> dict[str, Any]:
    """The parts of a rule, checked; Invalid names every one that is wrong."""
    wrong: dict[str, str] = {}
    version = entry.current
    known = set(version.items.values_list("name", flat=True)) if version else set()
    if kind not in RuleKind.values:
        raise Invalid(_("没有这种规则：%(kind)s。") % {"kind": kind}, field="kind")
    if (not columns and kind != RuleKind.FRESH) or set(columns) - known:
        wrong["columns"] = _("请选择目录中的信息项。")
    elif len(columns) > 1 and kind != RuleKind.UNIQUE:
        wrong["columns"] = _("这种规则只针对一个信息项。")
    if severity not in Severity.values:
        wrong["severity"] = _("没有这种严重程度。")
    dimension = dimension or dimension_of(kind, pack)
    if dimension not in dimensions(pack):
        wrong["dimension"] = _("质量维度应为：%(dims)s。") % {"dims": "、".join(dimensions(pack))}
    try:
        params = _params(RuleKind(kind), params)
    except ValueError as error:
        wrong["params"] = str(error)
    if wrong:
        raise Invalid(
            "；".join(wrong.values()), fields=wrong, field=next(iter(wrong)), basis=pack.quality.dims.basis
        )
    return {"columns": columns, "params": params, "severity": severity, "dimension": dimension}


def _params(kind: RuleKind, given: dict[str, Any]) -> dict[str, Any]:
    if kind == RuleKind.PATTERN:
        pattern = str(given.get("pattern") or "")
        try:
            re.compile(pattern)
        except re.error:
            raise ValueError(_("这不是有效的正则表达式。")) from None
        if not pattern or len(pattern) > 500:
            raise ValueError(_("请写明格式的正则表达式，不超过 500 字。"))
        return {"pattern": pattern}
    if kind == RuleKind.CHECK:
        if given.get("check") not in Check.values:
            raise ValueError(_("请选择号码的种类。"))
        return {"check": given["check"]}
    if kind == RuleKind.CODE_LIST:
        values = [str(v).strip() for v in given.get("values") or [] if str(v).strip()]
        if not values:
            raise ValueError(_("请列出允许的取值。"))
        return {"values": values}
    if kind == RuleKind.RANGE:
        return _range(given)
    if kind == RuleKind.REFERENCE:
        other = Entry.objects.filter(code=str(given.get("entry") or ""), state="published").first()
        column = str(given.get("column") or "")
        if other is None or other.current is None or not other.current.items.filter(name=column).exists():
            raise ValueError(_("请写明被引用的目录编码和信息项。"))
        return {"entry": other.code, "column": column}
    if kind == RuleKind.FRESH:
        days = given.get("days")
        if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= 36500:
            raise ValueError(_("请写明最多允许多少天未更新。"))
        return {"days": days}
    return {}


def _range(given: dict[str, Any]) -> dict[str, str]:
    bounds = {name: str(given[name]).strip() for name in ("min", "max") if str(given.get(name) or "").strip()}
    try:
        numbers = [Decimal(value) for value in bounds.values()]
    except InvalidOperation:
        raise ValueError(_("最小值和最大值应为数字。")) from None
    if not numbers or numbers != sorted(numbers):
        raise ValueError(_("请写明最小值或最大值，且最小值不大于最大值。"))
    return bounds
