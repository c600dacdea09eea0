"""Reading the ledger: events with their proofs, heads, and the outcome of checks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypedDict

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from gongshu.casework.selectors import cases_visible_to
from gongshu.journal.leaf import digest, leaf
from gongshu.journal.models import Event
from gongshu.journal.services import Actor, query
from gongshu.kernel.errors import Conflict, NotFound
from gongshu.kernel.merkle import leaf_hash
from gongshu.kernel.proof import receipt as write_receipt
from gongshu.org.policy import allowed_units, may_anywhere, require_anywhere

from .audit import verify_all
from .models import Checkpoint, Leaf, Log
from .tree import last_checkpoint, ledger_key, tree

if TYPE_CHECKING:
    from django_stubs_ext import WithAnnotations

PAGE = 50


class Sealed(TypedDict):
    """What :func:`sealed_marked` adds to an event."""

    sealed: bool


_UUID = re.compile(r"^[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}$")


def events_visible_to(actor: Actor) -> QuerySet[Event]:
    """Events of visible cases and of units whose cases the actor may see; the auditor sees all."""
    if actor.via == "system" or may_anywhere(actor, "audit.view"):
        return Event.objects.all()
    seen = Q(unit_id__in=allowed_units(actor, "case.view")) | Q(
        case_id__in=cases_visible_to(actor).values("pk")
    )
    return Event.objects.filter(seen)


def event_get(actor: Actor, event: str) -> Event:
    """A visible event by its number or uuid, or NotFound."""
    found = None
    if event.isdecimal() and len(event) < 19:
        found = events_visible_to(actor).filter(pk=int(event)).first()
    elif _UUID.match(event):
        found = events_visible_to(actor).filter(uuid=event).first()
    if found is None:
        raise NotFound(_("没有编号为 %(event)s 的事件，或您无权查看。") % {"event": event})
    return found


def receipt(event: Event, *, disclose: bool = True) -> bytes:
    """The receipt of an event: verified offline by ``gongshu verify`` and any C2SP tlog-proof verifier.

    ``disclose``: also the title, actor and content behind the digests of the leaf. Raises Conflict while
    the event is not yet sealed, and where its row no longer is what was sealed.
    """
    place = Leaf.objects.filter(log=Log.CHAIN, record_id=event.pk).first()
    head = last_checkpoint(Log.CHAIN)
    if place is None or head is None or place.index >= head.size:
        raise Conflict(_("该事件尚未存证，请稍后再取。"), code="not_sealed")
    if leaf_hash(digest(event)) != bytes(place.leaf_hash):
        raise Conflict(_("该事件的记录与存证不符，请立即报告审计管理员。"), code="tampered")
    path = tree(Log.CHAIN, head.size).inclusion(place.index)
    shown = {"title": event.subject_title, "actor": event.actor_name, "body": event.body} if disclose else {}
    return write_receipt(leaf(event), shown, place.index, tuple(path), head.note, ledger_key(Log.CHAIN))


@query("evidence.receipt", "GET", "/events/{event}/receipt", summary="下载存证回执")
def evidence_receipt(*, actor: Actor, event: str) -> dict[str, Any]:
    """The receipt of a visible event, as the text of a .tlog-proof file and the name to give it."""
    found = event_get(actor, event)
    return {"filename": f"{found.type}-{found.pk}.tlog-proof", "content": receipt(found).decode("utf-8")}


@query("evidence.events", "GET", "/events", summary="审计记录")
def evidence_events(
    *,
    actor: Actor,
    type: str | None = None,
    subject: str | None = None,
    case: str | None = None,
    q: str | None = None,
    page: int = 1,
) -> dict[str, Any]:
    """Visible events, newest first, fifty a page. type: its beginning; subject: public id; case: number of
    a case.
    """
    found = sealed_marked(events_visible_to(actor))
    if type:
        found = found.filter(type__startswith=type)
    if subject:
        found = found.filter(subject_id=subject)
    if case:
        found = found.filter(case_id__in=cases_visible_to(actor).filter(number=case).values("pk"))
    if q:
        found = found.filter(
            Q(subject_title__icontains=q) | Q(subject_id__icontains=q) | Q(actor_name__icontains=q)
        )
    start = (max(page, 1) - 1) * PAGE
    rows = [
        {**event.as_dict(), "sealed": event.sealed} for event in found.order_by("-id")[start : start + PAGE]
    ]
    return {"count": found.count(), "page": page, "rows": rows}


def sealed_marked(events: QuerySet[Event]) -> QuerySet[WithAnnotations[Event, Sealed]]:
    """The events with ``sealed``: whether a receipt can be had."""
    return events.annotate(sealed=Exists(Leaf.objects.filter(log=Log.CHAIN, record_id=OuterRef("pk"))))


@query("evidence.heads", "GET", "/ledger", summary="账本：公钥与最新树头")
def evidence_heads(*, actor: Actor) -> dict[str, Any]:
    """For each log its verifying key and its newest signed head, for whoever wants to keep or compare them."""
    logs = {}
    for log in Log.values:
        head = last_checkpoint(log)
        logs[log] = {"key": str(ledger_key(log)), "head": head.as_dict() if head else None}
    return logs


@query("evidence.verify", "GET", "/ledger/check", summary="核验账本")
def evidence_verify(*, actor: Actor) -> dict[str, Any]:
    """Recompute both logs from the rows as they are now; the first record that does not fit is named."""
    require_anywhere(actor, "audit.view")
    results = [verify_all(log) for log in Log.values]
    return {"ok": all(each.ok for each in results), "logs": [each.as_dict() for each in results]}


def checkpoints(log: str = Log.CHAIN) -> QuerySet[Checkpoint]:
    """Signed heads of a log, newest first."""
    return Checkpoint.objects.filter(log=log).order_by("-size")
