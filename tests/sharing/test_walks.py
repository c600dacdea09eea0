"""Requests through the services: the five topologies to a grant and to a refusal, and everything a rule forbids."""

from __future__ import annotations

from datetime import date

import pytest
from django.db import IntegrityError, connection, transaction

from gongshu.casework.clocks import clocks_lapse
from gongshu.casework.models import Notice
from gongshu.casework.selectors import turns_for
from gongshu.journal.models import Event
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed, Refused
from gongshu.packs import packs
from gongshu.sharing import serving
from gongshu.sharing.models import Grant, ShareRequest
from gongshu.sharing.services import grant_resume, grant_revoke, grant_suspend, grants_expire

from .conftest import under

pytestmark = pytest.mark.django_db
ALL = pytest.mark.parametrize("county", sorted(packs()), indirect=True)
GROUND = {"rank": "法律", "document": "某某法", "article": "第三条"}


def gate_state(grant: Grant) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT state FROM gate.grant_ WHERE grant_no = %s", [grant.number])
        return cursor.fetchone()[0]


@ALL
def test_a_conditional_request_ends_in_a_confirmed_delivery(county, day) -> None:
    day("2026-11-23")
    request = county.ask(county.entry())
    assert not request.grants.exists()
    assert county.to_provision(request).state == "provision"
    grant = request.grants.get()
    assert gate_state(grant) == "active"
    issued = Event.objects.get(type="grant.issued")
    assert issued.body["spec_hash"] == grant.spec_hash and issued.clauses == list(
        county.pack.share.conditional_flow.clauses
    )
    assert serving.provided(request.entry) == 1
    county.called(grant, status=403, rows=0)
    assert serving.deliveries_record() == 0
    county.called(grant)
    assert serving.deliveries_record() == 1
    assert serving.deliveries_record() == 0
    assert Event.objects.filter(type="delivery.recorded").count() == 1
    case = county.act(request, "demander_steward", "confirm")
    assert (case.state, case.outcome) == ("confirmed", "confirmed")
    assert not case.clocks.filter(ended_at__isnull=True).exists()
    assert gate_state(grant) == "active"  # confirming receipt ends the case, not the grant


REFUSERS = {
    "pujiang": (["accept"], "authority_reviewer"),
    "putuo": ([], "authority_reviewer"),
    "zhangye": (["accept", "take_in"], "data_center_reviewer"),
    "xinchang": ([], "authority_reviewer"),
    "chongming": ([], "authority_reviewer"),
}


@under(pujiang=["PJ-30.3b"], putuo=[], zhangye=[], xinchang=[], chongming=[])
def test_a_refusal_is_reviewed_and_stands(county) -> None:
    request = county.ask(county.entry())
    before, reviewer = REFUSERS[county.pack.id]
    for move in before:
        county.act(request, "provider_reviewer" if move == "take_in" else reviewer, move)
    assert (
        county.act(request, "provider_reviewer", "refuse", basis=GROUND, reason="涉及在办案件").state
        == "refusal_review"
    )
    state = request.case.clocks.filter(name="reply").get().state
    assert state == "met"
    uphold = next(m for m in ("uphold_consult", "uphold_reply", "uphold_review") if _has(request.case, m))
    case = county.act(request, reviewer, uphold, opinion="依据成立")
    assert (case.state, case.outcome) == ("refused", "refused")
    request.refresh_from_db()
    assert request.refused and request.refusal["document"] == "某某法" and not request.open
    assert not Grant.objects.exists()


def _has(case, move: str) -> bool:
    from gongshu.casework.selectors import procedure_for

    return any(m.name == move for m in procedure_for(case).moves_from(case.state))


@under(pujiang=["PJ-30.3b"], putuo=[], zhangye=[], xinchang=[], chongming=[])
def test_an_overturned_refusal_goes_on(county) -> None:
    request = county.ask(county.entry())
    before, reviewer = REFUSERS[county.pack.id]
    for move in before:
        county.act(request, "provider_reviewer" if move == "take_in" else reviewer, move)
    county.act(request, "provider_reviewer", "refuse", basis=GROUND, reason="不便提供")
    overturn = next(
        m for m in ("overturn_consult", "overturn_reply", "overturn_review") if _has(request.case, m)
    )
    case = county.act(request, reviewer, overturn, opinion="依据不适用")
    assert case.state == {"pujiang": "decide", "putuo": "review", "zhangye": "provision"}.get(
        county.pack.id, "grant"
    )
    request.refresh_from_db()
    assert request.overturned[0]["document"] == "某某法" and request.refusal == {}
    if county.pack.id == "putuo":  # both are asked again, and the same ground does not serve twice
        assert set(case.pending) == {"authority", "provider"}
        with pytest.raises(Refused, match="不能再次"):
            county.act(request, "provider_reviewer", "refuse", basis=GROUND, reason="不便提供")


