"""Checking a pack before anything relies on it: the same keys everywhere, each with its clause or its
admitted gap.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from gongshu.packs import loader

#: Bodies that a pack gives a name to, and parties that need none.
NAMED_ROLES = ("leading_group", "authority", "data_center", "opening_lead", "cyber", "secrecy", "police")
PARTIES = ("provider", "demander", "parent", "platform", "third_party")
#: Steps a conditional-share flow may be made of.
STEPS = (
    "authority_intake",
    "data_center_and_provider_intake",
    "provider_consult",
    "provider_reply",
    "provider_review",
    "authority_review",
    "authority_decide",
    "data_center_grant",
    "grant",
    "use_as_replied",
    "confirm",
)
SOURCES = ("national-2025", "parent-province", "product-default")
LEAF_KEYS = {"v", "c", "gap", "from", "note"}
DURATION_KEYS = {"n", "unit", "clock", "from", "dir", "on_lapse", "approver", "also_on", "sections"}

REASONS: Mapping[str, tuple[str, str]] = {
    "unreadable": ("文件无法读取：{0}", "cannot be read: {0}"),
    "schema": ("schema 应为 {0}", "schema has to be {0}"),
    "head": ("缺少或不正确：{0}", "missing or wrong: {0}"),
    "missing": ("缺少此键", "key is missing"),
    "unknown": ("不是规则包的键", "not a key of a pack"),
    "not_node": ("应为节点 {{v: …, c: …}}，不能是裸值", "has to be a node {{v: …, c: …}}, not a bare value"),
    "leaf_keys": ("节点中有不认识的项：{0}", "unknown words in the node: {0}"),
    "both": ("条款 c 与 gap 只能有一个", "has both a clause and a gap"),
    "neither": (
        "须写明条款 c，或以 gap: true 承认文本未规定",
        "needs a clause, or gap: true where the text is silent",
    ),
    "gap_source": ("gap 须注明来源 from：{0}", "a gap names its source, from: {0}"),
    "clause_unknown": ("条款不存在：{0}", "no such clause: {0}"),
    "clause_foreign": (
        "条款不属于本规则包：{0}（应以 {1}- 开头）",
        "clause of another text: {0} (has to begin with {1}-)",
    ),
    "type": ("取值不合规定：{0}（应为 {1}）", "wrong value: {0} (expected {1})"),
    "role": ("没有这样的角色：{0}", "no such role: {0}"),
    "role_vacant": ("角色 {0} 在 bodies 中没有对应单位", "role {0} has no body in this pack"),
    "label": ("fields.yaml 中没有此目录项：{0}", "catalog field not in fields.yaml: {0}"),
    "need": ("fields.yaml 中没有此说明项：{0}", "need not in fields.yaml: {0}"),
    "duration": ("时限写法不正确：{0}", "malformed duration: {0}"),
    "dates": ("失效日期早于施行日期", "ends before it begins"),
    "twice": ("规则包 {0} {1} 已存在于 {2}", "pack {0} {1} is already in {2}"),
}


@dataclass(frozen=True, slots=True)
class PackError:
    """One fault: where and why. ``reason`` is Chinese; :meth:`text` gives either language."""

    file: str
    key: str
    code: str
    facts: tuple[str, ...] = ()

    @property
    def reason(self) -> str:
        return self.text("zh")

    def text(self, lang: str = "zh") -> str:
        return REASONS[self.code][0 if lang == "zh" else 1].format(*self.facts)

    def __str__(self) -> str:
        return f"{self.file}: {self.key or '-'}: {self.reason}"


class Key(NamedTuple):
    """A key that every pack has: its kinds of value and its label."""

    key: str
    type: str
    zh: str
    en: str


@lru_cache(maxsize=1)
def keys() -> Mapping[str, Key]:
    """Every key of a pack, in order (keys.csv)."""
    with (loader.DATA / "keys.csv").open(encoding="utf-8", newline="") as lines:
        return {row["key"]: Key(**row) for row in csv.DictReader(lines)}


class Code(NamedTuple):
    """A word of the packs' own vocabulary, the same in every pack, and its names."""

    code: str
    zh: str
    en: str

    def label(self, lang: str = "zh") -> str:
        return self.zh if lang == "zh" else self.en


