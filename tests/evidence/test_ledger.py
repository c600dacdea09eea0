"""Sealing, receipts, and the discovery of every kind of change, on a real database with its real roles."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from django.db import ProgrammingError, connection, connections, transaction
from tests.evidence.conftest import append, call

from gongshu.evidence import services
from gongshu.evidence.audit import verify_all
from gongshu.evidence.models import Checkpoint, Leaf, Log, Tile
from gongshu.evidence.selectors import receipt
from gongshu.evidence.services import audit_head, check_and_record, seal, seal_all
from gongshu.evidence.tree import last_checkpoint, ledger_key, tree
from gongshu.journal.models import Event
from gongshu.kernel.errors import Conflict
from gongshu.kernel.merkle import verify_consistency
from gongshu.kernel.note import Checkpoint as Head
from gongshu.kernel.note import verify as verify_note
from gongshu.kernel.proof import ProofFault, verify

Intruder = Callable[..., list[Any]]
pytestmark = pytest.mark.django_db(transaction=True)


def test_sealed_events_are_proved_offline() -> None:
    numbers = append(5)
    with pytest.raises(Conflict) as early:
        receipt(Event.objects.get(pk=numbers[0]))
    assert early.value.code == "not_sealed"
    head = seal()
    assert head is not None and head.size == 5 and seal() is None
    key = str(ledger_key(Log.CHAIN))
    for number in numbers:
        event = Event.objects.get(pk=number)
        verified = verify(receipt(event), key)
        assert verified.leaf["type"] == event.type and verified.disclosed["body"] == event.body
        assert verified.checkpoint.size == 5
        shut = verify(receipt(event, disclose=False), key)
        assert shut.disclosed == {} and "审核员甲".encode() not in receipt(event, disclose=False)
    with pytest.raises(ProofFault):
        verify(receipt(event), str(ledger_key(Log.AUDIT)))


def test_heads_are_signed_and_each_begins_with_the_one_before() -> None:
    key = ledger_key(Log.CHAIN)
    heads = []
    for count in (1, 255, 1, 300, 3):
        append(count)
        found = seal()
        assert found is not None
        heads.append(found)
    for older, newer in pairwise(heads):
        path = tree(Log.CHAIN, newer.size).consistency(older.size)
        assert verify_consistency(older.size, newer.size, bytes(older.root), bytes(newer.root), path)
    for head in heads:
        told = Head.parse(verify_note(head.note, [key]).text)
        assert (told.origin, told.size, told.root) == (key.name, head.size, bytes(head.root))
    assert Tile.objects.filter(log=Log.CHAIN).count() == 2
    assert verify_all() == verify_all(Log.CHAIN) and verify_all().ok and verify_all().checked == 560


COLUMNS = {
    "uuid": "gen_random_uuid()",
    "at": "at + interval '1 microsecond'",
    "type": "type || 'x'",
    "subject_type": "'Grant'",
    "subject_id": "overlay(subject_id placing 'T' from 1)",
    "subject_title": "subject_title || ' '",
    "unit_id": "4",
    "actor_id": "NULL",
    "actor_name": "'审核员乙'",
    "via": "'api'",
    "case_id": "1",
    "pack": "'zhangye/1.0.1'",
    "clauses": "'[\"ZY-24.3\"]'",
    "body": "jsonb_set(body, '{rows}', '999')",
    "digest": "set_byte(digest, 0, (get_byte(digest, 0) + 1) %% 256)",
}


def test_every_column_of_an_event_is_watched() -> None:
    # xid is the database's own number of the transaction, id the place: both have tests of their own below
    assert {field.column for field in Event._meta.fields} - {"id"} == set(COLUMNS)


@pytest.mark.parametrize("sealed", [True, False], ids=["sealed", "pending"])
@pytest.mark.parametrize("column", COLUMNS)
def test_a_change_of_any_column_is_found(intruder: Intruder, column: str, sealed: bool) -> None:
    numbers = append(4)
    if sealed:
        seal()
    assert verify_all().ok
    intruder(f"UPDATE journal_event SET {column} = {COLUMNS[column]} WHERE id = %s", numbers[2])
    result = verify_all()
    assert not result.ok and result.first_bad == f"journal_event {numbers[2]}" and result.reason
    assert result.checked == 0 or not sealed


def test_a_changed_row_with_a_digest_to_match_is_found(intruder: Intruder) -> None:
    from gongshu.journal.leaf import digest

    numbers = append(3)
    seal()
    event = Event.objects.get(pk=numbers[1])
    event.body = {**event.body, "rows": 77}
    intruder(
        "UPDATE journal_event SET body = jsonb_set(body, '{rows}', '77'), digest = %s WHERE id = %s",
        digest(event),
        numbers[1],
    )
    assert verify_all().first_bad == f"journal_event {numbers[1]}"
    with pytest.raises(Conflict) as refusal:
        receipt(Event.objects.get(pk=numbers[1]))
    assert refusal.value.code == "tampered"


def test_a_value_that_no_event_can_have_is_found(intruder: Intruder) -> None:
    numbers = append(3)
    seal()
    intruder("UPDATE journal_event SET body = '{\"rows\": 1.5}' WHERE id = %s", numbers[0])
    assert verify_all().first_bad == f"journal_event {numbers[0]}"


def test_deleting_a_record_is_found(intruder: Intruder) -> None:
    numbers = append(4)
    seal()
    intruder("DELETE FROM journal_event WHERE id = %s", numbers[3])
    assert verify_all().first_bad == f"journal_event {numbers[3]}"
    intruder("DELETE FROM evidence_leaf WHERE record_id = %s", numbers[3])
    result = verify_all()
    assert not result.ok and "缺少" in result.reason
    intruder("DELETE FROM journal_event WHERE id = %s", numbers[1])
    intruder("DELETE FROM evidence_leaf WHERE record_id = %s", numbers[1])
    assert verify_all().first_bad == "chain 1"


def test_changing_the_order_is_found(intruder: Intruder) -> None:
    numbers = append(300)
    seal()
    swap_ids = "UPDATE journal_event SET id = CASE id WHEN %s THEN %s ELSE %s END WHERE id IN (%s, %s)"
    first, second = numbers[10], numbers[20]
    intruder("ALTER TABLE journal_event DROP CONSTRAINT journal_event_pkey CASCADE")
    intruder(swap_ids, first, second, first, first, second)
    assert verify_all().first_bad == f"journal_event {first}"
    intruder(swap_ids, first, second, first, first, second)
    intruder("ALTER TABLE journal_event ADD PRIMARY KEY (id)")
    assert verify_all().ok
    # the leaves as well: record and hash change places, so that every row fits its hash
    for a, b in ((10, 20), (280, 290)):
        intruder("UPDATE evidence_leaf SET index = index + 1000 WHERE index IN (%s, %s)", a, b)
        intruder("UPDATE evidence_leaf SET index = %s WHERE index = %s", b, a + 1000)
        intruder("UPDATE evidence_leaf SET index = %s WHERE index = %s", a, b + 1000)
        result = verify_all()
        assert not result.ok and ("次序" in result.reason or "调换" in result.reason)
        if a == 10:  # in a full tile the very place is known
            assert result.first_bad == f"journal_event {numbers[20]}"
            intruder("UPDATE evidence_leaf SET index = index + 1000 WHERE index IN (%s, %s)", a, b)
            intruder("UPDATE evidence_leaf SET index = %s WHERE index = %s", b, a + 1000)
            intruder("UPDATE evidence_leaf SET index = %s WHERE index = %s", a, b + 1000)


def test_changes_of_the_ledger_itself_are_found(intruder: Intruder) -> None:
    append(260)
    seal()
    changes = [
        ("evidence_leaf", "leaf_hash", "index = 5"),
        ("evidence_tile", "data", "index = 0"),
        ("evidence_tile", "root", "index = 0"),
        ("evidence_checkpoint", "root", "size = 260"),
    ]
    for table, column, where in changes:
        flip = f"UPDATE {table} SET {column} = set_byte({column}, 3, get_byte({column}, 3) # 1) WHERE {where}"
        intruder(flip)
        assert not verify_all().ok, (table, column)
        intruder(flip)
        assert verify_all().ok
    intruder("UPDATE evidence_checkpoint SET note = replace(note, 'chain', 'chaim')")
    assert "签名" in verify_all().reason
    intruder("UPDATE evidence_checkpoint SET note = replace(note, 'chaim', 'chain'), size = 259")
    assert not verify_all().ok
    intruder("DELETE FROM evidence_checkpoint")
    assert not verify_all().ok


def test_a_record_slipped_in_past_the_sealer_is_found(intruder: Intruder) -> None:
    numbers = append(3)
    seal()
    intruder(
        "INSERT INTO journal_event (uuid, at, type, subject_type, subject_id, subject_title, actor_name, via, pack,"
        " clauses, body, digest, xid) SELECT gen_random_uuid(), at, type, subject_type, subject_id, subject_title,"
        " actor_name, via, pack, clauses, body, digest, '3' FROM journal_event WHERE id = %s",
        numbers[0],
    )
    result = verify_all()
    assert not result.ok and result.first_bad == f"journal_event {numbers[2] + 1}"


def test_nobody_may_change_the_ledger() -> None:
    append(2)
    seal()
    tables = {
        "evidence_leaf": "index",
        "evidence_tile": "root",
        "evidence_checkpoint": "note",
        "journal_event": "body",
        "gate.call": "rows",
    }
    for table, column in tables.items():
        for statement in (
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
            f"UPDATE {table} SET {column} = {column}",
        ):
            with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
    from gongshu.runner import config

    with psycopg.connect(config.owner_url()) as owner:
        for table in ("evidence_leaf", "evidence_tile", "evidence_checkpoint"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), owner.transaction():
                owner.execute(f"DELETE FROM {table}".encode())


def test_a_transaction_that_commits_late_is_not_skipped() -> None:
    from gongshu.runner import config

    slow = psycopg.connect(config.url("app"))
    columns = "uuid, at, type, subject_type, subject_id, subject_title, actor_name, via, pack, clauses, body, digest"
    append(1)
    slow.execute(
        f"INSERT INTO journal_event ({columns}) SELECT gen_random_uuid(), {columns.partition(', ')[2]}"
        " FROM journal_event".encode()
    )
    later = append(2)  # their numbers are higher, and they commit first
    assert seal().size == 3 and Leaf.objects.filter(record_id__in=later).count() == 2
    append(1)
    assert seal().size == 4
    slow.commit()
    slow.close()
    assert seal().size == 5 and seal() is None
    late = Leaf.objects.get(index=4).record_id
    assert late < later[0]
    assert (
        verify_all().first_bad == f"journal_event {late}"
    )  # its digest is of another uuid, as it was made above


def test_writers_and_sealers_together_lose_and_double_nothing() -> None:
    stop = threading.Event()
    failures: list[BaseException] = []

    def guarded(work: Callable[[random.Random], None], seed: int) -> None:
        try:
            while not stop.is_set():
                work(random.Random(seed * 1000 + time.monotonic_ns() % 1000))
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    def write(chance: random.Random) -> None:
        with transaction.atomic():
            append(chance.randint(1, 4))
            time.sleep(chance.random() / 50)
            if chance.random() < 0.2:
                transaction.set_rollback(True)

    workers = [threading.Thread(target=guarded, args=(write, n)) for n in range(5)]
    workers += [threading.Thread(target=guarded, args=(lambda _c: seal() and None, 9)) for _ in range(2)]
    for each in workers:
        each.start()
    time.sleep(3)
    stop.set()
    for each in workers:
        each.join()
    assert not failures
    seal()
    assert Leaf.objects.count() == Event.objects.count() > 50
    assert verify_all().ok and verify_all().pending == 0


def test_a_seal_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    append(3)
    monkeypatch.setattr(services, "sign", lambda _message: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        seal()
    monkeypatch.undo()
    assert not Leaf.objects.exists() and not Checkpoint.objects.exists()
    assert seal().size == 3


def test_a_database_restored_elsewhere_goes_on(intruder: Intruder) -> None:
    append(3)
    seal()
    intruder("UPDATE evidence_checkpoint SET horizon = 4000000000000000000")
    intruder("UPDATE journal_event SET xid = '4000000000000000000'")
    append(2)
    assert seal().size == 5
    assert last_checkpoint(Log.CHAIN).horizon < 4000000000000000000
    append(1)
    assert seal().size == 6 and seal() is None and verify_all().ok


def test_calls_are_sealed_and_their_head_goes_into_the_chain(intruder: Intruder) -> None:
    numbers = call(300)
    intruder("DELETE FROM gate.health")
    intruder("INSERT INTO gate.health (name, sealed_at) VALUES ('ledger', now() - interval '1 day')")
    heads = {head.log: head.size for head in seal_all()}
    assert heads == {"audit": 300, "chain": 1}
    event = Event.objects.get(type="evidence.audit.headed")
    assert event.body["size"] == 300 and event.body["note"] == last_checkpoint(Log.AUDIT).note
    assert intruder("SELECT now() - sealed_at < interval '1 minute' FROM gate.health") == [(True,)]
    assert verify_all(Log.AUDIT).ok and verify_all(Log.CHAIN).ok
    call(1)
    seal_all()
    assert audit_head() is None and audit_head(every=timedelta(0)) is not None
    assert audit_head(every=timedelta(0)) is None  # nothing has grown since
    for column in (
        "at",
        "client_id",
        "rows",
        "micros",
        "case_no",
        "problem",
        "address",
        "status",
        "request_digest",
    ):
        kept = intruder(f"SELECT {column} FROM gate.call WHERE id = %s", numbers[7])[0][0]
        other = {"at": "2020-01-01", "problem": "x"}.get(column, 404 if isinstance(kept, int) else f"{kept}x")
        intruder(f"UPDATE gate.call SET {column} = %s WHERE id = %s", other, numbers[7])
        assert verify_all(Log.AUDIT).first_bad == f"gate.call {numbers[7]}", column
        intruder(f"UPDATE gate.call SET {column} = %s WHERE id = %s", kept, numbers[7])
    assert verify_all(Log.AUDIT).ok


def test_every_column_of_a_call_is_in_its_leaf(intruder: Intruder) -> None:
    from gongshu.evidence.logs import CALL_COLUMNS, call_bytes, call_leaf, call_rows
    from gongshu.kernel.canonical import canonical

    found = intruder(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = 'gate' AND table_name = 'call'"
    )
    assert {name for (name,) in found} == {*CALL_COLUMNS, "id", "xid"}
    call(1)
    intruder("UPDATE gate.call SET problem = 'a\"b\\c\n中', case_no = NULL, address = '::1'")
    (row,) = call_rows([pk for (pk,) in intruder("SELECT id FROM gate.call")])
    assert call_bytes(row) == canonical(call_leaf(row)) and set(call_leaf(row)) > {*CALL_COLUMNS.values()}


def test_the_daily_check_is_an_event(intruder: Intruder) -> None:
    numbers = append(2)
    seal_all()
    assert [each.ok for each in check_and_record()] == [True, True]
    assert check_and_record() == []
    intruder("UPDATE journal_event SET via = 'api' WHERE id = %s", numbers[1])
    check_and_record(every=timedelta(0))
    last = Event.objects.filter(type="evidence.ledger.checked").latest("pk")
    assert last.body["ok"] is False and last.body["logs"][0]["first_bad"] == f"journal_event {numbers[1]}"
