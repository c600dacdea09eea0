"""Filing a change of steward or head, and the recurring review of the data-security policy."""

from __future__ import annotations

from datetime import date

import pytest

from gongshu.casework.clocks import clocks_lapse
from gongshu.casework.models import ClockState
from gongshu.casework.selectors import turns_for
from gongshu.casework.services import case_act
from gongshu.duty import services
from gongshu.journal.services import Actor
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed, Refused
from gongshu.org.models import Post, Unit
from gongshu.org.policy import may
from gongshu.org.services import post_assign, post_end

pytestmark = pytest.mark.django_db


def filed(place, effective: date, **given):
    asked = {"unit": "mz", "kind": "steward", "incoming": "newcomer", "effective": effective, **given}
    return services.steward_change(actor=place.actors["mz_head"], **asked)


def can_edit(actor: Actor) -> bool:
    return may(actor, "catalog.edit", Unit.objects.get(code="mz"))


@pytest.mark.clause("ZY-5.4b")
def test_a_change_filed_late_is_accepted_marked_late_and_switches_on_its_day(place, day) -> None:
    case = filed(place, date(2026, 4, 13))  # the third working day from Wednesday, 8 April
    clock = case.clocks.get()
    assert (clock.state, clock.due_on, clock.clauses) == (ClockState.LAPSED, date(2026, 4, 3), ["ZY-5.4b"])
    assert [t.case_id for t in turns_for(place.actors["auth_reviewer"])] == [case.pk]
    case_act(actor=place.actors["auth_reviewer"], case=case.number, move="approve")
    old, new = place.actors["mz_steward"], place.actors["newcomer"]
    for text, holder in (("2026-04-12", old), ("2026-04-13", new)):
        day(text)
        assert (can_edit(old), can_edit(new)) == (holder is old, holder is new), text


@pytest.mark.clause("ZY-5.4b")
def test_a_change_filed_five_working_days_ahead_is_in_time(place) -> None:
    clock = filed(place, date(2026, 4, 15)).clocks.get()
    assert (clock.state, clock.due_on, clock.direction) == (ClockState.MET, date(2026, 4, 8), "before")


def test_where_the_text_asks_for_no_notice_there_is_no_clock(place, settings) -> None:
    settings.GONGSHU_PACK = "putuo"
    case = filed(place, date(2026, 4, 9))
    assert not case.clocks.exists()
    assert (
        case_act(actor=place.actors["auth_reviewer"], case=case.number, move="approve").outcome == "approved"
    )


def test_a_change_refused_changes_nothing(place, day) -> None:
    case = filed(place, date(2026, 4, 20))
    with pytest.raises(Invalid):
        case_act(actor=place.actors["auth_reviewer"], case=case.number, move="refuse")
    case_act(
        actor=place.actors["auth_reviewer"], case=case.number, move="refuse", given={"reason": "材料不全"}
    )
    day("2026-04-21")
    assert can_edit(place.actors["mz_steward"]) and not can_edit(place.actors["newcomer"])


def test_a_change_approved_after_its_day_takes_effect_at_once(place, day) -> None:
    case = filed(place, date(2026, 4, 15))
    day("2026-04-20")
    case_act(actor=place.actors["auth_reviewer"], case=case.number, move="approve")
    assert can_edit(place.actors["newcomer"]) and not can_edit(place.actors["mz_steward"])
    assert Post.objects.get(account__username="mz_steward").ends == date(2026, 4, 19)


def test_a_filing_names_people_who_can_change(place) -> None:
    with pytest.raises(Invalid):
        filed(place, date(2026, 4, 8))
    with pytest.raises(Invalid):
        filed(place, date(2026, 4, 15), incoming="mz_steward")
    with pytest.raises(Invalid):
        filed(place, date(2026, 4, 15), kind="reviewer")
    with pytest.raises(NotAllowed):
        filed(place, date(2026, 4, 15), unit="rs")
    filed(place, date(2026, 4, 15))
    with pytest.raises(Conflict):
        filed(place, date(2026, 4, 16))


def test_the_filing_is_the_only_way_where_notice_is_asked(place, settings) -> None:
    admin = place.actors["sysadmin"]
    with pytest.raises(Refused) as refusal:
        post_assign(actor=admin, account="newcomer", unit="mz", kind="steward")
    assert refusal.value.basis.clauses == ("ZY-5.4b",)
    with pytest.raises(Refused):
        post_end(actor=admin, post=Post.objects.get(account__username="mz_head").pk, ends=date(2026, 4, 8))
    settings.GONGSHU_PACK = "chongming"
    post_assign(actor=admin, account="newcomer", unit="mz", kind="steward")


@pytest.mark.clause("ZY-33.2")
def test_twelve_months_without_a_policy_review_are_overdue(place, day) -> None:
    reviewer = place.actors["auth_reviewer"]
    case = services.policy_review_open(actor=reviewer)
    with pytest.raises(Conflict):
        services.policy_review_open(actor=reviewer)
    assert case.clocks.get().due_on == date(2027, 4, 8)
    day("2027-03-01")
    case_act(actor=reviewer, case=case.number, move="record", given={"summary": "已逐条复核"})
    running = case.clocks.get(ended_at__isnull=True)
    assert running.due_on == date(2028, 3, 1)
    day("2028-03-02")
    assert clocks_lapse() == 1
    assert case.notices.filter(kind="overdue").exists()
    case_act(actor=reviewer, case=case.number, move="record", given={"summary": "补作复核"})
    assert case.clocks.get(ended_at__isnull=True).state == ClockState.RUNNING


@pytest.mark.clause("ZY-33.3")
def test_a_major_change_opens_a_revision(place) -> None:
    reviewer = place.actors["auth_reviewer"]
    case = services.policy_review_open(actor=reviewer)
    case = case_act(
        actor=reviewer, case=case.number, move="change", given={"occasion": "组织机构发生重大变化"}
    )
    assert case.state == "revising"
    assert [(t.case_id, t.moves) for t in turns_for(reviewer)] == [(case.pk, ["record"])]


def test_where_the_text_asks_for_no_review_there_is_none(place, settings) -> None:
    settings.GONGSHU_PACK = "pujiang"
    with pytest.raises(Refused):
        services.policy_review_open(actor=place.actors["auth_reviewer"])


def test_an_administrator_cannot_be_filed_as_steward(place) -> None:
    with pytest.raises(Refused, match="三员分立") as refusal:
        filed(place, date(2026, 4, 15), incoming="auditor")
    assert refusal.value.field == "incoming"
