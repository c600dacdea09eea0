"""Calls against a live gateway: what is granted comes, and nothing else does."""

from __future__ import annotations

import dataclasses
import json
import time
from datetime import datetime

import pytest

from gongshu.engine.suite import MasterKey, seal
from gongshu.gateway.spec import Column, Quota

from .conftest import MASTER, PEOPLE, PERSON, Caller, Gate, at_once, query_of, settled


def person(n: int) -> str:
    return query_of(id_no=f"SYN{n:015d}")


@pytest.fixture(scope="module")
def path(gate: Gate) -> str:
    made = gate.grant("G-1")
    settled()
    return made


def test_a_good_call_gets_the_granted_items_masked(gate: Gate, c1: Caller, path: str) -> None:
    answer = c1.get(path, person(42))
    assert answer.status == 200
    row = {
        "id_no": "SYN000000000000042",
        "name": "赵**",
        "born": "1950-02-12",
        "income": 424.2,
        "household": 14,
    }
    assert answer.body["rows"] == [row]
    assert (answer.body["grant"], answer.body["version"], answer.body["next"]) == ("G-1", 1, None)
    record = gate.sql(
        "SELECT client_id, grant_no, mode, status, rows, problem FROM gate.call WHERE request_digest = %s",
        answer.body["request_digest"],
    )
    assert record == [("c1", "G-1", "key", 200, 1, None)]


