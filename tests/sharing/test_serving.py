"""From the lake to the gateway's own SQL: what is granted leaves, masked, in scope, and nothing else."""

from __future__ import annotations

import json

import psycopg
import pytest
from tests.governance.conftest import BAD, GOOD, collected

from gongshu.gateway.spec import GrantSpec, compile_sql
from gongshu.runner import config
from gongshu.sharing.models import Serving
from gongshu.sharing.serving import behind, serve

pytestmark = pytest.mark.django_db


def asked(spec: dict, mode: str, keys: tuple[str, ...] = (), *values: str) -> list[dict]:
    """The rows one call gets, by the gateway's own statement."""
    held = GrantSpec.from_dict(spec)
    given = [*held.where_params, [0], [100], *[[v] for v in values]]
    with psycopg.connect(config.url("gateway"), cursor_factory=psycopg.RawCursor) as db:
        return [
            json.loads(row[2]) for row in db.execute(compile_sql(held, mode, keys).encode(), given).fetchall()
        ]


@pytest.fixture
def served(county, tmp_path):
    """An entry whose rows lie in the lake."""
    entry = county.entry("unconditional")
    collected(entry, tmp_path, GOOD + BAD)
    return entry


def test_only_what_is_granted_leaves(county, served) -> None:
    assert serve(served.code) is None  # nobody holds a grant, so nothing is copied
    request = county.ask(
        served,
        items=["id_no", "name", "town"],
        keys=["town"],
        modes=["key", "page"],
        scope=[{"item": "town", "op": "in", "value": ["城关镇", "大满镇"]}],
    )
    assert request.case.state == "provision"
    assert behind() == [served.code]  # looked after every minute, should the job be lost
    held = serve(served.code)
    assert behind() == []
    request.case.refresh_from_db()
    assert request.case.state == "granted" and held.rows == 5 and held.indexed == ["town"]
    grant = request.grants.get()
    rows = asked(grant.spec, "page")
    assert {row["town"] for row in rows} == {"城关镇", "大满镇"} and len(rows) == 4
    assert set(rows[0]) == {"id_no", "name", "town"}
    assert all("*" in row["id_no"] for row in rows if row["id_no"])  # paging hides what a look-up would show
    assert len(asked(grant.spec, "key", ("town",), "大满镇")) == 1
    assert asked(grant.spec, "key", ("town",), "沙井镇") == []  # out of scope
    before = Serving.objects.get().published_at
    assert serve(served.code).published_at == before  # nothing to do


def test_the_gateway_may_read_what_is_served(county, served) -> None:
    county.ask(served, items=["id_no"], keys=["id_no"])
    held = serve(served.code)
    with psycopg.connect(config.url("gateway")) as db:
        assert db.execute(f"SELECT count(*) FROM {held.table}".encode()).fetchone() == (5,)
