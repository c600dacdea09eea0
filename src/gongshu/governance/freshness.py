"""Whether data come as often as their entry says (PJ-25, ZY-34, XC-3.4)."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction

from gongshu.catalog.vocabulary import EntryState
from gongshu.collection.models import CollectionJob
from gongshu.collection.selectors import fresh_until
from gongshu.journal import clock

from .models import DataIssue, Rule
from .services.issues import issue_found
from .services.rules import GRACE_DAYS
from .vocabulary import RuleKind, Severity


def late(job: CollectionJob) -> bool:
    """Whether the next batch of a collection is overdue: its cycle and a day of grace are over."""
    until = fresh_until(job)
    if until is None:
        return False
    return (until.astimezone(clock.ZONE) + timedelta(days=GRACE_DAYS)).date() < clock.today()


def stale_find() -> int:
    """Open an issue at the provider of every entry whose data are late; returns how many were opened.

    Once per entry while it lasts: the fresh rule's open issue is unique. Entries are looked at whenever this runs,
    so nothing is missed if it did not run for a day.
    """
    opened = 0
    rules = Rule.objects.filter(
        kind=RuleKind.FRESH, active=True, severity=Severity.ERROR, entry__state=EntryState.PUBLISHED
    )
    for rule in rules.filter(columns=[]).select_related("entry__current", "entry__collection__last"):
        job = getattr(rule.entry, "collection", None)
        open_already = DataIssue.objects.filter(entry=rule.entry, rule=rule, open=True)
        if job is None or not late(job) or open_already.exists():
            continue
        with transaction.atomic():
            CollectionJob.objects.select_for_update().get(pk=job.pk)
            if not open_already.all().exists():
                issue_found(rule.entry, rule, 1)
                opened += 1
    return opened
