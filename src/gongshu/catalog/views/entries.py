"""The catalog list and the page of one entry."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from gongshu.casework.models import Case
from gongshu.casework.selectors import cases_visible_to
from gongshu.console.tables import table_page
from gongshu.console.web import console_view
from gongshu.journal.models import Event
from gongshu.journal.services import Actor
from gongshu.org.policy import current_pack, explain, may, may_anywhere
from gongshu.org.selectors import support_contact

from .. import labels, selectors, tabs
from ..forms import ChangeEventForm, ChangeForm
from ..models import Entry, EntryVersion
from ..tables import EntryTable, ItemTable
from ..vocabulary import EntryState, VersionState


@console_view("catalog.view")
def entries(request: HttpRequest) -> HttpResponseBase:
    """The catalog, with drafts of one's own unit."""
    actor = request.actor  # type: ignore[attr-defined]
    rows = selectors.entries_visible_to(actor).prefetch_related("current__items", "versions__items")
    context = {
        "title": current_pack().term("catalog") if not labels.english() else _("数据目录"),
        "may_edit": may_anywhere(actor, "catalog.edit"),
        "basis": current_pack().node("catalog.required_fields").basis,
    }
    return table_page(request, "catalog/entries.html", EntryTable(rows, request), context)


@console_view("catalog.view")
def entry(request: HttpRequest, code: str) -> HttpResponseBase:
    """One entry: what it states, its items, and what other domains know of it."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = selectors.entry_get(actor=actor, entry=code)
    version = _chosen(request, actor, found)
    draft = (
        selectors.versions_visible_to(actor).filter(entry=found).exclude(state=VersionState.PUBLISHED).first()
    )
    tab = request.GET.get("tab", "items")
    drawn = [(t, t.draw(found, actor)) for t in tabs.tabs() if t.name == tab]
    chosen = next(((t, told) for t, told in drawn if told is not None), None)
    items = ItemTable(version.items.all() if version else [], request, title=_("信息项"))
    context: dict[str, Any] = {
        "title": found.name,
        "entry": found,
        "version": version,
        "draft": draft,
        "state": labels.state_badge(found),
        "share": labels.share_badge(version.share_type) if version else "",
        "facts": labels.facts(version) if version else [],
        "level": labels.level_badge(version.security_level) if version else "",
        "tab": tab,
        "tabs": _tabs(found),
        "chosen": chosen[1] if chosen else None,
        "edit": explain(actor, "catalog.edit", found.unit),
        "may_edit": may(actor, "catalog.edit", found.unit),
        "case": _case(actor, found),
        "published": _published(found, version),
        "history": _history(actor, found) if tab == "versions" else [],
        "events": _events(found) if tab == "events" else [],
        "change_form": ChangeForm(auto_id="change_%s"),
        "event_form": ChangeEventForm(auto_id="event_%s"),
        "may_event": may_anywhere(actor, "catalog.review") or may(actor, "catalog.edit", found.unit),
        "file_basis": current_pack().node("catalog.change_file_within").basis,
        "only_published": current_pack().node("collect.only_catalogued").basis,
        "contact": support_contact(found.unit),
        "is_published": found.state == EntryState.PUBLISHED,
    }
    return table_page(request, "catalog/entry.html", items, context)


def _chosen(request: HttpRequest, actor: Actor, entry: Entry) -> EntryVersion | None:
    """The version asked for (?version=2), if the actor may see it, else the one shown first."""
    asked = request.GET.get("version", "")
    if asked.isdecimal() and len(asked) < 6:
        found = selectors.versions_visible_to(actor).filter(entry=entry, number=int(asked)).first()
        if found:
            return found
    return selectors.version_shown(actor, entry)


def _tabs(entry: Entry) -> list[tuple[str, Any]]:
    own = [("items", _("信息项"), 0), ("versions", _("版本与变更"), 90), ("events", _("过程与存证"), 95)]
    more = [(t.name, t.label, t.order) for t in tabs.tabs()]
    return [(name, label) for name, label, _order in sorted([*own, *more], key=lambda t: t[2])]


def _case(actor: Actor, entry: Entry) -> Case | None:
    """The running case of the catalog about this entry, where the actor may see it."""
    return (
        cases_visible_to(actor)
        .filter(
            subject_type="entry",
            subject_id=entry.code,
            closed_at__isnull=True,
            procedure__in=("entry_review", "catalog_change"),
        )
        .first()
    )


def _published(entry: Entry, version: EntryVersion | None) -> Event | None:
    """The event that published the version shown, whose receipt can be downloaded."""
    if version is None or version.state != VersionState.PUBLISHED:
        return None
    return Event.objects.filter(
        type="catalog.entry.published",
        subject_type="entry",
        subject_id=entry.code,
        body__version=version.number,
    ).first()


def _history(actor: Actor, entry: Entry) -> list[dict[str, Any]]:
    versions = list(selectors.versions_visible_to(actor).filter(entry=entry).order_by("-number"))
    events = {
        e.body.get("version"): e
        for e in Event.objects.filter(
            type="catalog.entry.published", subject_type="entry", subject_id=entry.code
        )
    }
    return [
        {"version": v, "event": events.get(v.number), "current": v.pk == entry.current_id} for v in versions
    ]


def _events(entry: Entry) -> Any:
    return Event.objects.filter(subject_type="entry", subject_id=entry.code).order_by("-id")[:60]
