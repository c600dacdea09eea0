"""Events to seal, and somebody with more rights than anybody should have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest


def append(count: int = 1, **given: Any) -> list[int]:
    """Commit events, each in a transaction of its own; their numbers."""
    from django.db import transaction

    from gongshu.journal.services import Actor, event_append
    from gongshu.kernel.clause import Basis

    made = []
    for number in range(count):
        with transaction.atomic():
            event = event_append(
                actor=given.get("actor", Actor(7, "审核员甲", "console")),
                type=given.get("type", "sharing.grant.issued"),
                subject=("grant", f"SQ-{number:04d}", "低保对象信息"),
                body={"items": ["姓名", "证件号码"], "rows": number, "scope": {"镇": "示例镇"}},
                unit=given.get("unit", 3),
                case=given.get("case"),
                basis=Basis(("ZY-24.3", "ZY-25")),
                pack="zhangye/1.0.0",
            )
        made.append(event.pk)
    return made


CALL = (
    "INSERT INTO gate.call (at, client_id, grant_no, grant_version, mode, request_digest, case_no, status, rows,"
    " bytes, micros, problem, address) SELECT '2026-04-08 09:00:00.123456+08', 'sys-1', 'SQ-1', 1, 'key',"
    " 'sha256:' || n, 'AJ-1', 200, 1, 300, 950, NULL, '10.0.0.1' FROM generate_series(1, %s) n RETURNING id"
)


def call(count: int = 1) -> list[int]:
    """Commit call records as the gateway does."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(CALL, [count])
        return [pk for (pk,) in cursor.fetchall()]


@pytest.fixture
def intruder(transactional_db: None) -> Iterator[Callable[..., list[Any]]]:
    """Runs SQL as the owner with triggers off: what a database administrator could do."""
    from gongshu.runner import config

    with psycopg.connect(config.owner_url(), autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")

        def run(statement: str, *given: Any) -> list[Any]:
            done = connection.execute(statement.encode(), given)
            return done.fetchall() if done.description else []

        yield run
