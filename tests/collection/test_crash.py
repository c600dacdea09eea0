"""kill -9 of the worker's process at any moment of a batch: run again, it ends once, with every row."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from tests.catalog.world import fill, make_world, publish

from gongshu.collection import services as collection
from gongshu.collection.lake import lake, table_of
from gongshu.collection.models import Batch
from gongshu.collection.run import TRIES, batch_run
from gongshu.journal.models import Event

MANY = """
CREATE TABLE visit (id integer PRIMARY KEY, who text, amount numeric(12,2), at timestamp);
INSERT INTO visit SELECT n, 'visitor ' || n, n * 0.01, timestamp '2026-01-01' + n * interval '1 second'
  FROM generate_series(1, 300000) n;
"""
RUN = "import django; django.setup(); from gongshu.collection.run import batch_run; batch_run({pk})"


@pytest.fixture
def world(transactional_db: None) -> SimpleNamespace:
    return make_world()


def worker(pk: int) -> subprocess.Popen[bytes]:
    """A process of its own that runs the batch, as a worker would."""
    return subprocess.Popen([sys.executable, "-c", RUN.format(pk=pk)], env={**os.environ})


def test_a_killed_worker_loses_and_doubles_nothing(world: SimpleNamespace, pg_dsn: str) -> None:
    fill(pg_dsn, MANY)
    entry = publish(world, pg_dsn, table="visit")
    batch = collection.collection_start(actor=world.actors["civil_steward"], entry=entry.code)
    chance = random.Random(7)
    for _attempt in range(TRIES - 1):
        process = worker(batch.pk)
        deadline = time.monotonic() + 60
        while Batch.objects.get(pk=batch.pk).attempts <= _attempt and time.monotonic() < deadline:
            time.sleep(0.02)  # it has taken the batch
        time.sleep(chance.uniform(0, 0.8))
        process.send_signal(signal.SIGKILL)
        process.wait()
    batch_run(batch.pk)
    done = Batch.objects.get(pk=batch.pk)
    assert (done.state, done.source_rows, done.rows) == ("committed", 300_000, 300_000)
    assert Event.objects.filter(type="collection.batch.committed", subject_id=batch.number).count() == 1
    assert len(lake().history(table_of(entry))) == 1 and lake().count(table_of(entry)) == 300_000
