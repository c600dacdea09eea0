"""What the worker does for the ledger."""

from __future__ import annotations

from gongshu.runner.jobs import every

from .services import check_and_record, seal_all


@every(1, "evidence.seal")
def seal_loop() -> None:
    """Seal what has been committed since."""
    seal_all()


@every(3600, "evidence.check")
def check_loop() -> None:
    """Recompute the ledger once a day; the outcome is an event."""
    check_and_record()
