"""First calls under the county's grants, through a real gateway, so that deliveries and confirmations are real too."""

from __future__ import annotations

import contextlib
import json
import secrets
import time
import urllib.request
from collections.abc import Iterator
from urllib.parse import quote

from django.db import connection
from psycopg import sql

from gongshu.gateway.signature import ALGORITHMS, body_digest, sign, string_to_sign
from gongshu.runner import supervisor
from gongshu.runner.postgres import free_port
from gongshu.sharing.models import Grant, ShareRequest
from gongshu.sharing.serving import deliveries_record

from . import stores
from .acting import push

HOST = "127.0.0.1"
CONFIRMED = "yb"
"""The demander that has confirmed what it received; the next ones have received and not confirmed yet."""
CALLING = (CONFIRMED, "rs")


def first_calls() -> None:
    """Let some demanders fetch a record by key; one of them confirms receipt."""
    granted = [g for g in Grant.objects.filter(state="active") if g.request.demander.code in CALLING]
    if not granted:
        return
    with gateway() as base:
        for grant in granted:
            call(base, grant)
    deliveries_record()
    for request in ShareRequest.objects.filter(demander__code=CONFIRMED, case__state="delivered"):
        push(request.case)


@contextlib.contextmanager
def gateway() -> Iterator[str]:
    """A gateway of our own on a free port; its address."""
    port = free_port()
    child = next(c for c in supervisor.children(HOST, 0, port) if c.name == "gateway")
    child.start()
    try:
        base = f"http://{HOST}:{port}"
        supervisor.await_ready([child], [f"{base}/"], lambda: False, timeout=60)
        yield base
    finally:
        child.stop()


def call(base: str, grant: Grant) -> dict[str, object]:
    """Look up one record that exists, signed as a business system would sign. urllib.error.HTTPError if refused."""
    client, key = grant.request.client, grant.spec["keys"][0]
    path, query = f"/share/v1/{grant.number}", f"{quote(key)}={quote(_value(grant, key))}"
    suite = ALGORITHMS[client.algorithm]
    stamp, nonce = str(time.time_ns() // 1_000_000), secrets.token_urlsafe(16)
    parts = ("GET", path, query, body_digest(suite, b"").decode(), client.client_id, stamp, nonce)
    message = string_to_sign(*(part.encode() for part in parts))
    secret = stores.secrets_kept()[f"client {grant.request.demander.code}"]
    headers = {
        "X-Client-Id": client.client_id,
        "X-Timestamp": stamp,
        "X-Nonce": nonce,
        "X-Signature": sign(suite, secret.encode(), message),
    }
    request = urllib.request.Request(f"{base}{path}?{query}", headers=headers)  # noqa: S310 - our own http address
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return dict(json.load(answer))


def _value(grant: Grant, key: str) -> str:
    """A value of the key that is in the serving store."""
    held = grant.request.entry.serving
    statement = sql.SQL(
        "SELECT {key} FROM serving.{table} WHERE {key} IS NOT NULL ORDER BY {key} LIMIT 1"
    ).format(key=sql.Identifier(key), table=sql.Identifier(held.table.rpartition(".")[2]))
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return str(cursor.fetchone()[0])
