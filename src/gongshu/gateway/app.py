"""The gateway as an ASGI application: ``granian --interface asgi gongshu.gateway.app:app``.

A request is checked in this order: address, signing headers, timestamp, client, signature, then its grant, the
grant's state and validity, the parameters and the case number; then it goes through a lane (``lanes``), which
alone touches data. Whatever is wrong is answered with a problem document (``problems``).
"""

from __future__ import annotations

import asyncio
import gc
import logging
import time
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime
from typing import Any

import orjson

from gongshu.gateway import asking, signature
from gongshu.gateway.answers import over_quota
from gongshu.gateway.calls import Answer, Call, Headers, Scope
from gongshu.gateway.config import Config
from gongshu.gateway.database import is_down
from gongshu.gateway.grants import Grant, Registry
from gongshu.gateway.lanes import RETRY_S, Lanes
from gongshu.gateway.lifetime import end_with_parent
from gongshu.gateway.problems import Refusal, document, language
from gongshu.gateway.refusals import Recorder

log = logging.getLogger("gongshu.gateway")
BODY_MAX = 16_384
BODY_TIMEOUT_S = 10
CHECKS_MAX = 3
START_WAIT_S = 5.0

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_JSON: Headers = [(b"content-type", b"application/json; charset=utf-8"), (b"cache-control", b"no-store")]
_PROBLEM: Headers = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store")]


