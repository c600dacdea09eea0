"""Rules over a batch in one scan, the issues they open, and that doing it again changes nothing."""

from __future__ import annotations

from datetime import date

import pytest
from tests.sharing.conftest import under

from gongshu.casework.clocks import clocks_lapse
from gongshu.casework.selectors import case_show
from gongshu.casework.services import case_act
from gongshu.governance import checks
from gongshu.governance.checks import check_batch
from gongshu.governance.freshness import stale_find
from gongshu.governance.models import CheckRun, DataIssue, Rule
from gongshu.governance.selectors import entries_scored, failing_rows, issues_visible_to
from gongshu.governance.services import rule_change, rule_save, rules_generate
from gongshu.governance.vocabulary import dimensions
from gongshu.journal.models import Event
from gongshu.journal.services import SYSTEM
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed
from gongshu.packs import packs

from .conftest import BAD, GOOD

pytestmark = pytest.mark.django_db
ALL = pytest.mark.parametrize("county", sorted(packs()), indirect=True)


@ALL
def test_failing_rows_open_one_issue_for_each_rule_at_the_provider(county, table) -> None:
    entry, collect = table
    batch = collect(GOOD + BAD)
    run = check_batch(entry.code, batch.number)
    assert (run.rows, run.failed_rows) == (5, 4)
    found = {r.rule.code: r.failing for r in run.results.select_related("rule")}
    assert found == {"not_null:id_no": 1, "unique:id_no": 2, "check:id_no": 1, "fresh": 0}
    issues = DataIssue.objects.all()
    assert {(i.rule.code, i.failing) for i in issues} == {
        ("not_null:id_no", 1),
        ("unique:id_no", 2),
        ("check:id_no", 1),
    }
    for issue in issues:
        assert issue.case.state == "fixing" and issue.case.party("provider") == entry.unit
        clock = issue.case.clocks.get(name="fix")
        assert clock.owner_unit == entry.unit and clock.total == county.pack.quality.issue_fix_within.v["n"]
        assert clock.clauses == list(county.pack.quality.issue_fix_within.clauses)
    assert set(run.dimensions) <= set(dimensions(county.pack))


@under(zhangye=["ZY-35.2"])
def test_every_rule_belongs_to_a_dimension_and_scores_roll_up(county, table) -> None:
    entry, collect = table
    run = check_batch(entry.code, collect(GOOD + BAD).number)
    assert set(dimensions(county.pack)) == {"规范性", "准确性", "完整性", "一致性", "时效性"}
    assert all(rule.dimension in dimensions(county.pack) for rule in Rule.objects.all())
    # not_null 4/5; check digit 3/4; unique 2/4; fresh 1/1
    assert run.dimensions == {"完整性": 8000, "准确性": 7500, "一致性": 5000, "时效性": 10000}
    assert run.score == 7625
    assert entries_scored(county.people["provider_steward"]).get().score == 7625


