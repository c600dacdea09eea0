"""Records of refused calls, bounded whatever is thrown at the door; and the gateway's housekeeping.

Every refusal is counted per minute, reason, client and grant (``gate.refusal``). A caller that proved who it is
also gets its first KEPT refused calls of a minute, reason and grant recorded one by one in ``gate.call``. A
client or grant is named only where it exists, so the tables grow with those, never with the number of requests.
Counts reach the database within about a second and when the gateway stops; answers do not wait for them.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import asyncpg

from gongshu.gateway.database import connect

log = logging.getLogger("gongshu.gateway")
FLUSH_S = 1.0
PRUNE_S = 10.0
KEPT = 20

_COUNT = """INSERT INTO gate.refusal AS r (minute, problem, client_id, grant_no, count)
SELECT * FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::bigint[])
ORDER BY 1, 2, 3, 4
ON CONFLICT (minute, problem, client_id, grant_no) DO UPDATE SET count = r.count + excluded.count"""
_RECORD = """INSERT INTO gate.call (at, client_id, grant_no, grant_version, mode, request_digest, case_no, status,
    rows, bytes, micros, problem, address)
SELECT at, client_id, grant_no, 0, mode, digest, case_no, status, 0, 0, micros, problem, address
FROM unnest($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::smallint[],
    $8::int[], $9::text[], $10::text[])
    AS r(at, client_id, grant_no, mode, digest, case_no, status, micros, problem, address)"""

Key = tuple[datetime, str, str, str]


class Recorder:
    """Counts refusals in memory and writes them once a second; forgets old nonces."""

    def __init__(self, dsn: str, now: Callable[[], datetime]) -> None:
        self._dsn = dsn
        self._now = now
        self._counts: Counter[Key] = Counter()
        self._kept: Counter[Key] = Counter()
        self._calls: list[tuple[Any, ...]] = []
        self._connection: asyncpg.Connection | None = None
        self._task: asyncio.Task[None] | None = None

    def refused(
        self,
        problem: str,
        status: int,
        client_id: str,
        grant_no: str,
        *,
        digest: str = "",
        mode: str = "",
        case_no: str | None = None,
        address: str = "",
        micros: int = 0,
    ) -> None:
        """Count one refusal; ``digest`` is given only for a caller whose signature was right."""
        at = self._now()
        key = (at.replace(second=0, microsecond=0), problem, client_id, grant_no)
        self._counts[key] += 1
        if digest and self._kept[key] < KEPT:
            self._kept[key] += 1
            self._calls.append(
                (at, client_id, grant_no, mode, digest, case_no, status, micros, problem, address)
            )

    async def start(self) -> None:
        """Begin to write."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Write what is left and stop."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self._flush()
        except Exception as error:  # stopping must end
            log.error("refusals not written: %s: %s", type(error).__name__, error)
        if self._connection:
            self._connection.terminate()

    async def _run(self) -> None:
        prune_in = 0.0
        while True:
            await asyncio.sleep(FLUSH_S)
            prune_in -= FLUSH_S
            try:
                await self._flush()
                if prune_in <= 0:
                    prune_in = PRUNE_S
                    connection = await self._connected()
                    await connection.execute("SELECT gate.prune()")
            except Exception as error:  # housekeeping goes on
                log.warning("housekeeping: %s: %s", type(error).__name__, error)
                if self._connection:
                    self._connection.terminate()

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect(self._dsn, "records")
        return self._connection

    async def _flush(self) -> None:
        if not self._counts and not self._calls:
            return
        connection = await self._connected()
        counts, self._counts = self._counts, Counter()
        calls, self._calls = self._calls, []
        try:
            async with connection.transaction():
                if counts:
                    keys = list(zip(*counts, strict=True))
                    await connection.execute(_COUNT, *map(list, keys), list(counts.values()))
                if calls:
                    await connection.execute(_RECORD, *map(list, zip(*calls, strict=True)))
        except BaseException:
            self._counts.update(counts)
            self._calls = calls + self._calls
            raise
        minute = self._now().replace(second=0, microsecond=0)
        self._kept = Counter({key: n for key, n in self._kept.items() if key[0] >= minute})
