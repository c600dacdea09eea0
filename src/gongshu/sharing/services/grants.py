"""Grants: issued from an approved request, compiled for the gateway, ended at once when they have to be."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from gongshu.casework.models import Case
from gongshu.casework.registry import pack_of
from gongshu.casework.services import case_move
from gongshu.catalog.models import Entry
from gongshu.journal import clock
from gongshu.journal.models import Event
from gongshu.journal.services import SYSTEM, Actor, event_append, service
from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed, NotFound
from gongshu.kernel.ids import case_number
from gongshu.org.policy import body_unit, explain, may
from gongshu.runner.jobs import defer

from .. import flow
from ..compile import compile_grant
from ..models import Grant, GrantState, ShareRequest


def grant_issue(case: Case, actor: Actor) -> Grant:
    """Make the grant of an approved request and put it into force, in the caller's transaction.

    Columns, masks, row scope, period and frequency are those of the reply, or of the request where there was nobody
    to reply (ZY-24.3). The event carries the digest of what the gateway serves.
    """
    request = ShareRequest.objects.select_for_update(of=("self",)).get(case=case)
    compiled = compile_grant(request)
    pack = pack_of(case.pack_version)
    now = clock.now()
    grant = Grant.objects.create(
        number=case_number("SQ", clock.today(), _next_number()),
        request=request,
        spec=compiled.spec.as_dict(),
        masks=compiled.masks,
        spec_hash=compiled.digest,
        valid_from=now,
        valid_to=_end_of(compiled.valid_to),
        issued_at=now,
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO gate.grant_ (grant_no, version, spec, valid_from, valid_to) VALUES (%s, %s, %s, %s, %s)",
            [grant.number, grant.version, json.dumps(grant.spec), grant.valid_from, grant.valid_to],
        )
        cursor.execute(
            "INSERT INTO gate.grant_client (grant_no, client_id) VALUES (%s, %s)",
            [grant.number, request.client.client_id],
        )
    auto = request.share_type == "unconditional" and pack.share.unconditional_grant.v == "auto"
    basis = pack.share.unconditional_grant.basis if auto else pack.share.conditional_flow.basis
    moved = Event.objects.filter(case_id=case.pk, type="case.moved").latest("id")
    _told(
        actor,
        grant,
        "grant.issued",
        basis,
        moved.unit_id,
        request=request.ref.hex,
        provider=request.provider.code,
    )
    defer("sharing.serve", entry=request.entry.code, _once=request.entry.code)
    return grant


def _end_of(day: date) -> datetime:
    """The moment at which the last day of validity is over."""
    return datetime.combine(day + timedelta(days=1), time(0), clock.ZONE)


def _next_number() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('sharing_grant_number')")
        return int(cursor.fetchone()[0])


@service("share.grant_revoke", "POST", "/grants/{grant}/revoke", summary="撤销共享授权")
def grant_revoke(*, actor: Actor, grant: str, reason: str) -> Grant:
    """Revoke a grant: calls are refused within a second on every gateway. Cannot be undone."""
    found = _changeable(actor, grant, reason, (GrantState.ACTIVE, GrantState.SUSPENDED))
    _set(found, GrantState.REVOKED, reason)
    _told(actor, found, "grant.revoked", unit=_acting(actor, found), reason=reason.strip())
    _release(found)
    return found


@service("share.grant_suspend", "POST", "/grants/{grant}/suspend", summary="暂停共享授权")
def grant_suspend(*, actor: Actor, grant: str, reason: str) -> Grant:
    """Stop a grant for the time being, while something is looked into."""
    found = _changeable(actor, grant, reason, (GrantState.ACTIVE,))
    _set(found, GrantState.SUSPENDED, reason)
    _told(actor, found, "grant.suspended", unit=_acting(actor, found), reason=reason.strip())
    return found


@service("share.grant_resume", "POST", "/grants/{grant}/resume", summary="恢复共享授权")
def grant_resume(*, actor: Actor, grant: str, reason: str) -> Grant:
    """Put a suspended grant into force again, unless its time has run out."""
    found = _changeable(actor, grant, reason, (GrantState.SUSPENDED,))
    if found.valid_to <= clock.now():
        raise Conflict(_("授权已到期，请重新申请。"))
    _set(found, GrantState.ACTIVE, reason)
    _told(actor, found, "grant.resumed", unit=_acting(actor, found), reason=reason.strip())
    return found


def grants_hold(actor: Actor, entry: Entry, case: str, basis: Basis) -> int:
    """Suspend every grant of an entry while a data issue about it is open; returns how many."""
    found = Grant.objects.select_for_update(of=("self",)).filter(
        request__entry=entry, state=GrantState.ACTIVE
    )
    for grant in found:
        grant.hold = case
        _set(grant, GrantState.SUSPENDED, _("问题数据 %(case)s 整改期间暂停") % {"case": case})
        _told(actor, grant, "grant.suspended", basis, reason=grant.reason, issue=case)
    return len(found)


def grants_release(actor: Actor, case: str) -> int:
    """Put the grants that a data issue had suspended into force again; those expired meanwhile stay ended."""
    found = Grant.objects.select_for_update(of=("self",)).filter(hold=case, state=GrantState.SUSPENDED)
    for grant in found:
        grant.hold = ""
        _set(grant, GrantState.ACTIVE, "")
        _told(actor, grant, "grant.resumed", issue=case)
    return len(found)


def _changeable(actor: Actor, number: str, reason: str, states: tuple[str, ...]) -> Grant:
    # Lock order is case, then grant, as in every move of the case.
    held = Grant.objects.filter(number=number).values_list("request__case_id", flat=True).first()
    if held is None:
        raise NotFound(_("没有编号为 %(number)s 的授权。") % {"number": number})
    Case.objects.select_for_update().get(pk=held)
    grant = (
        Grant.objects.select_for_update(of=("self",)).select_related("request__provider").get(number=number)
    )
    if not grant_changeable(actor, grant):
        raise NotAllowed(explain(actor, "share.grant", _granter(grant)).reason)
    if grant.state not in states:
        raise Conflict(_("该授权目前为“%(state)s”，不能作此办理。") % {"state": grant.get_state_display()})
    if not reason.strip():
        raise Invalid(_("请写明原因。"), field="reason")
    return grant


def grant_changeable(actor: Actor, grant: Grant) -> bool:
    """Whether the actor may suspend or revoke a grant: for the body that grants, or for the provider."""
    return _acting(actor, grant) is not None


def _acting(actor: Actor, grant: Grant) -> int | None:
    """The unit for which the actor may change the grant."""
    units = [_granter(grant), grant.request.provider]
    return next((unit.pk for unit in units if unit and may(actor, "share.grant", unit)), None)


def _granter(grant: Grant) -> Any:
    pack = pack_of(grant.request.case.pack_version)
    return body_unit(str(pack.bodies.access_granter.v))


def _set(grant: Grant, state: str, reason: str) -> None:
    grant.state, grant.reason = state, reason.strip()
    if state in (GrantState.REVOKED, GrantState.EXPIRED):
        grant.ended_at = clock.now()
    grant.save(update_fields=["state", "reason", "ended_at", "hold"])
    gate = state if state in (GrantState.ACTIVE, GrantState.SUSPENDED) else "revoked"
    with connection.cursor() as cursor:
        cursor.execute("UPDATE gate.grant_ SET state = %s WHERE grant_no = %s", [gate, grant.number])


def _release(grant: Grant) -> None:
    """A grant that has ended closes its request, and its case where that still waits for something."""
    request = grant.request
    request.open = False
    request.save(update_fields=["open"])
    case = Case.objects.get(pk=request.case_id)
    if case.state in flow.HELD:
        case_move(actor=SYSTEM, case=case, move="end", given={})


def grants_expire() -> int:
    """End every grant whose time has run out; returns how many. The gateway refused it from that moment anyway."""
    done = 0
    for number in list(_due().values_list("number", flat=True)):
        done += _expire(number)
    return done


def _due() -> Any:
    live = (GrantState.ACTIVE, GrantState.SUSPENDED)
    return Grant.objects.filter(state__in=live, valid_to__lte=clock.now())


def _expire(number: str) -> bool:
    from django.db import transaction

    with transaction.atomic():
        case = Grant.objects.values_list("request__case_id", flat=True).get(number=number)
        Case.objects.select_for_update().get(pk=case)
        grant = _due().select_for_update(of=("self",)).select_related("request").filter(number=number).first()
        if grant is None:
            return False
        _set(grant, GrantState.EXPIRED, "")
        _told(SYSTEM, grant, "grant.expired")
        _release(grant)
        return True


def _told(
    actor: Actor, grant: Grant, type: str, basis: Basis | None = None, unit: int | None = None, **more: Any
) -> None:
    """unit: the one for which the actor acts."""
    request = grant.request
    event_append(
        actor=actor,
        type=type,
        subject=("grant", grant.number, request.case.title),
        unit=unit,
        case=request.case_id,
        basis=basis,
        pack=str(request.case.pack_version),
        body=grant.as_dict() | {"entry_version": request.version.number, "purpose": request.purpose} | more,
    )
