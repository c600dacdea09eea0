"""The audit trail and the ledger that proves it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.http import require_POST

from gongshu.evidence.audit import verify_all
from gongshu.evidence.models import Checkpoint, Leaf, Log
from gongshu.evidence.selectors import events_visible_to, evidence_receipt, sealed_marked
from gongshu.evidence.tree import last_checkpoint, ledger_key
from gongshu.journal.models import Event
from gongshu.org.policy import require_anywhere

from .. import panels, wording
from ..tables import Column, Filter, Table, table_page
from ..templatetags.house import badge
from ..timeline import Step, steps_of
from ..web import console_view, page

VIA = (
    ("console", _lazy("控制台")),
    ("api", _lazy("接口")),
    ("cli", _lazy("命令行")),
    ("system", _lazy("平台自动")),
)


def _by_kind(rows: QuerySet[Event], value: str) -> QuerySet[Event]:
    return rows.filter(type__startswith=f"{value}.")


class EventTable(Table):
    """Every event, newest first."""

    title = _lazy("审计记录")
    headed = True
    search = _lazy("对象、编号、人员")
    ordering = ("-id",)
    columns = (
        Column(
            "at", _lazy("时间"), cell=lambda e: f"{wording.moment(e.at)}", export=lambda e: e.at, nowrap=True
        ),
        Column("type", _lazy("事件"), cell=lambda e: step(e).title),
        Column(
            "subject",
            _lazy("对象"),
            cell=lambda e: e.subject_title or e.subject_id,
            wide=True,
            link=lambda e: f"/cases/{e.subject_id}/" if e.subject_type == "case" else None,
        ),
        Column("unit", _lazy("单位"), cell=lambda e: step(e).unit),
        Column("actor", _lazy("人员"), cell=lambda e: step(e).who, nowrap=True),
        Column(
            "via", _lazy("渠道"), cell=lambda e: str(dict(VIA).get(e.via, e.via)), nowrap=True, quiet=True
        ),
        Column(
            "clauses",
            _lazy("依据"),
            cell=lambda e: wording.listed(wording.article(c) for c in e.clauses),
            export=lambda e: "、".join(e.clauses),
            quiet=True,
        ),
        Column(
            "sealed",
            _lazy("存证"),
            cell=lambda e: sealed_badge(e),
            export=lambda e: _("已封存") if e.sealed else _("待封存"),
            link=lambda e: f"/events/{e.pk}/receipt" if e.sealed else None,
            nowrap=True,
        ),
        Column("code", _lazy("事件代码"), cell=lambda e: e.type, export_only=True),
        Column("uuid", _lazy("事件编号"), cell=lambda e: str(e.uuid), export_only=True),
        Column("digest", _lazy("摘要"), cell=lambda e: bytes(e.digest).hex(), export_only=True),
    )
    filters = (
        Filter(
            "kind",
            _lazy("全部类别"),
            (
                ("catalog", _lazy("目录")),
                ("collection", _lazy("归集")),
                ("governance", _lazy("治理")),
                ("sharing", _lazy("共享")),
                ("case", _lazy("办件")),
                ("clock", _lazy("时限")),
                ("org", _lazy("单位与人员")),
                ("evidence", _lazy("存证")),
            ),
            apply=_by_kind,
        ),
        Filter("via", _lazy("全部渠道"), VIA),
    )

    def searched(self, rows: QuerySet[Event], query: str) -> QuerySet[Event]:
        """Subject, its public id, the person, or the beginning of the event's code."""
        for word in query.split():
            rows = rows.filter(
                Q(subject_title__icontains=word)
                | Q(subject_id__icontains=word)
                | Q(actor_name__icontains=word)
                | Q(type__startswith=word)
            )
        return rows

    @property
    def page_rows(self) -> list[Any]:
        """This page's events, put into words together."""
        rows = super().page_rows
        if rows and not hasattr(rows[0], "_step"):
            for event, told in zip(rows, steps_of(rows), strict=True):
                event._step = told
        return rows


def step(event: Event) -> Step:
    """The event in words; a page's events have been worded together."""
    return getattr(event, "_step", None) or steps_of([event])[0]


def sealed_badge(event: Any) -> Any:
    """Whether the event is in the ledger."""
    return badge(_("已封存"), "green") if event.sealed else badge(_("待封存"), "grey")


@console_view("audit.view")
def audit(request: HttpRequest) -> HttpResponseBase:
    """Events with filters, and how the ledger stands."""
    rows = sealed_marked(events_visible_to(request.actor))  # type: ignore[attr-defined]
    context = {
        "title": _("审计与存证"),
        "ledgers": ledgers(),
        "panels": panels.page_panels("audit", request.actor),  # type: ignore[attr-defined]
    }
    return table_page(request, "console/audit.html", EventTable(rows, request), context)


def ledgers() -> list[dict[str, Any]]:
    """How each log stands: entries, newest head, key."""
    found = []
    for log in Log:
        head = last_checkpoint(log)
        found.append(
            {
                "log": log,
                "label": log.label,
                "size": head.size if head else 0,
                "root": bytes(head.root).hex() if head else "",
                "at": wording.moment(head.at) if head else "",
                "key": str(ledger_key(log)),
                "heads": Checkpoint.objects.filter(log=log).count(),
            }
        )
    last = (
        Leaf.objects.filter(log=Log.CHAIN).order_by("-index").values_list("record_id", flat=True).first() or 0
    )
    found[0]["pending"] = Event.objects.filter(pk__gt=last).count()
    return found


@require_POST
@console_view("audit.view")
def verify(request: HttpRequest) -> HttpResponse:
    """Recompute both logs from the rows as they are now."""
    require_anywhere(request.actor, "audit.view")  # type: ignore[attr-defined]
    results = [verify_all(log) for log in Log.values]
    if all(r.ok for r in results):
        total = sum(r.checked for r in results)
        messages.success(request, _("核验通过：重算 %(n)s 条，全部与存证一致。") % {"n": f"{total:,}"})
    context = {"title": _("核验结果"), "results": [(Log(r.log).label, r) for r in results]}
    return page(request, "console/verify.html", context)


@console_view()
def receipt(request: HttpRequest, event: str) -> HttpResponse:
    """The receipt of an event as a file that is verified without the platform."""
    told = evidence_receipt(actor=request.actor, event=event)  # type: ignore[attr-defined]
    response = HttpResponse(told["content"], content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{told["filename"]}"'
    return response
