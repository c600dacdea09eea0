"""Reading requests, grants, clients and calls: what an actor may see, decided in SQL."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from gongshu.journal import clock
from gongshu.journal.services import Actor, query
from gongshu.kernel.errors import NotFound
from gongshu.org.policy import allowed_units

from .models import Client, Grant, ShareRequest

PAGE = 50


def requests_visible_to(actor: Actor) -> QuerySet[ShareRequest]:
    """Requests made by or put to a unit whose sharing the actor may see."""
    joined = ("case__pack_version", "entry", "version", "demander", "provider", "client")
    found = ShareRequest.objects.select_related(*joined)
    return found if actor.via == "system" else found.filter(_between(actor, ""))


def grants_visible_to(actor: Actor) -> QuerySet[Grant]:
    """Grants under the same rule as their requests."""
    found = Grant.objects.select_related(
        "request__case__pack_version",
        "request__entry",
        "request__version",
        "request__demander",
        "request__provider",
        "request__client",
    )
    return found if actor.via == "system" else found.filter(_between(actor, "request__"))


def clients_visible_to(actor: Actor) -> QuerySet[Client]:
    """Business systems of units whose sharing the actor may see."""
    found = Client.objects.select_related("unit")
    return found if actor.via == "system" else found.filter(unit__in=allowed_units(actor, "share.view"))


def _between(actor: Actor, prefix: str) -> Q:
    units = allowed_units(actor, "share.view")
    return Q(**{f"{prefix}demander__in": units}) | Q(**{f"{prefix}provider__in": units})


def request_get(*, actor: Actor, case: str) -> ShareRequest:
    """A visible request by the number of its case, or NotFound."""
    found = requests_visible_to(actor).filter(case__number=case).first()
    if found is None:
        raise NotFound(_("没有编号为 %(number)s 的共享申请，或您无权查看。") % {"number": case})
    return found


def grant_get(*, actor: Actor, grant: str) -> Grant:
    """A visible grant by its number, or NotFound."""
    found = grants_visible_to(actor).filter(number=grant).first()
    if found is None:
        raise NotFound(_("没有编号为 %(number)s 的授权，或您无权查看。") % {"number": grant})
    return found


@query("share.requests", "GET", "/share-requests", summary="共享申请列表")
def requests(
    *, actor: Actor, q: str | None = None, state: str | None = None, page: int = 1
) -> dict[str, Any]:
    """Visible requests, newest first, fifty a page; q matches number and title."""
    found = requests_visible_to(actor)
    if q:
        found = found.filter(Q(case__number__icontains=q) | Q(case__title__icontains=q))
    if state:
        found = found.filter(case__state=state)
    return _page(found, page)


@query("share.request", "GET", "/share-requests/{case}", summary="共享申请详情")
def request(*, actor: Actor, case: str) -> dict[str, Any]:
    """A request with what was answered and its grant, if one was made."""
    return request_get(actor=actor, case=case).as_dict()


@query("share.grants", "GET", "/grants", summary="共享授权列表")
def grants(*, actor: Actor, q: str | None = None, state: str | None = None, page: int = 1) -> dict[str, Any]:
    """Visible grants, newest first, fifty a page."""
    found = grants_visible_to(actor)
    if q:
        found = found.filter(Q(number__icontains=q) | Q(request__case__title__icontains=q))
    if state:
        found = found.filter(state=state)
    return _page(found, page)


@query("share.grant", "GET", "/grants/{grant}", summary="共享授权详情")
def grant(*, actor: Actor, grant: str) -> dict[str, Any]:
    """A grant with how it is used."""
    found = grant_get(actor=actor, grant=grant)
    return found.as_dict() | {"usage": usage(found)}


@query("share.clients", "GET", "/clients", summary="业务系统列表")
def clients(*, actor: Actor, page: int = 1) -> dict[str, Any]:
    """Visible business systems, never with a secret."""
    return _page(clients_visible_to(actor), page)


def usage(grant: Grant) -> dict[str, Any]:
    """Calls and rows of a grant: in all, and today against its quota. Read from the gateway's own records."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FILTER (WHERE status = 200), COALESCE(sum(rows) FILTER (WHERE status = 200), 0),"
            " count(*) FILTER (WHERE status <> 200), max(at) FILTER (WHERE status = 200)"
            " FROM gate.call WHERE grant_no = %s AND mode IN ('key', 'page')",
            [grant.number],
        )
        calls, rows, refused, last = cursor.fetchone()
        cursor.execute(
            "SELECT used FROM gate.usage WHERE grant_no = %s AND period = %s",
            [grant.number, f"d:{clock.today().isoformat()}"],
        )
        today = cursor.fetchone()
    return {
        "calls": calls,
        "rows": int(rows),
        "refused": refused,
        "last_at": last,
        "today": int(today[0]) if today else 0,
        "per_day": grant.spec["quota"]["per_day"],
    }


def calls(grant: Grant, limit: int = 20) -> list[dict[str, Any]]:
    """The latest calls of a grant, refused ones among them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT at, client_id, mode, status, rows, micros, problem, case_no, address FROM gate.call"
            " WHERE grant_no = %s ORDER BY id DESC LIMIT %s",
            [grant.number, limit],
        )
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _page(found: QuerySet[Any], page: int) -> dict[str, Any]:
    start = (max(page, 1) - 1) * PAGE
    return {
        "count": found.count(),
        "page": page,
        "rows": [row.as_dict() for row in found[start : start + PAGE]],
    }
