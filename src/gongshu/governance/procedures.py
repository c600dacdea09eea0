"""What guards and follows the moves of a data issue. The procedure itself is `loop`, built from the pack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.utils.translation import gettext as _

from gongshu.casework.models import Case, Party
from gongshu.casework.registry import pack_of, procedure_of, register
from gongshu.collection.consumers import consumers_of
from gongshu.journal.services import Actor
from gongshu.kernel.errors import Invalid, Refused
from gongshu.org.models import Unit

from . import loop
from .models import DataIssue

SUSPEND: list[Callable[[DataIssue, Actor], None]] = []
RESUME: list[Callable[[DataIssue, Actor], None]] = []
"""What stops and resumes the use of an entry's data while an issue is looked into; sharing enters itself here."""


def _issue(case: Case) -> DataIssue:
    return DataIssue.objects.select_related("entry").get(case=case)


def not_extended(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """An extension is asked for while the limit runs, and once: it already reaches the longest total (PJ-26.3b)."""
    clock = case.clocks.filter(name="fix", ended_at__isnull=True).first()
    if clock is None or clock.extended or clock.state == "lapsed":
        declared = procedure_of(case.procedure, pack_of(case.pack_version)).clock("fix")
        raise Refused(_("该时限已延长过或已经超期，不能再申请延期。"), basis=declared.basis)


def unit_exists(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """The unit an issue is sent to has to be there."""
    code = given.get("unit")
    if code and not Unit.objects.filter(code=code, active=True).exists():
        raise Invalid(_("没有编码为 %(code)s 的单位。") % {"code": code}, field="unit")


def reassign(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """Another unit puts it right from now on; its limit runs on."""
    if code := given.get("unit"):
        unit = Unit.objects.get(code=code)
        Party.objects.filter(case=case, role="provider").update(unit=unit)
        case.clocks.filter(owner="provider", ended_at__isnull=True).update(owner_unit=unit)


def suspend_use(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """Stop the use of the entry's data while the issue is open, where the dispatcher asks for it (PJ-26.2b)."""
    if given.get("suspend"):
        issue = _issue(case)
        DataIssue.objects.filter(pk=issue.pk).update(suspended=True)
        for stop in SUSPEND:
            stop(issue, actor)


def ended(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """The issue is over: use goes on, and those who use the data are told of the correction (CM-13.3)."""
    issue = _issue(case)
    DataIssue.objects.filter(pk=issue.pk).update(open=False, suspended=False)
    if issue.suspended:
        for resume in RESUME:
            resume(issue, actor)
    if case.state == loop.CLOSED:
        _tell_consumers(case, issue)


def _tell_consumers(case: Case, issue: DataIssue) -> None:
    parties = set(case.parties.values_list("unit_id", flat=True))
    for number, unit in enumerate(u for u in consumers_of(issue.entry) if u.pk not in parties):
        Party.objects.create(case=case, role=f"consumer_{number}", unit=unit)


register(
    loop.NAME,
    loop.build,
    guards={"not_extended": not_extended, "unit_exists": unit_exists},
    effects={"reassign": reassign, "suspend_use": suspend_use, "ended": ended},
)
