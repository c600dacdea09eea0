"""What is said in answer to a call: rows, schema, quota, and the RateLimit headers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from gongshu.gateway.calls import Call, Headers
from gongshu.gateway.grants import Grant
from gongshu.gateway.problems import Refusal

WINDOWS = {"day": ("本日", "day"), "minute": ("本分钟", "minute")}
_SECONDS = {"day": 86_400, "minute": 60}


@dataclass(slots=True, frozen=True)
class Used:
    """What a grant has used in the day and the minute of ``at``, right after a batch."""

    day: int
    minute: int
    at: datetime

    def windows(self, grant: Grant) -> list[tuple[str, int, int, int]]:
        """(window, limit, used, seconds to its end) of every limit the grant has."""
        quota = grant.served.quota
        limits = (("day", quota.per_day, self.day), ("minute", quota.per_minute, self.minute))
        return [(name, n, used, _seconds_left(name, self.at)) for name, n, used in limits if n is not None]

    def headers(self, grant: Grant) -> Headers:
        """RateLimit headers of the window with the least left, and the policy of all."""
        windows = self.windows(grant)
        if not windows:
            return []
        _, limit, used, reset = min(windows, key=lambda window: window[1] - window[2])
        policy = ", ".join(f"{window[1]};w={_SECONDS[window[0]]}" for window in windows)
        return [
            (b"ratelimit-limit", b"%d" % limit),
            (b"ratelimit-remaining", b"%d" % max(0, limit - used)),
            (b"ratelimit-reset", b"%d" % reset),
            (b"ratelimit-policy", policy.encode()),
        ]


def render_all(calls: list[Call], at: datetime) -> None:
    """Write the answers of calls whose rows are there, as JSON; ``at`` is the moment their records will carry."""
    moment = at.isoformat(timespec="milliseconds")
    for call in calls:
        grant = call.grant
        if call.plan is not None:
            call.answer = (
                f'{{"grant":"{grant.no}","version":{grant.version},"request_digest":"{call.digest}",'
                f'"at":"{moment}","rows":[{",".join(call.rows)}],"next":{call.last if call.more else "null"}}}'
            ).encode()
        elif call.mode == "schema":
            call.answer = _schema_body(call, at)
        # The quota is written when settling has told what is used.


def _head(call: Call, at: datetime) -> dict[str, Any]:
    return {
        "grant": call.grant.no,
        "version": call.grant.version,
        "request_digest": call.digest,
        "at": at.isoformat(timespec="milliseconds"),
    }


def _schema_body(call: Call, at: datetime) -> bytes:
    grant, spec = call.grant, call.grant.served
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


def quota_body(call: Call, used: Used, at: datetime) -> bytes:
    """What the grant allows and what of it is used."""
    windows = [
        {"window": window, "limit": limit, "used": n, "remaining": max(0, limit - n), "reset_s": reset}
        for window, limit, n, reset in used.windows(call.grant)
    ]
    rows = call.grant.served.quota.rows_per_call
    return orjson.dumps({**_head(call, at), "windows": windows, "rows_per_call": rows})


def over_quota(grant: Grant, at: datetime) -> Refusal:
    """The refusal for a grant whose window ``spent_window`` is used up."""
    window = grant.spent_window
    quota = grant.served.quota
    limit = quota.per_day if window == "day" else quota.per_minute
    seconds = _seconds_left(window, at)
    chinese, english = WINDOWS[window]
    spent = Used(limit or 0, 0, at) if window == "day" else Used(0, limit or 0, at)
    return Refusal(
        "over-quota",
        retry_after=seconds,
        headers=spent.headers(grant),
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
