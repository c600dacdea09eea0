"""Cases: moves, clocks, turns, two people, races and kills, on a real database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import date

import pytest
from django.db import connection, connections

from gongshu.casework import clocks
from gongshu.casework.calendar import calendar, calendar_import
from gongshu.casework.clocks import clocks_lapse, clocks_recompute, clocks_remind
from gongshu.casework.models import Case, Clock, ClockState, Notice
from gongshu.casework.selectors import case_moves, cases_visible_to, turns_for
from gongshu.casework.services import case_act, case_open
from gongshu.journal.models import Event
from gongshu.journal.services import SYSTEM
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refused

pytestmark = pytest.mark.django_db


def opened(office, procedure: str = "demo", subject: str = "1", **data):
    parties = {r: office.units[r] for r in ("provider", "authority")}
    return case_open(
        actor=office.actors["authority_steward"],
        procedure=procedure,
        subject=("thing", subject, "低保家庭信息"),
        parties=parties,
        data=data,
    )


def act(office, case, who: str, move: str, **given):
    return case_act(actor=office.actors[who], case=case.number, move=move, given=given)


def test_a_case_from_end_to_end(office, day) -> None:
    day("2026-11-23")
    case = opened(office)
    fix = case.clocks.get(name="fix")
    assert (fix.started_on, fix.due_on, fix.provisional) == (date(2026, 11, 23), date(2026, 11, 30), False)
    assert [t.case_id for t in turns_for(office.actors["provider_steward"])] == [case.pk]
    assert not turns_for(office.actors["stranger_steward"]).exists()
    act(office, case, "provider_steward", "fix", cause="录入差错")
    act(office, case, "authority_reviewer", "pass")
    act(office, case, "authority_reviewer", "agree")
    with pytest.raises(NotAllowed):
        act(office, case, "authority_reviewer", "agree")
    case = act(office, case, "provider_steward", "concur")
    assert (case.state, case.outcome) == ("done", "done")
    assert not case.turns.exists()
    assert not case.clocks.filter(ended_at__isnull=True).exists()
    steps = [e.body["move"] for e in Event.objects.filter(case_id=case.pk, type="case.moved").order_by("id")]
    assert steps == ["fix", "pass", "agree", "concur"]


def test_only_one_open_case_per_subject(office) -> None:
    opened(office)
    with pytest.raises(Conflict):
        opened(office)


def test_who_may_not_is_told_why(office) -> None:
    case = opened(office)
    with pytest.raises(NotFound):
        act(office, case, "stranger_steward", "fix", cause="x")
    with pytest.raises(NotAllowed, match="处理问题数据"):
        act(office, case, "authority_reviewer", "fix", cause="x")
    fix = next(m for m in case_moves(office.actors["authority_reviewer"], case) if m.name == "fix")
    assert not fix.allowed and "处理问题数据" in fix.why_not


def test_two_people(office) -> None:
    """Whoever opened the case or did the work cannot pass it, whatever posts they hold."""
    from gongshu.org.models import Post

    account = office.actors["provider_steward"].account_id
    Post.objects.create(
        account_id=account, unit=office.units["authority"], kind="reviewer", starts=date(2020, 1, 1)
    )
    case = opened(office)
    act(office, case, "provider_steward", "fix", cause="x")
    with pytest.raises(NotAllowed, match="不同人员"):
        act(office, case, "provider_steward", "pass")
    assert act(office, case, "authority_reviewer", "pass").state == "joint"


def test_one_person_cannot_sign_for_both_sides(office) -> None:
    from gongshu.org.models import Post

    account = office.actors["authority_reviewer"].account_id
    Post.objects.create(
        account_id=account, unit=office.units["provider"], kind="steward", starts=date(2020, 1, 1)
    )
    case = opened(office)
    act(office, case, "provider_steward", "fix", cause="x")
    act(office, case, "authority_reviewer", "pass")
    act(office, case, "authority_reviewer", "agree")
    with pytest.raises(NotAllowed, match="不同人员"):
        act(office, case, "authority_reviewer", "concur")


def test_fields_are_checked_and_nothing_is_half_done(office) -> None:
    case = opened(office)
    with pytest.raises(Invalid) as refusal:
        act(
            office,
            case,
            "provider_steward",
            "fix",
            when="昨天",
            colour="red",
            ground={"rank": "文件", "document": "x", "article": "1"},
        )
    assert set(refusal.value.fields) == {"cause", "when", "colour", "ground"}
    assert refusal.value.basis.clauses == ("PJ-26.3a",)
    case.refresh_from_db()
    assert (case.state, case.version) == ("fixing", 1)


def test_a_stale_screen_is_a_conflict(office) -> None:
    case = opened(office)
    act(office, case, "provider_steward", "ask")
    with pytest.raises(Conflict):
        case_act(actor=office.actors["provider_steward"], case=case.number, move="ask", given={}, version=1)


def test_extension_to_fifteen_in_all_with_approval(office, day) -> None:
    day("2026-11-23")
    case = opened(office)
    act(office, case, "provider_steward", "ask")
    with pytest.raises(NotAllowed):
        act(office, case, "provider_steward", "extend")
    act(office, case, "authority_reviewer", "extend")
    fix = case.clocks.get(name="fix")
    assert (fix.due_on, fix.total, fix.extended) == (date(2026, 12, 14), 15, True)
    act(office, case, "provider_steward", "ask")
    with pytest.raises(Refused):
        act(office, case, "authority_reviewer", "extend")


def test_a_pause_gives_the_days_back(office, day) -> None:
    day("2026-11-23")
    case = opened(office)
    day("2026-11-25")
    act(office, case, "provider_steward", "fix", cause="x")
    assert case.clocks.get(name="fix").state == ClockState.PAUSED
    day("2026-12-01")
    act(office, case, "authority_reviewer", "back")
    fix = case.clocks.get(name="fix")
    assert (fix.state, fix.stood, fix.due_on) == (ClockState.RUNNING, 4, date(2026, 12, 4))


def test_silence_is_consent(office, day) -> None:
    day("2026-11-23")
    case = opened(office)
    act(office, case, "provider_steward", "fix", cause="x")
    act(office, case, "authority_reviewer", "pass")
    confirm = case.clocks.get(name="confirm")
    assert (confirm.due_on, confirm.gap_source) == (date(2026, 12, 2), "product-default")
    day("2026-12-02")
    assert clocks_lapse() == 0
    day("2026-12-03")
    assert clocks_lapse() == 1
    case.refresh_from_db()
    assert case.state == "done"
    last = Event.objects.filter(case_id=case.pk, type="case.moved").latest("id")
    assert (last.body["move"], last.via, last.actor_id) == ("auto", "system", None)


def test_notice_ahead(office, day) -> None:
    day("2026-11-23")
    with pytest.raises(Refused) as refusal:
        opened(office, "notice", effective="2026-12-18")
    assert refusal.value.field == "effective"
    case = opened(office, "notice", subject="2", effective="2026-12-21")
    ahead = case.clocks.get(name="ahead")
    assert (ahead.due_on, ahead.state) == (date(2026, 11, 23), ClockState.MET)


def test_a_recurring_clock_arms_itself_again(office, day) -> None:
    day("2026-02-28")
    case = opened(office, "notice", effective="2026-12-21")
    act(office, case, "provider_steward", "start")
    day("2026-06-01")
    act(office, case, "provider_steward", "review")
    dues = list(case.clocks.filter(name="review").order_by("id").values_list("state", "due_on"))
    assert dues == [("met", date(2027, 2, 28)), ("running", date(2027, 6, 1))]


def test_dates_after_the_published_calendar_are_provisional_until_it_is_imported(office, day) -> None:
    from gongshu.org.models import Account, Post

    admin = Account.objects.create(username="sysadmin")
    Post.objects.create(
        account=admin, unit=office.units["stranger"], kind="sysadmin", starts=date(2020, 1, 1)
    )
    from gongshu.journal.services import Actor

    sysadmin = Actor(admin.pk, "sysadmin")
    day("2026-12-30")
    case = opened(office)
    fix = case.clocks.get(name="fix")
    assert (fix.due_on, fix.provisional) == (date(2027, 1, 6), True)
    with pytest.raises(Invalid, match="第 2 行"):
        calendar_import(
            actor=sysadmin, year=2027, content="2027-01-01,holiday\n元旦,放假\n", source="国办发明电"
        )
    with pytest.raises(NotAllowed):
        calendar_import(
            actor=office.actors["provider_steward"], year=2027, content="2027-01-01,holiday\n", source="x"
        )
    calendar_import(
        actor=sysadmin,
        year=2027,
        content="2027-01-01,holiday,元旦\n2027-01-04,holiday\n",
        source="国办发明电",
    )
    assert not calendar().is_working(date(2027, 1, 1))
    assert clocks_recompute(actor=sysadmin) == {"moved": 1}
    fix.refresh_from_db()
    assert (fix.due_on, fix.provisional) == (date(2027, 1, 8), False)
    assert Event.objects.filter(type="clock.recomputed", case_id=case.pk).count() == 1


def test_lights_reminders_and_escalation(office, day) -> None:
    day("2026-11-23")
    case = opened(office)
    fix = case.clocks.get(name="fix")
    assert clocks.light(fix) == "green"
    day("2026-11-26")
    assert clocks.light(fix) == "yellow"
    assert (clocks_remind(), clocks_remind()) == (1, 0)
    day("2026-12-01")
    assert clocks_lapse() == 1
    fix.refresh_from_db()
    assert (clocks.light(fix), clocks.remaining(fix)) == ("red", -1)
    told = Notice.objects.filter(case=case, kind="overdue").values_list("unit__code", flat=True)
    assert set(told) == {"provider", "authority"}
    act(office, case, "provider_steward", "fix", cause="x")
    act(office, case, "authority_reviewer", "pass")
    fix.refresh_from_db()
    assert fix.state == ClockState.LAPSED and fix.ended_at


def test_visibility_is_decided_in_sql(office) -> None:
    case = opened(office)
    assert list(cases_visible_to(office.actors["provider_reviewer"])) == [case]
    assert not cases_visible_to(office.actors["stranger_reviewer"]).exists()
    assert list(cases_visible_to(SYSTEM)) == [case]


def test_events_cannot_be_changed(office) -> None:
    from django.db import ProgrammingError, transaction

    case = opened(office)
    for sql in (
        "UPDATE journal_event SET actor_name = 'x'",
        "DELETE FROM journal_event",
        "TRUNCATE journal_event",
    ):
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(sql)
    assert Event.objects.filter(case_id=case.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_move_a_case_once(office) -> None:
    case = opened(office)
    results: list[str] = []

    def press() -> None:
        try:
            act(office, case, "provider_steward", "fix", cause="x")
            results.append("done")
        except Conflict:
            results.append("conflict")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=press) for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(results) == ["conflict"] * 5 + ["done"]
    assert Event.objects.filter(case_id=case.pk, type="case.moved").count() == 1


LAPSER = """
import os, sys, django
django.setup()
sys.path.insert(0, os.environ["DEMO"])
import importlib.util
spec = importlib.util.spec_from_file_location("office", os.environ["DEMO"] + "/conftest.py")
office = importlib.util.module_from_spec(spec); spec.loader.exec_module(office)
from gongshu.casework import registry
registry.register("demo", office.demo)
from gongshu.casework.clocks import clocks_lapse
print("ready", flush=True)
while True:
    clocks_lapse()
