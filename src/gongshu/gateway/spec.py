"""What a grant allows, as data, and the one SQL statement that answers calls under it.

The sharing context compiles an approved request into a :class:`GrantSpec` and stores ``as_dict()`` in
``gate.grant_.spec``; the gateway reads it back with :meth:`GrantSpec.from_dict` and asks :func:`compile_sql` for
the statement. Field selection, masks and row scope are inside that statement, so what is not granted never
leaves the database. Values from a request are bound parameters, never text of the statement.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

PAGE_MAX = 1000
ROWS_PER_CALL = 100
MODES = ("key", "page")
RESERVED = ("after", "limit")

# Type of an item -> PostgreSQL type of its look-up parameter; None where a look-up makes no sense.
KEY_TYPES: dict[str, str | None] = {
    "string": "text",
    "integer": "bigint",
    "decimal": "numeric",
    "boolean": "boolean",
    "date": "date",
    "datetime": None,
}
_IDENTIFIER = re.compile(r"[^\x00\"]+")
# Literals and quoted names are skipped whole; what could end or comment out the statement around an expression,
# escape strings (another quoting rule) and dollar quotes are refused.
_TOKEN = re.compile(
    r"""(?P<bad>;|--|/\*|\x00|(?<![A-Za-z0-9_])[EeUu]&?'|\$(?!\d))"""
    r"""|(?P<skip>'(?:[^'\x00]|'')*'|"(?:[^"\x00]|"")*")"""
    r"""|(?P<open>['"])|(?P<parameter>\$\d+)|(?P<bracket>[()])"""
)


class SpecError(ValueError):
    """A grant that must not be served; the message names the part that is wrong."""


@dataclass(frozen=True)
class Column:
    """One granted item: ``sql`` is what leaves (a mask expression, or the quoted column itself)."""

    name: str
    sql: str
    type: str = "string"
    label: str = ""

    @property
    def masked(self) -> bool:
        """Whether something else than the stored value leaves."""
        return self.sql.strip() not in (quote(self.name), self.name)


@dataclass(frozen=True)
class Quota:
    """Calls per day and per minute (None: not limited) and rows per call by key."""

    per_day: int | None = None
    per_minute: int | None = None
    rows_per_call: int = ROWS_PER_CALL


