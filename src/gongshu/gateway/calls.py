"""One request on its way through the gateway: what was received, what has been proved, what is to leave."""

from __future__ import annotations

import asyncio
import time
from collections.abc import MutableMapping
from dataclasses import dataclass
from typing import Any

from gongshu.gateway.grants import Client, Grant, Plan

Scope = MutableMapping[str, Any]
Headers = list[tuple[bytes, bytes]]
Party = tuple[Client, Grant, str, str]


@dataclass(slots=True, frozen=True)
class Answer:
    """What leaves: the body and its extra headers."""

    body: bytes
    headers: Headers


class Call:
    """A request in progress.

    received: method, path, query, headers, address (of the socket, never of a header), body, started_ns.
    proved: client, nonce, digest (of what was signed), case_no - empty until the signature was right.
    asked: grant_no, mode, then grant, plan (None where no row is touched), values, after, limit.
    answered: rows as JSON texts, last row and whether there are more, body to leave; ``done`` brings the answer,
    None if client or grant changed on the way (check again), or a Refusal.
    """

    __slots__ = (
        "address",
        "after",
        "answer",
        "body",
        "case_no",
        "client",
        "digest",
        "done",
        "grant",
        "grant_no",
        "headers",
        "last",
        "limit",
        "method",
        "mode",
        "more",
        "nonce",
        "party",
        "path",
        "plan",
        "query",
        "rows",
        "started_ns",
        "values",
    )

    client: Client
    grant: Grant
    party: Party
    plan: Plan | None
    rows: list[str]
    values: tuple[Any, ...]
    done: asyncio.Future[Answer | None]
    after: int
    limit: int
    last: int
    more: bool
    answer: bytes
    nonce: str
    case_no: str | None

    def __init__(self, scope: Scope) -> None:
        self.started_ns = time.perf_counter_ns()
        self.method: bytes = scope["method"].encode()
        self.path: bytes = scope["raw_path"]
        self.query: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        peer = scope["client"]
        self.address: str = peer[0] if peer else ""
        self.body = b""
        self.grant_no = self.mode = self.digest = ""
        self.case_no = None

    @property
    def proved(self) -> bool:
        """Whether the signature was right; only then are ``client`` and ``nonce`` set."""
        return bool(self.digest)

    def micros(self) -> int:
        """Microseconds since the request was received."""
        return (time.perf_counter_ns() - self.started_ns) // 1000
