"""What a worker does for governance."""

from __future__ import annotations

from gongshu.runner.jobs import every, job

from .checks import check_batch
from .freshness import stale_find


@job("governance.check")
def governance_check(*, entry: str, batch: str) -> None:
    """Check a batch by its entry's code and its number."""
    check_batch(entry, batch)


@every(60, "governance.freshness")
def freshness_tick() -> None:
    """Find data that have not come in time."""
    stale_find()
