"""What the worker does for collection."""

from __future__ import annotations

from django.conf import settings

from gongshu.runner.jobs import every, job

from .lake import lake
from .run import batch_run


@job("collection.run")
def collection_run(*, batch: int) -> None:
    """Run a batch by its row id."""
    batch_run(batch)


@every(24 * 3600, "collection.vacuum")
def lake_vacuum() -> None:
    """Once a day give back the space of content that later batches have replaced."""
    lake().vacuum(settings.GONGSHU_LAKE_DAYS)
