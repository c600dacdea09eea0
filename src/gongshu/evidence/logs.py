"""What the two logs are made of: where their records lie and what of a record is the entry of the log."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC
from json.encoder import encode_basestring
from typing import Any, Protocol

from django.db import connection

from gongshu.journal.leaf import SUITE, digest
from gongshu.journal.models import Event

from .models import Log

Entries = dict[int, bytes]
"""Record id -> entry, the 32 bytes whose leaf hash is in the tree. A record that cannot be read has b""."""


class Source(Protocol):
    """Records of one log. ``table``: where they lie, with their transaction in column ``xid``."""

    log: Log
    table: str

    def sealable(self, ids: Iterable[int]) -> Entries:
        """Entries of records that are being sealed."""

    def recomputed(self, ids: Iterable[int]) -> Entries:
        """Entries computed anew from every column of the rows as they are in the database now."""


class EventSource:
    """Events. Their digest is stored with the row when it is written; the audit computes it anew."""

    log = Log.CHAIN
    table = "journal_event"

    def sealable(self, ids: Iterable[int]) -> Entries:
        with connection.cursor() as cursor:
            cursor.execute("SELECT id, digest FROM journal_event WHERE id = ANY(%s)", [list(ids)])
            return {pk: bytes(stored) for pk, stored in cursor.fetchall()}

    def recomputed(self, ids: Iterable[int]) -> Entries:
        # One array, not thousands of parameters.
        events = Event.objects.extra(where=["id = ANY(%s)"], params=[list(ids)])
        return {event.pk: event_entry(event) for event in events}


def event_entry(event: Event) -> bytes:
    """The entry of an event, b"" where a column has become something no event can have, or the stored
    digest differs.
    """
    try:
        entry = digest(event)
    except (TypeError, ValueError):
        return b""
    return entry if entry == bytes(event.digest) else b""


CALL_COLUMNS: Mapping[str, str] = {
    "at": "at",
    "client_id": "client",
    "grant_no": "grant",
    "grant_version": "version",
    "mode": "mode",
    "request_digest": "request",
    "case_no": "case",
    "status": "status",
    "rows": "rows",
    "bytes": "bytes",
    "micros": "micros",
    "problem": "problem",
    "address": "address",
}


class CallSource:
    """Call records of the gateway."""

    log = Log.AUDIT
    table = "gate.call"

    def sealable(self, ids: Iterable[int]) -> Entries:
        return self.recomputed(ids)

    def recomputed(self, ids: Iterable[int]) -> Entries:
        return {row[0]: hashlib.sha256(call_bytes(row)).digest() for row in call_rows(ids)}


def call_rows(ids: Iterable[int]) -> list[tuple[Any, ...]]:
    """Call records: id, then the columns of :data:`CALL_COLUMNS`."""
    with connection.cursor() as cursor:
        columns = ", ".join(f'"{name}"' for name in CALL_COLUMNS)
        cursor.execute(f"SELECT id, {columns} FROM gate.call WHERE id = ANY(%s)", [list(ids)])  # noqa: S608
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def call_leaf(row: tuple[Any, ...]) -> dict[str, Any]:
    """The ledger leaf of a call record."""
    pk, at, *values = row
    leaf = dict(zip(list(CALL_COLUMNS.values())[1:], values, strict=True))
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    return {"suite": SUITE, "type": "gate.call", "id": pk, "at": moment, **leaf}


def call_bytes(row: tuple[Any, ...]) -> bytes:
    """The canonical form of :func:`call_leaf`, put together at once: a gateway writes ten thousand records a second."""
    pk, at, client, grant, version, mode, request, case, status, rows, size, micros, problem, address = row
    moment = at.astimezone(UTC).isoformat(timespec="microseconds")
    return (
        f'{{"address":{_text(address)},"at":"{moment}","bytes":{size},"case":{_text(case)},"client":{_text(client)},'
        f'"grant":{_text(grant)},"id":{pk},"micros":{micros},"mode":{_text(mode)},"problem":{_text(problem)},'
        f'"request":{_text(request)},"rows":{rows},"status":{status},"suite":"{SUITE}","type":"gate.call",'
        f'"version":{version}}}'
    ).encode()


def _text(value: str | None) -> str:
    return "null" if value is None else encode_basestring(value)


SOURCES: dict[str, Source] = {Log.CHAIN: EventSource(), Log.AUDIT: CallSource()}


@dataclass(frozen=True)
class Unsealed:
    """Ids of records not yet in the log, in order, and the horizon that holds once they are."""

    ids: list[int]
    horizon: int


def unsealed(source: Source, horizon: int) -> Unsealed:
    """Records without a leaf.

    Sealing everything after the last sealed number would skip records: numbers are handed out before the
    transaction commits. So a record is looked for by its transaction, among those that were not finished
    for certain at the last seal (``horizon``), and by having no leaf. A long transaction therefore delays
    only its own records. In a database restored from a dump the numbers of transactions begin anew; all
    records are then compared once.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint"
            " FROM pg_current_snapshot() s"
        )
        oldest_running, next_one = cursor.fetchone()
        since = horizon if horizon <= next_one else 0
        cursor.execute(
            f"SELECT r.id FROM {source.table} r WHERE r.xid >= %s::text::xid8 AND NOT EXISTS"  # noqa: S608
            " (SELECT 1 FROM evidence_leaf l WHERE l.log = %s AND l.record_id = r.id) ORDER BY r.id",
            [str(since), source.log],
        )
        return Unsealed([pk for (pk,) in cursor.fetchall()], oldest_running)
