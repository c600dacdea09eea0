"""What is collected, how, and every batch of it."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from gongshu.catalog.models import Entry, EntryVersion


class BatchState(models.TextChoices):
    """Where a batch stands. A batch is visible in the lake as a whole, or not at all."""

    QUEUED = "queued", _("排队中")
    RUNNING = "running", _("归集中")
    COMMITTED = "committed", _("已入库")
    FAILED = "failed", _("失败")
    CANCELLED = "cancelled", _("已取消")


LIVE = (BatchState.QUEUED, BatchState.RUNNING)


class CollectionJob(models.Model):
    """The collection of one entry. How it is done is its plan in force (`CollectionPlan`)."""

    entry = models.OneToOneField(Entry, models.PROTECT, related_name="collection")
    created_at = models.DateTimeField()
    last = models.ForeignKey(
        "Batch", models.SET_NULL, null=True, related_name="+", help_text="last committed batch"
    )

    def __str__(self) -> str:
        return self.entry.name

    def plan_on(self, day: date) -> CollectionPlan | None:
        """The plan in force on a day: the latest that has taken effect by then."""
        return self.plans.filter(effective_on__lte=day).order_by("-effective_on", "-pk").first()

    def as_dict(self) -> dict[str, Any]:
        """The job as the API shows it."""
        return {
            "entry": self.entry.code,
            "last": self.last.as_dict() if self.last else None,
            "plans": [plan.as_dict() for plan in self.plans.all()],
        }


class CollectionPlan(models.Model):
    """Mode, frequency and content of a collection from a day on. columns [] means every item of the entry."""

    job = models.ForeignKey(CollectionJob, models.CASCADE, related_name="plans")
    effective_on = models.DateField(_("生效日期"))
    mode = models.CharField(_("归集方式"), max_length=20, blank=True, default="")
    cycle = models.CharField(_("归集频率"), max_length=20, blank=True, default="")
    columns = models.JSONField(_("归集内容"), default=list)
    reason = models.TextField(_("说明"), blank=True, default="")
    case_number = models.CharField(max_length=40, blank=True, default="")
    decided_at = models.DateTimeField()

    class Meta:
        ordering = ["effective_on", "pk"]

    def as_dict(self) -> dict[str, Any]:
        """The plan as the API shows it."""
        return {
            "effective_on": self.effective_on.isoformat(),
            "mode": self.mode,
            "cycle": self.cycle,
            "columns": self.columns,
            "reason": self.reason,
            "case": self.case_number,
        }


class Batch(models.Model):
    """One collection run: counts at both ends, digests, schema fingerprint, and the lake snapshot that shows it.

    `source_rows` is what the source counted in the snapshot read; `rows` what lies in the lake. `digest` and
    `column_digests`: see `gongshu.engine.digest`. `milliseconds`: staging, digest and commit.
    """

    job = models.ForeignKey(CollectionJob, models.PROTECT, related_name="batches")
    version = models.ForeignKey(EntryVersion, models.PROTECT, related_name="batches")
    number = models.CharField(_("批次号"), max_length=80, unique=True)
    state = models.CharField(_("状态"), max_length=12, choices=BatchState.choices, default=BatchState.QUEUED)
    mode = models.CharField(max_length=20, default="full")
    columns = models.JSONField(default=list, help_text="names of the columns asked for, in order")
    requested_by = models.CharField(max_length=150, blank=True, default="")
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True, help_text="last sign of life of the worker")
    attempts = models.IntegerField(default=0)
    cancel_requested = models.BooleanField(default=False)
    progress_rows = models.BigIntegerField(default=0)
    expected_rows = models.BigIntegerField(
        null=True, help_text="rows of the last batch or of the draft: an estimate"
    )
    source_rows = models.BigIntegerField(null=True)
    rows = models.BigIntegerField(null=True)
    digest = models.CharField(max_length=80, blank=True, default="")
    source_digest = models.CharField(max_length=80, blank=True, default="")
    column_digests = models.JSONField(default=dict)
    files_sha256 = models.CharField(max_length=64, blank=True, default="")
    fingerprint = models.CharField(max_length=64, blank=True, default="")
    shape = models.JSONField(default=list, help_text="[[column, type], ...] as they lie in the lake")
    widened = models.JSONField(default=list)
    drift = models.JSONField(default=list, help_text="how the source's columns differ from the entry")
    snapshot = models.BigIntegerField(null=True)
    bytes = models.BigIntegerField(null=True)
    milliseconds = models.BigIntegerField(null=True)
    error_code = models.CharField(max_length=40, blank=True, default="")
    error_facts = models.JSONField(default=dict)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["job"], condition=Q(state__in=["queued", "running"]), name="batch_one_live_per_job"
            )
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def live(self) -> bool:
        """Whether it is still queued or running."""
        return self.state in LIVE

    @property
    def percent(self) -> int | None:
        """Progress against the estimate, at most 99 before it is done; None where there is no estimate."""
        if self.state == BatchState.COMMITTED:
            return 100
        if not self.expected_rows:
            return None
        return min(99, self.progress_rows * 100 // self.expected_rows)

    def as_dict(self) -> dict[str, Any]:
        """The batch as the API shows it."""
        plain = (
            "number",
            "state",
            "mode",
            "progress_rows",
            "source_rows",
            "rows",
            "digest",
            "source_digest",
            "files_sha256",
            "fingerprint",
            "widened",
            "drift",
            "snapshot",
            "bytes",
            "milliseconds",
            "error_code",
            "attempts",
        )
        moments = {name: getattr(self, name) for name in ("queued_at", "started_at", "ended_at")}
        return {name: getattr(self, name) for name in plain} | {
            "entry": self.job.entry.code,
            "version": self.version.number,
            **{name: at.isoformat() if at else None for name, at in moments.items()},
        }


class BatchNote(models.Model):
    """One line of a batch's log, as a code with facts, so that each reader gets it in their language."""

    batch = models.ForeignKey(Batch, models.CASCADE, related_name="notes")
    at = models.DateTimeField()
    code = models.CharField(max_length=40)
    facts = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]
