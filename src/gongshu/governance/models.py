"""Rules attached to entries, every run of them, and the data issues they (or users) open."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from gongshu.casework.models import Case
from gongshu.catalog.models import Entry
from gongshu.collection.models import Batch
from gongshu.org.models import Unit

from .vocabulary import Origin, RuleKind, Severity


class Rule(models.Model):
    """A rule on some columns of an entry. `version` rises with every change; results keep the version they used.

    params: see `RuleKind`. dimension: one of the pack's `quality.dims`. An inactive rule is not run any more; its
    past results stay.
    """

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="rules")
    code = models.CharField(_("规则编号"), max_length=120)
    kind = models.CharField(_("规则类型"), max_length=20, choices=RuleKind.choices)
    columns = models.JSONField(_("信息项"), default=list)
    params = models.JSONField(default=dict)
    severity = models.CharField(
        _("严重程度"), max_length=10, choices=Severity.choices, default=Severity.ERROR
    )
    dimension = models.CharField(_("质量维度"), max_length=20)
    origin = models.CharField(max_length=10, choices=Origin.choices, default=Origin.MANUAL)
    version = models.IntegerField(default=1)
    active = models.BooleanField(_("启用"), default=True)
    changed_at = models.DateTimeField()

    class Meta:
        ordering = ["entry", "code"]
        constraints = [models.UniqueConstraint(fields=["entry", "code"], name="rule_code_once_per_entry")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}（{'、'.join(self.columns)}）"

    def as_dict(self) -> dict[str, Any]:
        """The rule as the API shows it."""
        plain = ("code", "kind", "columns", "params", "severity", "dimension", "origin", "version", "active")
        return {name: getattr(self, name) for name in plain} | {"entry": self.entry.code}


class CheckRun(models.Model):
    """All rules of an entry over one batch, in one scan. score: share of rule checks passed, in hundredths of %."""

    batch = models.OneToOneField(Batch, models.PROTECT, related_name="check_run")
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="check_runs")
    rows = models.BigIntegerField()
    failed_rows = models.BigIntegerField(default=0)
    score = models.IntegerField(null=True)
    dimensions = models.JSONField(default=dict, help_text="dimension -> score, in hundredths of a percent")
    failing_file = models.CharField(
        max_length=200, blank=True, default="", help_text="below the lake's directory"
    )
    keys = models.JSONField(default=list, help_text="columns that name a row; empty: the lake's row number")
    snapshot = models.BigIntegerField(null=True, help_text="of the lake, that was read")
    milliseconds = models.IntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["entry", "-id"], name="run_entry")]

    def __str__(self) -> str:
        return self.batch.number

    def as_dict(self) -> dict[str, Any]:
        """The run as the API shows it."""
        return {
            "batch": self.batch.number,
            "entry": self.entry.code,
            "rows": self.rows,
            "failed_rows": self.failed_rows,
            "score": self.score,
            "dimensions": self.dimensions,
            "at": self.at.isoformat(),
            "results": [r.as_dict() for r in self.results.select_related("rule")],
        }


class RuleResult(models.Model):
    """What one rule found in one run. `error`: why it could not be run on this batch, empty where it was."""

    run = models.ForeignKey(CheckRun, models.CASCADE, related_name="results")
    rule = models.ForeignKey(Rule, models.PROTECT, related_name="results")
    rule_version = models.IntegerField()
    checked = models.BigIntegerField(default=0)
    failing = models.BigIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True, default="")
    sample = models.JSONField(default=dict, help_text="first failing rows: {columns, rows, masked}")

    class Meta:
        ordering = ["-failing", "id"]
        constraints = [models.UniqueConstraint(fields=["run", "rule"], name="result_once_per_run")]

    def as_dict(self) -> dict[str, Any]:
        """The result as the API shows it."""
        return {
            "rule": self.rule.code,
            "kind": self.rule.kind,
            "version": self.rule_version,
            "checked": self.checked,
            "failing": self.failing,
            "error": self.error,
        }


class DataIssue(models.Model):
    """A problem with the data of an entry: found by a rule, or reported by a unit that uses them.

    rule None: reported. kind: one of the pack's `quality.issue_kinds`. failing: rows the rule finds now;
    first_failing: when it was opened. records: keys or descriptions of records a reporter gave. suspended: shared use
    was stopped while this is looked into.
    """

    ref = models.UUIDField(unique=True, editable=False)
    case = models.OneToOneField(Case, models.PROTECT, related_name="data_issue")
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="data_issues")
    rule = models.ForeignKey(Rule, models.PROTECT, null=True, related_name="issues")
    kind = models.CharField(_("问题类型"), max_length=40)
    item = models.CharField(_("信息项"), max_length=200, blank=True, default="")
    description = models.TextField(_("问题说明"), blank=True, default="")
    records = models.JSONField(default=list)
    grant_number = models.CharField(_("授权编号"), max_length=40, blank=True, default="")
    reporter = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")
    opened_run = models.ForeignKey(CheckRun, models.PROTECT, null=True, related_name="issues_opened")
    last_run = models.ForeignKey(CheckRun, models.PROTECT, null=True, related_name="+")
    first_failing = models.BigIntegerField(default=0)
    failing = models.BigIntegerField(default=0)
    suspended = models.BooleanField(default=False)
    open = models.BooleanField(default=True)
    opened_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "rule"],
                condition=Q(open=True, rule__isnull=False),
                name="issue_one_open_per_rule",
            )
        ]

    def __str__(self) -> str:
        return self.case.title

    def as_dict(self) -> dict[str, Any]:
        """The issue as the API shows it."""
        plain = (
            "kind",
            "item",
            "description",
            "records",
            "grant_number",
            "first_failing",
            "failing",
            "suspended",
        )
        return {name: getattr(self, name) for name in plain} | {
            "number": self.case.number,
            "state": self.case.state,
            "entry": self.entry.code,
            "rule": self.rule.code if self.rule else None,
            "reporter": self.reporter.code if self.reporter else None,
            "opened_at": self.opened_at.isoformat(),
        }
