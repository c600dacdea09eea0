"""What the worker does for collection."""

from __future__ import annotations

from gongshu.runner.jobs import job

from .run import batch_run


@job("collection.run")
def collection_run(*, batch: int) -> None:
    """Run a batch by its row id."""
    batch_run(batch)