"""


@pytest.mark.django_db(transaction=True)
def test_lapses_fire_exactly_once_with_two_workers_and_kills(office, day) -> None:
    day("2026-11-23")
    cases = [opened(office, subject=str(n)) for n in range(60)]
    for case in cases:
        act(office, case, "provider_steward", "fix", cause="x")
        act(office, case, "authority_reviewer", "pass")
    day("2026-12-03")
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "gongshu.settings", "DEMO": os.path.dirname(__file__)}
    env["GONGSHU_TODAY"] = "2026-12-03"

    def start() -> subprocess.Popen[bytes]:
        worker = subprocess.Popen([sys.executable, "-c", LAPSER], env=env, stdout=subprocess.PIPE)
        assert worker.stdout and worker.stdout.readline() == b"ready\n"
        return worker

    workers = [start(), start()]
    for kill in range(4):
        time.sleep(0.05)
        victim = workers.pop(0)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        if kill < 2:
            workers.append(start())
    deadline = time.monotonic() + 20
    last = start()
    while time.monotonic() < deadline and Case.objects.exclude(state="done").exists():
        time.sleep(0.1)
    last.kill()
    last.wait()
    assert not Case.objects.exclude(state="done").exists()
    assert Clock.objects.filter(name="confirm", state="lapsed").count() == 60
    assert Event.objects.filter(type="clock.lapsed").count() == 60
    assert Event.objects.filter(type="case.moved", body__move="auto").count() == 60
