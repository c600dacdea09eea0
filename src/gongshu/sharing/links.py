"""What sharing tells the domains below it: who uses an entry, and how its use is stopped while an issue is open."""

from __future__ import annotations

from collections.abc import Iterable

from gongshu.casework.registry import pack_of
from gongshu.catalog.models import Entry
from gongshu.collection import consumers
from gongshu.governance import procedures as governance
from gongshu.governance.models import DataIssue
from gongshu.journal.services import Actor
from gongshu.org.models import Unit

from .services.grants import grants_hold, grants_release
from .serving import LIVE


@consumers.register
def grant_holders(entry: Entry) -> Iterable[Unit]:
    """Units that hold a live grant of an entry."""
    return Unit.objects.filter(share_requests__entry=entry, share_requests__grants__state__in=LIVE).distinct()


def hold(issue: DataIssue, actor: Actor) -> None:
    """Stop every grant of the entry."""
    basis = pack_of(issue.case.pack_version).quality.issue_kinds.basis
    grants_hold(actor, issue.entry, issue.case.number, basis)


def release(issue: DataIssue, actor: Actor) -> None:
    """Resume them."""
    grants_release(actor, issue.case.number)


governance.SUSPEND.append(hold)
governance.RESUME.append(release)
