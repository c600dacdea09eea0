"""Running procedures: cases, whose turn it is, clocks, notices; and the packs and calendar they run under."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from gongshu.kernel.clause import Basis
from gongshu.org.models import Unit


class PackVersion(models.Model):
    """The text of a policy pack as it was when a case began under it; never changed afterwards."""

    pack = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    digest = models.CharField(max_length=64, unique=True)
    text = models.TextField()
    effective_from = models.DateField(null=True)
    effective_to = models.DateField(null=True)
    installed_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.pack}/{self.version}"


class CalendarDay(models.Model):
    """A day of the national schedule imported after the built-in ones: works or rests against its weekday."""

    day = models.DateField(unique=True)
    working = models.BooleanField()
    note = models.CharField(max_length=100, blank=True, default="")


class CalendarYear(models.Model):
    """A year whose national schedule has been imported, so that its dates are no longer provisional."""

    year = models.IntegerField(unique=True)
    source = models.CharField(max_length=200)


class Case(models.Model):
    """A running procedure; its parties (role -> unit) are rows. `pending`: roles that have yet to join a joint move.

    `version` rises with every move; a move compares and swaps it, so two people cannot both move a case on.
    """

    number = models.CharField(_("办件编号"), max_length=40, unique=True)
    procedure = models.CharField(max_length=40)
    pack_version = models.ForeignKey(PackVersion, models.PROTECT)
    state = models.CharField(max_length=40)
    version = models.IntegerField(default=1)
    title = models.TextField()
    subject_type = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=64)
    pending = models.JSONField(default=list)
    data = models.JSONField(default=dict)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["subject_type", "subject_id"], name="case_subject"),
            models.Index(fields=["procedure", "state"], name="case_state"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["procedure", "subject_type", "subject_id"],
                condition=Q(closed_at__isnull=True),
                name="case_one_open_per_subject",
            )
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.title}"

    def party(self, role: str) -> Unit | None:
        """The unit that plays that role in this case, if one does."""
        found = self.parties.select_related("unit").filter(role=role).first()
        return found.unit if found else None

    def as_dict(self) -> dict[str, Any]:
        """The case as the API shows it."""
        return {
            "number": self.number,
            "procedure": self.procedure,
            "pack": str(self.pack_version),
            "state": self.state,
            "version": self.version,
            "title": self.title,
            "subject": {"type": self.subject_type, "id": self.subject_id},
            "parties": {r.role: r.unit.code for r in self.parties.select_related("unit")},
            "opened_at": self.opened_at.isoformat(),
            "closed_at": self.closed_at.isoformat() if self.closed_at else None,
            "outcome": self.outcome,
            "clocks": [c.as_dict() for c in self.clocks.all()],
        }


class Party(models.Model):
    """Which unit plays which role in a case."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="parties")
    role = models.CharField(max_length=20)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "role"], name="party_once")]


class ClockState(models.TextChoices):
    """Where a clock stands. A lapsed clock whose work is done late keeps LAPSED and gets an end."""

    RUNNING = "running", _("计时中")
    PAUSED = "paused", _("暂停")
    MET = "met", _("按时办结")
    LAPSED = "lapsed", _("超期")


class Clock(models.Model):
    """A time limit running upon a case.

    started_on is the day of receipt, which is not counted; due_on is the last day in time; total is the length in
    `unit`. provisional: the date rests on a year whose national schedule was not published when it was computed.
    """

    case = models.ForeignKey(Case, models.CASCADE, related_name="clocks")
    name = models.CharField(max_length=40)
    owner = models.CharField(max_length=20)
    owner_unit = models.ForeignKey(Unit, models.PROTECT, null=True, related_name="+")
    unit = models.CharField(max_length=2)
    total = models.IntegerField()
    direction = models.CharField(max_length=10)
    on_lapse = models.CharField(max_length=40)
    clauses = models.JSONField(default=list)
    gap_source = models.CharField(max_length=40, blank=True, default="")
    state = models.CharField(max_length=10, choices=ClockState.choices, default=ClockState.RUNNING)
    started_on = models.DateField()
    due_on = models.DateField()
    provisional = models.BooleanField(default=False)
    extended = models.BooleanField(default=False)
    reminded = models.BooleanField(default=False)
    stood = models.IntegerField(default=0, help_text="working days it stood still")
    paused_on = models.DateField(null=True)
    lapsed_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["due_on"], condition=Q(state="running"), name="clock_running_due")]
        constraints = [
            models.UniqueConstraint(
                fields=["case", "name"], condition=Q(ended_at__isnull=True), name="clock_one_open_per_name"
            )
        ]

    @property
    def basis(self) -> Basis:
        """The clauses the limit rests on, or the source of the fallback where the local text is silent."""
        return Basis(tuple(self.clauses), gap=bool(self.gap_source), source=self.gap_source)

    def as_dict(self) -> dict[str, Any]:
        """The clock as the API shows it."""
        return {
            "name": self.name,
            "owner": self.owner,
            "state": self.state,
            "started_on": self.started_on.isoformat(),
            "due_on": self.due_on.isoformat(),
            "total": self.total,
            "unit": self.unit,
            "provisional": self.provisional,
            "clauses": self.clauses,
            "gap_source": self.gap_source,
        }


class Turn(models.Model):
    """Whose turn it is: one row for each role a case waits for. The workbench is a query on this table."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="turns")
    role = models.CharField(max_length=20)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="+")
    action = models.CharField(max_length=40)
    moves = models.JSONField(default=list)
    since = models.DateTimeField()
    clock = models.ForeignKey(Clock, models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["case", "role", "action"], name="turn_once")]


class Notice(models.Model):
    """A message to a unit about a case: it is your turn, a limit is near, a limit has passed, it is decided."""

    class Kind(models.TextChoices):
        """Why the unit is told."""

        TURN = "turn", _("待办")
        NEAR = "near", _("临期")
        OVERDUE = "overdue", _("超期")
        DECIDED = "decided", _("办结")

    unit = models.ForeignKey(Unit, models.CASCADE, related_name="+")
    case = models.ForeignKey(Case, models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]


class NoticeSeen(models.Model):
    """Up to which notice an account has read."""

    account = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="notice_seen")
    notice_id = models.BigIntegerField(default=0)