def test_done_again_nothing_is_doubled(county, table, monkeypatch) -> None:
    entry, collect = table
    batch = collect(GOOD + BAD)

    def killed(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(checks, "_told", killed)
        with pytest.raises(KeyboardInterrupt):
            check_batch(entry.code, batch.number)
    assert not CheckRun.objects.exists() and not DataIssue.objects.exists()
    first = check_batch(entry.code, batch.number)
    assert check_batch(entry.code, batch.number) == first
    assert DataIssue.objects.count() == 3
    assert Event.objects.filter(type="quality.run.finished").count() == 1


def test_a_new_batch_brings_the_open_issue_up_to_date(county, table) -> None:
    entry, collect = table
    check_batch(entry.code, collect(GOOD + BAD).number)
    late = collect(GOOD + BAD[:1])
    check_batch(entry.code, late.number)
    assert DataIssue.objects.count() == 3
    now = {i.rule.code: (i.first_failing, i.failing) for i in DataIssue.objects.all()}
    assert now == {"not_null:id_no": (1, 0), "unique:id_no": (2, 0), "check:id_no": (1, 1)}
    superseded = collect(GOOD)
    collect(GOOD + BAD)
    assert check_batch(entry.code, superseded.number) is None  # its successor's own check follows


def test_a_rule_that_cannot_be_run_does_not_stop_the_others(county, table) -> None:
    entry, collect = table
    steward = county.people["provider_steward"]
    rule_save(actor=steward, entry=entry.code, kind="pattern", columns=["town"], params={"pattern": "(?=x)y"})
    other = county.entry()
    rule_save(
        actor=steward,
        entry=entry.code,
        kind="reference",
        columns=["town"],
        params={"entry": other.code, "column": "town"},
    )
    rule_save(
        actor=steward, entry=entry.code, kind="range", columns=["amount"], params={"min": "0", "max": "700"}
    )
    run = check_batch(entry.code, collect(GOOD).number)
    errors = {r.rule.kind: r.error for r in run.results.select_related("rule") if r.error}
    assert set(errors) == {"pattern", "reference"}
    assert run.results.get(rule__kind="range").failing == 1


def test_failing_rows_are_masked_for_others(county, table) -> None:
    entry, collect = table
    run = check_batch(entry.code, collect(GOOD + BAD).number)
    rule = Rule.objects.get(code="check:id_no")
    assert failing_rows(county.people["provider_steward"], run, rule) == [{"id_no": "110101199003070012"}]
    assert failing_rows(county.people["data_center_reviewer"], run, rule) == [{"id_no": "110101********0012"}]


def test_failing_rows_without_a_key_are_found_by_row_number(county, tmp_path) -> None:
    from gongshu.catalog.models import Item

    from .conftest import collected

    entry = county.entry()
    rule_save(
        actor=county.people["provider_steward"],
        entry=entry.code,
        kind="code_list",
        columns=["town"],
        params={"values": ["城关镇"]},
    )
    assert Item.objects.filter(version=entry.current, is_key=True).exists()
    from gongshu.governance import checks as module

    keyless = module._keys
    module._keys = lambda *_given: []
    try:
        run = check_batch(entry.code, collected(entry, tmp_path, GOOD).number)
    finally:
        module._keys = keyless
    rule = Rule.objects.get(kind="code_list")
    assert failing_rows(county.people["provider_steward"], run, rule) == [{"town": "大满镇"}]


def test_a_changed_rule_and_its_effect_on_the_score_are_traceable(county, table) -> None:
    entry, collect = table
    steward = county.people["provider_steward"]
    rule = rule_save(actor=steward, entry=entry.code, kind="range", columns=["amount"], params={"max": "700"})
    first = check_batch(entry.code, collect(GOOD).number)
    rule_change(actor=steward, entry=entry.code, code=rule.code, params={"max": "900"})
    second = check_batch(entry.code, collect(GOOD).number)
    found = [(r.rule_version, r.failing) for run in (first, second) for r in run.results.filter(rule=rule)]
    assert found == [(1, 1), (2, 0)] and first.score < second.score
    told = Event.objects.get(type="quality.rule.changed")
    assert told.body["before"]["params"] == {"max": "700"} and told.body["params"] == {"max": "900"}


def test_rules_change_by_version(county, table) -> None:
    entry, _collect = table
    assert rules_generate(SYSTEM, entry) == 4 and rules_generate(SYSTEM, entry) == 0
    steward = county.people["provider_steward"]
    with pytest.raises(NotAllowed):
        rule_save(
            actor=county.people["demander_steward"], entry=entry.code, kind="not_null", columns=["name"]
        )
    for wrong in (
        {"kind": "not_null", "columns": ["nothing"]},
        {"kind": "pattern", "columns": ["name"], "params": {"pattern": "["}},
        {"kind": "code_list", "columns": ["name"]},
        {"kind": "magic", "columns": ["name"]},
        {"kind": "range", "columns": ["amount"], "params": {"min": "9", "max": "1"}},
        {"kind": "fresh", "columns": [], "params": {"days": 0}},
        {"kind": "check", "columns": ["name"], "params": {}},
        {"kind": "not_null", "columns": ["name", "town"]},
        {"kind": "not_null", "columns": ["name"], "dimension": "美观"},
        {"kind": "reference", "columns": ["name"], "params": {"entry": "none", "column": "x"}},
    ):
        with pytest.raises(Invalid):
            rule_save(actor=steward, entry=entry.code, **wrong)
    rule = rule_save(actor=steward, entry=entry.code, kind="not_null", columns=["name"])
    again = rule_save(actor=steward, entry=entry.code, kind="not_null", columns=["name"])
    assert again.code == "not_null:name#2"
    changed = rule_change(actor=steward, entry=entry.code, code=rule.code, active=False)
    assert (changed.version, changed.active) == (2, False)
    assert rule_change(actor=steward, entry=entry.code, code=rule.code, active=False).version == 2
    assert Event.objects.filter(type="quality.rule.changed").count() == 1


@under(pujiang=["PJ-25"], xinchang=["XC-3.4"])
def test_data_that_do_not_come_in_time_open_an_issue(county, table, day) -> None:
    entry, collect = table
    day("2026-11-23")
    check_batch(entry.code, collect(GOOD).number)
    day("2026-11-25")
    assert stale_find() == 0
    day("2026-11-26")
    assert stale_find() == 1 and stale_find() == 0
    issue = DataIssue.objects.get()
    assert issue.rule.kind == "fresh" and issue.case.state == "fixing"
    assert [t.unit for t in issue.case.turns.filter(role="provider")] == [entry.unit]
    check_batch(entry.code, collect(GOOD).number)
    issue.refresh_from_db()
    assert issue.failing == 0 and issue.open


@under(pujiang=["PJ-26.3a"])
def test_the_limit_counts_working_days_only(county, table, day) -> None:
    entry, collect = table
    day("2026-09-24")  # the day before Mid-Autumn: 25 to 27 September are off, and 1 to 7 October
    check_batch(entry.code, collect(GOOD + BAD[:1]).number)
    assert DataIssue.objects.get().case.clocks.get().due_on > date(2026, 9, 30)


def act(county, issue, who: str, move: str, **given):
    issue.case = case_act(actor=county.people[who], case=issue.case.number, move=move, given=given)
    return issue.case


@under(pujiang=["PJ-26.1"], xinchang=["XC-4.2c", "XC-4.4a"])
def test_found_fed_back_fixed_verified(county, table) -> None:
    entry, collect = table
    check_batch(entry.code, collect(GOOD + BAD[:1]).number)
    issue = DataIssue.objects.get()
    assert "pass" not in {m for t in issue.case.turns.all() for m in t.moves}
    act(county, issue, "provider_steward", "locate", note="窗口录入")
    act(county, issue, "provider_steward", "fixed", measure="已更正")
    with pytest.raises(NotAllowed):
        act(county, issue, "provider_steward", "pass")
    assert act(county, issue, "authority_reviewer", "back", reason="仍有一条").state == "fixing"
    act(county, issue, "provider_steward", "fixed", measure="已全部更正")
    case = act(county, issue, "authority_reviewer", "pass")
    issue.refresh_from_db()
    assert (case.outcome, issue.open) == ("fixed", False)
    with pytest.raises(Conflict):  # archived: read-only, and every step can be read
        act(county, issue, "provider_steward", "fixed", measure="再改")
    steps = case_show(actor=county.people["authority_reviewer"], case=case.number)["events"]
    made = [e["body"]["move"] for e in steps if e["type"] == "case.moved"]
    assert made == ["found", "locate", "fixed", "back", "fixed", "pass"]
    check_batch(entry.code, collect(GOOD + BAD[:1]).number)
    assert DataIssue.objects.count() == 2  # found again, opened again


@under(pujiang=["PJ-26.3b", "PJ-26.3c"])
def test_extension_needs_approval_and_urgency_sets_its_own_limit(county, table, day) -> None:
    entry, collect = table
    day("2026-11-23")
    check_batch(entry.code, collect(GOOD + BAD[:1]).number)
    issue = DataIssue.objects.get()
    due = lambda: issue.case.clocks.get(name="fix").due_on  # noqa: E731
    assert due() == date(2026, 11, 30)
    act(county, issue, "provider_steward", "request_extension", reason="须逐户核对")
    assert due() == date(2026, 11, 30)
    act(county, issue, "authority_reviewer", "deny_extension", opinion="可以按期完成")
    assert due() == date(2026, 11, 30)
    act(county, issue, "provider_steward", "request_extension", reason="须逐户核对")
    act(county, issue, "authority_reviewer", "approve_extension")
    assert due() == date(2026, 12, 14)  # fifteen working days in all, counted from receipt
    with pytest.raises(Exception, match="不能再申请延期"):
        act(county, issue, "provider_steward", "request_extension", reason="还要更久")
    act(county, issue, "authority_reviewer", "urge", due_on="2026-11-25", reason="业务急需")
    assert due() == date(2026, 11, 25)
    told = Event.objects.get(type="case.moved", body__move="urge")
    assert told.actor_name == "authority_reviewer" and told.body["given"]["reason"] == "业务急需"
    day("2026-11-26")
    assert clocks_lapse() == 1


@under(zhangye=["ZY-36.3"], chongming=[], pujiang=[])
def test_cause_and_measure_are_mandatory_where_the_text_says_so(county, table) -> None:
    entry, collect = table
    check_batch(entry.code, collect(GOOD + BAD[:1]).number)
    issue = DataIssue.objects.get()
    with pytest.raises(Invalid) as refusal:
        act(county, issue, "provider_steward", "fixed")
    expected = {"measure"} if county.pack.id == "pujiang" else {"cause", "measure"}
    assert set(refusal.value.fields) == expected


def test_issues_are_seen_by_those_concerned(county, table) -> None:
    entry, collect = table
    check_batch(entry.code, collect(GOOD + BAD[:1]).number)
    for who, sees in (
        ("provider_steward", True),
        ("data_center_reviewer", True),
        ("stranger_steward", False),
    ):
        assert issues_visible_to(county.people[who]).exists() is sees
