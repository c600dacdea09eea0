"""A call on its way through the gateway, and everything that is said in answer to it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from gongshu.gateway.grants import Client, Grant, Plan
from gongshu.gateway.problems import Refusal

WINDOWS = {"day": ("本日", "day"), "minute": ("本分钟", "minute")}

Headers = list[tuple[bytes, bytes]]


@dataclass(slots=True, eq=False)
class Call:
    """One checked request on its way through a lane."""

    client: Client
    grant: Grant
    mode: str
    plan: Plan | None
    after: int
    limit: int
    values: tuple[Any, ...]
    nonce: str
    digest: str
    case_no: str | None
    address: str
    started_ns: int
    done: asyncio.Future[Answer | None]
    rows: list[str] = field(default_factory=list)
    last: int = 0
    more: bool = False
    body: bytes = b""


@dataclass(slots=True, frozen=True)
class Answer:
    """What leaves: the body and its extra headers."""

    body: bytes
    headers: Headers


def render(call: Call, at: datetime) -> bytes:
    """The answer of a call whose rows are there, as JSON; ``at`` is the moment its record will carry."""
    grant, spec = call.grant, call.grant.served
    if call.mode in ("key", "page"):
        return (
            f'{{"grant":"{grant.no}","version":{grant.version},"request_digest":"{call.digest}",'
            f'"at":"{at.isoformat(timespec="milliseconds")}","rows":[{",".join(call.rows)}],'
            f'"next":{call.last if call.more else "null"}}}'
        ).encode()
    if call.mode == "quota":
        return b""  # filled in with the counters that settling returns
    return orjson.dumps(
        {
            **_head(call, at),
            "title": spec.title,
            "entry": spec.entry,
            "purpose": spec.purpose,
            "valid_from": grant.valid_from.astimezone(at.tzinfo).isoformat(),
            "valid_to": grant.valid_to.astimezone(at.tzinfo).isoformat(),
            "modes": spec.modes,
            "keys": spec.keys,
            "page_max": spec.page_max,
            "case_required": spec.case_required,
            "items": [
                {"name": c.name, "label": c.label or c.name, "type": c.type, "masked": c.masked}
                for c in spec.columns
            ],
        }
    )


def _head(call: Call, at: datetime) -> dict[str, Any]:
    return {
        "grant": call.grant.no,
        "version": call.grant.version,
        "request_digest": call.digest,
        "at": at.isoformat(timespec="milliseconds"),
    }


def quota_body(call: Call, used_day: int, used_minute: int, at: datetime) -> bytes:
    """What the grant allows and what of it is used."""
    windows = [
        {"window": window, "limit": limit, "used": used, "remaining": max(0, limit - used), "reset_s": reset}
        for window, limit, used, reset in _windows(call.grant, used_day, used_minute, at)
    ]
    rows = call.grant.served.quota.rows_per_call
    return orjson.dumps({**_head(call, at), "windows": windows, "rows_per_call": rows})


def _windows(grant: Grant, used_day: int, used_minute: int, at: datetime) -> list[tuple[str, int, int, int]]:
    """(window, limit, used, seconds to its end) of every limit the grant has."""
    quota = grant.served.quota
    limits = (("day", quota.per_day, used_day), ("minute", quota.per_minute, used_minute))
    return [(name, n, used, _seconds_left(name, at)) for name, n, used in limits if n is not None]


def rate_headers(grant: Grant, used_day: int, used_minute: int, at: datetime) -> Headers:
    """RateLimit headers of the window that ends first for this caller: the one with the least left."""
    windows = _windows(grant, used_day, used_minute, at)
    if not windows:
        return []
    _, limit, used, reset = min(windows, key=lambda window: window[1] - window[2])
    policy = ", ".join(f"{w[1]};w={86400 if w[0] == 'day' else 60}" for w in windows)
    return [
        (b"ratelimit-limit", b"%d" % limit),
        (b"ratelimit-remaining", b"%d" % max(0, limit - used)),
        (b"ratelimit-reset", b"%d" % reset),
        (b"ratelimit-policy", policy.encode()),
    ]


def over_quota(grant: Grant, at: datetime) -> Refusal:
    """The refusal for a grant whose window ``spent_window`` is used up."""
    window = grant.spent_window
    quota = grant.served.quota
    limit = quota.per_day if window == "day" else quota.per_minute
    seconds = _seconds_left(window, at)
    chinese, english = WINDOWS[window]
    used = limit or 0
    headers = rate_headers(grant, used if window == "day" else 0, used if window == "minute" else 0, at)
    return Refusal(
        "over-quota",
        retry_after=seconds,
        headers=headers,
        grant=grant.no,
        window_zh=chinese,
        window_en=english,
        limit=limit,
        seconds=seconds,
    )


def window_end(window: str, at: datetime) -> datetime:
    """When the window that ``at`` lies in ends (``at`` in Asia/Shanghai)."""
    if window == "day":
        return at.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return at.replace(second=0, microsecond=0) + timedelta(minutes=1)


def _seconds_left(window: str, at: datetime) -> int:
    left = window_end(window, at) - at
    return max(1, -(-left // timedelta(seconds=1)))
