"""What a request asks for: its path and query, read strictly and turned into typed values.

Nothing here is put into SQL text; values become bound parameters of the grant's statement.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import unquote_to_bytes

from gongshu.gateway.calls import Call
from gongshu.gateway.grants import Grant
from gongshu.gateway.problems import Refusal

PREFIX = b"/share/v1/"
TEXT_MAX = 256
CASE_MAX = 128
QUERY_MAX = 4096
_GRANT_NO = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_INTEGER = re.compile(r"-?[0-9]{1,19}")
_DECIMAL = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,15})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MODES = {b"": "key", b"rows": "page", b"quota": "quota", b"schema": "schema"}
_LONGEST = 2**63 - 1

TYPE_TEXTS: dict[str, tuple[str, str]] = {
    "string": (f"不超过 {TEXT_MAX} 个字的文本", f"text of 1 to {TEXT_MAX} characters"),
    "integer": ("整数", "a whole number"),
    "decimal": ("十进制数", "a decimal number"),
    "boolean": ("true 或 false", "true or false"),
    "date": ("日期，写作 2026-01-31", "a date, written 2026-01-31"),
}


@lru_cache(maxsize=4096)
def read_path(path: bytes) -> tuple[str, str]:
    """(grant number, mode) of a raw path; raises Refusal ``not-found``."""
    if path.startswith(PREFIX):
        grant_no, slash, rest = path[len(PREFIX) :].partition(b"/")
        mode = _MODES.get(rest)
        if mode and bool(slash) == bool(rest) and _GRANT_NO.fullmatch(grant_no):
            return grant_no.decode(), mode
    raise Refusal("not-found")


def read_query(query: bytes) -> dict[str, str]:
    """Names and values of a raw query string; each name once, everything valid UTF-8 without control characters."""
    found: dict[str, str] = {}
    if not query:
        return found
    if len(query) > QUERY_MAX:
        raise Refusal("query-too-long", limit=QUERY_MAX)
    for part in query.split(b"&"):
        name, equals, value = part.partition(b"=")
        key = _decode(name)
        if not equals or not key:
            raise Refusal("bad-query")
        if key in found:
            raise Refusal("repeated-parameter", name=key)
        found[key] = _decode(value)
    return found


@lru_cache(maxsize=1024)
def read_case(raw: bytes) -> str | None:
    """The case number of header X-Case-No, None if there is none; raises Refusal ``bad-header``."""
    if not raw:
        return None
    try:
        text = unquote_to_bytes(raw).decode().strip()
    except UnicodeDecodeError:
        text = ""
    if not text or len(text) > CASE_MAX or not text.isprintable():
        raise Refusal("bad-header", header="X-Case-No")
    return text


def read_ask(call: Call, grant: Grant) -> None:
    """Check mode and parameters of a call against its grant and set plan, values, after and limit.

    Every refusal names what would be allowed.
    """
    spec, mode = grant.served, call.mode
    given = read_query(call.query)
    call.plan, call.values, call.after, call.limit = None, (), 0, 0
    if mode in ("quota", "schema"):
        _only(given, ())
        return
    if mode not in spec.modes:
        raise Refusal("mode-not-granted", grant=grant.no, modes=", ".join(spec.modes))
    if "after" in given:
        call.after = _whole(given.pop("after"), "bad-after", 0, _LONGEST)
    if mode == "page":
        call.limit = spec.page_max
        if "limit" in given:
            call.limit = _whole(given.pop("limit"), "bad-limit", 1, spec.page_max)
        _only(given, (), "after", "limit")
        call.plan = grant.plan(mode)
        return
    types = grant.key_types
    _only(given, types, "after")
    keys = tuple(given) if len(given) == 1 else tuple(key for key in types if key in given)
    if not keys:
        raise Refusal("missing-key", allowed=", ".join(types))
    call.values = tuple([_value(key, types[key], given[key]) for key in keys])
    call.limit = spec.quota.rows_per_call
    call.plan = grant.plan(mode, keys)


def _decode(raw: bytes) -> str:
    if b"+" in raw:
        raw = raw.replace(b"+", b" ")
    if b"%" in raw:
        raw = unquote_to_bytes(raw)
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        raise Refusal("bad-query") from None
    if "\x00" in text:
        raise Refusal("bad-query")
    return text


def _only(given: dict[str, str], allowed: Collection[str], *also: str) -> None:
    for name in given:
        if name not in allowed:
            raise Refusal("unknown-parameter", name=name[:64], allowed=", ".join((*allowed, *also)) or "-")


def _whole(text: str, kind: str, least: int, most: int) -> int:
    if text.isascii() and text.isdigit() and len(text) <= 19 and least <= int(text) <= most:
        return int(text)
    raise Refusal(kind, most=most)


def _value(name: str, kind: str, text: str) -> Any:
    value = _typed(kind, text)
    if value is None:
        chinese, english = TYPE_TEXTS[kind]
        raise Refusal("bad-value", name=name, type_zh=chinese, type_en=english)
    return value


def _typed(kind: str, text: str) -> Any:
    """The value in the type its array parameter has, None if the text is not one."""
    if kind == "string":
        return text if 0 < len(text) <= TEXT_MAX else None
    if kind == "integer":
        number = int(text) if _INTEGER.fullmatch(text) else _LONGEST + 1
        return number if abs(number) <= _LONGEST else None
    if kind == "decimal":
        return Decimal(text) if _DECIMAL.fullmatch(text) else None
    if kind == "boolean":
        return {"true": True, "false": False}.get(text)
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None
