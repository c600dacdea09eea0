"""Collection from PostgreSQL into the lake, against the limit of the source and against dlt, in one run.

    python benchmarks/collection.py [--rows 1000000] [--rounds 3] [--verify]
                                    [--dsn postgresql://...] [--dlt python-with-dlt]

ours    `Lake.ingest`: the whole table in one snapshot, counted at both ends, staged as Parquet (zstd), content digest
        read back from what was stored, SHA-256 over the files, and one commit that makes it visible with its record.
copy    psql \\copy (SELECT * FROM the table) TO /dev/null (FORMAT binary): what one connection can deliver, when
        nobody looks at it.
dlt     sql_table with its fastest backend (connectorx), which holds the table in memory, to Parquet files in a local
        directory: no digest, no counts, no commit.
dlt-pa  the same with its backend of bounded memory (pyarrow).

Each is a process of its own; they take turns, and ratios are of medians. Seconds are those of the work, without the
start of the interpreter and its imports; memory is the peak of the process, CPU is its own, without the server's.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psycopg

TABLE = "bench_person"

GENERATE = """
CREATE TABLE {table} AS SELECT i AS id,
  lpad((110000 + i %% 9999)::text, 6, '0') || (1940 + i %% 80)::text || lpad((1 + i %% 12)::text, 2, '0')
    || lpad((1 + i %% 28)::text, 2, '0') || lpad((i %% 1000)::text, 3, '0') || 'X' AS id_no,
  substr('王李张刘陈杨赵黄周吴徐孙', 1 + i %% 12, 1) || chr(19968 + i %% 5000) || chr(19968 + i / 7 %% 5000) AS name,
  (1 + i %% 2)::smallint AS sex, date '1940-01-01' + i %% 29000 AS born,
  CASE WHEN i %% 13 > 0 THEN '1' || lpad((i::bigint * 7919 %% 10000000000)::text, 10, '3') END AS phone,
  '浙江省金华市浦江县浦阳街道人民路' || i %% 900 || '号' AS address, (i %% 1000000 / 100.0)::numeric(12,2) AS amount,
  timestamp '2020-01-01' + i %% 100000000 * interval '1 second' AS updated_at, i %% 3 = 0 AS active
FROM generate_series(1, %(rows)s) i
"""

OURS = """
import json, sys, time
from gongshu.engine.lake import Lake
from gongshu.engine.source import SourceSpec
from urllib.parse import unquote, urlparse
dsn, folder, batch, verify = sys.argv[1:]
at = urlparse(dsn)
user, password = unquote(at.username or ""), unquote(at.password or "")
spec = SourceSpec("postgresql", at.hostname, at.port, at.path[1:], user, password)
lake = Lake(dsn, folder, schema="bench_lake")
lake.ensure()
started = time.monotonic()
done = lake.ingest(spec, "bench_person", None, "bench_person", batch, spool=folder, verify=verify == "1")
assert done.source_rows == done.rows
print(json.dumps({"seconds": time.monotonic() - started, "rows": done.rows, "bytes": done.bytes}))
"""

DLT = """
import json, os, sys, time
dsn, folder, batch, backend = sys.argv[1:]
os.environ.update({"DLT_DATA_DIR": folder, "RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR"})
import dlt
from dlt.sources.sql_database import sql_table
started = time.monotonic()
settings = {"conn": dsn, "return_type": "arrow"} if backend == "connectorx" else None
table = sql_table(dsn.replace("postgresql://", "postgresql+psycopg://"), "bench_person", backend=backend,
                  backend_kwargs=settings, chunk_size=100_000)
pipeline = dlt.pipeline(batch, pipelines_dir=folder, dataset_name="d",
                        destination=dlt.destinations.filesystem("file://" + folder + "/out"))
