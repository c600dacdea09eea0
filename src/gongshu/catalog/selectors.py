"""Reading the catalog: what an actor may see, decided in SQL, the same for pages, exports and the API."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from gongshu.casework.models import Case, Party
from gongshu.engine import source as engine
from gongshu.journal.services import Actor, query
from gongshu.kernel.errors import NotFound
from gongshu.org.policy import allowed_units, require

from .messages import refused
from .models import DataSource, Entry, EntryVersion, Item, System
from .vocabulary import EntryState, VersionState

PAGE = 50


def systems_visible_to(actor: Actor) -> QuerySet[System]:
    """Systems of units whose catalog the actor may view."""
    found = System.objects.select_related("unit")
    return found if actor.via == "system" else found.filter(unit__in=allowed_units(actor, "catalog.view"))


def sources_visible_to(actor: Actor) -> QuerySet[DataSource]:
    """Data sources of units whose catalog the actor compiles, or audits: connection details are nobody else's."""
    found = DataSource.objects.select_related("system__unit")
    if actor.via == "system":
        return found
    mine = Q(system__unit__in=allowed_units(actor, "catalog.edit"))
    return found.filter(mine | Q(system__unit__in=allowed_units(actor, "audit.view")))


def entries_visible_to(actor: Actor) -> QuerySet[Entry]:
    """Published and withdrawn entries to whoever views the catalog; drafts to their own unit and to the reviewer."""
    found = Entry.objects.select_related("unit", "system", "source", "current")
    if actor.via == "system":
        return found
    public = Q(
        state__in=[EntryState.PUBLISHED, EntryState.WITHDRAWN], unit__in=allowed_units(actor, "catalog.view")
    )
    return found.filter(public | _draft_readable(actor, ""))


def versions_visible_to(actor: Actor) -> QuerySet[EntryVersion]:
    """Versions, under the same rule: a draft is seen by its unit, by its reviewer and by the auditor."""
    found = EntryVersion.objects.select_related("entry__unit", "entry__system", "entry__current")
    if actor.via == "system":
        return found
    public = Q(state=VersionState.PUBLISHED, entry__unit__in=allowed_units(actor, "catalog.view"))
    return found.filter(public | _draft_readable(actor, "entry__"))


def _draft_readable(actor: Actor, prefix: str) -> Q:
    reviewed = Case.objects.filter(
        Exists(Party.objects.filter(case=OuterRef("pk"), unit__in=allowed_units(actor, "catalog.review"))),
        subject_type="entry",
        subject_id=OuterRef(f"{prefix}code"),
        closed_at__isnull=True,
        procedure__in=("entry_review", "catalog_change"),
    )
    own = Q(**{f"{prefix}unit__in": allowed_units(actor, "catalog.edit")})
    audited = Q(**{f"{prefix}unit__in": allowed_units(actor, "audit.view")})
    return own | audited | Q(Exists(reviewed))


def system_get(*, actor: Actor, system: str) -> System:
    """A visible system by its code, or NotFound."""
    found = systems_visible_to(actor).filter(code=system).first()
    if found is None:
        raise NotFound(_("没有编码为 %(code)s 的信息系统。") % {"code": system}, field="system")
    return found


def source_get(*, actor: Actor, source: str) -> DataSource:
    """A visible data source by its code, or NotFound."""
    found = sources_visible_to(actor).filter(code=source).first()
    if found is None:
        raise NotFound(_("没有编码为 %(code)s 的数据源，或您无权查看。") % {"code": source}, field="source")
    return found


def entry_get(*, actor: Actor, entry: str) -> Entry:
    """A visible entry by its code, or NotFound."""
    found = entries_visible_to(actor).filter(code=entry).first()
    if found is None:
        raise NotFound(_("没有编码为 %(code)s 的目录，或您无权查看。") % {"code": entry}, field="entry")
    return found


def published_get(*, actor: Actor, entry: str) -> Entry:
    """A visible entry that is published now: the only kind a request or a collection can be about (ZY-12, PJ-13.1)."""
    found = entry_get(actor=actor, entry=entry)
    if found.state != EntryState.PUBLISHED or found.current is None:
        raise NotFound(_("目录 %(code)s 没有已发布的版本。") % {"code": entry}, field="entry")
    return found


def version_shown(actor: Actor, entry: Entry) -> EntryVersion | None:
    """What this actor sees of an entry first: the version in force, or the draft where there is none yet."""
    if entry.current:
        return entry.current
    return versions_visible_to(actor).filter(entry=entry).order_by("-number").first()


