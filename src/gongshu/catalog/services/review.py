"""From a complete draft to a published version."""

from __future__ import annotations

import hashlib

from django.utils.translation import gettext as _

from gongshu.casework.models import Case
from gongshu.casework.registry import pack_of
from gongshu.casework.services import case_open
from gongshu.journal import clock
from gongshu.journal.services import Actor, event_append, service
from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import Conflict, Refused
from gongshu.org.models import Unit
from gongshu.org.policy import body_unit, current_pack, require
from gongshu.org.selectors import require_steward

from .. import selectors
from ..models import Entry, EntryVersion
from ..rules import cited, require_complete
from ..vocabulary import EntryState, VersionState

ENTRY_REVIEW = "entry_review"
CATALOG_CHANGE = "catalog_change"


@service("catalog.entry_submit", "POST", "/entries/{entry}/submit", summary="提交目录审核")
def entry_submit(*, actor: Actor, entry: str) -> Case:
    """Submit the first version of an entry to the reviewer the pack names; an incomplete one is refused.

    The refusal names every empty field in the pack's own words and the clause that asks for it.
    """
    found = selectors.entry_get(actor=actor, entry=entry)
    require(actor, "catalog.edit", found.unit)
    require_steward(found.unit)
    if found.current_id:
        raise Conflict(_("目录已发布，请办理目录变更。"), code="published")
    version = found.versions.select_for_update().get(number=1)
    require_complete(version, current_pack())
    submit(version)
    case = case_open(
        actor=actor,
        procedure=ENTRY_REVIEW,
        subject=("entry", found.code, _("目录审核：%(name)s") % {"name": version.name}),
        parties={"provider": found.unit, **reviewing_parties("bodies.catalog_reviewer")},
        data={"version": version.number},
    )
    event_append(
        actor=actor,
        type="catalog.entry.submitted",
        subject=("entry", found.code, version.name),
        unit=found.unit_id,
        case=case.pk,
        body={"version": version.number},
    )
    return case


def reviewing_parties(key: str) -> dict[str, Unit]:
    """The unit that reviews, by the role the pack gives at that key; and whoever owns the clock of the review."""
    pack = current_pack()
    roles = {str(pack.node(key).v)}
    duration = pack.node("catalog.change_review_within").duration
    if duration:
        roles.add(duration.clock)
    parties: dict[str, Unit] = {}
    for role in sorted(roles - {"provider"}):
        unit = body_unit(role)
        if unit is None:
            raise Refused(
                _("规则包指定的审核单位“%(role)s”还没有对应的单位，请系统管理员先行指定。") % {"role": role},
                basis=pack.node(key).basis,
            )
        parties[role] = unit
    return parties


def submit(version: EntryVersion) -> None:
    """Mark a draft as under review, by compare-and-swap."""
    swapped = EntryVersion.objects.filter(pk=version.pk, state=VersionState.DRAFT).update(
        state=VersionState.SUBMITTED
    )
    if not swapped:
        raise Conflict(_("目录已在审核中。"), code="reviewing")
    Entry.objects.filter(pk=version.entry_id, state=EntryState.DRAFT).update(state=EntryState.REVIEWING)


def reopen(version: EntryVersion) -> None:
    """Give a version under review back to its unit as a draft."""
    EntryVersion.objects.filter(pk=version.pk, state=VersionState.SUBMITTED).update(state=VersionState.DRAFT)
    Entry.objects.filter(pk=version.entry_id, state=EntryState.REVIEWING).update(state=EntryState.DRAFT)


def publish(version: EntryVersion, actor: Actor, case: Case, basis: Basis) -> None:
    """Freeze a version and bring it into force; the database refuses any later change to it."""
    entry = Entry.objects.select_for_update().get(pk=version.entry_id)
    version.system_code = entry.system.code if entry.system else ""
    version.published_at = clock.now()
    version.digest = hashlib.sha256(version.content_bytes()).hexdigest()
    version.state = VersionState.PUBLISHED
    version.save(update_fields=["system_code", "published_at", "digest", "state"])
    entry.current = version
    entry.state = EntryState.PUBLISHED
    entry.published_at = entry.published_at or version.published_at
    entry.save(update_fields=["current", "state", "published_at"])
    event_append(
        actor=actor,
        type="catalog.entry.published",
        subject=("entry", entry.code, version.name),
        unit=entry.unit_id,
        case=case.pk,
        pack=str(case.pack_version),
        basis=basis | cited(pack_of(case.pack_version), "XC-1.3c", "PJ-14.1"),
        body={
            "version": version.number,
            "digest": version.digest,
            "share_type": version.share_type,
            "items": version.items.count(),
        },
    )


def withdraw(entry: Entry, actor: Actor, case: Case, basis: Basis, reason: str) -> None:
    """Take an entry out of force; it is kept as history (ZY-16.3)."""
    Entry.objects.filter(pk=entry.pk, state=EntryState.PUBLISHED).update(state=EntryState.WITHDRAWN)
    event_append(
        actor=actor,
        type="catalog.entry.withdrawn",
        subject=("entry", entry.code, entry.name),
        unit=entry.unit_id,
        case=case.pk,
        pack=str(case.pack_version),
        basis=basis,
        body={"version": entry.version, "reason": reason},
    )
