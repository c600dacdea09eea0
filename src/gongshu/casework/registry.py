"""The procedures the domains have declared, built from a pack when first needed and proved sound."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from gongshu.journal import clock
from gongshu.kernel.procedure import Procedure
from gongshu.packs import Pack, parse

from .models import PackVersion

if TYPE_CHECKING:
    from gongshu.journal.services import Actor

    from .models import Case

    Hook = Callable[[Case, Actor, dict[str, Any]], None]


@dataclass(frozen=True)
class Declared:
    """A procedure as a domain declares it: how to build it from a pack, and what its guards and effects do."""

    name: str
    build: Callable[[Pack], Procedure]
    guards: dict[str, Hook] = field(default_factory=dict)
    effects: dict[str, Hook] = field(default_factory=dict)


DECLARED: dict[str, Declared] = {}


def register(
    name: str,
    build: Callable[[Pack], Procedure],
    *,
    guards: dict[str, Hook] | None = None,
    effects: dict[str, Hook] | None = None,
) -> None:
    """Declare a procedure. Guards and effects are called as (case, actor, given) inside the move's transaction."""
    DECLARED[name] = Declared(name, build, guards or {}, effects or {})


@functools.cache
def procedure_of(name: str, pack: Pack) -> Procedure:
    """The procedure under that pack, checked; ProcedureError if the declaration is unsound."""
    procedure = DECLARED[name].build(pack)
    procedure.check()
    hooks = DECLARED[name]
    for move in procedure.moves:
        missing = [g for g in move.guards if g not in hooks.guards]
        missing += [e for e in move.effects if e not in hooks.effects and ":" not in e]
        if missing:
            raise LookupError(f"{name}.{move.name} names unregistered hooks {missing}")
    return procedure


@functools.lru_cache(maxsize=64)
def _parsed(text: str) -> Pack:
    return parse(text)


def pack_of(version: PackVersion) -> Pack:
    """The pack as it read when the case began."""
    return _parsed(version.text)


def pack_version(pack: Pack) -> PackVersion:
    """The stored version of a pack, stored now if it is new."""
    digest = hashlib.sha256(pack.text.encode()).hexdigest()
    found, _made = PackVersion.objects.get_or_create(
        digest=digest,
        defaults={
            "pack": pack.id,
            "version": pack.version,
            "text": pack.text,
            "effective_from": pack.effective_from,
            "effective_to": pack.effective_to,
            "installed_at": clock.now(),
        },
    )
    return found