@dataclass(frozen=True)
class GrantSpec:
    """The content of a grant.

    table: ``schema.table`` of the serving table, which has a unique bigint ``_rowid``.
    columns: granted items in order. where_sql: row scope over the table's columns with ``$1`` .. ``$n`` for
    ``where_params`` (bound with the type PostgreSQL infers; write ``($1::text)::date`` for a date), '' for all
    rows. keys: names of granted, unmasked columns a caller may look up by. case_required: the caller must name
    the case it works on. durable: the call record reaches the disk before the answer leaves; False allows
    200 ms (unconditional data only). purpose, entry, title, version: told to the caller, never interpreted.
    """

    table: str
    columns: tuple[Column, ...]
    where_sql: str = ""
    where_params: tuple[Any, ...] = ()
    keys: tuple[str, ...] = ()
    modes: tuple[str, ...] = ("key",)
    page_max: int = 100
    quota: Quota = field(default_factory=Quota)
    case_required: bool = False
    durable: bool = True
    purpose: str = ""
    entry: str = ""
    title: str = ""
    version: int = 1

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON data; ``from_dict`` gives an equal spec back."""
        data = asdict(self)
        for name in ("columns", "where_params", "keys", "modes"):
            data[name] = list(data[name])
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> GrantSpec:
        """Read stored data; raises :class:`SpecError` for an unknown or missing member or a bad value."""
        try:
            given = dict(data)
            given["columns"] = tuple(Column(**column) for column in given["columns"])
            given["quota"] = Quota(**(given.get("quota") or {}))
            for name in ("where_params", "keys", "modes"):
                if name in given:
                    given[name] = tuple(given[name])
            spec = cls(**given)
        except (KeyError, TypeError) as error:
            raise SpecError(f"not a grant spec: {error}") from error
        spec.check()
        return spec

    def check(self) -> None:
        """Raise :class:`SpecError` if this spec could let out more than it says or cannot be compiled."""
        names = [column.name for column in self.columns]
        if not names or len(set(names)) != len(names):
            raise SpecError("columns: at least one, each name once")
        for name in (*names, *self.table.split(".", 1)):
            _check_identifier(name)
        if "." not in self.table:
            raise SpecError(f"table: {self.table!r} needs its schema")
        for column in self.columns:
            if column.type not in KEY_TYPES:
                raise SpecError(f"columns: {column.name} has unknown type {column.type!r}")
            _check_sql(column.sql, f"columns: {column.name}", 0)
            if not column.sql.strip():
                raise SpecError(f"columns: {column.name} has no expression")
        _check_sql(self.where_sql, "where_sql", len(self.where_params))
        self._check_keys()
        self._check_limits()

    def _check_keys(self) -> None:
        by_name = {column.name: column for column in self.columns}
        for key in self.keys:
            column = by_name.get(key)
            if column is None or column.masked or KEY_TYPES[column.type] is None or key in RESERVED:
                raise SpecError(
                    f"keys: {key} must be a granted column, unmasked, of a type that can be looked up"
                )
        if len(set(self.keys)) != len(self.keys):
            raise SpecError("keys: each name once")

    def _check_limits(self) -> None:
        if not self.modes or set(self.modes) - set(MODES):
            raise SpecError(f"modes: some of {', '.join(MODES)}")
        if "key" in self.modes and not self.keys:
            raise SpecError("keys: mode key needs at least one")
        quota = self.quota
        for name, value, most in (
            ("page_max", self.page_max, PAGE_MAX),
            ("quota.rows_per_call", quota.rows_per_call, PAGE_MAX),
            ("quota.per_day", 1 if quota.per_day is None else quota.per_day, 2**53),
            ("quota.per_minute", 1 if quota.per_minute is None else quota.per_minute, 2**53),
        ):
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
                raise SpecError(f"{name}: a whole number from 1 to {most}")

    def column(self, name: str) -> Column:
        """The granted column of this name (KeyError if there is none)."""
        return next(column for column in self.columns if column.name == name)


def quote(name: str) -> str:
    """A PostgreSQL identifier, quoted."""
    return '"' + name.replace('"', '""') + '"'


def compile_sql(spec: GrantSpec, mode: str, keys: tuple[str, ...] = ()) -> str:
    """The statement that answers any number of calls of one mode at once.

    Parameters: ``spec.where_params`` first, then arrays with one element per call: ``after`` (bigint, the last
    row seen), ``limit`` (integer), and for mode ``key`` one array per name in ``keys``. Result rows:
    (ordinal of the call from 1, _rowid, the granted items as JSON text), by call and then by _rowid.
    """
    first = len(spec.where_params) + 1
    arrays = [f"${first}::bigint[]", f"${first + 1}::integer[]"]
    aliases = ["_gate_after", "_gate_limit"]
    conditions = [f"({spec.where_sql})"] if spec.where_sql.strip() else []
    # "+ 0" keeps a look-up on the index of its key: ordering by the bare _rowid invites the planner to walk the
    # whole table in _rowid order until enough rows match.
    row = 't."_rowid"'
    if mode == "key":
        if not keys or set(keys) - set(spec.keys):
            raise SpecError(f"cannot look up by {keys}")
        row = f"({row} + 0)"
        for number, key in enumerate(keys):
            arrays.append(f"${first + 2 + number}::{KEY_TYPES[spec.column(key).type]}[]")
            aliases.append(f"_gate_key{number}")
            conditions.append(f"t.{quote(key)} = _gate._gate_key{number}")
    elif mode != "page":
        raise SpecError(f"no such mode: {mode}")
    conditions.append(f"{row} > _gate._gate_after")
    schema, table = spec.table.split(".", 1)
    items = ", ".join(f"{column.sql} AS {quote(column.name)}" for column in spec.columns)
    # Table, names and expressions come from the grant, checked above; all that comes from a request is an array.
    sql = 'SELECT _gate._gate_call, t."_rowid", row_to_json(_gate_items)::text\n'
    sql += f"FROM unnest({', '.join(arrays)}) WITH ORDINALITY AS _gate({', '.join(aliases)}, _gate_call)\n"
    sql += f"CROSS JOIN LATERAL (SELECT t.* FROM {quote(schema)}.{quote(table)} AS t\n"  # noqa: S608
    sql += f"  WHERE {' AND '.join(conditions)}\n  ORDER BY {row} LIMIT _gate._gate_limit) AS t\n"
    sql += f"CROSS JOIN LATERAL (SELECT {items}) AS _gate_items\n"
    return sql + 'ORDER BY _gate._gate_call, t."_rowid"'


def _check_identifier(name: str) -> None:
    if not _IDENTIFIER.fullmatch(name) or len(name.encode()) > 63 or name.startswith("_gate"):
        raise SpecError(f"not a usable name: {name!r}")


def _check_sql(sql: str, where: str, parameters: int) -> None:
    # The expressions come from our own compiler; this is the second wall, for a spec written by a faulty one.
    depth = 0
    for token in _TOKEN.finditer(sql):
        kind, text = token.lastgroup, token.group()
        if kind in ("bad", "open"):
            raise SpecError(f"{where}: an expression may not hold {text!r}")
        if kind == "parameter" and not 1 <= int(text[1:]) <= parameters:
            raise SpecError(f"{where}: refers to {text}, a parameter that is not there")
        depth += {"(": 1, ")": -1}.get(text, 0)
        if depth < 0:
            break
    if depth:
        raise SpecError(f"{where}: brackets do not balance")
