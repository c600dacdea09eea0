"""The pages of governance, as provider, reviewer and user of data see them."""

from __future__ import annotations

import pytest
from tests.sharing.conftest import under
from tests.sharing.test_pages import browse, text

from gongshu.governance.checks import check_batch
from gongshu.governance.models import DataIssue, Rule

from .conftest import BAD, GOOD

pytestmark = pytest.mark.django_db


def test_scores_runs_and_failing_rows(county, table) -> None:
    entry, collect = table
    batch = collect(GOOD + BAD)
    check_batch(entry.code, batch.number)
    provider = browse(county, "provider_steward")
    assert "76.25%" in text(provider.get("/governance/"))
    assert b"".join(provider.get("/governance/?format=xlsx").streaming_content)[:2] == b"PK"
    rule = Rule.objects.get(code="check:id_no")
    there = f"/governance/runs/{batch.number}/?rule={rule.pk}"
    assert "110101199003070012" in text(provider.get(there))
    overseer = text(browse(county, "data_center_reviewer").get(there))
    assert "110101********0012" in overseer and "110101199003070012" not in overseer
    assert "脱敏" in overseer
    assert browse(county, "stranger_steward").get(there).status_code == 404
    issue = DataIssue.objects.get(rule=rule)
    assert "110101199003070012" in text(provider.get(f"/cases/{issue.case.number}/"))
    assert issue.case.number in text(provider.get("/governance/issues/"))
    tab = text(provider.get(f"/catalog/entries/{entry.code}/?tab=quality"))
    assert issue.case.number in tab and "校验位" not in tab.partition("<h1")[0]


@under(putuo=["PT-20.2a"])
def test_the_board_shows_volume_quality_and_freshness(county, table) -> None:
    entry, collect = table
    check_batch(entry.code, collect(GOOD + BAD).number)
    board = text(browse(county, "data_center_reviewer").get("/governance/"))
    row = board.partition(entry.code)[2].partition("</tr>")[0]
    assert ">5<" in row.replace(" ", "") and "%" in row and "按期" in row


@under(zhangye=["ZY-34"])
def test_users_of_late_data_see_that_they_are_late(county, table, day) -> None:
    from gongshu.governance.freshness import stale_find
    from gongshu.sharing.models import Grant

    entry, collect = table
    day("2026-11-23")
    check_batch(entry.code, collect(GOOD).number)
    county.to_provision(county.ask(entry))
    there = f"/sharing/grants/{Grant.objects.get().number}/"
    user = browse(county, "demander_steward")
    assert "超出更新周期" not in text(user.get(there))
    day("2026-11-26")
    assert stale_find() == 1
    page = text(user.get(there))
    assert 'gs-badge-red">超出更新周期' in page and "1 个问题正在整改" in page


def test_rules_are_added_and_changed_on_a_page(county, table) -> None:
    entry, collect = table
    check_batch(entry.code, collect(GOOD).number)
    provider = browse(county, "provider_steward")
    base = f"/governance/entries/{entry.code}/rules"
    assert "由信息项生成" in text(provider.get(base))
    blank = {"columns": ["town"], "pattern": "[", "severity": "warning", "dimension": ""}
    assert "正则表达式" in text(provider.post(f"{base}/new?kind=pattern", blank), 422)
    text(provider.post(f"{base}/new?kind=pattern", blank | {"pattern": ".+镇"}, follow=True))
    rule = Rule.objects.get(kind="pattern")
    assert rule.params == {"pattern": ".+镇"} and rule.severity == "warning"
    text(provider.post(f"{base}/{rule.pk}", blank | {"pattern": ".+(镇|街道)", "active": "on"}, follow=True))
    rule.refresh_from_db()
    assert (rule.version, rule.active) == (2, True)
    assert browse(county, "demander_steward").get(f"{base}/new").status_code == 403
    assert "添加规则" not in text(browse(county, "demander_steward").get(base))


