"""Pages of governance: scores, runs, rules, issues."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from gongshu.catalog.models import Entry
from gongshu.catalog.selectors import entry_get, published_get
from gongshu.console.forms import refuse
from gongshu.console.tables import table_page
from gongshu.console.web import console_view, page
from gongshu.journal.services import Actor
from gongshu.kernel.errors import NotFound, Refused
from gongshu.org.models import Unit
from gongshu.org.policy import allowed_units, current_pack, may, may_anywhere, require

from . import labels, selectors, services
from .forms import PARAMS, ReportForm, RuleForm
from .models import Rule
from .tables import IssueTable, QualityTable
from .vocabulary import RuleKind


@console_view("issue.view")
def index(request: HttpRequest) -> HttpResponseBase:
    """Entries with their scores, the lowest first."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    working = Count("data_issues", filter=Q(data_issues__open=True), distinct=True)
    rows = selectors.entries_scored(actor).annotate(issues_n=working)
    context = {
        "title": _("质量治理"),
        "dims": [(name, labels.score_badge(score)) for name, score in selectors.dimension_scores(actor)],
        "basis": current_pack().quality.dims.basis,
    }
    return table_page(request, "governance/index.html", QualityTable(rows, request), context)


@console_view("issue.view")
def issues(request: HttpRequest) -> HttpResponseBase:
    """Data issues of one's units."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    rows = selectors.issues_visible_to(actor).prefetch_related("case__clocks")
    pack = current_pack()
    context = {
        "title": _("问题数据"),
        "basis": pack.bodies.issue_dispatcher.basis | pack.quality.issue_fix_within.basis,
    }
    return table_page(request, "governance/issues.html", IssueTable(rows, request), context)


@console_view("issue.view")
def run(request: HttpRequest, batch: str) -> HttpResponse:
    """What every rule found in one batch; the failing rows of one of them."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    found = selectors.run_get(actor=actor, batch=batch)
    items = {item.name: item for item in found.batch.version.items.all()}
    results = list(found.results.select_related("rule__entry"))
    wanted = request.GET.get("rule", "")
    chosen = next((r for r in results if str(r.rule_id) == wanted), None)
    chosen = chosen or next((r for r in results if r.failing), None)
    rows = selectors.failing_rows(actor, found, chosen.rule) if chosen and chosen.failing else []
    context = {
        "title": _("质量检查：%(name)s") % {"name": found.entry.name},
        "run": found,
        "entry": found.entry,
        "score": labels.score_badge(found.score),
        "dimensions": [(d, labels.score_badge(s)) for d, s in found.dimensions.items()],
        "results": [
            {
                "result": r,
                "text": labels.rule_text(r.rule, items),
                "share": labels.share(r.failing, r.checked),
                "error": labels.error_text(r.error),
                "severity": labels.severity_badge(r.rule),
            }
            for r in results
        ],
        "chosen": chosen,
        "chosen_text": labels.rule_text(chosen.rule, items) if chosen else "",
        "columns": [(c, items.get(c, c)) for c in rows[0]] if rows else [],
        "rows": [list(row.values()) for row in rows],
        "masked": not may(actor, "data.view", found.entry.unit),
        "basis": current_pack().quality.dims.basis,
    }
    return page(request, "governance/run.html", context)


@console_view("catalog.view")
def rules(request: HttpRequest, code: str) -> HttpResponse:
    """The rules of an entry."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    entry = entry_get(actor=actor, entry=code)
    items = {item.name: item for item in entry.current.items.all()} if entry.current else {}
    found = selectors.rules_visible_to(actor).filter(entry=entry).order_by("-active", "code")
    context = {
        "title": _("质量规则：%(name)s") % {"name": entry.name},
        "entry": entry,
        "rules": [
            {
                "rule": rule,
                "text": labels.rule_text(rule, items),
                "params": labels.params_text(rule),
                "severity": labels.severity_badge(rule),
            }
            for rule in found
        ],
        "may_edit": may(actor, "issue.handle", entry.unit),
        "basis": current_pack().quality.dims.basis,
    }
    return page(request, "governance/rules.html", context)


@console_view("issue.handle")
def rule_new(request: HttpRequest, code: str) -> HttpResponse:
    """Add a rule."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    entry = published_get(actor=actor, entry=code)
    require(actor, "issue.handle", entry.unit)
    kind = request.GET.get("kind", RuleKind.NOT_NULL)
    if kind not in RuleKind.values:
        raise NotFound(_("没有这种规则：%(kind)s。") % {"kind": kind})
    form = RuleForm(request.POST or None, entry=entry, pack=current_pack(), kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            services.rule_save(actor=actor, entry=code, **form.given())
        except Refused as refusal:
            _refuse_rule(form, refusal)
        else:
            messages.success(request, _("规则已添加，下一批次归集后执行。"))
            return redirect("governance:rules", code)
    return _rule_page(request, entry, form, _("添加质量规则"))


@console_view("issue.handle")
def rule_edit(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """Change a rule or switch it off."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    entry = published_get(actor=actor, entry=code)
    require(actor, "issue.handle", entry.unit)
    rule = Rule.objects.filter(entry=entry, pk=pk).first()
    if rule is None:
        raise NotFound(_("没有规则 %(code)s。") % {"code": pk})
    form = RuleForm(request.POST or None, entry=entry, pack=current_pack(), kind=rule.kind, rule=rule)
    if request.method == "POST" and form.is_valid():
        try:
            services.rule_change(actor=actor, entry=code, code=rule.code, **form.given())
        except Refused as refusal:
            _refuse_rule(form, refusal)
        else:
            messages.success(request, _("规则已修改，下一批次归集后按新版本执行。"))
            return redirect("governance:rules", code)
    items = {item.name: item for item in entry.current.items.all()} if entry.current else {}
    return _rule_page(request, entry, form, labels.rule_text(rule, items))


def _refuse_rule(form: RuleForm, refusal: Refused) -> None:
    """A fault of the parameters is shown at the field of the rule's kind."""
    if "params" in refusal.fields:
        refusal.fields[PARAMS.get(form.kind, ("columns",))[0]] = refusal.fields.pop("params")
    refuse(form, refusal)


def _rule_page(request: HttpRequest, entry: Entry, form: RuleForm, title: str) -> HttpResponse:
    kinds = [] if form.rule else list(RuleKind.choices)
    context = {"title": title, "entry": entry, "form": form, "kinds": kinds}
    return page(request, "governance/rule.html", context, status=422 if form.errors else 200)


@console_view("share.request")
def report(request: HttpRequest, code: str) -> HttpResponse:
    """Report a problem seen while using data."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    entry, pack = published_get(actor=actor, entry=code), current_pack()
    units = list(Unit.objects.filter(pk__in=allowed_units(actor, "share.request"), active=True))
    form = ReportForm(request.POST or None, entry=entry, units=units, pack=pack)
    grant = request.GET.get("grant", "")[:40]
    if request.method == "POST" and form.is_valid():
        try:
            made = services.issue_report(actor=actor, entry=code, grant=grant, **form.given())
        except Refused as refusal:
            refuse(form, refusal)
        else:
            messages.success(request, _("已反馈，办件编号 %(number)s。") % {"number": made.case.number})
            return redirect("case", made.case.number)
    context: dict[str, Any] = {
        "title": _("反馈问题数据：%(name)s") % {"name": entry.name},
        "entry": entry,
        "form": form,
        "first": selectors.first_recipient(pack, entry),
        "basis": pack.bodies.issue_intake.basis,
        "may_report": may_anywhere(actor, "share.request"),
    }
    return page(request, "governance/report.html", context, status=422 if form.errors else 200)