@lru_cache(maxsize=1)
def codes() -> Mapping[str, Code]:
    """Names of roles, levels, modes, steps and start events (codes.csv)."""
    with (loader.DATA / "codes.csv").open(encoding="utf-8", newline="") as lines:
        return {row["code"]: Code(**row) for row in csv.DictReader(lines)}


class _Fault(NamedTuple):
    key: str
    code: str
    facts: tuple[str, ...] = ()


def check(path: Path | str) -> list[PackError]:
    """Every fault of one pack file; empty if it may be used."""
    path = Path(path)
    try:
        raw = loader.read_yaml(path)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        return [PackError(path.name, "", "unreadable", (" ".join(str(error).split()),))]
    if not isinstance(raw, dict) or raw.get("schema") != loader.SCHEMA:
        return [PackError(path.name, "schema", "schema", (loader.SCHEMA,))]
    return [PackError(path.name, *fault) for fault in _faults(raw)]


def check_all() -> list[PackError]:
    """Every fault of every pack that :func:`gongshu.packs.load` would find."""
    found: list[PackError] = []
    seen: dict[tuple[str, str], str] = {}
    for path in loader.pack_files():
        faults = check(path)
        found += faults
        if not faults:
            raw = loader.read_yaml(path)
            name = (raw["id"], str(raw["version"]))
            if name in seen:
                found.append(PackError(path.name, "version", "twice", (*name, seen[name])))
            seen[name] = path.name
    return found


def _faults(raw: dict[str, Any]) -> Iterator[_Fault]:
    heads = {"id": r"[a-z][a-z0-9_]*", "version": r"\d+\.\d+\.\d+", "clause_prefix": r"[A-Z]{2,6}"}
    for name, pattern in heads.items():
        if not isinstance(raw.get(name), str) or not re.fullmatch(pattern, raw[name]):
            yield _Fault(name, "head", (f"{name}: {raw.get(name)!r}",))
    leaves = dict(_leaves(raw))
    for key in keys():
        if key not in leaves:
            yield _Fault(key, "missing")
    prefix = str(raw.get("clause_prefix", ""))
    vacant = _vacant_roles(leaves)
    for key, leaf in leaves.items():
        if key not in keys():
            yield _Fault(key, "unknown")
        elif not loader.is_leaf(leaf):
            yield _Fault(key, "not_node")
        else:
            yield from (_Fault(key, code, facts) for code, facts in _leaf_faults(leaf, prefix))
            yield from (
                _Fault(key, code, facts) for code, facts in _value_faults(keys()[key].type, leaf["v"], vacant)
            )
    yield from _date_faults(leaves)


def _leaves(raw: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Dotted key and content of everything that is, or should have been, a node."""
    for name, value in raw.items():
        if not above and name in loader.HEAD:
            continue
        key = f"{above}{name}"
        if isinstance(value, Mapping) and not loader.is_leaf(value) and key not in keys():
            yield from _leaves(value, f"{key}.")
        else:
            yield key, value


def _leaf_faults(leaf: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    strange = sorted(set(map(str, leaf)) - LEAF_KEYS)
    if strange:
        yield "leaf_keys", (", ".join(strange),)
    named = leaf.get("c") or []
    named = [named] if isinstance(named, str) else named
    if named and leaf.get("gap"):
        yield "both", ()
    if not named and leaf.get("gap") is not True:
        yield "neither", ()
    if leaf.get("gap") and leaf.get("from") not in SOURCES:
        yield "gap_source", ("|".join(SOURCES),)
    for clause in map(str, named):
        if clause not in loader.clauses():
            yield "clause_unknown", (clause,)
        elif not clause.startswith(f"{prefix}-"):
            yield "clause_foreign", (clause, prefix)


def _vacant_roles(leaves: Mapping[str, Any]) -> set[str]:
    bodies = {role: leaves.get(f"bodies.{role}") for role in NAMED_ROLES}
    return {role for role, leaf in bodies.items() if not (loader.is_leaf(leaf) and leaf["v"])}


def _value_faults(kinds: str, value: Any, vacant: set[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Faults of a value under a type such as ``duration/code:periodic/null``: none if one alternative fits."""
    first: list[tuple[str, tuple[str, ...]]] = []
    for kind in kinds.split("/"):
        name, _, words = kind.partition(":")
        if not _SHAPES[name](value):
            continue
        faults = list(_CONTENT.get(name, _no_faults)(value, tuple(words.split(",")), vacant))
        if not faults:
            return
        first = first or faults
    yield from first or [("type", (repr(value), kinds))]


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(member, str) and member for member in value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


_SHAPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "flag": lambda value: isinstance(value, bool),
    "text": _is_text,
    "texts": _is_texts,
    "date": lambda value: type(value) is date,
    "code": _is_text,
    "codes": _is_texts,
    "roles": lambda value: _is_text(value) or _is_texts(value),
    "labels": lambda value: _is_texts(value) and bool(value),
    "steps": lambda value: _is_texts(value) and bool(value),
    "share": lambda value: isinstance(value, dict) and set(value) == {"label", "needs"},
    "map": lambda value: isinstance(value, dict) and bool(value),
    "duration": lambda value: isinstance(value, dict) and "unit" in value,
}

