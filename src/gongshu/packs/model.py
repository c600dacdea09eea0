"""A policy pack as an object: every leaf a :class:`Node` that knows its clause or admits that the text is
silent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

from gongshu.kernel.clause import Basis, touched

SHARE_TYPES = ("unconditional", "conditional", "none")


@dataclass(frozen=True, slots=True)
class Clause:
    """One rule of a regulation text, as taken apart for checking; ``acceptance`` says what proves it."""

    id: str
    article: str
    zh: str
    en: str
    actor: str
    kind: str
    capability: str
    deadline: str
    values: str
    acceptance: str

    @property
    def prefix(self) -> str:
        """The text it belongs to: PJ, PT, ZY, XC or CM."""
        return self.id.partition("-")[0]


@dataclass(frozen=True, slots=True)
class Duration:
    """A limit or a notice.

    ``unit``: ``wd`` working days, ``d`` days, ``y`` years, ``cycle`` the entry's update cycle (``n`` is
    then None). ``clock``: the role that has to act. ``from_``: the event it runs from. ``dir``: ``after``
    (limit) or ``before`` (notice ahead). ``on_lapse``: ``overdue`` or ``auto_confirm``. ``approver``: role
    that has to agree, for extensions.
    """

    n: int | None
    unit: str
    clock: str
    from_: str = ""
    dir: str = "after"
    on_lapse: str = "overdue"
    approver: str = ""
    also_on: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()


class RequiredField(NamedTuple):
    """A catalog field that must be filled: canonical key, the text's own word for it, the clause that asks
    for it.
    """

    key: str
    label: str
    basis: Basis


@dataclass(frozen=True, slots=True)
class Node:
    """One parameter: its value and the clause that says so, or the gap and where the filling comes from.

    ``v`` is immutable (tuples and read-only mappings); :attr:`plain` gives lists and dicts for JSON.
    """

    key: str
    v: Any
    clauses: tuple[str, ...] = ()
    gap: bool = False
    source: str = ""
    note: str = ""

    @property
    def basis(self) -> Basis:
        return Basis(self.clauses, self.gap, self.source, self.note)

    @property
    def duration(self) -> Duration | None:
        """The value as a duration; None where it is none, or where the feature is off."""
        if not isinstance(self.v, Mapping) or "unit" not in self.v:
            return None
        told = {("from_" if key == "from" else key): value for key, value in self.v.items()}
        return Duration(**{"n": None, **told})

    @property
    def plain(self) -> Any:
        return thaw(self.v)

    def __bool__(self) -> bool:
        raise TypeError(f"a pack node is neither true nor false; ask {self.key}.v")


class Branch:
    """A section of the pack; its nodes and sub-sections are attributes."""

    __slots__ = ("_key", "_members")

    def __init__(self, key: str, members: Mapping[str, Branch | Node]) -> None:
        self._key, self._members = key, members

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Any:
        member = self._members.get(name)
        if member is None:
            raise AttributeError(f"the packs have no key {self._key}.{name}")
        if isinstance(member, Node):
            touched(member.clauses)
        return member

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def nodes(self) -> Iterator[Node]:
        """All leaves below, in the order of the file. Reading them all is not relying on them."""
        for member in self._members.values():
            if isinstance(member, Node):
                yield member
            else:
                yield from member.nodes()


@dataclass(frozen=True)
class Pack:
    """One version of one local regulation. ``pack.share.reply_within`` and
    ``pack.node("share.reply_within")`` agree.
    """

    id: str
    version: str
    prefix: str
    root: Branch = field(repr=False, compare=False)
    fields: Mapping[str, Any] = field(repr=False, compare=False)
    text: str = field(repr=False, default="")
    """The file it was read from, kept with every case that runs under it."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.root[name]

    def node(self, key: str) -> Node:
        """The node at a dotted key. Raises AttributeError for a key that no pack has."""
        found: Any = self.root
        for name in key.split("."):
            found = found[name] if isinstance(found, Branch) else None
            if found is None:
                break
        if not isinstance(found, Node):
            raise AttributeError(f"the packs have no key {key}")
        return found

    @cached_property
    def nodes(self) -> Mapping[str, Node]:
        """Every node by its dotted key."""
        return MappingProxyType({node.key: node for node in self.root.nodes()})

    @property
    def name(self) -> str:
        """The jurisdiction's name."""
        return str(self.nodes["jurisdiction.name"].v)

    @property
    def title(self) -> str:
        """The regulation's title."""
        return str(self.nodes["source.title"].v)

    @property
    def effective_from(self) -> date:
        value: date = self.nodes["source.effective_from"].v
        return value

    @property
    def effective_to(self) -> date | None:
        value: date | None = self.nodes["source.effective_to"].v
        return value

    def in_force(self, day: date) -> bool:
        """Whether the regulation is valid on that day; its last day counts."""
        return self.effective_from <= day and (self.effective_to is None or day <= self.effective_to)

    def term(self, word: str) -> str:
        """The regulation's own word for data, unit, provider, demander, catalog, platform."""
        return str(self.node(f"terms.{word}").v)

    def required_fields(self) -> list[RequiredField]:
        """What a catalog entry must state before it can be submitted, in the order of the text."""
        node = self.node("catalog.required_fields")
        return [
            RequiredField(key, label, node.basis) for label in node.v for key in self.fields["labels"][label]
        ]

    def needs(self, share_type: str) -> list[RequiredField]:
        """What an entry of that share type must state besides."""
        node = self.node(f"share_types.{share_type}")
        keys = [key for need in node.v["needs"] for key in self.fields["needs"][need]]
        return [RequiredField(key, self.field_label(key), node.basis) for key in keys]

    def field_label(self, key: str, lang: str = "zh") -> str:
        """The text's own word for a canonical catalog field, else the platform's; English is always the
        platform's.
        """
        if lang == "zh":
            for label in self.nodes["catalog.required_fields"].v:
                if self.fields["labels"][label] == (key,):
                    return str(label)
        return str(self.fields["keys"][key][lang])

    def share_label(self, share_type: str) -> str:
        """The local label of unconditional, conditional or none."""
        return str(self.node(f"share_types.{share_type}").v["label"])


def freeze(value: Any) -> Any:
    """Lists to tuples, dicts to read-only mappings, all the way down."""
    if isinstance(value, dict):
        return MappingProxyType({key: freeze(member) for key, member in value.items()})
    if isinstance(value, list):
        return tuple(freeze(member) for member in value)
    return value


def thaw(value: Any) -> Any:
    """The reverse of :func:`freeze`; dates become ISO text."""
    if isinstance(value, Mapping):
        return {key: thaw(member) for key, member in value.items()}
    if isinstance(value, tuple):
        return [thaw(member) for member in value]
    return value.isoformat() if isinstance(value, date) else value
