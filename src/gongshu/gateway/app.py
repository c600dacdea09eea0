"""The gateway as an ASGI application: ``granian --interface asgi gongshu.gateway.app:app``.

A request is checked in this order: address, signing headers, timestamp, client, signature, then its grant, the
grant's state and validity, the parameters and the case number; then it goes through a lane (``lanes``), which
alone touches data. Whatever is wrong is answered with a problem document (``problems``).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Any

import orjson

from gongshu.gateway import asking, signature
from gongshu.gateway.answers import Answer, Call, Headers, over_quota
from gongshu.gateway.config import Config
from gongshu.gateway.database import is_down
from gongshu.gateway.grants import Client, Grant, Registry
from gongshu.gateway.lanes import RETRY_S, Lanes
from gongshu.gateway.problems import Refusal, document, language
from gongshu.gateway.refusals import Recorder
from gongshu.gateway.spec import GrantSpec

log = logging.getLogger("gongshu.gateway")
BODY_MAX = 16_384
CHECKS_MAX = 3
START_WAIT_S = 5.0

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_JSON: Headers = [(b"content-type", b"application/json; charset=utf-8"), (b"cache-control", b"no-store")]
_PROBLEM: Headers = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store")]


class Request:
    """One request as received, with what has been proved about it so far."""

    __slots__ = (
        "address",
        "body",
        "case_no",
        "client",
        "digest",
        "grant_no",
        "headers",
        "method",
        "mode",
        "nonce",
        "path",
        "query",
        "started_ns",
    )

    def __init__(self, scope: Scope) -> None:
        self.started_ns = time.perf_counter_ns()
        self.method: bytes = scope["method"].encode()
        self.path: bytes = scope.get("raw_path") or scope["path"].encode()
        self.query: bytes = scope["query_string"]
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        peer = scope.get("client")
        self.address: str = peer[0] if peer else ""
        self.body = b""
        self.grant_no = ""
        self.mode = ""
        self.client: Client | None = None
        self.nonce = ""
        self.digest = ""
        self.case_no: str | None = None


class Gateway:
    """The parts of one worker, and the way of a request through them."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.registry = Registry(config.dsn, config.master_key)
        self.recorder = Recorder(config.dsn, config.now)
        # Pages are long and keys are short: each has its own queue, so a page never holds up a key.
        self.by_key = Lanes(config.dsn, config.now, "key", 2)
        self.by_page = Lanes(config.dsn, config.now, "page", 1)
        self.relaxed = Lanes(config.dsn, config.now, "relaxed", 1, durable=False)

    async def start(self) -> None:
        """Connect and read the grants; serves 503 until the database is there."""
        for part in (self.by_key, self.by_page, self.relaxed, self.recorder):
            await part.start()
        await self.registry.start(START_WAIT_S)

    async def stop(self) -> None:
        """Answer what is in hand, write what is left, close."""
        lanes = (self.by_key, self.by_page, self.relaxed)
        await asyncio.gather(*(lane.drain() for lane in lanes))
        await asyncio.gather(*(lane.stop() for lane in lanes))
        await self.recorder.stop()
        await self.registry.stop()

    # ---- a request
    async def handle(self, scope: Scope, receive: Receive) -> tuple[int, Headers, bytes]:
        """Answer one request: status, headers, body."""
        request = Request(scope)
        try:
            if request.path == b"/health":
                return self._health()
            answer = await self._share(request, receive, scope)
            return 200, [*_JSON, *answer.headers], answer.body
        except Refusal as refusal:
            return self._refuse(request, refusal)
        except Exception as error:  # a fault of ours is a 503 with a record, never a dropped line
            if not is_down(error):
                log.exception("request failed")
            return self._refuse(request, Refusal("unavailable", seconds=RETRY_S, retry_after=RETRY_S))

    async def _share(self, request: Request, receive: Receive, scope: Scope) -> Answer:
        request.grant_no, request.mode = asking.read_path(request.path)
        if request.method != b"GET":
            raise Refusal("method-not-allowed", headers=[(b"allow", b"GET")])
        if not self.registry.loaded:
            raise Refusal("unavailable", seconds=RETRY_S, retry_after=RETRY_S)
        request.body = await _read_body(scope, request.headers, receive)
        client = request.client = self._authenticate(request)
        for _ in range(CHECKS_MAX):
            call = self._admit(request, client)
            answer = await self._lane(call).submit(call)
            if answer is not None:
                return answer
            # The client or the grant changed between our check and the database's: read both and check again.
            await self.registry.refresh(client.id, request.grant_no)
            client = self.registry.clients.get(client.id.encode(), client)
        raise Refusal("unavailable", seconds=RETRY_S, retry_after=RETRY_S)

    def _authenticate(self, request: Request) -> Client:
        try:
            signed = signature.read_headers(request.headers)
        except signature.BadHeader as bad:
            kind = "missing-header" if bad.missing else "bad-header"
            raise Refusal(kind, header=bad.name) from None
        now_ms = time.time_ns() // 1_000_000
        off = int(signed.timestamp) - now_ms
        if abs(off) > signature.WINDOW_MS:
            raise Refusal(
                "stale-timestamp",
                off=abs(off) // 1000,
                window=signature.WINDOW_MS // 1000,
                members={"server_time_ms": now_ms},
            )
        client = self.registry.clients.get(signed.client_id)
        if client is None:
            raise Refusal("unknown-client", client=signed.client_id.decode())
        body_digest = signature.body_digest(client.suite, request.body)
        message = signature.string_to_sign(
            request.method,
            request.path,
            request.query,
            body_digest,
            signed.client_id,
            signed.timestamp,
            signed.nonce,
            signed.case_no,
        )
        if not signature.genuine(client.suite, client.secrets, message, signed.signature):
            raise Refusal(
                "bad-signature",
                client_id=client.id,
                algorithm=client.algorithm,
                members={"string_to_sign": message.decode("utf-8", "backslashreplace")},
            )
        request.nonce = signed.nonce.decode()
        request.digest = f"{client.suite.hash_name}:{client.suite.hash(message).hex()}"
        request.client = client
        request.case_no = asking.read_case(signed.case_no)
        return client

    def _admit(self, request: Request, client: Client) -> Call:
        if not client.active:
            raise Refusal("client-stopped", client=client.id)
        grant = self.registry.grants.get(request.grant_no)
        if grant is None or client.id not in grant.clients:
            named, request.grant_no = request.grant_no, ""
            raise Refusal("no-such-grant", grant=named)
        at = self.config.now()
        spec = _in_force(grant, at)
        given = asking.read_query(request.query)
        ask = asking.read_ask(grant, spec, request.mode, given)
        if spec.case_required and request.case_no is None and ask.mode in ("key", "page"):
            raise Refusal("missing-case-number", grant=grant.no)
        if grant.spent_until is not None and ask.plan_needed and at < grant.spent_until:
            raise over_quota(grant, at)
        return Call(
            client=client,
            grant=grant,
            mode=ask.mode,
            plan=grant.plan(ask.mode, ask.keys) if ask.plan_needed else None,
            after=ask.after,
            limit=ask.limit,
            values=ask.values,
            nonce=request.nonce,
            digest=request.digest,
            case_no=request.case_no,
            address=request.address,
            started_ns=request.started_ns,
            done=asyncio.get_running_loop().create_future(),
        )

    def _lane(self, call: Call) -> Lanes:
        spec = call.grant.spec
        if spec is not None and not spec.durable:
            return self.relaxed
        return self.by_page if call.mode == "page" else self.by_key

    # ---- answers that are not data
    def _refuse(self, request: Request, refusal: Refusal) -> tuple[int, Headers, bytes]:
        proved = request.client.id if request.client else refusal.client_id
        self.recorder.refused(
            refusal.kind,
            refusal.status,
            proved,
            request.grant_no if request.client else "",
            digest=request.digest if request.client else "",
            mode=request.mode,
            case_no=request.case_no,
            address=request.address,
            micros=(time.perf_counter_ns() - request.started_ns) // 1000,
        )
        lang = language(request.headers.get(b"accept-language"))
        headers = [*_PROBLEM, (b"content-language", lang.encode()), *refusal.headers]
        if refusal.status == 401:
            headers.append((b"www-authenticate", b"Gongshu-HMAC"))
        if refusal.retry_after is not None:
            headers.append((b"retry-after", b"%d" % refusal.retry_after))
        if request.digest:
            refusal.members.setdefault("request_digest", request.digest)
        instance = request.path.decode("ascii", "backslashreplace")
        return refusal.status, headers, document(refusal, instance, lang)

    def _health(self) -> tuple[int, Headers, bytes]:
        up = self.registry.loaded and self.by_key.up
        content = {
            "status": "ok" if up else "unavailable",
            "clients": len(self.registry.clients),
            "grants": len(self.registry.grants),
        }
        return (200 if up else 503), _JSON, orjson.dumps(content)


