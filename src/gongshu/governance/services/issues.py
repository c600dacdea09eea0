"""Opening data issues: by a rule's findings, once per entry and rule, or by a unit that uses the data."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils.translation import gettext as _

from gongshu.casework.models import Notice
from gongshu.casework.services import case_move, case_open
from gongshu.catalog.models import Entry
from gongshu.catalog.selectors import published_get
from gongshu.journal import clock
from gongshu.journal.services import SYSTEM, Actor, event_append, service
from gongshu.kernel.errors import Invalid, NotFound
from gongshu.org.models import Unit
from gongshu.org.policy import body_unit, current_pack, require
from gongshu.packs import Pack

from .. import loop
from ..models import CheckRun, DataIssue, Rule
from ..vocabulary import RuleKind

RECORDS_MAX = 100
KIND_WORDS = {
    RuleKind.NOT_NULL: "不得为空",
    RuleKind.UNIQUE: "不得重复",
    RuleKind.PATTERN: "须符合格式",
    RuleKind.CHECK: "须为有效号码",
    RuleKind.CODE_LIST: "须在代码表内",
    RuleKind.RANGE: "须在范围内",
    RuleKind.REFERENCE: "须在被引用的目录中存在",
}


def issue_found(entry: Entry, rule: Rule, failing: int, run: CheckRun | None = None) -> DataIssue | None:
    """What a rule's findings mean: an issue opened at the provider, the open one brought up to date, or nothing.

    Runs in the transaction that records the run, so a run that is done again after a crash doubles nothing. run None:
    found without one (data that have not come in time).
    """
    issue = (
        DataIssue.objects.select_for_update(of=("self",)).filter(entry=entry, rule=rule, open=True).first()
    )
    if issue is not None:
        if issue.failing != failing or issue.last_run_id != (run.pk if run else None):
            _recount(issue, run, failing)
        return issue
    if not failing:
        return None
    pack = current_pack()
    issue = _open(
        SYSTEM,
        pack,
        entry,
        None,
        _title(entry, rule, failing),
        rule=rule,
        kind=str(pack.quality.issue_kinds.v[0]),
        item=rule.columns[0] if rule.columns else "",
        opened_run=run,
        last_run=run,
        failing=failing,
        first_failing=failing,
    )
    issue.case = case_move(actor=SYSTEM, case=issue.case, move="found", given={})
    return issue


def _title(entry: Entry, rule: Rule, failing: int) -> str:
    """Titles are content, kept as written, in the words of the regulation."""
    if rule.kind == RuleKind.FRESH:
        return f"“{entry.name}”未按更新周期更新"
    items = (
        {item.name: item.label or item.name for item in entry.current.items.all()} if entry.current else {}
    )
    names = "、".join(items.get(column, column) for column in rule.columns)
    return f"“{entry.name}”有 {failing} 条记录不符合规则：{names}{KIND_WORDS[RuleKind(rule.kind)]}"


def _recount(issue: DataIssue, run: CheckRun | None, failing: int) -> None:
    issue.failing, issue.last_run = failing, run or issue.last_run
    issue.save(update_fields=["failing", "last_run"])
    event_append(
        actor=SYSTEM,
        type="quality.issue.rechecked",
        subject=("data_issue", issue.ref.hex, issue.case.title),
        unit=issue.entry.unit_id,
        case=issue.case_id,
        body={
            "batch": run.batch.number if run else None,
            "failing": failing,
            "first_failing": issue.first_failing,
        },
    )


@service("quality.issue_report", "POST", "/entries/{entry}/issues", summary="反馈问题数据")
def issue_report(
    *,
    actor: Actor,
    entry: str,
    unit: str,
    kind: str,
    description: str,
    item: str = "",
    records: list[str] | None = None,
    grant: str = "",
) -> DataIssue:
    """Report a problem seen while using data, for a unit. Its first recipient is the body the pack names.

    kind: one of the pack's `quality.issue_kinds`. item: the item it is about. records: keys of records, as the
    reporter knows them, at most 100. grant: the grant under which the data were got.
    """
    pack = current_pack()
    reporter = Unit.objects.filter(code=unit, active=True).first()
    if reporter is None:
        raise NotFound(_("没有编码为 %(code)s 的单位。") % {"code": unit}, field="unit")
    require(actor, "share.request", reporter)
    about = published_get(actor=actor, entry=entry)
    given = [str(r).strip() for r in records or [] if str(r).strip()]
    _check_report(pack, about, kind, description, item, given)
    issue = _open(
        actor,
        pack,
        about,
        reporter,
        f"“{about.name}”{kind}：{description.strip()[:60]}",
        kind=kind,
        item=item,
        description=description.strip(),
        records=given,
        grant_number=grant,
    )
    if loop.intake_direct(pack):
        issue.case = case_move(actor=SYSTEM, case=issue.case, move="found", given={})
    return issue


def _check_report(
    pack: Pack, entry: Entry, kind: str, description: str, item: str, records: list[str]
) -> None:
    node = pack.quality.issue_kinds
    wrong: dict[str, str] = {}
    if kind not in node.v:
        wrong["kind"] = _("问题类型应为：%(kinds)s。") % {"kinds": "、".join(node.v)}
    if not description.strip():
        wrong["description"] = _("请说明问题。")
    if item and entry.current and not entry.current.items.filter(name=item).exists():
        wrong["item"] = _("目录中没有信息项：%(names)s。") % {"names": item}
    if len(records) > RECORDS_MAX or any(len(r) > 200 for r in records):
        wrong["records"] = _("最多列出 100 条记录，每条不超过 200 字。")
    if wrong:
        raise Invalid("；".join(wrong.values()), fields=wrong, field=next(iter(wrong)), basis=node.basis)


def _open(
    actor: Actor, pack: Pack, entry: Entry, reporter: Unit | None, title: str, **stated: Any
) -> DataIssue:
    """Case, issue, event, and a copy to the body that takes reports in (PJ-26.2a)."""
    ref = uuid.uuid4()
    parties = {"provider": entry.unit}
    parties |= {role: unit for role in ("authority", "data_center") if (unit := body_unit(role))}
    if reporter:
        parties["demander"] = reporter
    case = case_open(
        actor=actor, procedure=loop.NAME, subject=("data_issue", ref.hex, title), parties=parties
    )
    issue = DataIssue.objects.create(
        ref=ref, case=case, entry=entry, reporter=reporter, opened_at=clock.now(), **stated
    )
    intake = pack.bodies.issue_intake
    basis = intake.basis | pack.quality.issue_kinds.basis
    if issue.rule and issue.rule.kind == RuleKind.FRESH:
        basis = pack.quality.freshness_rule.basis | basis
    event_append(
        actor=actor,
        type="quality.issue.opened",
        subject=("data_issue", ref.hex, title),
        unit=entry.unit_id,
        case=case.pk,
        basis=basis,
        pack=str(case.pack_version),
        body=issue.as_dict(),
    )
    first = parties.get(str(intake.v))
    if reporter and first and str(intake.v) not in (str(pack.bodies.issue_dispatcher.v), "provider"):
        Notice.objects.create(unit=first, case=case, kind=Notice.Kind.TURN)
    return issue
