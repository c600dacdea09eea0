"""The lake: tables in Parquet under one directory, their catalog (DuckLake) in PostgreSQL.

A target table is replaced as a whole by each batch, in one transaction that also records the batch in `batch_done`;
earlier contents stay readable by snapshot until `vacuum`. Writers of one target are serialised by a PostgreSQL
advisory lock, as DuckLake itself lets two of them commit over each other, and all commits by a second one.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa

from gongshu.engine import duck
from gongshu.engine.source import Column, SourceError, SourceSpec
from gongshu.engine.sqltext import ident, literal

TARGET = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
RESERVED = {"batch_done"}
LOCK_POLL_SECONDS = 0.2


class LakeError(Exception):
    """The lake itself failed or was asked for something it does not have."""


@dataclass(frozen=True)
class BatchResult:
    """One finished batch.

    source_rows: the source's own count in the snapshot read (None if it gives none); rows: rows in the lake; digest:
    see `engine.digest`; column_digests: the same per column, empty for large batches; source_digest: computed by the
    source when asked for; files_sha256: over the stored files in order of name; schema_fingerprint: SHA-256 of names
    and types; snapshot: lake snapshot in which the batch became visible (None once expired); bytes: on disk; seconds:
    staging, digest and commit; widened: columns kept as text because their content does not fit their type.
    """

    batch_id: str
    target: str
    source_rows: int | None
    rows: int
    digest: str
    column_digests: dict[str, str]
    source_digest: str | None
    files_sha256: str
    schema_fingerprint: str
    columns: list[Column]
    snapshot: int | None
    bytes: int
    seconds: float
    widened: tuple[str, ...] = ()

    def as_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> BatchResult:
        given = json.loads(text)
        known = {found.name for found in fields(cls)}
        given = {key: value for key, value in given.items() if key in known}
        given["columns"] = [Column(**column) for column in given["columns"]]
        given["widened"] = tuple(given["widened"])
        return cls(**given)


class Lake:
    """A lake. `catalog_dsn` is a libpq string or URL, `data_path` a directory that all workers see, `schema` the
    PostgreSQL schema of its catalog. Opening is lazy; an instance may be shared and is cheap."""

    def __init__(self, catalog_dsn: str, data_path: str | Path, schema: str = "lake") -> None:
        self.catalog_dsn = catalog_dsn
        self.data_path = Path(data_path).absolute()
        self.schema = schema

    # -- opening --------------------------------------------------------------------------------------------------

    def ensure(self) -> None:
        """Create catalog and directory if absent. Safe to call from several processes at once."""
        self.data_path.mkdir(parents=True, exist_ok=True)
        with self.lock("lake catalog", None), self.session(write=True) as con:
            con.execute(
                "CREATE TABLE IF NOT EXISTS lake.batch_done"
                " (batch_id VARCHAR, target VARCHAR, finished_at TIMESTAMP WITH TIME ZONE, result VARCHAR)"
            )
            # A record of one row is kept in the catalog; a Parquet file for each would be waste.
            con.execute("CALL lake.set_option('data_inlining_row_limit', 1000, table_name => 'batch_done')")

    @contextmanager
    def session(
        self,
        write: bool = False,
        memory_limit: str = duck.DEFAULT_MEMORY,
        spool: str | Path | None = None,
        extensions: tuple[str, ...] = (),
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """A DuckDB connection with the lake attached as `lake`. What DuckDB cannot do in it is a LakeError."""
        with tempfile.TemporaryDirectory(prefix="duck-", dir=spool) as folder:
            names = dict.fromkeys(("postgres_scanner", "ducklake", *extensions))
            con = duck.connect(*names, memory_limit=memory_limit, spool=folder)
            try:
                self.attach(con, write)
                yield con
            except duckdb.Error as error:
                raise LakeError(self.clean(error)) from error
            finally:
                con.close()

    def attach(self, con: duckdb.DuckDBPyConnection, write: bool = False) -> None:
        """Attach as `lake`. Small inserts are not inlined: a batch is files.

        The catalog remembers where the files lay first; ours lie where the settings say (paths in it are relative).
        """
        dsn = psycopg.conninfo.make_conninfo(**self._dsn_parts())
        options = f"DATA_PATH {literal(f'{self.data_path}/')}, METADATA_SCHEMA {literal(self.schema)}"
        options += ", OVERRIDE_DATA_PATH true"
        options += ", DATA_INLINING_ROW_LIMIT 0" if write else ", READ_ONLY"
        try:
            con.execute(f"ATTACH {literal(f'ducklake:postgres:{dsn}')} AS lake ({options})")
        except duckdb.Error as error:
            raise LakeError(self.clean(error)) from None

    # -- writing --------------------------------------------------------------------------------------------------

    def ingest(
        self,
        spec: SourceSpec,
        table: str,
        columns: list[Column] | None,
        target: str,
        batch_id: str,
        progress: Callable[[int], object] | None = None,
        cancelled: Callable[[], bool] | None = None,
        memory_limit: str = duck.DEFAULT_MEMORY,
        spool: str | Path | None = None,
        verify: bool = False,
    ) -> BatchResult:
        """Pull `table` whole and make it the content of `target`. Returns when it is visible and recorded.

        columns: which of the source's columns, by name and in order (None: all); their types are the source's own.
        progress: called with rows staged so far, at most a few times a second. cancelled: asked as often.
        verify: have the source compute its digest too where it can (PostgreSQL), and refuse a difference.
        Calling again with the same batch_id, after whatever happened, returns the recorded result or does the rest.
        Raises SourceError (also for cancelled, and when source and lake differ) or LakeError; then nothing changed.
        """
        from gongshu.engine.ingest import Ingest

        _check_target(target)
        with self.lock(f"target {target}", cancelled) as held:
            self._sweep(target)
            run = Ingest(
                self, spec, table, columns, target, batch_id, progress, cancelled, memory_limit, spool
            )
            done = run.run(held, verify)
        if done.target != target:
            raise LakeError(f"batch {batch_id} is recorded for {done.target}, not for {target}")
        return done

    def drop(self, target: str) -> None:
        """Remove a table and forget its batches; its files go with the next `vacuum`."""
        _check_target(target)
        locks = self.lock(f"target {target}", None), self.lock("lake catalog", None)
        with locks[0], locks[1], self.session(write=True) as con:
            con.execute("BEGIN")
            con.execute(f"DROP TABLE IF EXISTS lake.{ident(target)}")
            con.execute("DELETE FROM lake.batch_done WHERE target = ?", [target])
            con.execute("COMMIT")

    def vacuum(self, days: float) -> None:
        """Forget snapshots older than `days` and delete the files that only they used."""
        with self.lock("lake catalog", None), self.session(write=True) as con:
            before = f"older_than => now() - INTERVAL {int(days * 86400)} SECONDS"
            con.execute(f"SELECT count(*) FROM ducklake_expire_snapshots('lake', {before})").fetchall()
            con.execute(
                "SELECT count(*) FROM ducklake_cleanup_old_files('lake', cleanup_all => true)"
            ).fetchall()

    # -- reading --------------------------------------------------------------------------------------------------

    def relation(self, target: str, snapshot: int | None = None) -> str:
        """The FROM-able name of a table inside `session`, at a snapshot if given."""
        _check_target(target)
        at = f" AT (VERSION => {int(snapshot)})" if snapshot is not None else ""
        return f"lake.{ident(target)}{at}"

    def exists(self, target: str) -> bool:
        _check_target(target)
        with self.session() as con:
            return _exists(con, target)

    def columns(self, target: str) -> list[tuple[str, str]]:
        """Names and DuckDB types. LakeError when there is no such table."""
        with self.session() as con:
            self.require(con, target)
            return [
                (row[0], row[1]) for row in con.execute(f"DESCRIBE FROM {self.relation(target)}").fetchall()
            ]

    def count(self, target: str, snapshot: int | None = None) -> int:
        with self.session() as con:
            self.require(con, target)
            row = con.execute(f"SELECT count(*) FROM {self.relation(target, snapshot)}").fetchone()
            return int(row[0]) if row else 0

    def rows(
        self, target: str, snapshot: int | None = None, limit: int = 100, columns: list[str] | None = None
    ) -> pa.Table:
        """Up to `limit` rows, in no particular order."""
        with self.session() as con:
            self.require(con, target)
            chosen = ", ".join(ident(name) for name in columns) if columns else "*"
            query = f"SELECT {chosen} FROM {self.relation(target, snapshot)} LIMIT {int(limit)}"
            return con.execute(query).to_arrow_table()

    def sample(
        self, target: str, size: int = 20, columns: list[str] | None = None, seed: int = 1
    ) -> pa.Table:
        """About `size` rows drawn from everywhere in the table; the same ones for the same content and seed."""
        with self.session() as con:
            con.execute("SET threads = 1")
            self.require(con, target)
            chosen = ", ".join(ident(name) for name in columns) if columns else "*"
            drawn = f"USING SAMPLE reservoir({int(size)} ROWS) REPEATABLE ({int(seed)})"
            return con.execute(f"SELECT {chosen} FROM {self.relation(target)} {drawn}").to_arrow_table()

    def batch(self, batch_id: str) -> BatchResult | None:
        """The recorded result of a batch, None if it never became visible."""
        with self.session() as con:
            return self.recorded(con, batch_id)

    def recorded(self, con: duckdb.DuckDBPyConnection, batch_id: str) -> BatchResult | None:
        """`batch` within an open session."""
        query = "SELECT result FROM lake.batch_done WHERE batch_id = ?"
        found = con.execute(query, [batch_id]).fetchone()
        return self._with_snapshot(con, [BatchResult.from_json(found[0])])[0] if found else None

    def history(self, target: str) -> list[BatchResult]:
        """Batches of a target, newest first."""
        _check_target(target)
        with self.session() as con:
            rows = con.execute(
                "SELECT result FROM lake.batch_done WHERE target = ? ORDER BY finished_at DESC", [target]
            ).fetchall()
            return self._with_snapshot(con, [BatchResult.from_json(row[0]) for row in rows])

    # -- inside ---------------------------------------------------------------------------------------------------

    def batch_dir(self, target: str, batch_id: str) -> Path:
        """Where a batch's files lie: below the table's own directory, so that DuckLake keeps relative paths and the
        lake can be moved."""
        return self.data_path / "main" / target / re.sub(r"[^A-Za-z0-9_.-]", "_", batch_id).lstrip(".")

    def _with_snapshot(self, con: duckdb.DuckDBPyConnection, found: list[BatchResult]) -> list[BatchResult]:
        rows = con.execute(
            "SELECT commit_extra_info, snapshot_id FROM lake.snapshots() WHERE commit_message = 'batch'"
        ).fetchall()
        ids = dict(rows)
        return [replace(batch, snapshot=ids.get(batch.batch_id)) for batch in found]

    def require(self, con: duckdb.DuckDBPyConnection, target: str) -> None:
        """Raise LakeError unless the table exists."""
        _check_target(target)
        if not _exists(con, target):
            raise LakeError(f"the lake has no table {target}")

    def _sweep(self, target: str) -> None:
        """Delete directories of batches of this target that never became visible. Caller holds the target's lock."""
        top = self.data_path / "main" / target
        if not top.is_dir():
            return
        with psycopg.connect(self.catalog_dsn) as catalog:
            schema = ident(self.schema)
            lies = "(path LIKE %(relative)s OR path LIKE %(full)s)"
            query = (
                f"SELECT 1 FROM {schema}.ducklake_data_file WHERE {lies} UNION ALL"
                f" SELECT 1 FROM {schema}.ducklake_files_scheduled_for_deletion WHERE {lies} LIMIT 1"
            ).encode()
            for folder in top.iterdir():
                name = folder.name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
                places = {"relative": f"{name}/%", "full": f"%/{name}/%"}
                if folder.is_dir() and not catalog.execute(query, places).fetchone():
                    shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def lock(self, what: str, cancelled: Callable[[], bool] | None) -> Iterator[psycopg.Connection]:
        """Hold the advisory lock of `what`; waiting can be cancelled. A killed holder's lock goes with its session."""
        key = f"gongshu {self.schema} {what}"
        with psycopg.connect(self.catalog_dsn, autocommit=True) as holder:
            # Ours is an idle session for as long as a pull takes; a firewall that drops it would free the lock.
            holder.execute("SET idle_session_timeout = 0")
            query = "SELECT 1 WHERE pg_try_advisory_lock(hashtextextended(%s, 0))"
            while not holder.execute(query, (key,)).fetchone():
                if cancelled and cancelled():
                    raise SourceError("cancelled")
                time.sleep(LOCK_POLL_SECONDS)
            yield holder

    def _dsn_parts(self) -> dict[str, Any]:
        parts = psycopg.conninfo.conninfo_to_dict(self.catalog_dsn)
        return {key: value for key, value in parts.items() if value is not None}

    def clean(self, error: Exception) -> str:
        """An error's text without the catalog's password."""
        secret = str(self._dsn_parts().get("password", ""))
        return str(error).replace(secret, "***") if secret else str(error)


def _exists(con: duckdb.DuckDBPyConnection, target: str) -> bool:
    found = con.execute(
        "SELECT 1 FROM duckdb_tables() WHERE database_name = 'lake' AND schema_name = 'main' AND table_name = ?",
        [target],
    ).fetchone()
    return found is not None


def _check_target(target: str) -> None:
    if not TARGET.fullmatch(target) or target.lower() in RESERVED:
        raise ValueError(f"not a lake table name: {target!r} (letters, digits and _; at most 63)")
