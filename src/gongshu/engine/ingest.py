"""One batch on its way into the lake: staged as Parquet, digested where it lies, then made visible in one commit."""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import duckdb
import psycopg

from gongshu.engine import digest, source
from gongshu.engine.source import Column, Pull, SourceError, SourceSpec
from gongshu.engine.sqltext import ident, literal

if TYPE_CHECKING:
    from gongshu.engine.lake import BatchResult, Lake

COLUMN_DIGEST_ROWS = 300_000  # above, the digests of single columns cost more than the pull itself
WATCH_SECONDS = 0.25
PARQUET = (
    "FORMAT parquet, COMPRESSION zstd, PER_THREAD_OUTPUT true, ROW_GROUPS_PER_FILE 32,"
    " FILENAME_PATTERN 'part_{uuid}'"
)


class Ingest:
    """See `Lake.ingest`. Lives for one call."""

    def __init__(
        self,
        lake: Lake,
        spec: SourceSpec,
        table: str,
        columns: list[Column] | None,
        target: str,
        batch_id: str,
        progress: Callable[[int], object] | None,
        cancelled: Callable[[], bool] | None,
        memory_limit: str,
        spool: str | Path | None,
    ) -> None:
        self.lake, self.spec, self.table, self.columns = lake, spec, table, columns
        self.target, self.batch_id = target, batch_id
        self.progress, self.cancelled = progress, cancelled
        self.memory_limit, self.spool = memory_limit, spool
        self.folder = lake.batch_dir(target, batch_id)

    def run(self, lock: psycopg.Connection, verify: bool) -> BatchResult:
        """The whole way, unless the batch is recorded already. Caller holds the target's lock, by `lock`."""
        started = time.monotonic()
        extensions = source.connector(self.spec.kind).extensions
        with self.lake.session(True, self.memory_limit, self.spool, extensions) as con:
            done = self.lake.recorded(con, self.batch_id)
            if done:
                return done
            self.folder.mkdir(parents=True)
            try:
                staged = self._stage(con, verify)
                result = replace(self._measure(con, staged), seconds=round(time.monotonic() - started, 3))
                return self._commit(con, lock, result)
            except BaseException:
                # Only a commit that failed midway leaves it open whether the files are in use.
                if not self.lake.batch(self.batch_id):
                    shutil.rmtree(self.folder, ignore_errors=True)
                raise

    # -- staging --------------------------------------------------------------------------------------------------

    def _stage(self, con: duckdb.DuckDBPyConnection, verify: bool) -> BatchResult:
        """Write the table to Parquet files; returns what is known so far."""
        from gongshu.engine.lake import BatchResult

        spool = Path(con.execute("SELECT current_setting('temp_directory')").fetchall()[0][0])
        con.execute("SET enable_progress_bar = true")
        con.execute("SET enable_progress_bar_print = false")
        with source.pull(con, self.spec, self.table, self.columns, spool) as pull:
            copy = f"COPY ({pull.select}) TO {literal(str(self.folder))} ({PARQUET})"
            rows = int(self._run(con, copy, pull.rows, pull.handed)[0][0])
            self._agree(pull, rows)
            self._report(rows)
            theirs = None
            if verify and pull.source_digest:
                theirs = digest.from_postgres(self._run(con, pull.source_digest)[0])
        return BatchResult(
            batch_id=self.batch_id,
            target=self.target,
            source_rows=pull.rows,
            rows=rows,
            digest="",
            column_digests={},
            source_digest=theirs,
            files_sha256="",
            schema_fingerprint=fingerprint(pull.columns),
            columns=pull.columns,
            snapshot=None,
            bytes=0,
            seconds=0.0,
            widened=pull.widened,
        )

    def _agree(self, pull: Pull, rows: int) -> None:
        """In one snapshot both counts are equal, or a stream ended early without saying so."""
        if pull.snapshot and pull.rows is not None and pull.rows != rows:
            facts = self.spec.facts(table=self.table, source_rows=pull.rows, rows=rows)
            raise SourceError("server_gone", f"{rows} of {pull.rows} rows arrived", facts)

    def _report(self, rows: int) -> None:
        if self.progress:
            self.progress(rows)

    def _run(
        self,
        con: duckdb.DuckDBPyConnection,
        query: str,
        total: int | None = None,
        handed: Callable[[], int] | None = None,
    ) -> list[tuple[Any, ...]]:
        """Run one long statement in a thread of its own, while this one reports progress and honours cancellation:
        the caller's functions are only ever called in the caller's thread."""
        outcome: list[Any] = []

        def work() -> None:
            try:
                outcome.append(con.execute(query).fetchall())
            except BaseException as error:
                outcome.append(error)

        worker = threading.Thread(target=work, name=f"batch {self.batch_id}", daemon=True)
        worker.start()
        stopped: BaseException | None = None
        seen = 0
        while worker.is_alive():
            worker.join(WATCH_SECONDS)
            try:
                if stopped is None and self.cancelled and self.cancelled():
                    raise SourceError("cancelled", facts=self.spec.facts(table=self.table))
                if stopped is None and total:
                    now = handed() if handed else int(con.query_progress() * total / 100)
                    if now > seen:
                        seen = min(now, total)
                        self._report(seen)
            except BaseException as error:
                stopped = error
            if stopped is not None:
                con.interrupt()  # again each time round: one that comes between two operators is lost
        if stopped is not None:
            raise stopped
        if isinstance(outcome[0], BaseException):
            raise outcome[0]
        return cast("list[tuple[Any, ...]]", outcome[0])

    # -- digest ---------------------------------------------------------------------------------------------------

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.parquet"))

    def _measure(self, con: duckdb.DuckDBPyConnection, staged: BatchResult) -> BatchResult:
        """Digest what was stored, by reading it back."""
        files = self._files()
        hashed = hashlib.sha256()
        each = staged.rows <= COLUMN_DIGEST_ROWS
        rows, sums = 0, [0] * (2 + 2 * len(staged.columns) * each)
        if staged.rows:
            relation = f"read_parquet({literal(str(self.folder / '*.parquet'))})"
            rows, *sums = self._run(con, digest.duckdb_select(staged.columns, relation, each))[0]
        for path in files:
            with path.open("rb") as stream:
                hashed.update(hashlib.file_digest(stream, "sha256").digest())
        ours = digest.digest_text(rows, sums[0], sums[1])
        if rows != staged.rows or staged.source_digest not in (None, ours):
            facts = self.spec.facts(table=self.table, source=staged.source_digest, stored=ours)
            raise SourceError("failed", "the stored rows differ from the source's", facts)
        pairs = zip(staged.columns, sums[2::2], sums[3::2], strict=True) if each else ()
        return replace(
            staged,
            digest=ours,
            column_digests={column.name: digest.digest_text(rows, hi, lo) for column, hi, lo in pairs},
            files_sha256=hashed.hexdigest(),
            bytes=sum(path.stat().st_size for path in files),
        )

    # -- commit ---------------------------------------------------------------------------------------------------

    def _commit(
        self, con: duckdb.DuckDBPyConnection, lock: psycopg.Connection, result: BatchResult
    ) -> BatchResult:
        """Replace the target's content and record the batch, or do neither."""
        from gongshu.engine.lake import LakeError

        target = ident(self.target)
        cells = ", ".join(f"{ident(column.name)} {column.duckdb_type}" for column in result.columns)
        with self.lake.lock("lake catalog", self.cancelled):
            lock.execute(
                "SELECT 1"
            )  # a lost session has lost the target's lock too: fail here, before anything is written
            try:
                con.execute("BEGIN")
                con.execute(f"CREATE OR REPLACE TABLE lake.{target} ({cells})")
                for path in self._files() if result.rows else []:
                    con.execute(
                        f"CALL ducklake_add_data_files('lake', {literal(self.target)}, {literal(str(path))})"
                    )
                con.execute(
                    "INSERT INTO lake.batch_done VALUES (?, ?, now(), ?)",
                    [self.batch_id, self.target, result.as_json()],
                )
                con.execute(
                    f"CALL lake.set_commit_message('gongshu', 'batch', extra_info => {literal(self.batch_id)})"
                )
                con.execute("COMMIT")
            except duckdb.Error as error:
                raise LakeError(self.lake.clean(error)) from None
            snapshot = con.execute("FROM lake.last_committed_snapshot()").fetchone()
        return replace(result, snapshot=int(snapshot[0]) if snapshot else None)


def fingerprint(columns: list[Column]) -> str:
    """SHA-256 of the columns' names and types in order: changes exactly when the shape of the data does."""
    shape = [[column.name, column.duckdb_type] for column in columns]
    return hashlib.sha256(json.dumps(shape, ensure_ascii=False).encode()).hexdigest()