pipeline.run(table, loader_file_format="parquet", write_disposition="replace")
seconds = time.monotonic() - started
rows = sum(pipeline.last_trace.last_normalize_info.row_counts.get(name, 0) for name in ("bench_person",))
size = sum(os.path.getsize(os.path.join(at, name)) for at, _, names in os.walk(folder + "/out") for name in names)
print(json.dumps({"seconds": seconds, "rows": rows, "bytes": size}))
"""


@dataclass
class Result:
    """One run of one side."""

    seconds: float
    cpu: float
    peak_mb: float
    out_mb: float


def run(command: list[str], rows: int, environment: dict[str, str] | None = None) -> Result:
    """Run one side to its end; its last line says its own seconds (psql says none: the process counts)."""
    started = time.monotonic()
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command, stdout=said, env={**os.environ, **(environment or {})})
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - started
        said.seek(0)
        lines = said.read().strip().splitlines()
    if process.returncode:
        raise SystemExit(f"{command[:3]} ended with {process.returncode}")
    told = (
        json.loads(lines[-1])
        if lines and lines[-1].startswith("{")
        else {"seconds": wall, "rows": rows, "bytes": 0}
    )
    if told["rows"] != rows:
        raise SystemExit(f"{command[:3]} moved {told['rows']} of {rows} rows")
    return Result(
        told["seconds"], usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, told["bytes"] / 1e6
    )


def prepare(dsn: str, rows: int) -> None:
    """The table, generated unless it is there already with as many rows."""
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("DROP SCHEMA IF EXISTS bench_lake CASCADE")
        there = db.execute("SELECT to_regclass(%s)", (TABLE,)).fetchone()
        if there and there[0]:
            found = db.execute(f"SELECT count(*) FROM {TABLE}").fetchone()
            if found and found[0] == rows:
                return
        db.execute(f"DROP TABLE IF EXISTS {TABLE}")
        db.execute(
            psycopg.sql.SQL(GENERATE.format(table=TABLE).replace("%(rows)s", str(rows)).replace("%%", "%"))
        )
        db.execute(f"VACUUM ANALYZE {TABLE}")


def psql_program(server_programs: Path | None) -> str | None:
    """psql of the machine, or the one beside the embedded server."""
    beside = server_programs / "psql" if server_programs else None
    return shutil.which("psql") or (str(beside) if beside and beside.is_file() else None)


def sides(
    args: argparse.Namespace, dsn: str, folder: Path, psql: str | None
) -> dict[str, Callable[[int], Result]]:
    """Each side as a function of the round."""
    verify = "1" if args.verify else "0"

    def ours(turn: int) -> Result:
        place = folder / "ours"
        place.mkdir(exist_ok=True)
        return run([sys.executable, "-c", OURS, dsn, str(place), f"b{turn}", verify], args.rows)

    def copy(turn: int) -> Result:
        order = f"\\copy (SELECT * FROM {TABLE}) TO /dev/null (FORMAT binary)"
        return run([str(psql), "-X", "-q", "-d", dsn, "-c", order], args.rows)

    def dlt(turn: int, backend: str = "connectorx") -> Result:
        place = folder / f"dlt{turn}{backend}"
        place.mkdir()
        done = run([str(args.dlt), "-c", DLT, dsn, str(place), f"p{turn}{backend}", backend], args.rows)
        shutil.rmtree(place)
        return done

    chosen: dict[str, Callable[[int], Result]] = {"ours": ours}
    if psql:
        chosen["copy"] = copy
    else:
        print("psql is not installed: no comparison with COPY")
    if args.dlt:
        chosen["dlt"] = dlt
        chosen["dlt-pa"] = lambda turn: dlt(turn, "pyarrow")
    else:
        print("dlt is not installed (requirements/bench.txt): no comparison with dlt")
    return chosen


def report(rows: int, results: dict[str, list[Result]]) -> None:
    """The table of medians, and the ratios that count."""
    print(f"\n{rows:,} rows, medians of {len(results['ours'])}")
    print(f"{'':8}{'seconds':>10}{'rows/s':>12}{'CPU s':>9}{'peak MB':>9}{'out MB':>9}")
    speed = {}
    for side, runs in results.items():
        seconds = statistics.median(done.seconds for done in runs)
        speed[side] = rows / seconds
        cpu, out = (statistics.median(getattr(done, name) for done in runs) for name in ("cpu", "out_mb"))
        peak = max(done.peak_mb for done in runs)
        print(f"{side:8}{seconds:>10.2f}{speed[side]:>12,.0f}{cpu:>9.2f}{peak:>9.0f}{out:>9.0f}")
    for other, goal in (("copy", 0.4), ("dlt", 3.0), ("dlt-pa", 3.0)):
        if other in speed:
            print(f"ours / {other}: {speed['ours'] / speed[other]:.2f} (goal {goal})")
    print(f"our peak memory: {max(done.peak_mb for done in results['ours']):.0f} MB (goal under 1,000)")


def main() -> None:
    """Prepare, let the sides take turns, report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--verify", action="store_true", help="have the source compute its digest too, and compare"
    )
    parser.add_argument("--dsn", help="a database that may be overwritten; default: an embedded server")
    parser.add_argument("--dlt", help="a Python that has dlt; default: this one, if it has")
    args = parser.parse_args()
    if not args.dlt and importlib.util.find_spec("dlt"):
        args.dlt = sys.executable
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        dsn, beside = args.dsn, None
        if not dsn:
            from gongshu.runner.postgres import Server, programs

            folder.chmod(0o711)  # the account the server runs under when we are root has to reach its data
            server = Server(folder / "server")
            dsn, beside = server.start(), programs()
            stack.callback(server.stop)
        prepare(dsn, args.rows)
        results: dict[str, list[Result]] = {}
        chosen = sides(args, dsn, folder, psql_program(beside))
        for turn in range(args.rounds):
            for side, measure in chosen.items():
                results.setdefault(side, []).append(measure(turn))
        report(args.rows, results)
        with psycopg.connect(dsn, autocommit=True) as db:
            db.execute("DROP SCHEMA IF EXISTS bench_lake CASCADE")


if __name__ == "__main__":
    main()
