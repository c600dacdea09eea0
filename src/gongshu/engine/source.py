"""Reading other people's databases and files: one interface over every kind of source.

A source is only ever read. What goes wrong is a SourceError with a code and the facts (host, port, table ...), so
that the interface can say in its own language what to do; no message and no fact ever holds the password.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    import duckdb

KINDS = ("postgresql", "mariadb", "sqlite", "excel", "csv")
TYPES = ("text", "integer", "decimal", "date", "timestamp", "boolean", "double", "bytes")

# Every code a SourceError may carry, with the facts that accompany it.
CODES: dict[str, str] = {
    "host_unknown": "the name does not resolve (host)",
    "refused": "nothing listens there (host, port)",
    "timeout": "no answer in time (host, port, seconds)",
    "not_that_server": "something answers that is another kind of server (host, port)",
    "auth_failed": "wrong user or password (user, host)",
    "not_admitted": "the server admits no connection from this machine (host, user, database)",
    "too_many_connections": "the server has no connection left (host)",
    "database_missing": "no such database (database, host)",
    "permission_denied": "the account may not read this (user, table)",
    "table_missing": "no such table, view or sheet (table)",
    "column_missing": "the table no longer has these columns (table, columns)",
    "column_clash": "two columns whose names differ only in case, or a column without a name (table, columns)",
    "file_missing": "no such file (path)",
    "file_outside": "the path leaves the directory that files may be read from (path)",
    "bad_encoding": "the file is not in the stated encoding, or in none of the known ones (path, encoding)",
    "bad_csv": "a line of the file cannot be read as CSV (path, detail)",
    "not_a_workbook": "not an Excel workbook (path)",
    "not_a_database": "not a SQLite database file (path)",
    "bad_value": "a value cannot be held in the column's type (table, detail)",
    "server_gone": "the connection broke while reading (host, port)",
    "cancelled": "stopped on request",
    "failed": "anything else (detail)",
}


@dataclass(frozen=True)
class SourceSpec:
    """Where a source is. `options`: connect_timeout (seconds); root (directory that files must lie under, required
    for path kinds); encoding, delimiter (csv); timezone (of timestamps that carry one; default Asia/Shanghai)."""

    kind: str
    host: str = ""
    port: int | None = None
    database: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    path: str = ""
    options: dict[str, Any] = field(default_factory=dict)

    def facts(self, **more: Any) -> dict[str, Any]:
        """What may be shown about this source: never the password, never options."""
        pairs = {
            "host": self.host,
            "port": self.port,
            "database": self.database,
            "user": self.user,
            "path": self.path,
        }
        return {key: value for key, value in (pairs | more).items() if value not in ("", None)}

    @property
    def timezone(self) -> str:
        return str(self.options.get("timezone", "Asia/Shanghai"))


class SourceError(Exception):
    """A source could not be read. `code` is one of CODES, `facts` are safe to show."""

    def __init__(self, code: str, detail: str = "", facts: dict[str, Any] | None = None) -> None:
        self.code = code if code in CODES else "failed"
        self.detail = detail.strip()[:500]
        self.facts = facts or {}
        super().__init__(f"{self.code}: {CODES[self.code]}" + (f": {self.detail}" if self.detail else ""))


@dataclass(frozen=True)
class Column:
    """One column. `type` is one of TYPES; precision and scale are set for decimal."""

    name: str
    type: str
    native_type: str = ""
    nullable: bool = True
    is_key: bool = False
    comment: str = ""
    precision: int | None = None
    scale: int | None = None

    @property
    def duckdb_type(self) -> str:
        if self.type == "decimal":
            return f"DECIMAL({self.precision or 38},{10 if self.scale is None else self.scale})"
        return DUCKDB_TYPES[self.type]

    def retyped(self, type_: str) -> Column:
        return replace(self, type=type_, precision=None, scale=None)


DUCKDB_TYPES = {
    "text": "VARCHAR",
    "integer": "BIGINT",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "boolean": "BOOLEAN",
    "double": "DOUBLE",
    "bytes": "BLOB",
}


@dataclass(frozen=True)
class Table:
    """A table, view or sheet. `rows` is the server's estimate or None; never a scan."""

    name: str
    kind: str = "table"
    rows: int | None = None
    comment: str = ""


