"""What a worker does for running cases."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from gongshu.journal.models import Answered
from gongshu.runner.jobs import every

from .clocks import clocks_lapse, clocks_remind


@every(20, "casework.clocks")
def clocks_tick() -> None:
    """Lapse limits that have passed and remind of those that are near."""
    clocks_lapse()
    clocks_remind()


@every(3600, "journal.answered")
def answered_forget() -> None:
    """Forget answers kept for repeated requests after a day."""
    Answered.objects.filter(at__lt=timezone.now() - timedelta(days=1)).delete()
