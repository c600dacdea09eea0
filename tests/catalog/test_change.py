"""Review and change of entries: who, by when, on which clause; what happens when nobody does."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from tests.catalog.world import complete, make_source, publish, reviewer

from gongshu.casework.calendar import calendar
from gongshu.casework.clocks import clocks_lapse
from gongshu.casework.models import Case, Clock
from gongshu.casework.services import case_act
from gongshu.catalog import selectors, services
from gongshu.catalog.models import ChangeEvent, Entry, EntryVersion
from gongshu.catalog.services.changes import differences
from gongshu.journal.clock import today
from gongshu.journal.models import Event
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refused

pytestmark = pytest.mark.django_db


def submitted(world: SimpleNamespace, people: str) -> tuple[Entry, Case]:
    source = make_source(world, people)
    entry = services.entry_draft(actor=world.actors["civil_steward"], source=source.code, table="resident")
    complete(world, entry.code)
    return entry, services.entry_submit(actor=world.actors["civil_steward"], entry=entry.code)


def reviewed(world: SimpleNamespace, people: str, clause: str) -> None:
    """Returned with reasons, approved the second time; result, opinion, reviewer and time are kept."""
    entry, case = submitted(world, people)
    boss, steward = reviewer(world), world.actors["civil_steward"]
    assert [t.unit for t in case.turns.all()] == [case.party(case.turns.get().role)]
    assert case.turns.get().clock.due_on == calendar().add(today(), 5)
    with pytest.raises(Invalid):
        case_act(actor=boss, case=case.number, move="return", given={"reasons": " "})
    case_act(actor=boss, case=case.number, move="return", given={"reasons": "缺少业务说明"})
    with pytest.raises(Conflict):
        services.entry_submit(actor=steward, entry=entry.code)
    services.entry_edit(actor=steward, entry=entry.code, fields={"summary": "补充"})
    case_act(actor=steward, case=case.number, move="resubmit", given={"note": "已补充"})
    case_act(actor=boss, case=case.number, move="approve", given={"opinion": "同意发布"})
    steps = Event.objects.filter(case_id=case.pk, type="case.moved").order_by("id")
    assert [(e.body["move"], e.actor_id == boss.account_id) for e in steps] == [
        ("return", True),
        ("resubmit", False),
        ("approve", True),
    ]
    assert steps[0].body["given"] == {"reasons": "缺少业务说明"} and clause in steps[2].clauses
    assert steps[2].body["given"] == {"opinion": "同意发布"}
    held = selectors.published_get(actor=world.actors["health_steward"], entry=entry.code)
    assert held.version == 1 and held.current.published_at is not None


@pytest.mark.clause("PJ-14.2", "PJ-14.1")
def test_review_in_pujiang(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "pujiang"
    reviewed(world, people, "PJ-14.2")


@pytest.mark.clause("ZY-14.3")
def test_review_in_zhangye(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "zhangye"
    reviewed(world, people, "ZY-14.3")


@pytest.mark.clause("PT-15.3b")
def test_review_in_putuo(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "putuo"
    reviewed(world, people, "PT-15.3b")


@pytest.mark.clause("XC-1.3c")
def test_a_published_entry_has_a_code_is_found_and_leads_to_its_data(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "xinchang"
    entry = publish(world, people)
    found = selectors.entries(actor=world.actors["health_steward"], q="低保")["rows"]
    assert [row["code"] for row in found] == [entry.code] and entry.code.startswith("310112-")
    assert found[0]["source"] and found[0]["table"] == "resident" and found[0]["shown"]["share_mode"] == "api"


def test_nobody_reviews_their_own(world: SimpleNamespace, people: str) -> None:
    from gongshu.org.models import Account, Post

    _entry, case = submitted(world, people)
    both = world.actors["civil_steward"]
    role = case.turns.get().unit
    Post.objects.create(
        account=Account.objects.get(pk=both.account_id), unit=role, kind="reviewer", starts=date(2020, 1, 1)
    )
    with pytest.raises(NotAllowed):
        case_act(actor=both, case=case.number, move="approve")
    with pytest.raises(NotFound):
        case_act(actor=world.actors["health_reviewer"], case=case.number, move="approve")


def test_withdrawn_from_review_it_is_a_draft_again(world: SimpleNamespace, people: str) -> None:
    entry, case = submitted(world, people)
    with pytest.raises(Conflict):
        services.entry_edit(actor=world.actors["civil_steward"], entry=entry.code, fields={"name": "改"})
    case_act(actor=world.actors["civil_steward"], case=case.number, move="withdraw")
    services.entry_edit(actor=world.actors["civil_steward"], entry=entry.code, fields={"name": "改"})
    assert Entry.objects.get(pk=entry.pk).state == "draft"
    services.entry_submit(actor=world.actors["civil_steward"], entry=entry.code)


def filed(world: SimpleNamespace, entry: Entry) -> Case:
    steward = world.actors["civil_steward"]
    services.entry_change_start(actor=steward, entry=entry.code)
    services.entry_edit(actor=steward, entry=entry.code, fields={"update_cycle": "daily"})
    items = [{"name": i.name} for i in entry.current.items.all() if i.name != "income"]
    items[0]["label"] = "人员编号"
    services.items_edit(actor=steward, entry=entry.code, items=items)
    return services.change_submit(actor=steward, entry=entry.code, reason="业务调整")


def test_a_change_becomes_the_next_version(world: SimpleNamespace, people: str) -> None:
    entry = publish(world, people)
    steward = world.actors["civil_steward"]
    services.entry_change_start(actor=steward, entry=entry.code)
    with pytest.raises(Refused, match="没有任何不同"):
        services.change_submit(actor=steward, entry=entry.code, reason="无")
    assert not Case.objects.filter(procedure="catalog_change").exists()
    services.entry_discard(actor=steward, entry=entry.code)
    assert Entry.objects.get(pk=entry.pk).state == "published"

    case = filed(world, entry)
    told = differences(Entry.objects.get(pk=entry.pk).draft)
    assert [(d["field"], d["item"]) for d in told] == [
        ("update_cycle", ""),
        ("items", "id"),
        ("items", "income"),
    ]
    held = selectors.published_get(actor=world.actors["health_steward"], entry=entry.code)
    assert held.version == 1 and held.current.update_cycle == "monthly"
    case_act(actor=reviewer(world), case=case.number, move="approve")
    entry = Entry.objects.get(pk=entry.pk)
    assert entry.version == 2 and entry.current.update_cycle == "daily"
    assert EntryVersion.objects.get(entry=entry, number=1).update_cycle == "monthly"
    assert EntryVersion.objects.get(entry=entry, number=1).items.filter(name="income").exists()


@pytest.mark.clause("XC-2.5b")
def test_a_change_targets_the_item(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "xinchang"
    entry = publish(world, people)
    case = filed(world, entry)
    told = differences(Entry.objects.get(pk=entry.pk).draft)
    item = next(d for d in told if d["item"] == "id")
    assert (item["before"]["label"], item["after"]["label"]) == ("id", "人员编号")
    case_act(actor=reviewer(world), case=case.number, move="approve")
    history = selectors.entry_versions(actor=world.actors["health_steward"], entry=entry.code)["rows"]
    assert [next(i["label"] for i in v["items"] if i["name"] == "id") for v in history] == ["人员编号", "id"]


def test_a_withdrawal_keeps_the_entry_as_history(world: SimpleNamespace, people: str) -> None:
    entry = publish(world, people)
    case = services.change_submit(
        actor=world.actors["civil_steward"], entry=entry.code, reason="职能划转", kind="withdraw"
    )
    case_act(actor=reviewer(world), case=case.number, move="approve")
    entry = Entry.objects.get(pk=entry.pk)
    assert (entry.state, entry.version) == ("withdrawn", 1)
    assert selectors.entries_visible_to(world.actors["health_steward"]).filter(pk=entry.pk).exists()


def review_overdue(world: SimpleNamespace, people: str, clause: str) -> None:
    """Five working days without an opinion: overdue, counted against the reviewer, escalated."""
    case = filed(world, publish(world, people))
    clock = Clock.objects.get(case=case, name="review")
    assert clause in clock.clauses and clock.owner_unit == case.turns.get().unit
    assert clock.due_on == calendar().add(today(), 5)
    assert clocks_lapse(clock.due_on) == 0
    assert clocks_lapse(clock.due_on + timedelta(days=1)) == 1
    clock.refresh_from_db()
    assert clock.state == "lapsed" and Event.objects.filter(type="clock.lapsed", case_id=case.pk).count() == 1
    assert case.notices.filter(kind="overdue", unit=clock.owner_unit).exists()
    case_act(actor=reviewer(world), case=case.number, move="approve")


@pytest.mark.clause("PJ-15.2a")
def test_a_late_review_in_pujiang(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "pujiang"
    review_overdue(world, people, "PJ-15.2a")


@pytest.mark.clause("ZY-16.2")
def test_a_late_review_in_zhangye(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "zhangye"
    review_overdue(world, people, "ZY-16.2")


def obliged(world: SimpleNamespace, entry: Entry, trigger: str, happened: date) -> ChangeEvent:
    return services.change_event_register(
        actor=reviewer(world),
        entry=entry.code,
        happened_on=happened,
        trigger=trigger,
        description="某条例修订",
    )


@pytest.mark.clause("ZY-16.1")
def test_an_outside_event_obliges_within_ten_days_in_zhangye(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "zhangye"
    entry, steward = publish(world, people), world.actors["civil_steward"]
    event = obliged(world, entry, "法律法规修订", today())
    case = Case.objects.get(number=event.case_number)
    clock = Clock.objects.get(case=case, name="file")
    assert (clock.due_on, clock.owner_unit) == (calendar().add(today(), 10), world.units["civil"])
    assert "ZY-16.1" in clock.clauses and case.turns.get().unit == world.units["civil"]
    clocks_lapse(clock.due_on + timedelta(days=1))
    clock.refresh_from_db()
    assert clock.state == "lapsed"
    filed(world, entry)
    clock.refresh_from_db()
    assert clock.ended_at is not None  # filing ends it; the review has a limit of its own
    case.refresh_from_db()
    assert case.state == "reviewing"
    with pytest.raises(Refused, match="不能撤回"):
        case_act(actor=steward, case=case.number, move="withdraw")


@pytest.mark.clause("CM-8")
def test_in_chongming_the_limit_is_for_the_update_itself(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "chongming"
    entry = publish(world, people)
    event = obliged(world, entry, "管理服务职能变更", today())
    case = Case.objects.get(number=event.case_number)
    clock = Clock.objects.get(case=case, name="file")
    assert clock.due_on == calendar().add(today(), 15) and "CM-8" in clock.clauses
    filed(world, entry)
    clock.refresh_from_db()
    assert clock.ended_at is None  # filed is not yet updated
    clocks_lapse(clock.due_on + timedelta(days=1))
    clock.refresh_from_db()
    assert clock.state == "lapsed"
    case_act(actor=reviewer(world), case=case.number, move="approve")
    clock.refresh_from_db()
    assert clock.ended_at is not None and Entry.objects.get(pk=entry.pk).version == 2


def test_an_event_of_the_past_counts_from_its_day(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "zhangye"
    entry = publish(world, people)
    happened = today() - timedelta(days=60)
    case = Case.objects.get(number=obliged(world, entry, "法律法规修订", happened).case_number)
    assert Clock.objects.get(case=case, name="file").started_on == happened
    assert clocks_lapse() == 1
    case_act(
        actor=world.actors["civil_steward"],
        case=case.number,
        move="not_needed",
        given={"reason": "不涉及本目录"},
    )
    assert Case.objects.get(pk=case.pk).outcome == "not_needed"


def test_an_event_needs_a_trigger_of_the_pack_and_a_right(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "zhangye"
    entry = publish(world, people)
    with pytest.raises(Invalid) as refusal:
        obliged(world, entry, "天气变化", today())
    assert refusal.value.field == "trigger"
    with pytest.raises(Invalid):
        obliged(world, entry, "法律法规修订", today() + timedelta(days=1))
    with pytest.raises(NotAllowed):
        services.change_event_register(
            actor=world.actors["health_steward"],
            entry=entry.code,
            happened_on=today(),
            trigger="法律法规修订",
            description="某条例",
        )
