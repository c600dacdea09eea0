"""Notices to the units a person works for."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_POST

from gongshu.casework.models import Notice, NoticeSeen
from gongshu.casework.selectors import notices_for
from gongshu.journal.services import Actor

from .. import wording
from ..tables import Column, Filter, Table, table_page
from ..templatetags.house import badge
from ..web import console_view

TONES = {"turn": "blue", "near": "amber", "overdue": "red", "decided": "green"}


class NoticeTable(Table):
    """Notices, newest first."""

    title = _lazy("消息")
    search = _lazy("事项、编号、单位")
    search_fields = ("case__title", "case__number", "unit__name")
    ordering = ("-id",)
    empty = _lazy("还没有消息")
    columns = (
        Column(
            "kind",
            _lazy("类别"),
            cell=lambda n: badge(n.get_kind_display(), TONES.get(n.kind, "grey")),
            export=lambda n: n.get_kind_display(),
            nowrap=True,
        ),
        Column(
            "title",
            _lazy("事项"),
            cell=lambda n: n.case.title,
            link=lambda n: f"/cases/{n.case.number}/",
            wide=True,
        ),
        Column("number", _lazy("办件编号"), cell=lambda n: n.case.number, nowrap=True, quiet=True),
        Column("unit", _lazy("通知单位")),
        Column("at", _lazy("时间"), cell=lambda n: wording.moment(n.at), export=lambda n: n.at, nowrap=True),
        Column(
            "new",
            _lazy("阅读"),
            cell=lambda n: badge(_("未读"), "red") if n.pk > n.read_to else _("已读"),
            export=lambda n: _("未读") if n.pk > n.read_to else _("已读"),
            nowrap=True,
            quiet=True,
        ),
    )
    filters = (Filter("kind", _lazy("全部类别"), Notice.Kind.choices),)


@console_view()
def notices(request: HttpRequest) -> HttpResponseBase:
    """The notices of the person's units."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    table = NoticeTable(_marked(notices_for(actor), actor), request)
    return table_page(request, "console/notices.html", table, {"title": _("消息")})


def _marked(rows: QuerySet[Notice], actor: Actor) -> Any:
    from django.db.models import IntegerField, Value

    seen = NoticeSeen.objects.filter(account_id=actor.row).first()
    return rows.annotate(read_to=Value(seen.notice_id if seen else 0, output_field=IntegerField()))


@require_POST
@console_view()
def seen(request: HttpRequest) -> HttpResponse:
    """Everything up to now has been read."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    newest = notices_for(actor).order_by("-pk").values_list("pk", flat=True).first()
    if newest:
        NoticeSeen.objects.update_or_create(account_id=actor.row, defaults={"notice_id": newest})
    return redirect("notices")
