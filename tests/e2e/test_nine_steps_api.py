"""The nine steps as a scripted run over the API, under each of the five packs, against a whole installation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from .installation import Installation, installed, until
from .journey import ROWS, Journey, families

PACKS = ("pujiang", "putuo", "zhangye", "xinchang", "chongming")


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Iterator[Installation]:
    yield from installed(request.param)


@pytest.mark.slow
@pytest.mark.parametrize("place", PACKS, indirect=True)
def test_one_table_from_its_own_database_to_another_departments_call(
    place: Installation, pg_dsn: str, tmp_path: Path
) -> None:
    rows = families(pg_dsn)
    trip = Journey(place, pg_dsn)
    trip.register()
    said = trip.wrong_sources()
    assert len(set(said.values())) == 3, said

    early = trip.refused("mz_steward", "POST", f"/entries/{trip.entry}/collection")
    assert early["code"] == "not_catalogued"
    empty = trip.refused("mz_steward", "POST", f"/entries/{trip.entry}/submit")
    assert empty["fields"] and empty["basis"]
    trip.compile()
    trip.publish()
    assert trip.ask("yb_steward", "GET", f"/entries/{trip.entry}")["version"] == 1

    batch = trip.collect()
    assert batch["rows"] == batch["source_rows"] == ROWS and batch["digest"]
    issues = trip.issues()
    assert any(i["failing"] == ROWS // 20 for i in issues), issues

    trip.request()
    trip.decide()
    check_gateway(trip, rows)
    trip.delivered()
    trip.confirm()
    check_evidence(trip, tmp_path)


def check_gateway(trip: Journey, rows: list[tuple[Any, ...]]) -> None:
    """Granted items, masked, only rows in scope; replayed, stale, forged and over-quota calls are refused."""
    inside, outside = rows[1], rows[2]
    got = trip.use(inside[0])["rows"]
    assert len(got) == 1 and set(got[0]) == {"id_card", "name", "amount"}
    assert got[0]["id_card"] == inside[0] and got[0]["name"] == inside[1][0] + "*", got
    assert trip.use(outside[0])["rows"] == []
    path = f"/share/v1/{trip.grant}"
    page = trip.call(path + "/rows", {"limit": 30}).json()
    assert len(page["rows"]) == 30 and page["next"]
    nonce = "n" * 24
    assert trip.call(path, {"id_card": inside[0]}, nonce=nonce).status_code == 200
    refusals = {
        "replayed": trip.call(path, {"id_card": inside[0]}, nonce=nonce),
        "stale": trip.call(path, {"id_card": inside[0]}, at=1_700_000_000_000),
        "forged query": trip.call(path, {"id_card": inside[0]}, raw=f"id_card={outside[0]}"),
        "wrong secret": trip.call(path, {"id_card": inside[0]}, secret="0" * 64),
        "not granted": trip.call(path, {"phone": "13900000001"}),
    }
    for name, answer in refusals.items():
        assert 400 <= answer.status_code < 500, name
        assert answer.headers["content-type"].startswith("application/problem+json"), name
        assert answer.json()["detail"], name
    last = None
    for _n in range(60):
        last = trip.call(path, {"id_card": inside[0]})
        if last.status_code == 429:
            break
    assert last is not None and last.status_code == 429 and last.headers["retry-after"]


def check_evidence(trip: Journey, tmp_path: Path) -> None:
    """9. The case shows every step; the grant's receipt verifies offline; a changed byte is found and named."""
    shown = trip.ask("yb_steward", "GET", f"/cases/{trip.case}")
    steps = [e for e in shown["events"] if e["type"] in ("case.opened", "case.moved")]
    assert all(e["actor"]["name"] and e["at"] for e in steps)
    issued = next(e for e in shown["events"] if e["type"] == "grant.issued")
    place = trip.place

    def sealed() -> Any:
        with place.api("yb_steward") as client:
            answer = client.get(f"/events/{issued['uuid']}/receipt")
        return answer if answer.status_code == 200 else None

    receipt = tmp_path / "receipt.tlog-proof"
    answer = until(sealed, 30)
    receipt.write_text(answer.json()["content"], encoding="utf-8")
    place.command("verify", str(receipt))
    place.command("audit", "verify")
    tampered = tmp_path / "tampered.tlog-proof"
    text = receipt.read_text(encoding="utf-8")
    at = text.index("index ") + len("index ")
    tampered.write_text(text[:at] + ("1" if text[at] != "1" else "2") + text[at + 1 :], encoding="utf-8")
    place.command("verify", str(tampered), code=1)
    owner = (place.home / "database_url").read_text().strip()
    with psycopg.connect(owner) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(
            "UPDATE journal_event SET actor_name = actor_name || ' ' WHERE id = %s", [issued["id"]]
        )
    told = place.command("audit", "verify", code=1)
    assert str(issued["id"]) in told.stdout + told.stderr
