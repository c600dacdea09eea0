"""What a worker does for running cases."""

from __future__ import annotations

from gongshu.runner.jobs import every

from .clocks import clocks_lapse, clocks_remind


@every(20, "casework.clocks")
def clocks_tick() -> None:
    """Lapse limits that have passed and remind of those that are near."""
    clocks_lapse()
    clocks_remind()