@under(putuo=["PT-22.2b", "PT-22.2c"])
def test_joint_review_needs_both_and_the_data_center_grants(county) -> None:
    request = county.ask(county.entry())
    assert county.act(request, "provider_head", "agree").state == "review"
    assert (
        request.case.clocks.get(name="reply").state == "met"
    )  # the provider is not late when the authority is
    assert not request.grants.exists()
    with pytest.raises(Conflict):
        county.act(request, "provider_reviewer", "agree")
    county.act(request, "authority_reviewer", "approve")
    assert request.case.state == "grant"
    with pytest.raises(NotAllowed):
        county.act(request, "authority_reviewer", "grant")
    county.act(request, "data_center_reviewer", "grant")
    assert request.grants.get().state == "active"


@under(pujiang=["PJ-17"])
def test_single_intake_and_two_people_at_the_grant(county) -> None:
    request = county.ask(county.entry())
    assert [t.unit.code for t in request.case.turns.all()] == ["authority"]
    county.act(request, "authority_reviewer", "accept")
    county.act(request, "provider_reviewer", "agree")
    county.act(request, "authority_reviewer", "approve")
    with pytest.raises(NotAllowed, match="不同人员"):
        county.act(request, "authority_reviewer", "grant")
    county.act(request, "authority_reviewer2", "grant")


@under(zhangye=["ZY-23"])
def test_both_parties_get_a_task(county) -> None:
    request = county.ask(county.entry())
    for who in ("data_center_reviewer", "provider_reviewer"):
        assert [t.case_id for t in turns_for(county.people[who])] == [request.case.pk]


@under(zhangye=["ZY-24.2"], pujiang=["PJ-30.3a"])
def test_an_unanswered_request_is_overdue_and_escalated(county, day) -> None:
    day("2026-11-23")
    request = county.ask(county.entry())
    if county.pack.id == "pujiang":
        county.act(request, "authority_reviewer", "accept")
    clock = request.case.clocks.get(name="reply")
    assert (clock.owner_unit.code, clock.due_on) == ("provider", date(2026, 11, 30))
    day("2026-11-30")
    assert clocks_lapse() == 0
    day("2026-12-01")
    assert clocks_lapse() == 1 and clocks_lapse() == 0
    told = set(Notice.objects.filter(kind="overdue").values_list("unit__code", flat=True))
    assert {"provider", {"zhangye": "data_center", "pujiang": "authority"}[county.pack.id]} <= told
    assert Event.objects.filter(type="clock.lapsed", case_id=request.case.pk).count() == 1


@under(zhangye=["ZY-25"])
def test_silence_confirms_and_says_it_was_automatic(county, day) -> None:
    day("2026-11-23")
    request = county.ask(county.entry("unconditional"))
    serving.provided(request.entry)
    county.called(request.grants.get())
    serving.deliveries_record()
    day("2026-12-02")  # seven working days after 23 November
    assert clocks_lapse() == 0
    day("2026-12-03")
    assert clocks_lapse() == 1
    request.case.refresh_from_db()
    assert (request.case.state, request.case.outcome) == ("auto_confirmed", "auto_confirmed")
    moved = Event.objects.filter(type="case.moved", body__move="auto_confirm").get()
    assert moved.via == "system" and moved.actor_id is None and "ZY-25" in moved.clauses


@ALL
def test_unconditional_data_are_granted_at_once(county) -> None:
    request = county.ask(county.entry("unconditional"))
    assert request.case.state == "provision"
    assert gate_state(request.grants.get()) == "active"
    moved = Event.objects.get(type="case.moved", body__move="auto_grant")
    assert moved.via == "system"
    assert moved.clauses == list(county.pack.share.unconditional_grant.clauses)