@dataclass(frozen=True)
class Probe:
    """A source that answered: its product and version, and what can be read in it."""

    server: str
    tables: list[Table]


@dataclass(frozen=True)
class Pull:
    """One table, ready to be read once.

    `select` is a DuckDB query with exactly `columns`, in their types. `rows` is the source's count, taken in the
    snapshot that `select` reads when `snapshot` is true. `widened` names columns kept as text because their
    content does not fit the type the source declares or suggests. `source_digest`, where the source can compute
    it, is a DuckDB query for `digest.from_postgres` that runs in the same snapshot. `handed`, where DuckDB cannot tell
    how far it is, says how many rows it has been given.
    """

    select: str
    columns: list[Column]
    rows: int | None
    snapshot: bool
    widened: tuple[str, ...] = ()
    source_digest: str | None = None
    handed: Callable[[], int] | None = None


class Connector(Protocol):
    """What a module in `connectors` provides."""

    extensions: tuple[str, ...]

    def probe(self, spec: SourceSpec) -> Probe: ...
    def tables(self, spec: SourceSpec) -> list[Table]: ...
    def columns(self, spec: SourceSpec, table: str) -> list[Column]: ...
    def count(self, spec: SourceSpec, table: str) -> int: ...
    def pull(
        self,
        con: duckdb.DuckDBPyConnection,
        spec: SourceSpec,
        table: str,
        columns: list[Column],
        spool: Path,
        sample: int | None = None,
    ) -> AbstractContextManager[Pull]: ...


def connector(kind: str) -> Connector:
    """The connector of a kind; ValueError for an unknown one."""
    if kind not in KINDS:
        raise ValueError(f"unknown source kind {kind!r}")
    return cast(Connector, importlib.import_module(f"gongshu.engine.connectors.{kind}"))


def probe(spec: SourceSpec) -> Probe:
    """Connect, authenticate, list. Raises SourceError."""
    return connector(spec.kind).probe(spec)


def tables(spec: SourceSpec) -> list[Table]:
    """Tables, views or sheets that the account can see, by name."""
    return connector(spec.kind).tables(spec)


def columns(spec: SourceSpec, table: str) -> list[Column]:
    """Columns in the source's order."""
    found = connector(spec.kind).columns(spec, table)
    _refuse_clash(table, found)
    return found


def count(spec: SourceSpec, table: str) -> int:
    """Exact number of rows now."""
    return connector(spec.kind).count(spec, table)


@contextmanager
def pull(
    con: duckdb.DuckDBPyConnection,
    spec: SourceSpec,
    table: str,
    wanted: list[Column] | None,
    spool: Path,
    sample: int | None = None,
) -> Iterator[Pull]:
    """Open one table for reading with `con`, which must have the connector's extensions loaded.

    `wanted` None means all columns; otherwise its names choose and order them, and the source's own present types
    apply, so that a change of schema is seen. `sample` asks for about so many rows picked at random instead of all.
    The pull is valid inside the context only.
    """
    present = {column.name: column for column in columns(spec, table)}
    missing = [column.name for column in wanted or [] if column.name not in present]
    if missing:
        raise SourceError("column_missing", ", ".join(missing), spec.facts(table=table, columns=missing))
    chosen = [present[column.name] for column in wanted] if wanted else list(present.values())
    if not chosen:
        raise SourceError("column_missing", "the table has no columns", spec.facts(table=table, columns=[]))
    with connector(spec.kind).pull(con, spec, table, chosen, spool, sample) as opened:
        yield opened


def _refuse_clash(table: str, found: list[Column]) -> None:
    seen: dict[str, str] = {}
    for column in found:
        key = column.name.casefold()
        if not column.name.strip() or key in seen:
            clash = [seen.get(key, ""), column.name]
            raise SourceError("column_clash", column.name, {"table": table, "columns": clash})
        seen[key] = column.name