def entries_search(
    found: QuerySet[Entry],
    *,
    q: str = "",
    unit: str = "",
    share_type: str = "",
    state: str = "",
    system: str = "",
    acquisition_way: str = "",
) -> QuerySet[Entry]:
    """Narrow entries by words (name, code, unit, item) and by the facets. Words are joined by AND.

    Only what is in force is searched, or the draft of an entry never published; the caller's rows decide who sees it.
    """
    shown = Q(entry__current=F("pk")) | Q(entry__current__isnull=True)
    for word in q.split():
        like = EntryVersion.objects.filter(shown, entry=OuterRef("pk"))
        named = like.filter(
            Q(name__icontains=word) | Q(business__icontains=word) | Q(summary__icontains=word)
        )
        items = Item.objects.filter(
            Q(label__icontains=word) | Q(name__iexact=word), version__entry=OuterRef("pk")
        ).filter(Q(version__entry__current=F("version")) | Q(version__entry__current__isnull=True))
        found = found.filter(
            Q(code__icontains=word)
            | Q(unit__name__icontains=word)
            | Q(unit__name_en__icontains=word)
            | Q(table__iexact=word)
            | Exists(named)
            | Exists(items)
        )
    if unit:
        found = found.filter(unit__code=unit)
    if system:
        found = found.filter(system__code=system)
    if state:
        found = found.filter(state=state)
    for field, value in (("share_type", share_type), ("acquisition_way", acquisition_way)):
        if value:
            draft = EntryVersion.objects.filter(entry=OuterRef("pk"), **{field: value})
            found = found.filter(Q(**{f"current__{field}": value}) | Q(Exists(draft), current__isnull=True))
    return found


@query("catalog.systems", "GET", "/systems", summary="信息系统列表")
def systems(*, actor: Actor, unit: str | None = None, q: str | None = None, page: int = 1) -> dict[str, Any]:
    """Registered systems, fifty a page."""
    found = systems_visible_to(actor)
    if unit:
        found = found.filter(unit__code=unit)
    if q:
        found = found.filter(Q(name__icontains=q) | Q(code__icontains=q) | Q(business__icontains=q))
    return _page(found, page)


@query("catalog.system", "GET", "/systems/{system}", summary="信息系统详情")
def system(*, actor: Actor, system: str) -> dict[str, Any]:
    """A system with its data sources (for those who may see them) and its entries."""
    found = system_get(actor=actor, system=system)
    return found.as_dict() | {
        "sources": [s.as_dict() for s in sources_visible_to(actor).filter(system=found)],
        "entries": [e.code for e in entries_visible_to(actor).filter(system=found)],
    }


@query("catalog.entries", "GET", "/entries", summary="目录检索")
def entries(
    *,
    actor: Actor,
    q: str | None = None,
    unit: str | None = None,
    share_type: str | None = None,
    state: str | None = None,
    system: str | None = None,
    acquisition_way: str | None = None,
    page: int = 1,
) -> dict[str, Any]:
    """Entries the actor may see, fifty a page; q searches name, code, unit and items."""
    found = entries_search(
        entries_visible_to(actor),
        q=q or "",
        unit=unit or "",
        share_type=share_type or "",
        state=state or "",
        system=system or "",
        acquisition_way=acquisition_way or "",
    )
    return _page(found, page)


@query("catalog.entry", "GET", "/entries/{entry}", summary="目录详情")
def entry(*, actor: Actor, entry: str) -> dict[str, Any]:
    """An entry with the version in force and, where the actor may see it, its draft."""
    found = entry_get(actor=actor, entry=entry)
    draft = versions_visible_to(actor).filter(entry=found).exclude(state=VersionState.PUBLISHED).first()
    return found.as_dict() | {"draft_version": draft.as_dict() if draft else None}


@query("catalog.entry_versions", "GET", "/entries/{entry}/versions", summary="目录各版本")
def entry_versions(*, actor: Actor, entry: str) -> dict[str, Any]:
    """Every version of an entry that the actor may see, newest first."""
    found = entry_get(actor=actor, entry=entry)
    rows = versions_visible_to(actor).filter(entry=found).prefetch_related("items").order_by("-number")
    return {"rows": [v.as_dict() for v in rows]}


@query("catalog.source_tables", "GET", "/sources/{source}/tables", summary="数据源中的表及编目情况")
def source_tables(*, actor: Actor, source: str) -> dict[str, Any]:
    """Tables, views or sheets in a source as they are now, each with the entry that covers it, if any (PT-15.2)."""
    found = source_get(actor=actor, source=source)
    require(actor, "catalog.edit", found.unit)
    try:
        listed = engine.tables(found.spec())
    except engine.SourceError as error:
        raise refused(error) from None
    live = Entry.objects.filter(source=found).exclude(state=EntryState.WITHDRAWN)
    covered = dict(live.values_list("table", "code"))
    return {
        "rows": [
            {
                "name": t.name,
                "kind": t.kind,
                "rows": t.rows,
                "comment": t.comment,
                "entry": covered.get(t.name),
            }
            for t in listed
        ]
    }


def item_counts(found: QuerySet[Entry]) -> QuerySet[Entry]:
    """Entries with `items_n`, the number of items in the version in force."""
    return found.annotate(items_n=Count("current__items"))


def _page(found: QuerySet[Any], page: int) -> dict[str, Any]:
    start = (max(page, 1) - 1) * PAGE
    return {
        "count": found.count(),
        "page": page,
        "rows": [row.as_dict() for row in found[start : start + PAGE]],
    }