class Gateway:
    """The parts of one worker, and the way of a request through them."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.registry = Registry(config.dsn, config.master_key)
        self.recorder = Recorder(config.dsn, config.now)
        # Pages are long and keys are short: each has its own queue, so a page never holds up a key.
        self.by_key = Lanes(config.dsn, config.now, "key", 1)
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
        call = Call(scope)
        try:
            if call.path == b"/health":
                return self._health()
            answer = await self._share(call, receive, scope)
            return 200, _JSON + answer.headers, answer.body
        except Refusal as refusal:
            return self._refuse(call, refusal)
        except Exception as error:  # a fault of ours is a 503 with a record, never a dropped line
            if not is_down(error):
                log.exception("request failed")
            return self._refuse(call, Refusal("unavailable", seconds=RETRY_S, retry_after=RETRY_S))

    async def _share(self, call: Call, receive: Receive, scope: Scope) -> Answer:
        call.grant_no, call.mode = asking.read_path(call.path)
        if call.method != b"GET":
            raise Refusal("method-not-allowed", headers=[(b"allow", b"GET")])
        if not self.registry.loaded:
            raise Refusal("unavailable", seconds=RETRY_S, retry_after=RETRY_S)
        if b"content-length" in call.headers or b"transfer-encoding" in call.headers:
            call.body = await _read_body(call.headers, receive)  # HTTP/1 without either has no body
        self._authenticate(call)
        for _ in range(CHECKS_MAX):
            self._admit(call)
            answer = await self._lane(call).submit(call)
            if answer is not None:
                return answer
            # The client or the grant changed between our check and the database's: read both and check again.
            await self.registry.refresh(call.client.id, call.grant_no)
            call.client = self.registry.clients.get(call.client.id.encode(), call.client)
        raise Refusal("unavailable", seconds=RETRY_S, retry_after=RETRY_S)

    def _authenticate(self, call: Call) -> None:
        try:
            signed = signature.read_headers(call.headers)
        except signature.BadHeader as bad:
            raise Refusal("missing-header" if bad.missing else "bad-header", header=bad.name) from None
        now_ms = time.time_ns() // 1_000_000
        off = abs(int(signed.timestamp) - now_ms)
        if off > signature.WINDOW_MS:
            window = signature.WINDOW_MS // 1000
            raise Refusal(
                "stale-timestamp", off=off // 1000, window=window, members={"server_time_ms": now_ms}
            )
        client = self.registry.clients.get(signed.client_id)
        if client is None:
            raise Refusal("unknown-client", client=signed.client_id.decode())
        message = signature.string_to_sign(
            call.method,
            call.path,
            call.query,
            signature.body_digest(client.suite, call.body),
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
        call.client = client
        call.nonce = signed.nonce.decode()
        call.digest = f"{client.suite.hash_name}:{client.suite.hash(message).hex()}"
        if signed.case_no:
            call.case_no = asking.read_case(signed.case_no)

    def _admit(self, call: Call) -> None:
        client, grant = call.client, self.registry.grants.get(call.grant_no)
        if not client.active:
            raise Refusal("client-stopped", client=client.id)
        if grant is None or client.id not in grant.clients:
            named, call.grant_no = call.grant_no, ""
            raise Refusal("no-such-grant", grant=named)
        now_s = self.config.now_s()
        if grant.state != "active" or grant.spec is None or not grant.from_s <= now_s < grant.to_s:
            raise _not_in_force(grant, self.config.now())
        asking.read_ask(call, grant)
        if call.plan is not None:
            if grant.spec.case_required and call.case_no is None:
                raise Refusal("missing-case-number", grant=grant.no)
            if grant.spent_until is not None and self.config.now() < grant.spent_until:
                raise over_quota(grant, self.config.now())
        call.grant = grant
        call.party = client, grant, call.mode, call.address
        call.rows, call.more, call.answer = [], False, b""
        call.done = asyncio.get_running_loop().create_future()

    def _lane(self, call: Call) -> Lanes:
        if not call.grant.served.durable:
            return self.relaxed
        return self.by_page if call.mode == "page" else self.by_key

    # ---- answers that are not data
    def _refuse(self, call: Call, refusal: Refusal) -> tuple[int, Headers, bytes]:
        # Only who signed rightly is named with a grant and gets lines of its own in the record.
        self.recorder.refused(
            refusal.kind,
            refusal.status,
            call.client.id if call.proved else refusal.client_id,
            call.grant_no if call.proved else "",
            digest=call.digest,
            mode=call.mode,
            case_no=call.case_no,
            address=call.address,
            micros=call.micros(),
        )
        lang = language(call.headers.get(b"accept-language"))
        headers = [*_PROBLEM, (b"content-language", lang.encode()), *refusal.headers]
        if refusal.status == 401:
            headers.append((b"www-authenticate", b"Gongshu-HMAC"))
        if refusal.retry_after is not None:
            headers.append((b"retry-after", b"%d" % refusal.retry_after))
        if call.digest:
            refusal.members["request_digest"] = call.digest
        instance = call.path.decode("ascii", "backslashreplace")
        return refusal.status, headers, document(refusal, instance, lang)

    def _health(self) -> tuple[int, Headers, bytes]:
        up = self.registry.loaded and self.by_key.up
        content = {"status": "ok" if up else "unavailable"}
        return (200 if up else 503), _JSON, orjson.dumps(content)


def _not_in_force(grant: Grant, at: datetime) -> Refusal:
    """The refusal that says why this grant cannot be used now."""
    if grant.state != "active":
        return Refusal(f"grant-{grant.state}", grant=grant.no)
    if at < grant.valid_from:
        return Refusal("grant-not-yet", grant=grant.no, since=_moment(grant.valid_from, at))
    if at >= grant.valid_to:
        return Refusal("grant-expired", grant=grant.no, until=_moment(grant.valid_to, at))
    return Refusal("grant-broken", grant=grant.no)


def _moment(when: datetime, at: datetime) -> str:
    return when.astimezone(at.tzinfo).isoformat(sep=" ", timespec="seconds")


async def _read_body(headers: dict[bytes, bytes], receive: Receive) -> bytes:
    length = headers.get(b"content-length", b"0")
    if not length.isdigit() or int(length) > BODY_MAX:
        raise Refusal("body-too-large", limit=BODY_MAX)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > BODY_MAX:
                    raise Refusal("body-too-large", limit=BODY_MAX)
                if not message.get("more_body", False):
                    return bytes(body)
    except TimeoutError:
        raise Refusal("body-too-slow", seconds=BODY_TIMEOUT_S) from None


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
                    end_with_parent()
                    self.gateway = Gateway(Config.from_env())
                    await self.gateway.start()
                    # What is loaded now stays; collecting it over and over is a few per cent of every call.
                    gc.collect()
                    gc.freeze()
                    gc.set_threshold(20_000, 20, 50)
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
