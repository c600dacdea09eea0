"""Tables of sharing."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from gongshu.catalog.labels import share_badge, share_label
from gongshu.console.tables import Column, Filter, Table
from gongshu.console.templatetags.house import due_words
from gongshu.console.wording import due, moment

from . import flow, labels
from .models import Client, Grant, GrantState, ShareRequest
from .services.clients import secrets_live


def _open_clock(request: ShareRequest) -> Any:
    return next((c for c in request.case.clocks.all() if c.ended_at is None), None)


def _due(request: ShareRequest) -> Any:
    clock = _open_clock(request)
    return due_words(due(clock)) if clock else ""


def _due_day(request: ShareRequest) -> Any:
    clock = _open_clock(request)
    return clock.due_on if clock else ""


def _stage(rows: QuerySet[ShareRequest], value: str) -> QuerySet[ShareRequest]:
    if value == "held":
        return rows.filter(case__state__in=flow.HELD)
    if value == "closed":
        return rows.filter(case__closed_at__isnull=False)
    return rows.filter(case__closed_at__isnull=True).exclude(case__state__in=flow.HELD)


class RequestTable(Table):
    """Requests made or to be answered."""

    title = _("共享申请")
    search = _("编号、目录、单位")
    search_fields = ("case__number", "version__name", "demander__name", "provider__name", "purpose")
    ordering = ("-id",)
    empty = _("还没有共享申请。在数据目录中找到需要的数据后申请。")
    columns = (
        Column(
            "number",
            _("办件编号"),
            cell=lambda r: r.case.number,
            link=lambda r: reverse("case", args=[r.case.number]),
            nowrap=True,
            sort="case__number",
        ),
        Column("entry", _("数据目录"), cell=lambda r: r.version.name, wide=True, sort="version__name"),
        Column("demander", _("申请单位"), sort="demander__path"),
        Column("provider", _("提供单位"), sort="provider__path"),
        Column(
            "share_type",
            _("共享属性"),
            cell=lambda r: share_badge(r.share_type),
            export=lambda r: share_label(r.share_type),
            nowrap=True,
        ),
        Column(
            "state",
            _("状态"),
            cell=lambda r: labels.state_badge(r.case),
            export=lambda r: labels.state_label(r.case),
            nowrap=True,
        ),
        Column("due", _("时限"), cell=_due, export=_due_day, nowrap=True),
        Column(
            "submitted_at",
            _("申请时间"),
            cell=lambda r: moment(r.submitted_at),
            quiet=True,
            nowrap=True,
            sort="id",
        ),
        Column("purpose", _("用途"), export_only=True),
        Column("items_named", _("信息项"), export_only=True, export=lambda r: r.items),
    )
    filters = (
        Filter(
            "stage",
            _("全部阶段"),
            (("working", _("办理中")), ("held", _("已授权")), ("closed", _("已办结"))),
            apply=_stage,
        ),
        Filter(
            "share_type",
            _("全部共享属性"),
            lambda: [(c, share_label(c)) for c in ("unconditional", "conditional")],
        ),
    )


class GrantTable(Table):
    """Grants, made or held."""

    title = _("共享授权")
    search = _("授权编号、目录、单位、业务系统")
    ordering = ("-id",)
    empty = _("还没有共享授权。")
    columns = (
        Column(
            "number",
            _("授权编号"),
            link=lambda g: reverse("sharing:grant", args=[g.number]),
            nowrap=True,
            sort="number",
        ),
        Column("entry", _("数据目录"), cell=lambda g: g.request.version.name, wide=True),
        Column("demander", _("使用单位"), cell=lambda g: g.request.demander),
        Column("provider", _("提供单位"), cell=lambda g: g.request.provider),
        Column("client", _("业务系统"), cell=lambda g: g.request.client.system_name),
        Column("items", _("信息项"), cell=lambda g: len(g.spec["columns"]), numeric=True),
        Column(
            "state",
            _("状态"),
            cell=labels.grant_badge,
            export=lambda g: str(GrantState(g.state).label),
            nowrap=True,
            sort="state",
        ),
        Column(
            "valid_to",
            _("有效至"),
            cell=lambda g: g.last_day.isoformat(),
            export=lambda g: g.last_day,
            nowrap=True,
            quiet=True,
            sort="valid_to",
        ),
        Column("purpose", _("用途"), cell=lambda g: g.request.purpose, export_only=True),
        Column("spec_hash", _("授权内容摘要"), export_only=True),
    )
    filters = (Filter("state", _("全部状态"), GrantState.choices),)

    def searched(self, rows: QuerySet[Grant], query: str) -> QuerySet[Grant]:
        """Every word in number, entry, unit or system."""
        for word in query.split():
            rows = rows.filter(
                Q(number__icontains=word)
                | Q(request__version__name__icontains=word)
                | Q(request__demander__name__icontains=word)
                | Q(request__provider__name__icontains=word)
                | Q(request__client__system_name__icontains=word)
            )
        return rows


class ClientTable(Table):
    """Business systems that call."""

    title = _("业务系统")
    search = _("业务系统、单位、调用标识")
    search_fields = ("system_name", "unit__name", "client_id")
    empty = _("还没有登记业务系统。登记后领取调用凭证。")
    columns = (
        Column(
            "system_name",
            _("业务系统"),
            wide=True,
            link=lambda c: reverse("sharing:client", args=[c.client_id]),
        ),
        Column("unit", _("单位")),
        Column("client_id", _("调用标识"), nowrap=True, quiet=True),
        Column("algorithm", _("签名算法"), nowrap=True, cell=lambda c: c.algorithm.upper()),
        Column("active", _("状态"), cell=labels.client_badge, export=lambda c: c.active, nowrap=True),
        Column(
            "registered_at", _("登记时间"), cell=lambda c: moment(c.registered_at), nowrap=True, quiet=True
        ),
        Column("contact", _("安全联系人电话"), export_only=True),
    )


def live_secrets(client: Client) -> int:
    """How many secrets of a client open the gate now."""
    return secrets_live([client.client_id]).get(client.client_id, 0)