@under(zhangye=["ZY-36.1"], pujiang=["PJ-26.2a"], xinchang=["XC-4.3b", "XC-4.3c"], putuo=[], chongming=[])
def test_a_user_reports_in_place_and_the_first_recipient_is_the_packs(county, table) -> None:
    entry, _collect = table
    user = browse(county, "demander_steward")
    there = f"/governance/entries/{entry.code}/report?grant=SQ-1"
    page = text(user.get(there))
    kind = county.pack.quality.issue_kinds.v[0]
    given = {
        "unit": "demander",
        "kind": kind,
        "item": "amount",
        "description": "",
        "records": "110101199003070011\n\n",
    }
    assert "请说明问题" in text(user.post(there, given), 422)
    page = text(user.post(there, given | {"description": "金额与通知书不符"}, follow=True))
    issue = DataIssue.objects.get()
    assert issue.case.number in page and "金额与通知书不符" in page
    assert (issue.records, issue.grant_number, issue.item) == (["110101199003070011"], "SQ-1", "amount")
    first = {"pujiang": "authority", "xinchang": "authority", "chongming": "provider"}.get(
        county.pack.id, "data_center"
    )
    assert [t.unit.code for t in issue.case.turns.all()] == [first]
    if county.pack.id == "pujiang":  # copied to the data center the text names
        assert issue.case.notices.filter(unit__code="data_center").exists()
    if county.pack.id == "xinchang":  # the platform proposes the source unit, the authority confirms
        boss = browse(county, "authority_reviewer")
        text(boss.post(f"/cases/{issue.case.number}/moves/dispatch", {}, follow=True))
        issue.case.refresh_from_db()
        assert issue.case.state == "fixing" and issue.case.party("provider") == entry.unit


@under(pujiang=["PJ-26.2b"], xinchang=["XC-4.4b"])
def test_an_infringement_suspends_use_until_it_is_resolved(county, table) -> None:
    from gongshu.casework.services import case_act
    from gongshu.governance.services import issue_report
    from gongshu.sharing.models import Grant

    entry, _collect = table
    county.to_provision(county.ask(entry))
    grant = Grant.objects.get()
    issue = issue_report(
        actor=county.people["demander_steward"],
        entry=entry.code,
        unit="demander",
        kind=county.pack.quality.issue_kinds.v[-1],
        description="包含未经同意的联系方式",
    )
    act = lambda who, move, **given: case_act(  # noqa: E731
        actor=county.people[who], case=issue.case.number, move=move, given=given
    )
    act("authority_reviewer", "dispatch", suspend=True)
    grant.refresh_from_db()
    assert (grant.state, grant.hold) == ("suspended", issue.case.number)
    act("provider_steward", "fixed", measure="已删除")
    case = act("authority_reviewer", "pass")
    grant.refresh_from_db()
    assert (grant.state, grant.hold) == ("active", "")
    assert case.party("demander").code == "demander"


@under(chongming=["CM-13.3"])
def test_a_bad_record_is_traced_to_its_source_and_its_users(county, table) -> None:
    from gongshu.casework.selectors import notices_for
    from gongshu.casework.services import case_act
    from gongshu.sharing.models import Grant

    entry, collect = table
    county.to_provision(county.ask(entry))
    assert Grant.objects.get().state == "active"
    batch = collect(GOOD + BAD[:1])
    check_batch(entry.code, batch.number)
    issue = DataIssue.objects.get()
    page = text(browse(county, "provider_steward").get(f"/cases/{issue.case.number}/"))
    assert batch.number in page and "demander单位" in page and "来源系统" in page
    for who, move, given in (
        ("provider_steward", "fixed", {"cause": "录入差错", "measure": "已更正"}),
        ("authority_reviewer", "pass", {}),
    ):
        case_act(actor=county.people[who], case=issue.case.number, move=move, given=given)
    told = notices_for(county.people["demander_steward"]).filter(case=issue.case)
    assert [n.kind for n in told] == ["decided"]
    page = text(browse(county, "demander_steward").get(f"/cases/{issue.case.number}/"))
    assert "有问题的记录" not in page  # told of the correction, shown none of the rows


@under(zhangye=["ZY-36.2"], pujiang=[])
def test_open_issues_stand_on_the_dispatchers_board(county, table) -> None:
    entry, collect = table
    check_batch(entry.code, collect(GOOD + BAD[:1]).number)
    issue = DataIssue.objects.get()
    board = text(browse(county, "data_center_reviewer").get("/governance/issues/?stage=open"))
    assert issue.case.number in board and "待提供单位整改" in board and "工作日" in board


def test_english(county, table) -> None:
    entry, collect = table
    check_batch(entry.code, collect(GOOD + BAD).number)
    browser = browse(county, "provider_steward", "en")
    for there in ("/governance/", "/governance/issues/", f"/governance/entries/{entry.code}/rules"):
        assert "Quality" in text(browser.get(there)) or "issue" in text(browser.get(there))
