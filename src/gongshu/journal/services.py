"""How state changes: one transaction with its event."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.functional import Promise

from gongshu.kernel.clause import Basis

from . import clock
from .leaf import digest
from .models import Event
from .registry import Operation, register


@dataclass(frozen=True)
class Actor:
    """Who acts, and through which door. account_id None is the platform itself."""

    account_id: int | None
    name: str
    via: str = "console"
    lang: str = "zh-hans"

    @property
    def row(self) -> int:
        """The account's id for look-ups; 0, which no account has, for the platform itself."""
        return self.account_id or 0


SYSTEM = Actor(account_id=None, name="系统", via="system")


def service(
    name: str, method: str, path: str, *, summary: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a function that changes state: it runs in one transaction and is reached through every door."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def run(*, actor: Actor, **given: Any) -> Any:
            with transaction.atomic():
                return function(actor=actor, **given)

        register(Operation(name, method, path, summary, run, writes=True))
        return run

    return declare


def query(
    name: str, method: str, path: str, *, summary: str
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a function that reads; it is offered by the REST API and the command line."""

    def declare(function: Callable[..., Any]) -> Callable[..., Any]:
        register(Operation(name, method, path, summary, function, writes=False))
        return function

    return declare


def event_append(
    *,
    actor: Actor,
    type: str,
    subject: tuple[str, str, str],
    body: dict[str, Any] | None = None,
    unit: int | None = None,
    case: int | None = None,
    basis: Basis | None = None,
    pack: str | None = None,
) -> Event:
    """Append an event in the running transaction and return it.

    type: dotted, past tense ("catalog.entry.submitted"). subject: (type, public id, title). body: JSON without
    floats; lazy translations are not allowed in it. unit/case: row ids. basis: the clauses it rests on.
    pack: "id/version" of the policy pack in force; the installation's own when not given.
    """
    event = Event(
        at=clock.now(),
        type=type,
        subject_type=subject[0],
        subject_id=str(subject[1]),
        subject_title=str(subject[2]),
        unit_id=unit,
        actor_id=actor.account_id,
        actor_name=actor.name,
        via=actor.via,
        case_id=case,
        pack=pack if pack is not None else settings.GONGSHU_PACK,
        clauses=list(basis.clauses) if basis else [],
        body=_plain(body or {}),
    )
    event.digest = digest(event)
    event.save(force_insert=True)
    return event


def _plain(value: Any) -> Any:
    """JSON values as they will come back from the database, so that the digest survives the round trip."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str | Promise):
        return str(value).replace("\x00", "")
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
