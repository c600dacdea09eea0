"""The request signature: what is signed, how it is read, how it is checked.

A caller sends four headers, and a fifth where its grant asks for a case number::

    X-Client-Id   the id of the calling system
    X-Timestamp   milliseconds since 1970-01-01T00:00:00Z, decimal
    X-Nonce       16 to 64 characters of A-Z a-z 0-9 . _ ~ -, new for every request
    X-Signature   Base64 of HMAC(UTF-8 bytes of the secret, string to sign)
    X-Case-No     the case worked on; characters outside ASCII are percent-encoded UTF-8

The string to sign is these lines joined by one LF, without an LF at the end::

    method                    GET
    raw path                  as sent, percent-encoding untouched: /share/v1/PJ-G-0001
    raw query                 as sent, without the "?"; an empty line if there is none
    hex digest of the body    lower case; of the empty body for GET
    X-Client-Id
    X-Timestamp
    X-Nonce
    X-Case-No                 only if the header is sent and not empty, as sent

The client's registered algorithm decides both HMAC and body digest: ``hmac-sha256`` (SHA-256) or ``hmac-sm3``
(SM3). No part can hold an LF, so no two requests share a string. A timestamp is accepted within 300 seconds of
the gateway's clock, a nonce once.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass

from gongshu.engine.suite import INTL_1, SM_1, Suite

WINDOW_MS = 300_000
ALGORITHMS: dict[str, Suite] = {"hmac-sha256": INTL_1, "hmac-sm3": SM_1}
EMPTY_DIGEST: dict[str, bytes] = {s.id: s.hash(b"").hex().encode() for s in ALGORITHMS.values()}

_CLIENT_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}").fullmatch
_NONCE = re.compile(rb"[A-Za-z0-9._~-]{16,64}").fullmatch


class BadHeader(ValueError):
    """A header that cannot be read; ``name`` says which, ``missing`` whether it is not there at all."""

    def __init__(self, name: str, missing: bool) -> None:
        super().__init__(name)
        self.name = name
        self.missing = missing


@dataclass(slots=True)
class Signed:
    """The signing headers of one request, as sent."""

    client_id: bytes
    timestamp: bytes
    nonce: bytes
    signature: bytes
    case_no: bytes


def read_headers(headers: dict[bytes, bytes]) -> Signed:
    """Take the signing headers (names in lower case); raises :class:`BadHeader`."""
    get = headers.get
    client_id, timestamp, nonce = get(b"x-client-id"), get(b"x-timestamp"), get(b"x-nonce")
    encoded = get(b"x-signature")
    if not client_id or not _CLIENT_ID(client_id):
        raise BadHeader("X-Client-Id", not client_id)
    if not timestamp or not timestamp.isdigit() or not 10 <= len(timestamp) <= 16:
        raise BadHeader("X-Timestamp", not timestamp)
    if not nonce or not _NONCE(nonce):
        raise BadHeader("X-Nonce", not nonce)
    if not encoded:
        raise BadHeader("X-Signature", True)
    try:
        signature = binascii.a2b_base64(encoded, strict_mode=True)
    except binascii.Error:
        raise BadHeader("X-Signature", False) from None
    return Signed(client_id, timestamp, nonce, signature, get(b"x-case-no") or b"")


def string_to_sign(
    method: bytes,
    path: bytes,
    query: bytes,
    body_digest: bytes,
    client_id: bytes,
    timestamp: bytes,
    nonce: bytes,
    case_no: bytes = b"",
) -> bytes:
    """The bytes both sides sign; see the module's text."""
    lines = (method, path, query, body_digest, client_id, timestamp, nonce)
    return b"\n".join((*lines, case_no) if case_no else lines)


def body_digest(suite: Suite, body: bytes) -> bytes:
    """Lower-case hex digest of the body as it stands in the string to sign."""
    return suite.hash(body).hex().encode() if body else EMPTY_DIGEST[suite.id]


def sign(suite: Suite, secret: bytes, message: bytes) -> str:
    """The value of X-Signature."""
    return base64.b64encode(suite.mac(secret, message)).decode()


def genuine(suite: Suite, secrets: Iterable[bytes], message: bytes, signature: bytes) -> bool:
    """Whether one of the live secrets made this signature, compared in constant time."""
    return any(suite.verify_mac(secret, message, signature) for secret in secrets)
