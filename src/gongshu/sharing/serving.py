"""Data ready to be called: an entry's lake table published into the serving store, and first retrievals noticed."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.db.models import F, Q

from gongshu.casework.models import Case
from gongshu.casework.services import case_move
from gongshu.catalog.models import Entry
from gongshu.collection.lake import lake, table_of
from gongshu.collection.models import Batch
from gongshu.engine import serve as engine
from gongshu.journal import clock
from gongshu.journal.services import SYSTEM, event_append

from . import flow
from .compile import serving_table
from .models import Delivery, Grant, GrantState, Serving

LIVE = (GrantState.ACTIVE, GrantState.SUSPENDED)

_FIRST_CALLS = """
SELECT g.id, c.id, c.at, c.rows
  FROM sharing_grant g
  JOIN sharing_sharerequest r ON r.id = g.request_id
  JOIN casework_case k ON k.id = r.case_id AND k.state = %s
 CROSS JOIN LATERAL (
       SELECT id, at, rows FROM gate.call
        WHERE grant_no = g.number AND id > r.calls_after AND status = 200 AND mode IN ('key', 'page') AND rows > 0
        ORDER BY id LIMIT 1) c
 WHERE g.state IN ('active', 'suspended', 'revoked')
"""


def deliveries_record() -> int:
    """Record the first successful call of each grant that waits for it, and move its case on; returns how many.

    The confirmation limit (ZY-25) starts here. Once per grant, whatever crashes: the case moves by compare-and-swap
    in the transaction of the record.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_CALLS, [flow.GRANTED])
        found = cursor.fetchall()
    return sum(_deliver(*row) for row in found)


def _deliver(grant_id: int, call_id: int, at: datetime, rows: int) -> bool:
    with transaction.atomic():
        grant = Grant.objects.select_related("request__entry").get(pk=grant_id)
        case = (
            Case.objects.select_for_update(of=("self",))
            .select_related("pack_version")
            .get(pk=grant.request.case_id)
        )
        if case.state != flow.GRANTED:
            return False
        Delivery.objects.create(
            grant=grant, call_id=call_id, called_at=at, rows=rows, recorded_at=clock.now()
        )
        event_append(
            actor=SYSTEM,
            type="delivery.recorded",
            subject=("grant", grant.number, case.title),
            unit=grant.request.demander_id,
            case=case.pk,
            pack=str(case.pack_version),
            body={
                "grant": grant.number,
                "call": call_id,
                "called_at": at,
                "rows": rows,
                "entry": grant.request.entry.code,
                "client_id": grant.request.client.client_id,
            },
        )
        case_move(actor=SYSTEM, case=case, move="deliver", given={})
        return True


def serve(code: str) -> Serving | None:
    """Publish the last batch of an entry for its live grants, and move on every request that waited for it.

    Does nothing where no grant needs it, nothing has been collected, or all is there already; run again after a crash
    it does the rest. The table holds every item of the entry: what a grant lets out is decided by its own columns.
    """
    entry = Entry.objects.select_related("current", "collection__last").get(code=code)
    needed = keys_wanted(entry)
    batch = entry.collection.last if hasattr(entry, "collection") else None
    if needed is None or batch is None:
        return None
    held = Serving.objects.filter(entry=entry).first()
    if held is None or held.batch_id != batch.number or not set(needed) <= set(held.indexed):
        held = _publish(entry, batch, needed)
    provided(entry)
    return held


def _publish(entry: Entry, batch: Batch, keys: list[str]) -> Serving:
    store, columns = lake(), [name for name, _type in batch.shape]
    _schema, table = serving_table(entry.pk).split(".")
    keys = [key for key in keys if key in columns]
    rows = engine.publish(
        store, table_of(entry), columns, keys, store.catalog_dsn, table=table, snapshot=batch.snapshot
    )
    held, _made = Serving.objects.update_or_create(
        entry=entry,
        defaults={
            "table": serving_table(entry.pk),
            "batch_id": batch.number,
            "snapshot": batch.snapshot,
            "rows": rows,
            "indexed": keys,
            "published_at": clock.now(),
        },
    )
    return held


def keys_wanted(entry: Entry) -> list[str] | None:
    """Items that live grants of an entry are looked up by: the serving table is indexed on them. None: no grant."""
    specs = Grant.objects.filter(request__entry=entry, state__in=LIVE).values_list("spec", flat=True)
    wanted = [set(spec["keys"]) for spec in specs]
    return sorted(set().union(*wanted)) if wanted else None


def behind() -> list[str]:
    """Codes of entries whose live grants wait for a batch that is there."""
    granted = Entry.objects.filter(share_requests__grants__state__in=LIVE, collection__last__isnull=False)
    current = Q(serving__batch_id=F("collection__last__number")) & ~Q(
        share_requests__case__state=flow.PROVISION
    )
    return list(granted.exclude(current).values_list("code", flat=True).distinct())


def provided(entry: Entry) -> int:
    """The entry's data are ready: move on every request that waited for them. Returns how many."""
    waiting = Case.objects.filter(
        state=flow.PROVISION, share_request__entry=entry, share_request__grants__state__in=LIVE
    )
    done = 0
    for number in list(waiting.values_list("pk", flat=True)):
        with transaction.atomic():
            case = Case.objects.select_for_update().get(pk=number)
            if case.state == flow.PROVISION:
                case_move(actor=SYSTEM, case=case, move="provided", given={})
                done += 1
    return done


def serving_of(entry: Entry) -> Serving | None:
    """What of the entry is in the serving store, if anything is."""
    return Serving.objects.filter(entry=entry, published_at__isnull=False).first()
