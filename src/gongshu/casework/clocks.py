"""Clocks of running cases: started, paused, met and extended as a case moves; lapsed exactly once."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from gongshu.journal import clock as time
from gongshu.journal.services import SYSTEM, Actor, event_append, service
from gongshu.kernel import procedure as kernel
from gongshu.kernel.errors import Refused
from gongshu.org.policy import body_unit, require_anywhere

from .calendar import calendar
from .models import Case, Clock, ClockState, Notice
from .registry import pack_of, procedure_of

NEAR = 2
"""Working days before the end from which a limit shows yellow and its owner is reminded."""


def clocks_follow(case: Case, procedure: kernel.Procedure, before: str | None, actor: Actor) -> None:
    """Bring every clock of a case in line with the state it has just entered (`before`: the one it left)."""
    held = {c.name: c for c in case.clocks.filter(ended_at__isnull=True)}
    for declared in procedure.clocks:
        running = held.get(declared.name)
        what = declared.follow(case.state, before, running is not None)
        if running and what in ("end", "restart"):
            _end(running)
        if what in ("start", "restart"):
            _start(case, declared, actor)
        elif running and what == "run":
            _resume(running)
        elif running and what == "pause":
            _pause(running)


def _resume(clock: Clock) -> None:
    if clock.state == ClockState.PAUSED and clock.paused_on:
        clock.stood += max(calendar().between(clock.paused_on, time.today()), 0)
        clock.state, clock.paused_on = ClockState.RUNNING, None
        clock.due_on, clock.provisional = _due(clock)
        clock.save(update_fields=["stood", "due_on", "provisional", "state", "paused_on"])


def _start(case: Case, declared: kernel.Clock, actor: Actor) -> None:
    today = time.today()
    counted_from = _counted_from(case, declared, today)
    due, provisional = due_date(declared.unit, declared.direction, declared.days, counted_from)
    notice = declared.direction == kernel.BEFORE
    late = notice and today > due
    if late and not declared.accept_late:
        raise Refused(
            _(
                "须提前 %(n)d 个工作日告知：生效日期 %(day)s 对应的最晚告知日是 %(due)s，请改选更晚的生效日期。"
            )
            % {"n": declared.days, "day": counted_from, "due": due},
            basis=declared.basis,
            field=declared.counts_from,
        )
    clock = Clock.objects.create(
        case=case,
        name=declared.name,
        owner=declared.owner,
        owner_unit=case.party(declared.owner),
        unit=declared.unit,
        total=declared.days,
        direction=declared.direction,
        on_lapse=declared.on_lapse,
        clauses=list(declared.basis.clauses),
        gap_source=declared.basis.source if declared.basis.gap else "",
        started_on=today if notice else counted_from,
        due_on=due,
        provisional=provisional,
        state=ClockState.LAPSED if late else ClockState.MET if notice else ClockState.RUNNING,
        lapsed_at=time.now() if late else None,
        ended_at=time.now() if notice else None,
    )
    event_append(
        actor=actor,
        type="clock.started",
        subject=("case", case.number, case.title),
        case=case.pk,
        basis=declared.basis,
        pack=str(case.pack_version),
        body=clock.as_dict(),
    )


def _counted_from(case: Case, declared: kernel.Clock, today: date) -> date:
    if not declared.counts_from:
        return today
    return date.fromisoformat(case.data[declared.counts_from])


def due_date(unit: str, direction: str, n: int, start: date) -> tuple[date, bool]:
    """Last day in time of a limit of n units from `start` (or of a notice n ahead of it), and whether provisional."""
    if unit == "wd":
        days = calendar()
        due = days.ahead(start, n) if direction == kernel.BEFORE else days.add(start, n)
        return due, days.span_provisional(start, due)
    if unit == "y":
        shifted = start.replace(year=start.year + n, day=min(start.day, 28))
        return shifted, False
    return date.fromordinal(start.toordinal() + n), False


def _due(clock: Clock) -> tuple[date, bool]:
    return due_date(clock.unit, clock.direction, clock.total + clock.stood, clock.started_on)


def _pause(clock: Clock) -> None:
    if clock.state == ClockState.RUNNING:
        clock.state, clock.paused_on = ClockState.PAUSED, time.today()
        clock.save(update_fields=["state", "paused_on"])


def _end(clock: Clock) -> None:
    clock.ended_at = time.now()
    if clock.state != ClockState.LAPSED:
        clock.state = ClockState.MET
    clock.save(update_fields=["ended_at", "state"])


def clock_end(case: Case, name: str) -> None:
    """End a clock whose owner has done its part, while the case still waits for another (a joint review)."""
    clock = case.clocks.filter(name=name, ended_at__isnull=True).first()
    if clock is not None:
        _end(clock)


def clock_extend(case: Case, name: str, actor: Actor) -> None:
    """Extend a running clock to the longest total its clause allows (PJ-26.3b reads 延长至 as the total)."""
    declared = procedure_of(case.procedure, pack_of(case.pack_version)).clock(name)
    clock = case.clocks.filter(name=name, ended_at__isnull=True, state=ClockState.RUNNING).first()
    if clock is None or clock.extended or declared.extend_to is None:
        raise Refused(_("该时限已超期、已延长过或不可延长。"), basis=declared.basis)
    clock.total, clock.extended = declared.extend_to, True
    clock.due_on, clock.provisional = _due(clock)
    clock.save(update_fields=["due_on", "provisional", "total", "extended"])
    _changed(case, clock, "clock.extended", actor)


def clock_set(case: Case, name: str, day: date, actor: Actor) -> None:
    """Give a running clock an urgent last day of its own (PJ-26.3c)."""
    clock = case.clocks.filter(name=name, ended_at__isnull=True).first()
    if clock is None or not time.today() <= day <= clock.due_on:
        raise Refused(_("紧急时限须在今天与原时限之间。"), field="due_on")
    clock.due_on, clock.total = day, max(calendar().between(clock.started_on, day), 0)
    clock.save(update_fields=["due_on", "total"])
    _changed(case, clock, "clock.set", actor)


def _changed(case: Case, clock: Clock, type: str, actor: Actor) -> None:
    event_append(
        actor=actor,
        type=type,
        subject=("case", case.number, case.title),
        case=case.pk,
        basis=clock.basis,
        pack=str(case.pack_version),
        body=clock.as_dict(),
    )


def clocks_lapse(as_of: date | None = None) -> int:
    """Lapse every clock whose last day has passed; returns how many. Safe with any number of workers, killed anywhere.

    Each lapse is one transaction: the clock by compare-and-swap, its event, and what the procedure says follows
    (overdue notices, or a system move such as automatic confirmation).
    """
    today = as_of or time.today()
    late = Clock.objects.filter(state=ClockState.RUNNING, due_on__lt=today).values_list("pk", flat=True)
    return sum(_lapse(pk, today) for pk in list(late))


def _lapse(pk: int, today: date) -> bool:
    from .services import case_move

    with transaction.atomic():
        case_id = Clock.objects.values_list("case_id", flat=True).get(pk=pk)
        case = Case.objects.select_for_update().get(pk=case_id)
        taken = Clock.objects.filter(pk=pk, state=ClockState.RUNNING, due_on__lt=today).update(
            state=ClockState.LAPSED, lapsed_at=time.now()
        )
        if not taken:
            return False
        clock = Clock.objects.get(pk=pk)
        _changed(case, clock, "clock.lapsed", SYSTEM)
        if clock.on_lapse == kernel.OVERDUE:
            _escalate(case, clock)
        else:
            case_move(actor=SYSTEM, case=case, move=clock.on_lapse, given={})
        return True


def _escalate(case: Case, clock: Clock) -> None:
    above = (body_unit("authority"), case.party("data_center"))  # ZY-24.2: the data center follows it up
    told = {u.pk: u for u in (clock.owner_unit, *above) if u}
    Notice.objects.bulk_create(Notice(unit=u, case=case, kind=Notice.Kind.OVERDUE) for u in told.values())


def clocks_remind() -> int:
    """Tell the owners of limits that end within two working days, once for each limit; returns how many were told."""
    horizon = calendar().add(time.today(), NEAR)
    near = Clock.objects.filter(
        state=ClockState.RUNNING, due_on__lte=horizon, reminded=False, owner_unit__isnull=False
    )
    told = 0
    for clock in list(near):
        with transaction.atomic():
            if Clock.objects.filter(pk=clock.pk, reminded=False).update(reminded=True):
                Notice(unit=clock.owner_unit, case_id=clock.case_id, kind=Notice.Kind.NEAR).save()
                told += 1
    return told


@service("clocks.recompute", "POST", "/clocks/recompute", summary="按新的工作日历重算未办结时限")
def clocks_recompute(*, actor: Actor) -> dict[str, Any]:
    """Recompute the last day of every open working-day limit from its start; each change is an event."""
    require_anywhere(actor, "policy.calendar")
    moved = 0
    open_clocks = Clock.objects.filter(ended_at__isnull=True, unit="wd", state=ClockState.RUNNING)
    for clock in open_clocks.select_for_update(of=("self",)).select_related("case__pack_version"):
        due, provisional = _due(clock)
        if (due, provisional) != (clock.due_on, clock.provisional):
            clock.due_on, clock.provisional = due, provisional
            clock.save(update_fields=["due_on", "provisional"])
            _changed(clock.case, clock, "clock.recomputed", actor)
            moved += 1
    event_append(
        actor=actor,
        type="clocks.recomputed",
        subject=("calendar", "open", _("未办结时限")),
        body={"checked": open_clocks.count(), "moved": moved},
    )
    return {"moved": moved}


def light(clock: Clock, today: date | None = None) -> str:
    """green, yellow or red: more than NEAR working days left, at most that, or none."""
    today = today or time.today()
    if clock.state == ClockState.LAPSED or clock.due_on < today:
        return "red"
    return "yellow" if calendar().between(today, clock.due_on) <= NEAR else "green"


def remaining(clock: Clock, today: date | None = None) -> int:
    """Working days left; negative when late."""
    return calendar().between(today or time.today(), clock.due_on)