_Faults = Iterator[tuple[str, tuple[str, ...]]]


def _no_faults(_value: Any, _words: tuple[str, ...], _vacant: set[str]) -> _Faults:
    return iter(())


def _codes(value: Any, words: tuple[str, ...], _vacant: set[str]) -> _Faults:
    for member in [value] if isinstance(value, str) else value:
        if member not in words:
            yield "type", (member, "|".join(words))


def _roles(value: Any, _words: tuple[str, ...], vacant: set[str]) -> _Faults:
    for role in [value] if isinstance(value, str) else value:
        if role in vacant:
            yield "role_vacant", (role,)
        elif role not in NAMED_ROLES and role not in PARTIES:
            yield "role", (role,)


def _steps(value: Any, _words: tuple[str, ...], vacant: set[str]) -> _Faults:
    yield from _codes(value, STEPS, vacant)


def _labels(value: Any, _words: tuple[str, ...], _vacant: set[str]) -> _Faults:
    for label in value:
        if label not in loader.fields()["labels"]:
            yield "label", (label,)


def _share(value: Any, _words: tuple[str, ...], _vacant: set[str]) -> _Faults:
    if not _is_text(value["label"]) or not _is_texts(value["needs"]):
        yield "type", (repr(value), "label, needs")
        return
    for need in value["needs"]:
        if need not in loader.fields()["needs"]:
            yield "need", (need,)


def _duration(value: Any, _words: tuple[str, ...], vacant: set[str]) -> _Faults:
    strange = sorted(set(map(str, value)) - DURATION_KEYS)
    if strange:
        yield "duration", (", ".join(strange),)
    cycle = value["unit"] == "cycle"
    if value["unit"] not in ("wd", "d", "y", "cycle"):
        yield "duration", (f"unit: {value['unit']}",)
    n = value.get("n")
    if cycle != (n is None) or (n is not None and (type(n) is not int or n < 1)):
        yield "duration", (f"n: {n!r}",)
    if value["unit"] in ("wd", "d") and not _is_text(value.get("from")):
        yield "duration", ("from: -",)
    if value.get("dir", "after") not in ("after", "before"):
        yield "duration", (f"dir: {value['dir']}",)
    if value.get("on_lapse", "overdue") not in ("overdue", "auto_confirm"):
        yield "duration", (f"on_lapse: {value['on_lapse']}",)
    if not isinstance(value.get("clock"), str):
        yield "duration", (f"clock: {value.get('clock')!r}",)
    else:
        yield from _roles(value["clock"], (), vacant)
    if "approver" in value:
        yield from _roles(value["approver"], (), vacant)


_CONTENT: Mapping[str, Callable[[Any, tuple[str, ...], set[str]], _Faults]] = {
    "code": _codes,
    "codes": _codes,
    "roles": _roles,
    "steps": _steps,
    "labels": _labels,
    "share": _share,
    "duration": _duration,
}


def _date_faults(leaves: Mapping[str, Any]) -> Iterator[_Fault]:
    begins, ends = leaves.get("source.effective_from"), leaves.get("source.effective_to")
    if loader.is_leaf(begins) and loader.is_leaf(ends):
        first, last = begins["v"], ends["v"]
        if type(first) is date and type(last) is date and last < first:
            yield _Fault("source.effective_to", "dates")
