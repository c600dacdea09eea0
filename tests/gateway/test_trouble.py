"""The gateway when things go wrong: killed, cut off, stopped, flooded."""

from __future__ import annotations

import contextlib
import http.client
import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlparse

import psutil
import psycopg
import pytest

from gongshu.gateway.spec import Column, Quota

from .conftest import PERSON, Answer, Caller, Gate, at_once, free_port, prepare, query_of, settled

WHO = query_of(id_no="SYN000000000000042")


@pytest.fixture
def own_gate(pg_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A gateway of this test alone, not yet started, with client c1."""
    prepare(pg_dsn)
    made = Gate(pg_dsn, tmp_path_factory.mktemp("gateway") / "log", port=free_port())
    made.register("c1")
    yield made
    if made.server and made.server.poll() is None:
        made.stop(signal.SIGKILL)


class Load:
    """Callers that keep calling through every failure and remember the digests of the answers they got."""

    def __init__(self, caller: Caller, path: str, threads: int = 6) -> None:
        self.caller, self.path = caller, path
        self.digests: list[str] = []
        self.failures = 0
        self.ending = False
        self.threads = [threading.Thread(target=self._call) for _ in range(threads)]

    def _call(self) -> None:
        while not self.ending:
            try:
                answer = self.caller.get(self.path, WHO)
            except (OSError, http.client.HTTPException, ValueError):
                self.failures += 1
                time.sleep(0.02)
                continue
            if answer.status == 200:
                self.digests.append(answer.body["request_digest"])

    def __enter__(self) -> Load:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ending = True
        for thread in self.threads:
            thread.join()


def test_kill_9_loses_no_record_of_an_answer_and_counts_none_twice(own_gate: Gate) -> None:
    path = own_gate.grant("G-KILL", quota=Quota(per_day=10**6))
    own_gate.start()
    chance = random.Random(7)
    with Load(own_gate.callers["c1"], path) as load:
        for turn in range(6):
            time.sleep(chance.uniform(0.1, 0.5))
            assert own_gate.server
            if turn % 2:
                # The whole server; its workers must go with it, or the port stays taken.
                workers = own_gate.processes()
                own_gate.server.kill()
                own_gate.server.wait()
                assert psutil.wait_procs(workers, timeout=3)[1] == []
                own_gate.start()
            else:
                with contextlib.suppress(psutil.NoSuchProcess):
                    chance.choice(own_gate.processes()).kill()
        time.sleep(0.5)
    rows = own_gate.sql("SELECT request_digest FROM gate.call WHERE grant_no = 'G-KILL' AND status = 200")
    recorded = [digest for (digest,) in rows]
    assert len(load.digests) > 100
    assert load.failures > 0
    assert len(set(recorded)) == len(recorded)
    assert set(load.digests) <= set(recorded)
    [(used,)] = own_gate.sql("SELECT used FROM gate.usage WHERE grant_no = 'G-KILL' AND period LIKE 'd:%%'")
    assert used == len(recorded)


@contextlib.contextmanager
def unreachable(dsn: str) -> Iterator[None]:
    """The database refuses every connection, old and new."""
    name = urlparse(dsn).path[1:]
    server = urlparse(dsn)._replace(path="/postgres").geturl()
    with psycopg.connect(server, autocommit=True) as db:
        db.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false'.encode())
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            db.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())


def test_a_lost_database_is_a_503_and_heals_by_itself(own_gate: Gate) -> None:
    path = own_gate.grant("G-DOWN")
    own_gate.start()
    c1 = own_gate.callers["c1"]
    assert c1.get(path, WHO).status == 200
    with unreachable(own_gate.dsn):
        time.sleep(0.3)
        answers = at_once(12, 4, lambda _: c1.get(path, WHO))
        assert {(a.status, a.problem) for a in answers} == {(503, "unavailable")}
        assert {a.headers["retry-after"] for a in answers} == {"2"}
        assert own_gate.health().status == 503
    end = time.monotonic() + 5
    while c1.get(path, WHO).status != 200:
        assert time.monotonic() < end
        time.sleep(0.1)
    # What changed while the gateway was cut off is known once it is back.
    with unreachable(own_gate.dsn):
        pass
    own_gate.sql("UPDATE gate.grant_ SET state = 'revoked' WHERE grant_no = 'G-DOWN'")
    own_gate.wait()
    answers = at_once(8, 4, lambda _: c1.get(path, WHO))
    assert {a.problem for a in answers} <= {"grant-revoked", "unavailable"}


def test_a_start_without_the_database_waits_for_it(own_gate: Gate) -> None:
    path = own_gate.grant("G-WAIT")
    late = threading.Timer(2.0, lambda: None)
    with unreachable(own_gate.dsn):
        late.start()
        starting = threading.Thread(target=own_gate.start)
        starting.start()
        late.join()
    starting.join()
    assert own_gate.callers["c1"].get(path, WHO).status == 200


def test_a_stop_answers_what_is_in_hand(own_gate: Gate) -> None:
    slow = (*PERSON.columns[:1], Column("wait", "pg_sleep(1.0)::text"))
    path = own_gate.grant("G-SLOW", columns=slow, keys=("id_no",))
    own_gate.start()
    answers: list[Answer] = []
    calls = [
        threading.Thread(target=lambda: answers.append(own_gate.callers["c1"].get(path, WHO)))
        for _ in range(2)
    ]
    for call in calls:
        call.start()
    time.sleep(0.5)
    assert own_gate.stop() == 0
    for call in calls:
        call.join()
    assert [a.status for a in answers] == [200, 200]
    assert own_gate.sql("SELECT count(*) FROM gate.call WHERE status = 200") == [(2,)]


def test_a_slow_statement_is_ended_and_others_go_on(own_gate: Gate) -> None:
    slow = (*PERSON.columns[:1], Column("wait", "pg_sleep(30)::text"))
    blocked = own_gate.grant("G-STUCK", columns=slow, keys=("id_no",))
    own_gate.start()
    begun = time.monotonic()
    answer = own_gate.callers["c1"].get(blocked, WHO)
    assert (answer.status, answer.problem) == (503, "unavailable")
    assert time.monotonic() - begun < 12


# ---- one running gateway for the rest
def test_without_seals_the_gateway_stops_and_goes_on_when_they_are_back(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-SEAL")
    settled()
    assert c1.get(path, WHO).status == 200
    gate.sql("UPDATE gate.health SET sealed_at = now() - make_interval(secs => lag_limit_s + 1)")
    refused = c1.get(path, WHO)
    assert (refused.status, refused.problem) == (503, "unsealed")
    assert "存证" in refused.body["title"]
    gate.sql("UPDATE gate.health SET sealed_at = now()")
    assert c1.get(path, WHO).status == 200


def test_a_flood_of_strangers_leaves_a_handful_of_rows(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-FLOOD")
    settled()
    before = gate.sql("SELECT count(*) FROM gate.call")

    def stranger(number: int) -> str:
        return Caller(f"x{number}", b"k", gate.port).get(f"/share/v1/NO-{number}", WHO).problem

    assert set(at_once(300, 8, stranger)) == {"unknown-client"}
    time.sleep(1.6)
    counted = gate.sql(
        "SELECT client_id, grant_no, sum(count) FROM gate.refusal WHERE problem = 'unknown-client' GROUP BY 1, 2"
    )
    assert counted == [("", "", 300)]
    assert gate.sql("SELECT count(*) FROM gate.refusal WHERE problem = 'unknown-client'")[0][0] <= 2
    assert gate.sql("SELECT count(*) FROM gate.call") == before
    # A caller that signed is recorded call by call, up to a bound per worker.
    assert {a.problem for a in at_once(90, 8, lambda _: c1.get(path, "name=x"))} == {"unknown-parameter"}
    time.sleep(1.6)
    [(kept,)] = gate.sql(
        "SELECT count(*) FROM gate.call WHERE grant_no = 'G-FLOOD' AND problem = 'unknown-parameter'"
    )
    [(total,)] = gate.sql("SELECT sum(count) FROM gate.refusal WHERE grant_no = 'G-FLOOD'")
    assert total == 90
    assert 20 <= kept <= 80


def test_the_gateways_role_can_change_and_delete_nothing_it_should_not(gate: Gate) -> None:
    with psycopg.connect(gate.dsn, autocommit=True) as db:
        for role in ("gongshu_gateway", "gongshu_app"):
            db.execute(f"SET ROLE {role}".encode())
            for forbidden in (
                "UPDATE gate.call SET rows = 0",
                "DELETE FROM gate.call",
                "TRUNCATE gate.call",
                "DELETE FROM gate.usage",
                "DELETE FROM gate.nonce",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    db.execute(forbidden.encode())
            db.execute("RESET ROLE")
        db.execute("SET ROLE gongshu_gateway")
        for forbidden in (
            "UPDATE gate.grant_ SET state = 'active'",
            "INSERT INTO gate.client (client_id, secret_sealed, unit_id, system_name) VALUES ('x', 'x', 1, 'x')",
            "UPDATE gate.health SET sealed_at = now()",
            "DELETE FROM serving.person",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                db.execute(forbidden.encode())
        db.execute("SELECT gate.prune()")


def test_old_nonces_are_forgotten_and_young_ones_kept(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-PRUNE")
    settled()
    headers = c1.headers(path, WHO)
    assert c1.send(path, WHO, headers).status == 200
    gate.sql("INSERT INTO gate.nonce VALUES ('c1', 'old', now() - interval '661 seconds')")
    gate.sql("SELECT gate.prune()")
    assert gate.sql("SELECT count(*) FROM gate.nonce WHERE nonce = 'old'") == [(0,)]
    assert c1.send(path, WHO, headers).problem == "replayed"


def test_rubbish_on_the_wire_gets_an_answer_or_a_closed_line(gate: Gate, c1: Caller) -> None:
    import socket

    for rubbish in (
        b"\x00\xff\xfe\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        os.urandom(300),
    ):
        with socket.create_connection(("127.0.0.1", gate.port), timeout=5) as link:
            link.sendall(rubbish)
            link.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionError):
                link.recv(4096)
    assert gate.health().status == 200