@under(putuo=["PT-22.2a"], zhangye=["ZY-24.1", "ZY-15.4"])
def test_no_person_stands_between_unconditional_data_and_its_user(county) -> None:
    request = county.ask(county.entry("unconditional"))
    people = Event.objects.filter(case_id=request.case.pk, actor_id__isnull=False).exclude(
        actor_id=county.people["demander_steward"].account_id
    )
    assert not people.exists() and request.grants.get().state == "active"


@ALL
def test_data_that_are_not_shared_are_refused_with_their_ground(county) -> None:
    with pytest.raises(Refused, match="社会救助法第十条") as refusal:
        county.ask(county.entry("none"))
    assert refusal.value.code == "not_shared"
    for way in county.pack.share.masked_alternative.v:
        assert way in str(refusal.value)
    assert not ShareRequest.objects.exists()


@ALL
def test_a_refusal_needs_a_ground_of_an_accepted_rank(county) -> None:
    request = county.ask(county.entry())
    before, reviewer = REFUSERS[county.pack.id]
    for move in before:
        county.act(request, "provider_reviewer" if move == "take_in" else reviewer, move)
    for wrong in (
        {},
        {"reason": "不便"},
        {"reason": "不便", "basis": {"rank": "部门内部规定", "document": "某通知", "article": "一"}},
        {"reason": "不便", "basis": {"rank": "法律", "document": "", "article": ""}},
    ):
        with pytest.raises(Invalid) as refusal, transaction.atomic():
            county.act(request, "provider_reviewer", "refuse", **wrong)
        assert "basis" in refusal.value.fields
        assert refusal.value.basis.clauses == tuple(county.pack.share.refusal_basis.clauses)
    with pytest.raises(IntegrityError), transaction.atomic():
        ShareRequest.objects.filter(pk=request.pk).update(refused=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        ShareRequest.objects.filter(pk=request.pk).update(
            refused=True, refusal={"rank": "口头通知", "document": "x", "article": "y"}
        )


@under(pujiang=["PJ-30.2a"], putuo=["PT-21.2a"], zhangye=["ZY-24.4", "ZY-22.2"])
def test_without_a_citation_a_refusal_cannot_be_saved(county) -> None:
    test_a_refusal_needs_a_ground_of_an_accepted_rank(county)
    departmental = {"rank": "规章", "document": "某部门规章", "article": "第一条"}
    request = ShareRequest.objects.get()
    if county.pack.id == "zhangye":
        with pytest.raises(Invalid, match="效力层级"):
            county.act(request, "provider_reviewer", "refuse", basis=departmental, reason="规章规定")
    else:
        county.act(request, "provider_reviewer", "refuse", basis=departmental, reason="规章规定")


@under(chongming=["CM-17"])
def test_a_condition_the_entry_does_not_state_is_refused(county) -> None:
    request = county.ask(county.entry())
    with pytest.raises(Refused, match="不得增设") as refusal:
        county.act(request, "provider_reviewer", "agree", conditions="不得留存\n须每月现场核对")
    assert refusal.value.field == "conditions" and refusal.value.basis.clauses == ("CM-17",)
    county.act(request, "provider_reviewer", "agree", conditions="仅用于行政审批核验")
    request.refresh_from_db()
    assert request.reply["conditions"] == "仅用于行政审批核验"


@under(zhangye=["ZY-24.3"])
def test_the_grant_equals_the_reply(county) -> None:
    scope = [{"item": "town", "op": "in", "value": ["城关镇", "大满镇"]}]
    request = county.ask(county.entry(), scope=scope, per_day=500, valid_to=date(2027, 6, 30))
    county.act(request, "data_center_reviewer", "accept")
    county.act(request, "provider_reviewer", "take_in")
    county.act(
        request,
        "provider_reviewer",
        "agree",
        items=["id_no", "name"],
        masks={"name": "hide"},
        valid_to="2027-03-31",
        per_day=100,
    )
    grant = request.grants.get()
    assert [c["name"] for c in grant.spec["columns"]] == ["id_no", "name"]
    assert grant.masks == {"id_no": "keep", "name": "hide"}
    assert grant.spec["where_sql"] == '"town" IN (($1::text)::text, ($2::text)::text)'
    assert grant.spec["where_params"] == ["城关镇", "大满镇"]
    assert grant.spec["quota"]["per_day"] == 100
    assert grant.valid_to.isoformat().startswith("2027-03-31T16:00")  # the end of the day in Shanghai


def test_a_reply_cannot_widen_the_request(county) -> None:
    request = county.ask(county.entry(), per_day=10)
    county.act(request, "data_center_reviewer", "accept")
    county.act(request, "provider_reviewer", "take_in")
    for wrong in (
        {"items": ["town"]},
        {"modes": ["page"]},
        {"masks": {"town": "hide"}},
        {"masks": {"amount": "phone"}},
        {"per_day": 11},
        {"masks": {"id_no": "hide"}},
        {"valid_to": "2099-01-01"},
    ):
        with pytest.raises(Invalid):
            county.act(request, "provider_reviewer", "agree", **wrong)


def test_return_pauses_the_reply_clock_and_amending_resumes_it(county, day) -> None:
    from gongshu.sharing.services import share_request_amend

    day("2026-11-23")
    request = county.ask(county.entry())
    case = county.act(request, "data_center_reviewer", "return", gaps="履职依据应写明条款；场景过宽")
    assert case.state == "returned" and case.clocks.get(name="reply").state == "paused"
    day("2026-11-26")
    with pytest.raises(Invalid):
        share_request_amend(
            actor=county.people["demander_steward"], case=case.number, note="已补", duty_basis=" "
        )
    request = share_request_amend(
        actor=county.people["demander_steward"],
        case=case.number,
        note="已补正",
        duty_basis="《条例》第九条第二款",
    )
    clock = request.case.clocks.get(name="reply")
    assert request.duty_basis.endswith("第二款") and clock.state == "running"
    assert clock.due_on == date(2026, 12, 3)  # three working days stood still


def test_the_same_request_twice_is_told_so_and_may_be_made_again_after_withdrawal(county) -> None:
    entry = county.entry()
    request = county.ask(entry)
    with pytest.raises(Conflict):
        county.ask(entry)
    county.ask(entry, purpose="核验残疾人补贴资格")
    county.act(request, "demander_steward", "withdraw")
    county.ask(entry)


def test_revoking_suspending_and_expiry(county, day) -> None:
    day("2026-11-23")
    request = county.ask(county.entry("unconditional"), valid_to=date(2026, 12, 1))
    grant = request.grants.get()
    reviewer = county.people["data_center_reviewer"]
    with pytest.raises(NotAllowed):
        grant_revoke(actor=county.people["demander_steward"], grant=grant.number, reason="x")
    with pytest.raises(Invalid):
        grant_revoke(actor=reviewer, grant=grant.number, reason=" ")
    grant_suspend(actor=reviewer, grant=grant.number, reason="核查调用异常")
    assert gate_state(grant) == "suspended"
    grant_resume(actor=reviewer, grant=grant.number, reason="已查清")
    assert gate_state(grant) == "active"
    day("2026-12-01")
    assert grants_expire() == 0
    day("2026-12-02")
    assert grants_expire() == 1 and grants_expire() == 0
    grant.refresh_from_db()
    request.case.refresh_from_db()
    assert grant.state == "expired" and gate_state(grant) == "revoked" and request.case.outcome == "ended"
    again = county.ask(request.entry)
    grant_revoke(actor=county.people["provider_reviewer"], grant=again.grants.get().number, reason="违规使用")
    again.case.refresh_from_db()
    assert again.case.state == "ended" and gate_state(again.grants.get()) == "revoked"


def test_an_objection_is_put_right_and_delivered_again(county) -> None:
    request = county.ask(county.entry("unconditional"))
    grant = request.grants.get()
    serving.provided(request.entry)
    county.called(grant)
    serving.deliveries_record()
    county.act(request, "demander_steward", "object", problem="金额单位不对")
    county.act(request, "provider_reviewer", "redeliver", measure="已换算为元")
    serving.provided(request.entry)
    assert serving.deliveries_record() == 0  # calls before the objection do not count
    county.called(grant)
    assert serving.deliveries_record() == 1
    assert grant.deliveries.count() == 2


def test_a_sensitive_key_is_not_read_page_by_page_without_anybody_deciding(county) -> None:
    with pytest.raises(Invalid) as refusal:
        county.ask(county.entry("unconditional"), modes=["key", "page"])
    assert "modes" in refusal.value.fields
    request = county.ask(county.entry(), modes=["key", "page"])
    county.act(request, "data_center_reviewer", "accept")
    county.act(request, "provider_reviewer", "take_in")
    county.act(request, "provider_reviewer", "agree", modes=["page"], masks={"id_no": "id_card"})
    spec = request.grants.get().spec
    assert (spec["modes"], spec["keys"]) == (["page"], [])
