"""What a worker does for sharing."""

from __future__ import annotations

from gongshu.runner.jobs import defer, every, job

from .services import grants_expire
from .serving import behind, deliveries_record, serve


@job("sharing.serve")
def sharing_serve(*, entry: str) -> None:
    """Bring an entry's serving table up to date, where a grant needs it."""
    serve(entry)


@every(60, "sharing.follow")
def follow_tick() -> None:
    """Ask again for tables that are not as their grants need them, should a job have been lost."""
    for code in behind():
        defer("sharing.serve", entry=code, _once=code)


@every(3, "sharing.deliveries")
def deliveries_tick() -> None:
    """Notice first retrievals."""
    deliveries_record()


@every(30, "sharing.expiry")
def expiry_tick() -> None:
    """End grants whose time has run out."""
    grants_expire()
