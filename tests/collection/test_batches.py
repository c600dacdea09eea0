"""Batches: refused, run, stopped, broken, killed; and the rules for changing how an entry is collected."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace

import psycopg
import pytest
from django.db import connection
from tests.catalog.world import fill, make_source, publish, reviewer

from gongshu.casework.models import Case, Notice
from gongshu.casework.services import case_act
from gongshu.catalog import services as catalog
from gongshu.catalog.models import DataSource
from gongshu.collection import consumers, run, selectors
from gongshu.collection import services as collection
from gongshu.collection.lake import lake, table_of
from gongshu.collection.models import Batch, CollectionJob
from gongshu.collection.notes import note_text
from gongshu.collection.run import batch_run
from gongshu.journal.clock import today
from gongshu.journal.models import Event
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from gongshu.org.policy import current_pack

pytestmark = pytest.mark.django_db


def start(world: SimpleNamespace, entry: object) -> Batch:
    return collection.collection_start(actor=world.actors["civil_steward"], entry=entry.code)


def ended(batch: Batch) -> Batch:
    batch_run(batch.pk)
    return Batch.objects.get(pk=batch.pk)


def jobs(name: str) -> list[dict]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT args FROM procrastinate_jobs WHERE task_name = %s", [name])
        return [json.loads(args) if isinstance(args, str) else args for (args,) in cursor.fetchall()]


def not_collected_uncatalogued(world: SimpleNamespace, people: str, clause: str) -> None:
    source = make_source(world, people)
    entry = catalog.entry_draft(actor=world.actors["civil_steward"], source=source.code, table="resident")
    with pytest.raises(Refused) as refusal:
        start(world, entry)
    assert clause in refusal.value.basis.clauses and refusal.value.code == "not_catalogued"
    assert not Batch.objects.exists() and not jobs("collection.run")


@pytest.mark.clause("PJ-20.1")
def test_a_column_outside_the_catalog_is_refused_in_pujiang(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "pujiang"
    outside(world, people, "PJ-20.1")


@pytest.mark.clause("PT-16.1")
def test_a_column_outside_the_catalog_is_refused_in_putuo(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "putuo"
    outside(world, people, "PT-16.1")


def outside(world: SimpleNamespace, people: str, clause: str) -> None:
    entry, actor = publish(world, people), world.actors["civil_steward"]
    with pytest.raises(Refused) as refusal:
        collection.collection_plan(actor=actor, entry=entry.code, columns=["id", "salary"])
    assert clause in refusal.value.basis.clauses and "salary" in str(refusal.value)
    collection.collection_plan(actor=actor, entry=entry.code, columns=["id", "name"])
    batch = ended(start(world, entry))
    assert [name for name, _type in batch.shape] == ["id", "name"]


def test_uncatalogued_data_are_not_collected(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "zhangye"
    not_collected_uncatalogued(world, people, "ZY-12")


def test_who_may_collect_and_who_may_see(world: SimpleNamespace, people: str) -> None:
    entry = publish(world, people)
    with pytest.raises(NotAllowed):
        collection.collection_start(actor=world.actors["health_steward"], entry=entry.code)
    batch = ended(start(world, entry))
    with pytest.raises(NotFound):
        selectors.batch(actor=world.actors["health_steward"], batch=batch.number)
    assert selectors.batch(actor=reviewer(world), batch=batch.number)["rows"] == 500


def test_one_batch_at_a_time_and_what_follows_it(world: SimpleNamespace, people: str) -> None:
    entry = publish(world, people)
    batch = start(world, entry)
    with pytest.raises(Conflict):
        start(world, entry)
    assert jobs("collection.run") == [{"batch": batch.pk}]
    batch = ended(batch)
    assert CollectionJob.objects.get(entry=entry).last == batch
    assert jobs("governance.check") and jobs("sharing.serve")
    assert [n.code for n in batch.notes.all()][:2] == ["queued", "started"]
    assert "500" in note_text(batch.notes.get(code="committed"))
    assert selectors.freshness(CollectionJob.objects.get(entry=entry)) == "fresh"
    again = ended(start(world, entry))
    assert again.number.endswith("-0002") and again.digest == batch.digest
    assert again.expected_rows == 500


def test_run_twice_it_is_committed_once(world: SimpleNamespace, people: str) -> None:
    batch = start(world, publish(world, people))
    ended(batch)
    ended(batch)
    assert Event.objects.filter(type="collection.batch.committed", subject_id=batch.number).count() == 1


def test_killed_after_the_lake_before_the_record(
    world: SimpleNamespace, people: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = publish(world, people)
    batch = start(world, entry)

    def killed(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(run, "_commit", killed)
        with pytest.raises(KeyboardInterrupt):
            batch_run(batch.pk)
    assert Batch.objects.get(pk=batch.pk).state == "running"
    shown = lake().batch(batch.number)
    done = ended(batch)
    assert (done.state, done.attempts, done.snapshot, done.digest) == (
        "committed",
        2,
        shown.snapshot,
        shown.digest,
    )
    assert done.notes.filter(code="resumed").exists()
    assert len(lake().history(table_of(entry))) == 1


def broken(world: SimpleNamespace, people: str, **changed: object) -> Batch:
    entry = publish(world, people)
    DataSource.objects.filter(pk=entry.source_id).update(**changed)
    return ended(start(world, entry))


def test_a_dead_server_fails_the_batch_and_says_what_to_do(world: SimpleNamespace, people: str) -> None:
    batch = broken(world, people, port=1)
    assert (batch.state, batch.error_code) == ("failed", "refused")
    assert "端口" in note_text(batch.notes.last())
    failed = Event.objects.get(type="collection.batch.failed", subject_id=batch.number)
    assert failed.body["code"] == "refused"
    DataSource.objects.update(port=batch.job.entry.source.port)
    again = collection.batch_retry(actor=world.actors["civil_steward"], batch=batch.number)
    assert again.pk != batch.pk
    with pytest.raises(Conflict):
        collection.batch_retry(actor=world.actors["civil_steward"], batch=again.number)


def test_a_column_that_is_gone_and_one_that_changed(world: SimpleNamespace, pg_dsn: str) -> None:
    fill(pg_dsn)
    entry = publish(world, pg_dsn)
    with psycopg.connect(pg_dsn, autocommit=True) as source:
        source.execute("ALTER TABLE resident ALTER income TYPE text")
    drifted = ended(start(world, entry))
    assert drifted.state == "committed" and drifted.drift == [["income", "decimal", "text"]]
    assert "income" in note_text(drifted.notes.get(code="drift"))
    with psycopg.connect(pg_dsn, autocommit=True) as source:
        source.execute("ALTER TABLE resident DROP income")
    gone = ended(start(world, entry))
    assert (gone.state, gone.error_code) == ("failed", "column_missing") and "income" in note_text(
        gone.notes.last()
    )
    assert lake().count(table_of(entry)) == 500  # what was there stays


def test_cancelled_before_and_while_running(
    world: SimpleNamespace, people: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry, actor = publish(world, people), world.actors["civil_steward"]
    first = collection.batch_cancel(actor=actor, batch=start(world, entry).number)
    assert ended(first).state == "cancelled"
    second = start(world, entry)
    Batch.objects.filter(pk=second.pk).update(cancel_requested=True)
    monkeypatch.setattr(run, "ASK_SECONDS", -1.0)
    stopped = ended(second)
    assert stopped.state in ("cancelled", "committed")  # five hundred rows may be through before the question
    with pytest.raises(Conflict):
        collection.batch_cancel(actor=actor, batch=second.number)


def test_kinds_not_yet_collectable_say_so(world: SimpleNamespace, people: str) -> None:
    entry = publish(world, people, resource_type="stream")
    with pytest.raises(Refused, match="流式数据"):
        start(world, entry)


@pytest.mark.clause("XC-3.3b")
def test_in_xinchang_the_authority_sets_the_mode_with_a_reason(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "xinchang"
    entry = publish(world, people)
    with pytest.raises(NotAllowed):
        collection.collection_plan(
            actor=world.actors["civil_steward"], entry=entry.code, mode="exchange", reason="试"
        )
    with pytest.raises(Invalid) as refusal:
        collection.collection_plan(actor=reviewer(world), entry=entry.code, mode="exchange")
    assert refusal.value.field == "reason" and "XC-3.3b" in refusal.value.basis.clauses
    plan = collection.collection_plan(
        actor=reviewer(world), entry=entry.code, mode="exchange", reason="源库在内网"
    )
    assert (plan.mode, plan.reason) == ("exchange", "源库在内网")
    assert Event.objects.get(type="collection.plan.set").clauses == ["XC-3.3b"]


@pytest.mark.clause("ZY-19.1")
def test_a_running_collection_is_not_changed_at_will(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "zhangye"
    entry, actor = publish(world, people), world.actors["civil_steward"]
    collection.collection_plan(actor=actor, entry=entry.code, mode="file")
    ended(start(world, entry))
    for edit in ({"mode": "cdc"}, {"cycle": "daily"}, {"columns": ["id"]}):
        with pytest.raises(Refused) as refusal:
            collection.collection_plan(actor=actor, entry=entry.code, **edit)
        assert "ZY-19.2" in refusal.value.basis.clauses and refusal.value.code == "needs_change"
    assert "ZY-19.1" in refusal.value.basis.clauses


@pytest.mark.clause("ZY-19.2")
def test_notice_twenty_working_days_ahead_in_zhangye(
    world: SimpleNamespace, people: str, settings: object, uses: Callable[[object], None]
) -> None:
    from gongshu.casework.calendar import calendar

    settings.GONGSHU_PACK = "zhangye"
    entry, actor = publish(world, people), world.actors["civil_steward"]
    ended(start(world, entry))
    uses(world.units["health"])
    due = calendar().add(today(), 20)
    due = due if calendar().ahead(due, 20) >= today() else calendar().add(today(), 21)
    soon = calendar().ahead(due, 1)
    with pytest.raises(Refused) as refusal:
        change(world, entry, soon)
    assert refusal.value.field == "effective_on" and "ZY-19.2" in refusal.value.basis.clauses
    assert not Case.objects.filter(procedure="collection_change").exists()
    case = change(world, entry, due)
    with pytest.raises(NotAllowed):
        case_act(actor=actor, case=case.number, move="approve")
    case_act(actor=reviewer(world), case=case.number, move="approve")
    job = CollectionJob.objects.get(entry=entry)
    assert job.plan_on(today()) is None and job.plan_on(due).columns == ["id", "name"]
    assert Notice.objects.filter(unit=world.units["health"], case=case).exists()
    assert [n for n, _t in ended(start(world, entry)).shape] != ["id", "name"]  # not in force yet


def change(world: SimpleNamespace, entry: object, day: object) -> Case:
    return collection.collection_change_request(
        actor=world.actors["civil_steward"],
        entry=entry.code,
        effective_on=day,
        reason="系统改造",
        columns=["id", "name"],
    )


@pytest.fixture
def uses() -> object:
    """Say that a unit uses the data, as the sharing domain does for grants."""
    before = list(consumers.SOURCES)

    def use(unit: object) -> None:
        consumers.register(lambda _entry: [unit])

    yield use
    consumers.SOURCES[:] = before


def test_elsewhere_a_change_needs_approval_but_no_notice(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "pujiang"
    entry = publish(world, people)
    ended(start(world, entry))
    case = change(world, entry, today())
    assert not case.clocks.exists()
    case_act(actor=reviewer(world), case=case.number, move="approve", given={"opinion": "同意"})
    assert [n for n, _t in ended(start(world, entry)).shape] == ["id", "name"]
    with pytest.raises(Invalid):
        collection.collection_change_request(
            actor=world.actors["civil_steward"], entry=entry.code, effective_on=today(), reason="无"
        )
    assert current_pack().collect.change_notice.v is None