def test_the_digest_and_moment_of_the_answer_are_those_of_the_record(
    gate: Gate, c1: Caller, path: str
) -> None:
    answer = c1.get(path, person(44))
    [(at, bytes_)] = gate.sql(
        "SELECT at, bytes FROM gate.call WHERE request_digest = %s", answer.body["request_digest"]
    )
    assert abs(at.timestamp() - time.time()) < 5
    assert datetime.fromisoformat(answer.body["at"]) == at.replace(microsecond=at.microsecond // 1000 * 1000)
    assert bytes_ == int(answer.headers["content-length"])


def test_rows_out_of_scope_do_not_exist(c1: Caller, path: str) -> None:
    assert c1.get(path, person(43)).body["rows"] == []


def test_no_look_up_value_is_kept(gate: Gate, c1: Caller, path: str) -> None:
    c1.get(path, person(46))
    kept = json.dumps(gate.sql("SELECT to_jsonb(c) FROM gate.call c"), default=str)
    assert "SYN" not in kept


def test_keys_of_other_types_and_together(c1: Caller, path: str) -> None:
    assert [r["household"] for r in c1.get(path, "household=14").body["rows"]] == [14, 14]
    both = c1.get(path, query_of(household=14, id_no="SYN000000000000042"))
    assert [r["id_no"] for r in both.body["rows"]] == ["SYN000000000000042"]
    assert len(c1.get(path, query_of(born="1950-02-12")).body["rows"]) == 1


@pytest.mark.parametrize("algorithm", ["hmac-sha256", "hmac-sm3"])
def test_both_algorithms(gate: Gate, path: str, algorithm: str) -> None:
    caller = gate.register(f"a-{algorithm}", algorithm)
    gate.sql("INSERT INTO gate.grant_client VALUES ('G-1', %s)", caller.client_id)
    settled()
    answer = caller.get(path, person(42))
    assert answer.status == 200
    assert answer.body["request_digest"].startswith(algorithm.removeprefix("hmac-") + ":")


def test_paging_is_complete_and_without_doubles(c1: Caller, path: str) -> None:
    seen, after, pages = [], 0, 0
    while after is not None:
        page = c1.get(f"{path}/rows", query_of(after=after, limit=47)).body
        seen += [row["id_no"] for row in page["rows"]]
        after = page["next"]
        pages += 1
    assert seen == [f"SYN{n:015d}" for n in range(2, PEOPLE + 1, 2)]
    assert pages == -(-len(seen) // 47)


def test_more_rows_than_a_call_may_have_are_continued(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-SMALL", quota=Quota(rows_per_call=1))
    settled()
    first = c1.get(path, "household=14").body
    assert len(first["rows"]) == 1
    second = c1.get(path, query_of(household=14, after=first["next"])).body
    assert len(second["rows"]) == 1
    assert second["rows"] != first["rows"]
    assert second["next"] is None


def test_schema_says_what_may_be_asked(c1: Caller, path: str) -> None:
    told = c1.get(f"{path}/schema").body
    assert told["keys"] == ["id_no", "household", "born"]
    assert [item["masked"] for item in told["items"]] == [False, True, False, False, False]
    assert told["items"][1]["label"] == "姓名"


# ---- who is calling
def test_a_replay_is_refused(c1: Caller, path: str) -> None:
    headers = c1.headers(path, person(42))
    assert c1.send(path, person(42), headers).status == 200
    again = c1.send(path, person(42), headers)
    assert (again.status, again.problem) == (401, "replayed")


def test_a_nonce_is_good_once_whatever_it_is_used_for(c1: Caller, path: str) -> None:
    assert c1.get(path, person(42), nonce="n" * 32).status == 200
    assert c1.get(path, person(44), nonce="n" * 32).problem == "replayed"
    # Another system's nonces are its own.


def test_of_many_replays_at_once_one_is_answered(c1: Caller, path: str) -> None:
    headers = c1.headers(path, person(42))
    answers = at_once(24, 12, lambda _: c1.send(path, person(42), headers))
    assert sorted(a.problem for a in answers) == ["", *["replayed"] * 23]


@pytest.mark.parametrize("off", [-301_000, 301_000, -86_400_000])
def test_a_stale_timestamp_is_refused(c1: Caller, path: str, off: int) -> None:
    answer = c1.get(path, person(42), at=int(time.time() * 1000) + off)
    assert (answer.status, answer.problem) == (401, "stale-timestamp")
    assert abs(answer.body["server_time_ms"] - time.time() * 1000) < 5000


@pytest.mark.parametrize("off", [-295_000, 295_000])
def test_a_timestamp_inside_the_window_is_taken(c1: Caller, path: str, off: int) -> None:
    assert c1.get(path, person(42), at=int(time.time() * 1000) + off).status == 200


def test_forged_requests_are_refused(c1: Caller, gate: Gate, path: str) -> None:
    other = gate.callers["c2"]
    base = c1.headers(path, person(42), case="A-1")
    forged = [
        c1.send(path, person(44), base),  # query
        c1.send(f"{path}/rows", person(42), base),  # path
        c1.send(path, person(42), base, body=b"x"),  # body
        c1.send(path, person(42), {**base, "X-Case-No": "A-2"}),  # case number
        c1.send(path, person(42), {k: v for k, v in base.items() if k != "X-Case-No"}),
        c1.send(path, person(42), {**base, "X-Timestamp": str(int(base["X-Timestamp"]) + 1)}),
        c1.send(path, person(42), {**base, "X-Nonce": "f" * 32}),
        c1.send(path, person(42), {**base, "X-Client-Id": "c2"}),
        Caller("c1", other.secret, c1.port).get(path, person(42)),  # another's key
        Caller("c1", b"", c1.port).get(path, person(42)),
        c1.send(path, person(42), {**base, "X-Signature": base["X-Signature"][:-8] + "AAAAAAA="}),
        c1.send(path, person(42), {**base, "X-Signature": "AAAA"}),
    ]
    assert [(a.status, a.problem) for a in forged] == [(401, "bad-signature")] * len(forged)
    assert c1.send(path, person(42), base).status == 200  # none of them took the nonce


def test_a_signed_body_is_accepted_and_covered(c1: Caller, path: str) -> None:
    assert c1.get(path, person(42), body=b'{"note":1}').status == 200
    headers = c1.headers(path, person(42), body=b'{"note":1}')
    assert c1.send(path, person(42), headers, body=b'{"note":2}').problem == "bad-signature"
    assert c1.get(path, person(42), body=b"x" * 20_000).problem == "body-too-large"


def test_headers_that_are_missing_or_malformed(c1: Caller, path: str) -> None:
    good = c1.headers(path, person(42))
    for name in ("X-Client-Id", "X-Timestamp", "X-Nonce", "X-Signature"):
        answer = c1.send(path, person(42), {k: v for k, v in good.items() if k != name})
        assert (answer.status, answer.problem) == (401, "missing-header")
        assert name in answer.body["detail"]
    for name, value in [
        ("X-Timestamp", "yesterday"),
        ("X-Nonce", "short"),
        ("X-Nonce", "x" * 65),
        ("X-Signature", "%%"),
        ("X-Client-Id", "a b"),
    ]:
        assert c1.send(path, person(42), {**good, name: value}).problem == "bad-header"
    assert c1.get(path, person(42), case="%FF").problem == "bad-header"


def test_an_unknown_and_a_stopped_client(gate: Gate, path: str) -> None:
    assert Caller("nobody", b"x", gate.port).get(path, person(42)).problem == "unknown-client"
    stopped = gate.register("stopped")
    gate.sql("INSERT INTO gate.grant_client VALUES ('G-1', 'stopped')")
    settled()
    assert stopped.get(path, person(42)).status == 200
    gate.sql("UPDATE gate.client SET active = false WHERE client_id = 'stopped'")
    assert stopped.get(path, person(42)).problem == "client-stopped"


def test_two_keys_live_while_one_is_changed(gate: Gate, c1: Caller, path: str) -> None:
    old, new = gate.register("turn"), gate.register("turn-new")
    gate.sql("INSERT INTO gate.grant_client VALUES ('G-1', 'turn')")
    token = seal(MasterKey.parse(MASTER), new.secret, b"gate.client:turn")
    gate.sql("UPDATE gate.client SET secret2_sealed = %s WHERE client_id = 'turn'", token)
    settled()
    turned = Caller("turn", new.secret, gate.port)
    assert [old.get(path, person(42)).status, turned.get(path, person(42)).status] == [200, 200]
    gate.sql(
        "UPDATE gate.client SET secret_sealed = secret2_sealed, secret2_sealed = NULL WHERE client_id = 'turn'"
    )
    settled()
    assert old.get(path, person(42)).problem == "bad-signature"
    assert turned.get(path, person(42)).status == 200


# ---- under which grant
def test_anothers_grant_looks_like_none(gate: Gate, c1: Caller) -> None:
    theirs = gate.grant("G-THEIRS", ("c2",))
    settled()
    none = c1.get("/share/v1/G-NONE", person(42))
    other = c1.get(theirs, person(42))
    assert (none.status, none.problem) == (other.status, other.problem) == (404, "no-such-grant")
    strip = ("request_digest", "instance", "detail")
    assert {k: v for k, v in none.body.items() if k not in strip} == {
        k: v for k, v in other.body.items() if k not in strip
    }
    assert none.body["detail"].replace("G-NONE", "X") == other.body["detail"].replace("G-THEIRS", "X")


def test_validity_and_state(gate: Gate, c1: Caller) -> None:
    later = gate.grant("G-LATER", since="1 hour")
    over = gate.grant("G-OVER", since="-2 day", until="-1 second")
    stopped = gate.grant("G-SUSP", state="suspended")
    gone = gate.grant("G-REVOKED", state="revoked")
    settled()
    problems = [c1.get(p, person(42)).problem for p in (later, over, stopped, gone)]
    assert problems == ["grant-not-yet", "grant-expired", "grant-suspended", "grant-revoked"]


def test_a_grant_ends_at_its_moment(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-ENDING", until="1.5 second")
    settled()
    assert c1.get(path, person(42)).status == 200
    time.sleep(1.2)
    assert c1.get(path, person(42)).problem == "grant-expired"


def test_revocation_is_effective_within_a_second_on_every_worker(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-REV")
    settled()
    assert {a.status for a in at_once(16, 8, lambda _: c1.get(path, person(42)))} == {200}
    gate.sql("UPDATE gate.grant_ SET state = 'revoked' WHERE grant_no = 'G-REV'")
    # The admitting transaction looks for itself, so already the first call after the commit is refused.
    answers = at_once(32, 16, lambda _: c1.get(path, person(42)))
    assert {a.problem for a in answers} == {"grant-revoked"}


def test_a_revocation_that_no_worker_heard_of_holds_all_the_same(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-DEAF")
    settled()
    assert c1.get(path, person(42)).status == 200
    gate.sql("ALTER TABLE gate.grant_ DISABLE TRIGGER grant_announce")
    gate.sql("UPDATE gate.grant_ SET state = 'revoked' WHERE grant_no = 'G-DEAF'")
    answers = at_once(16, 8, lambda _: c1.get(path, person(42)))
    gate.sql("ALTER TABLE gate.grant_ ENABLE TRIGGER grant_announce")
    assert {a.problem for a in answers} == {"grant-revoked"}


def test_a_changed_grant_is_served_as_changed(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-CHANGE")
    settled()
    assert "income" in c1.get(path, person(42)).body["rows"][0]
    narrower = dataclasses.replace(PERSON, columns=PERSON.columns[:2], keys=("id_no",))
    gate.sql(
        "UPDATE gate.grant_ SET spec = %s, version = 2 WHERE grant_no = 'G-CHANGE'",
        json.dumps(narrower.as_dict()),
    )
    answers = at_once(16, 8, lambda _: c1.get(path, person(42)))
    assert {a.body["version"] for a in answers} == {2}
    assert {tuple(a.body["rows"][0]) for a in answers} == {("id_no", "name")}


def test_a_link_taken_away(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-LINK")
    settled()
    assert c1.get(path, person(42)).status == 200
    gate.sql("DELETE FROM gate.grant_client WHERE grant_no = 'G-LINK'")
    assert c1.get(path, person(42)).problem == "no-such-grant"


def test_a_broken_grant_harms_no_other(gate: Gate, c1: Caller, path: str) -> None:
    unreadable = gate.grant("G-UNREADABLE")
    gate.sql("UPDATE gate.grant_ SET spec = '{\"table\": \"x\"}' WHERE grant_no = 'G-UNREADABLE'")
    no_table = gate.grant("G-NOTABLE", table="serving.nothing")
    divides = gate.grant(
        "G-DIVIDES", columns=(*PERSON.columns[:1], Column("x", "1 / 0", "integer")), keys=("id_no",)
    )
    settled()

    def one(number: int) -> str:
        return c1.get([unreadable, no_table, divides, path][number % 4], person(42)).problem

    assert sorted(at_once(40, 8, one)) == [""] * 10 + ["grant-broken"] * 30


def test_modes_are_granted_one_by_one(gate: Gate, c1: Caller) -> None:
    by_key, by_page = gate.grant("G-KEY", modes=("key",)), gate.grant("G-PAGE", modes=("page",), keys=())
    settled()
    assert c1.get(f"{by_key}/rows").problem == "mode-not-granted"
    assert c1.get(by_page, person(42)).problem == "mode-not-granted"


# ---- what is asked
@pytest.mark.parametrize(
    ("query", "problem"),
    [
        ("name=x", "unknown-parameter"),  # granted but masked
        ("phone=x", "unknown-parameter"),  # not granted
        ("region=330727", "unknown-parameter"),  # the scope's own column
        ("_rowid=1", "unknown-parameter"),
        ("id_no=a&limit=5", "unknown-parameter"),
        ("id_no=a&id_no=b", "repeated-parameter"),
        ("", "missing-key"),
        ("after=1", "missing-key"),
        ("id_no=", "bad-value"),
        ("id_no=" + "a" * 257, "bad-value"),
        ("household=abc", "bad-value"),
        ("household=99999999999999999999", "bad-value"),
        ("household=1%20OR%201=1", "bad-value"),
        ("born=2026-02-30", "bad-value"),
        ("born=20260230", "bad-value"),
        ("id_no=a&after=-1", "bad-after"),
        ("id_no=a&after=x", "bad-after"),
        ("id_no", "bad-query"),
        ("=a", "bad-query"),
        ("id_no=%FF", "bad-query"),
        ("id_no=%00", "bad-query"),
        ("id_no=" + "%41" * 1400, "query-too-long"),
    ],
)
def test_parameters_that_are_not_allowed(c1: Caller, path: str, query: str, problem: str) -> None:
    answer = c1.get(path, query)
    assert (answer.problem, answer.status) == (problem, 414 if problem == "query-too-long" else 400)


@pytest.mark.parametrize("limit", ["0", "51", "-1", "x", "1e3", "", "٣"])
def test_limits_that_are_not_allowed(c1: Caller, path: str, limit: str) -> None:
    answer = c1.get(f"{path}/rows", query_of(limit=limit))
    assert (answer.status, answer.problem) == (400, "bad-limit")


@pytest.mark.parametrize(
    "attempt",
    [
        "' OR '1'='1",
        "SYN000000000000042' --",
        "'; DROP TABLE serving.person; --",
        "{SYN000000000000042,SYN000000000000043}",
        '"}],"rows":[{',
        "\\' OR 1=1 --",
        "$1",
        "%27%20OR%201=1",
        "SYN%",
        "*",
        "{}",
        "NULL",
        "\ufffd",
        "😀",
    ],
)
def test_injection_finds_nothing(gate: Gate, c1: Caller, path: str, attempt: str) -> None:
    answer = c1.get(path, query_of(id_no=attempt))
    assert answer.status == 200
    assert answer.body["rows"] == []
    assert c1.get(path, query_of(**{attempt: "x"})).status == 400
    assert gate.sql("SELECT count(*) FROM serving.person") == [(PEOPLE,)]


def test_addresses_and_methods_that_are_not_there(c1: Caller, path: str) -> None:
    for bad in (
        "/",
        "/share/v1/",
        "/share/v1/G-1/",
        "/share/v1/G-1/x",
        "/share/v2/G-1",
        "/share/v1/G%2D1",
        "//health",
    ):
        assert (c1.get(bad, "id_no=a").status, c1.get(bad).problem) == (404, "not-found")
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = c1.get(path, person(42), method=method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET")


def test_case_number(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-CASE", case_required=True)
    settled()
    refused = c1.get(path, person(42))
    assert (refused.status, refused.problem) == (400, "missing-case-number")
    answer = c1.get(path, person(42), case="%E6%B5%A6%E6%B0%91-17")
    assert answer.status == 200
    record = gate.sql(
        "SELECT case_no FROM gate.call WHERE request_digest = %s", answer.body["request_digest"]
    )
    assert record == [("浦民-17",)]
    assert c1.get(f"{path}/quota").status == 200


def test_problems_in_both_languages(c1: Caller, path: str) -> None:
    chinese, english = (
        c1.get(path, "name=x", lang="zh-CN,zh;q=0.9"),
        c1.get(path, "name=x", lang="en-GB,zh;q=0.1"),
    )
    assert chinese.headers["content-type"] == "application/problem+json"
    assert (chinese.headers["content-language"], english.headers["content-language"]) == ("zh", "en")
    assert "不在允许之列" in chinese.body["detail"]
    assert "not allowed" in english.body["detail"]
    assert english.body["instance"] == path
    assert english.body["status"] == 400


# ---- quota
def test_quota_is_exact_over_two_workers(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-DAY", quota=Quota(per_day=57))
    settled()
    answers = at_once(150, 16, lambda n: c1.get(path, person(n)))
    assert sorted(a.status for a in answers) == [200] * 57 + [429] * 93
    over = next(a for a in answers if a.status == 429)
    assert over.problem == "over-quota"
    assert 0 < int(over.headers["retry-after"]) <= 86_400
    assert (over.headers["ratelimit-limit"], over.headers["ratelimit-remaining"]) == ("57", "0")
    assert gate.sql("SELECT used FROM gate.usage WHERE grant_no = 'G-DAY' AND period LIKE 'd:%%'") == [(57,)]
    recorded = gate.sql("SELECT count(*) FROM gate.call WHERE grant_no = 'G-DAY' AND status = 200")
    assert recorded == [(57,)]
    told = c1.get(f"{path}/quota").body["windows"]
    assert [(w["window"], w["limit"], w["used"], w["remaining"]) for w in told] == [("day", 57, 57, 0)]


def test_quota_per_minute_and_its_headers(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-MIN", quota=Quota(per_day=100, per_minute=3))
    settled()
    if time.time() % 60 > 55:  # the window must not turn in the middle
        time.sleep(60 - time.time() % 60)
    answers = [c1.get(path, person(42)) for _ in range(4)]
    assert [a.headers["ratelimit-remaining"] for a in answers] == ["2", "1", "0", "0"]
    assert [a.status for a in answers] == [200, 200, 200, 429]
    assert answers[0].headers["ratelimit-policy"] == "100;w=86400, 3;w=60"
    assert int(answers[3].headers["retry-after"]) <= 60
    used = {w["window"]: w["used"] for w in c1.get(f"{path}/quota").body["windows"]}
    assert used == {"day": 3, "minute": 3}


def test_a_raised_quota_counts_from_now(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-RAISE", quota=Quota(per_day=1))
    settled()
    assert [c1.get(path, person(42)).status for _ in range(2)] == [200, 429]
    more = dataclasses.replace(PERSON, quota=Quota(per_day=2)).as_dict()
    gate.sql("UPDATE gate.grant_ SET spec = %s WHERE grant_no = 'G-RAISE'", json.dumps(more))
    settled()
    assert [c1.get(path, person(42)).status for _ in range(2)] == [200, 429]


def test_two_systems_share_a_grants_quota(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-SHARED", ("c1", "c2"), quota=Quota(per_day=20))
    settled()
    both = [c1, gate.callers["c2"]]
    answers = at_once(60, 12, lambda n: both[n % 2].get(path, person(42)))
    assert sum(a.status == 200 for a in answers) == 20


def test_unconditional_data_may_be_answered_before_the_disk(gate: Gate, c1: Caller) -> None:
    path = gate.grant("G-OPEN", durable=False)
    settled()
    answers = at_once(20, 8, lambda n: c1.get(path, person(42)))
    recorded = gate.sql("SELECT count(*) FROM gate.call WHERE grant_no = 'G-OPEN'")
    assert ([a.status for a in answers], recorded) == ([200] * 20, [(20,)])
