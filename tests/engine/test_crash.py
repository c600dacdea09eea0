"""kill -9 at any moment of a batch loses nothing, doubles nothing and leaves nothing lying about."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from gongshu.engine.lake import Lake
from gongshu.engine.source import SourceSpec

PROGRAM = """
import sys
from gongshu.engine.lake import Lake
from gongshu.engine.source import SourceSpec
dsn, data, host, port, database, user, password, batch = sys.argv[1:]
spec = SourceSpec("postgresql", host, int(port), database, user, password)
lake = Lake(dsn, data)
print("started", flush=True)
lake.ingest(spec, "pop", None, "pop", batch)
print("finished", flush=True)
"""


def run(dsn: str, lake: Lake, spec: SourceSpec, batch: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, dsn, str(lake.data_path), spec.host, str(spec.port)]
    command += [spec.database, spec.user, spec.password, batch]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_killed_at_random_moments(pg_dsn: str, postgresql: SourceSpec, lake: Lake) -> None:
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute(
            "CREATE TABLE pop AS SELECT i AS id, md5(i::text) AS name FROM generate_series(1, 400000) i"
        )
    started = time.monotonic()
    before = lake.ingest(postgresql, "pop", None, "pop", "b0")
    whole = time.monotonic() - started
    with psycopg.connect(pg_dsn, autocommit=True) as db:
        db.execute("UPDATE pop SET name = 'new' WHERE id % 2 = 0")
    seed = random.randrange(1 << 30)
    moments = random.Random(seed)
    killed = 0
    for index in range(6):
        process = run(pg_dsn, lake, postgresql, "b1")
        assert process.stdout and process.stdout.readline() == "started\n"
        if index % 2 == 0:  # in the middle of staging, however slow the machine is
            wait_for(lambda p=process: lake.batch_dir("pop", "b1").exists() or p.poll() is not None)
        time.sleep(moments.uniform(0, whole / 3) if index else 0.0)
        process.kill()
        said = process.stdout.read()
        killed += process.wait() != 0
        if index == 0:
            assert lake.batch_dir("pop", "b1").exists() and lake.batch("b1") is None
        # What readers see is one batch or the other, never a part and never a mixture.
        done = lake.batch("b1")
        assert lake.count("pop") == 400_000, f"seed {seed}"
        assert done is not None or "finished" not in said, f"seed {seed}"
        names = [batch.batch_id for batch in lake.history("pop")]
        assert names == (["b1", "b0"] if done else ["b0"]), f"seed {seed}"
    assert killed
    after = lake.ingest(postgresql, "pop", None, "pop", "b1", verify=True)
    assert after.rows == 400_000 and after.digest != before.digest
    assert after.source_digest in (None, after.digest)
    assert after == lake.ingest(postgresql, "pop", None, "pop", "b1")
    with psycopg.connect(pg_dsn) as db:
        known = db.execute("SELECT path FROM lake.ducklake_data_file").fetchall()
    on_disk = {str(path.relative_to(lake.data_path / "main" / "pop")) for path in files(lake)}
    assert on_disk == {path for (path,) in known}, f"seed {seed}"


def wait_for(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.002)


def files(lake: Lake) -> list[Path]:
    return list((lake.data_path / "main" / "pop").rglob("*.parquet"))
