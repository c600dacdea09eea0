"""What of an event goes into the ledger."""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import Any

from gongshu.kernel.canonical import canonical

from .models import Event

SUITE = "intl-1"


def leaf(event: Event) -> dict[str, Any]:
    """The ledger leaf of an event: every column of it, the body by its digest so that a leaf holds no personal data.

    Changing any byte of the row changes the leaf (DESIGN: leaf = {type, origin, subject, version, at, actor,
    body digest, parents, suite}).
    """
    return {
        "suite": SUITE,
        "uuid": str(event.uuid),
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "type": event.type,
        "subject": [event.subject_type, event.subject_id],
        "title": hashlib.sha256(event.subject_title.encode()).hexdigest(),
        "unit": event.unit_id,
        "actor": [event.actor_id, hashlib.sha256(event.actor_name.encode()).hexdigest()],
        "via": event.via,
        "case": event.case_id,
        "pack": event.pack,
        "clauses": event.clauses,
        "body": hashlib.sha256(canonical(event.body)).hexdigest(),
    }


def digest(event: Event) -> bytes:
    """SHA-256 of the canonical leaf."""
    return hashlib.sha256(canonical(leaf(event))).digest()
