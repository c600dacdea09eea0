"""The county of the sharing tests, with data in the lake to check."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from tests.sharing.conftest import County, county, day  # noqa: F401 - fixtures

HEAD = ("id_no", "name", "town", "amount", "since")
GOOD = [
    ("110101199003070011", "甲", "城关镇", "800.00", "2024-01-01"),
    ("11010119900307002X", "乙", "大满镇", "650.50", "2024-02-01"),
]
BAD = [
    ("110101199003070012", "丙", "城关镇", "700.00", "2024-03-01"),  # wrong check digit
    ("", "丁", "城关镇", "700.00", "2024-03-01"),  # key missing
    ("11010119900307002X", "戊", "沙井镇", "", "2024-03-01"),  # key twice
]


def collected(entry: Any, folder: Path, rows: list[tuple[str, ...]]) -> Any:
    """A committed batch of these rows, as collection leaves it, without its jobs."""
    from gongshu.collection.lake import lake, table_of
    from gongshu.collection.models import Batch, CollectionJob
    from gongshu.engine.source import SourceSpec
    from gongshu.journal import clock

    with (folder / "rows.csv").open("w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([HEAD, *rows])
    job, _made = CollectionJob.objects.get_or_create(entry=entry, defaults={"created_at": clock.now()})
    number = f"{entry.code}-{entry.pk}-{job.batches.count() + 1}"
    store = lake()
    store.ensure()
    spec = SourceSpec("csv", path="rows.csv", options={"root": str(folder)})
    result = store.ingest(spec, "rows", None, table_of(entry), number)
    batch = Batch.objects.create(
        job=job,
        version=entry.current,
        number=number,
        state="committed",
        queued_at=clock.now(),
        ended_at=clock.now(),
        rows=result.rows,
        snapshot=result.snapshot,
        shape=[[column.name, column.duckdb_type] for column in result.columns],
    )
    job.last = batch
    job.save()
    return batch


@pytest.fixture
def table(county: County, tmp_path: Path) -> Any:  # noqa: F811
    """An entry, and a way to collect rows of it."""
    entry = county.entry()
    return entry, lambda rows: collected(entry, tmp_path, rows)
