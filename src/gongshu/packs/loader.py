"""Finding and reading packs, the clauses and the national fallback. Everything read is cached and
immutable.

Packs come from the package and from the directories named in ``GONGSHU_PACK_PATH`` (separated as in
``PATH``), each with its ``*.yaml`` packs and, for a new text, its own ``clauses.csv``. Several versions of
one pack may lie side by side; a running case names the version it began under.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeGuard

import yaml

from gongshu.packs.model import Branch, Clause, Node, Pack, freeze

DATA = Path(__file__).parent / "data"
HEAD = ("schema", "id", "version", "clause_prefix")
SCHEMA = "policy-pack/1"


class PackUnknown(LookupError):
    """No pack of that id, or not in that version."""


class PackBroken(ValueError):
    """A pack fails its checks; the message names file, key and reason of each fault."""


def directories() -> tuple[Path, ...]:
    """Where packs are looked for: the package's own, then the installation's."""
    named = os.environ.get("GONGSHU_PACK_PATH", "")
    return (DATA / "packs", *(Path(part) for part in named.split(os.pathsep) if part))


def pack_files() -> list[Path]:
    """Every pack file, in a stable order."""
    return [path for folder in directories() for path in sorted(folder.glob("*.yaml"))]


def read_yaml(path: Path) -> Any:
    """The file as plain values, not to be changed. Raises yaml.YAMLError and OSError."""
    return _plain(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=16)
def _plain(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - _Loader is a SafeLoader


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Safe YAML that refuses a key given twice, which would silently hide the first value."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key given twice: {key}", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def is_leaf(value: Any) -> TypeGuard[Mapping[str, Any]]:
    """Whether a mapping of the file is a node and not a section."""
    return isinstance(value, Mapping) and "v" in value


def build(raw: Mapping[str, Any], text: str = "") -> Pack:
    """The pack of a file's content; the content has been checked."""
    sections = {name: value for name, value in raw.items() if name not in HEAD}
    root = Branch("", MappingProxyType({name: _member(name, value) for name, value in sections.items()}))
    return Pack(raw["id"], str(raw["version"]), raw["clause_prefix"], root, fields(), text)


def _member(key: str, raw: Mapping[str, Any]) -> Branch | Node:
    if not is_leaf(raw):
        below = {name: _member(f"{key}.{name}", value) for name, value in raw.items()}
        return Branch(key, MappingProxyType(below))
    named = raw.get("c", ())
    clauses = (named,) if isinstance(named, str) else tuple(named)
    gap = bool(raw.get("gap", False))
    return Node(key, freeze(raw["v"]), clauses, gap, raw.get("from", ""), raw.get("note", ""))


def version_key(version: str) -> tuple[int, ...]:
    """Versions in the order of their numbers."""
    return tuple(int(part) for part in version.split("."))


@lru_cache(maxsize=1)
def _all() -> Mapping[tuple[str, str], Pack]:
    from gongshu.packs.check import check_all

    faults = check_all()
    if faults:
        raise PackBroken("\n".join(str(fault) for fault in faults))
    built = [build(read_yaml(path), path.read_text(encoding="utf-8")) for path in pack_files()]
    return MappingProxyType({(pack.id, pack.version): pack for pack in built})


def parse(text: str) -> Pack:
    """The pack of a text stored with a case; it was checked when it was installed."""
    return build(_plain(text), text)


def packs() -> dict[str, Pack]:
    """The newest version of every pack, by id. Raises PackBroken, naming every fault, if any pack is wrong."""
    newest: dict[str, Pack] = {}
    for pack in sorted(_all().values(), key=lambda each: version_key(each.version)):
        newest[pack.id] = pack
    return dict(sorted(newest.items()))


def load(pack_id: str, version: str | None = None) -> Pack:
    """One pack: the version asked for, else the newest. Raises PackUnknown and PackBroken."""
    found = packs().get(pack_id) if version is None else _all().get((pack_id, version))
    if found is None:
        known = ", ".join(f"{name} {number}" for name, number in sorted(_all()))
        raise PackUnknown(f"no pack {pack_id} {version or ''}; there are: {known}")
    return found


@lru_cache(maxsize=1)
def clauses() -> Mapping[str, Clause]:
    """Every clause of every text, by id, in the order of the texts."""
    found: dict[str, Clause] = {}
    for path in _clause_files():
        with path.open(encoding="utf-8-sig", newline="") as lines:
            for row in csv.DictReader(lines):
                if row["id"] in found:
                    raise PackBroken(f"{path.name}: {row['id']}: clause given twice")
                found[row["id"]] = Clause(**{name: row[name] or "" for name in Clause.__slots__})
    return MappingProxyType(found)


def _clause_files() -> Iterator[Path]:
    yield DATA / "clauses.csv"
    yield from (folder / "clauses.csv" for folder in directories()[1:] if (folder / "clauses.csv").exists())


@lru_cache(maxsize=1)
def fields() -> Mapping[str, Any]:
    """The canonical catalog fields and the local labels that stand for them (fields.yaml)."""
    frozen: Mapping[str, Any] = freeze(read_yaml(DATA / "fields.yaml"))
    return frozen


@lru_cache(maxsize=1)
def fallback() -> Mapping[str, Any]:
    """What ``from: national-2025`` means: values of the State Council's regulation, with how sure we are."""
    frozen: Mapping[str, Any] = freeze(read_yaml(DATA / "fallback_national_2025.yaml"))
    return frozen


def forget() -> None:
    """Read everything again next time: after ``GONGSHU_PACK_PATH`` or a file has changed."""
    for cached in (_all, clauses, fields, fallback):
        cached.cache_clear()