def _in_force(grant: Grant, at: datetime) -> GrantSpec:
    """The grant's spec if it may be used now; otherwise the refusal that says why not."""
    if grant.state != "active":
        raise Refusal(f"grant-{grant.state}", grant=grant.no)
    if at < grant.valid_from:
        raise Refusal("grant-not-yet", grant=grant.no, since=_moment(grant.valid_from, at))
    if at >= grant.valid_to:
        raise Refusal("grant-expired", grant=grant.no, until=_moment(grant.valid_to, at))
    if grant.spec is None:
        raise Refusal("grant-broken", grant=grant.no)
    return grant.spec


def _moment(when: datetime, at: datetime) -> str:
    return when.astimezone(at.tzinfo).isoformat(sep=" ", timespec="seconds")


async def _read_body(scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> bytes:
    length = headers.get(b"content-length", b"0")
    if length == b"0" and b"transfer-encoding" not in headers and scope.get("http_version", "1.1")[0] == "1":
        return b""  # HTTP/1 without either header has no body
    if not length.isdigit() or int(length) > BODY_MAX:
        raise Refusal("body-too-large", limit=BODY_MAX)
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > BODY_MAX:
            raise Refusal("body-too-large", limit=BODY_MAX)
        if not message.get("more_body", False):
            return bytes(body)


class _App:
    """The ASGI callable: makes the gateway when the server says the worker starts, stops it at the end."""

    def __init__(self) -> None:
        self.gateway: Gateway | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
            return
        if scope["type"] != "http" or self.gateway is None:
            raise RuntimeError("the gateway serves HTTP and needs a server with lifespan support")
        status, headers, body = await self.gateway.handle(scope, receive)
        headers = [*headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body if scope["method"] != "HEAD" else b""})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    self.gateway = Gateway(Config.from_env())
                    await self.gateway.start()
                except Exception as error:  # the server must be told, whatever it is
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    raise
                await send({"type": "lifespan.startup.complete"})
            elif message["type"] == "lifespan.shutdown":
                if self.gateway:
                    await self.gateway.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return


app = _App()
