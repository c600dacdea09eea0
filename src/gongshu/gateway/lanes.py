"""Answering calls together: look up, render, settle, release.

Calls that arrive while a batch is under way wait in a queue and form the next batch. A batch is one look-up
statement per plan (all calls with the same grant and keys), then one call of ``gate.settle``: a single
transaction that re-checks clients and grants, takes the nonces, counts the quotas and writes the records. Only
calls it returns as ``ok`` are released, after its commit; for the others the rows that were read are dropped.
Looking up first keeps the counter of a busy grant locked only inside the database, for one commit.

If a process dies, an answer that left has its record. The reverse does not hold: a record may exist for an answer
that never arrived, and the caller, asking again with a new nonce, is counted twice. That is the safe side.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime
from time import perf_counter_ns

import asyncpg

from gongshu.gateway.answers import Used, over_quota, quota_body, render_all, window_end
from gongshu.gateway.calls import Answer, Call, Party
from gongshu.gateway.database import connect, is_down, is_passing
from gongshu.gateway.grants import Plan
from gongshu.gateway.problems import Refusal

log = logging.getLogger("gongshu.gateway")
BATCH_MAX = 256
ROWS_MAX = 4_000
QUEUE_MAX = 4_096
RETRY_S = 2
FLUSH_S = 0.15  # records of relaxed lanes are promised to the disk within 200 ms

# A transaction that leaves one empty message in the log: its durable commit takes every earlier one along.
_FLUSH = "SELECT pg_logical_emit_message(true, 'gongshu', '')"

_SETTLE = (
    "SELECT verdicts, used_day, used_minute FROM gate.settle($1, $2::text[], $3::int[], $4::text[], $5::int[], "
    "$6::text[], $7::text[], $8::int[], $9::int[], $10::text[], $11::text[], $12::text[], $13::int[], $14::int[], "
    "$15::int[])"
)


class Lanes:
    """A queue and the connections that empty it, batch by batch.

    ``durable`` False releases answers when their records are committed but perhaps not yet on disk.
    """

    def __init__(
        self, dsn: str, now: Callable[[], datetime], name: str, count: int, *, durable: bool = True
    ) -> None:
        self._dsn = dsn
        self._now = now
        self._name = name
        self._count = count
        self._durable = durable
        self._queue: deque[Call] = deque()
        self._more = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._connected = 0
        self._busy = 0
        self._unflushed = False

    async def start(self) -> None:
        """Open the lanes; they connect by themselves, and again whenever the database comes back."""
        self._tasks = [asyncio.create_task(self._lane(number)) for number in range(self._count)]
        if not self._durable:
            self._tasks.append(asyncio.create_task(self._flush()))

    async def drain(self) -> None:
        """Return when every call submitted so far has its answer."""
        while self._queue or self._busy:
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Close the lanes; calls still waiting are refused."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._refuse(list(self._queue), _unavailable())

    @property
    def up(self) -> bool:
        """Whether at least one lane has a connection."""
        return self._connected > 0

    def submit(self, call: Call) -> asyncio.Future[Answer | None]:
        """Queue a call. Its future gives the answer, None if client or grant changed meanwhile, or a Refusal."""
        if not self._connected:
            raise _unavailable()
        if len(self._queue) >= QUEUE_MAX:
            raise Refusal("overloaded", seconds=RETRY_S, retry_after=RETRY_S)
        self._queue.append(call)
        self._more.set()
        return call.done

    # ---- one lane
    async def _lane(self, number: int) -> None:
        pause = 0.05
        while True:
            try:
                connection = await connect(self._dsn, f"{self._name} {number}", durable=self._durable)
            except Exception as error:  # a lane never gives up
                log.warning("lane %s: %s: %s", self._name, type(error).__name__, error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
                continue
            pause = 0.05
            self._connected += 1
            connection.add_termination_listener(lambda _: self._more.set())
            try:
                await self._serve(connection)
            finally:
                self._connected -= 1
                connection.terminate()
                if not self._connected:
                    self._refuse(self._take_all(), _unavailable())

    async def _serve(self, connection: asyncpg.Connection) -> None:
        while not connection.is_closed():
            if not self._queue:
                self._more.clear()
                await self._more.wait()
                # Requests already read from their sockets get to join before the batch leaves.
                await asyncio.sleep(0)
            if not self._queue:
                continue
            batch = self._take()
            self._busy += 1
            try:
                await self._answer(connection, batch)
            finally:
                self._busy -= 1
                # Cancelled on the way: nobody is left waiting.
                self._refuse(batch, _unavailable())

    async def _flush(self) -> None:
        connection: asyncpg.Connection | None = None
        while True:
            await asyncio.sleep(FLUSH_S)
            if not self._unflushed:
                continue
            try:
                if connection is None or connection.is_closed():
                    connection = await connect(self._dsn, f"{self._name} flush")
                self._unflushed = False
                await connection.execute(_FLUSH)
            except Exception as error:  # the database flushes by itself too, a little later
                log.warning("flush: %s: %s", type(error).__name__, error)

    def _take(self) -> list[Call]:
        batch: list[Call] = []
        rows = 0
        while self._queue and len(batch) < BATCH_MAX and (rows < ROWS_MAX or not batch):
            call = self._queue.popleft()
            if not call.done.done():
                batch.append(call)
                rows += call.limit
        return batch

    def _take_all(self) -> list[Call]:
        waiting = list(self._queue)
        self._queue.clear()
        return waiting

    # ---- one batch
    async def _answer(self, connection: asyncpg.Connection, batch: list[Call]) -> None:
        try:
            ready = await self._look_up(connection, batch)
            if ready:
                at = self._now()
                render_all(ready, at)
                await self._settle(connection, ready, at)
        except Exception as error:  # every caller gets an answer, whatever went wrong
            if not is_down(error):
                log.exception("batch of %d calls failed", len(batch))
            else:
                log.warning("batch of %d calls: %s: %s", len(batch), type(error).__name__, error)
                connection.terminate()
            self._refuse(batch, _unavailable())

    async def _look_up(self, connection: asyncpg.Connection, batch: list[Call]) -> list[Call]:
        """Fill the rows of every call; calls whose statement fails are refused here. Returns those to settle."""
        groups: dict[Plan, list[Call]] = {}
        for call in batch:
            if call.plan is not None:
                groups.setdefault(call.plan, []).append(call)
        for plan, calls in groups.items():
            await self._look_up_group(connection, plan, calls)
        return [call for call in batch if not call.done.done()]

    async def _look_up_group(self, connection: asyncpg.Connection, plan: Plan, calls: list[Call]) -> None:
        keys = [list(column) for column in zip(*(call.values for call in calls), strict=True)]
        # One row more than asked tells whether there is a next page.
        limits = [call.limit + 1 for call in calls]
        try:
            found = await connection.fetch(
                plan.sql, *plan.params, [call.after for call in calls], limits, *keys
            )
        except Exception as error:
            if is_down(error):
                raise
            await self._look_up_apart(connection, plan, calls, error)
            return
        for number, row, items in found:
            call = calls[number - 1]
            if len(call.rows) < call.limit:
                call.rows.append(items)
                call.last = row
            else:
                call.more = True

    async def _look_up_apart(
        self, connection: asyncpg.Connection, plan: Plan, calls: list[Call], error: Exception
    ) -> None:
        """One call's value may have spoilt the statement for all: try halves, down to the one that fails alone."""
        if len(calls) > 1:
            middle = len(calls) // 2
            await self._look_up_group(connection, plan, calls[:middle])
            await self._look_up_group(connection, plan, calls[middle:])
            return
        call = calls[0]
        log.error("grant %s: %s: %s", call.grant.no, type(error).__name__, error)
        passing = is_passing(error)
        self._refuse(calls, _unavailable() if passing else Refusal("grant-broken", grant=call.grant.no))

    async def _settle(self, connection: asyncpg.Connection, calls: list[Call], at: datetime) -> None:
        calls.sort(key=lambda call: (call.client.id, call.nonce))
        members: dict[Party, int] = {}
        for call in calls:
            counted = call.plan is not None
            members[call.party] = members.get(call.party, 0) + counted
        parties = sorted(members, key=lambda party: party[1].no)
        number = {party: n for n, party in enumerate(parties, 1)}
        ended = perf_counter_ns()
        arguments = (
            at,
            [client.id for client, _, _, _ in parties],
            [client.revision for client, _, _, _ in parties],
            [grant.no for _, grant, _, _ in parties],
            [grant.revision for _, grant, _, _ in parties],
            [mode for _, _, mode, _ in parties],
            [address for _, _, _, address in parties],
            [members[party] for party in parties],
            [number[call.party] for call in calls],
            [call.nonce for call in calls],
            [call.digest for call in calls],
            [call.case_no for call in calls],
            [len(call.rows) for call in calls],
            [len(call.answer) for call in calls],
            [(ended - call.started_ns) // 1000 for call in calls],
        )
        try:
            settled = await connection.fetchrow(_SETTLE, *arguments)
        except asyncpg.PostgresError as error:
            if not is_passing(error):
                raise
            # Rolled back as a whole, so nothing was counted or recorded: once more.
            settled = await connection.fetchrow(_SETTLE, *arguments)
        verdicts, days, minutes = settled
        used = {party: Used(days[n], minutes[n], at) for n, party in enumerate(parties)} if days else {}
        self._release(calls, verdicts, used, at)

    def _release(
        self,
        calls: list[Call],
        verdicts: list[str] | None,
        used: dict[Party, Used],
        at: datetime,
    ) -> None:
        headers = {party: spent.headers(party[1]) for party, spent in used.items()}
        for number, call in enumerate(calls):
            verdict = verdicts[number] if verdicts else "ok"
            if call.done.done():
                continue
            if verdict == "ok":
                self._unflushed = True
                body = quota_body(call, used[call.party], at) if call.mode == "quota" else call.answer
                call.done.set_result(Answer(body, headers[call.party]))
            elif verdict == "moved":
                call.done.set_result(None)
            elif verdict in ("quota_day", "quota_minute"):
                window = verdict.removeprefix("quota_")
                call.grant.spent_until, call.grant.spent_window = window_end(window, at), window
                call.done.set_exception(over_quota(call.grant, at))
            elif verdict == "unsealed":
                call.done.set_exception(Refusal("unsealed", retry_after=60))
            else:
                call.done.set_exception(Refusal(verdict))

    def _refuse(self, calls: list[Call], refusal: Refusal) -> None:
        for call in calls:
            if not call.done.done():
                call.done.set_exception(refusal)


def _unavailable() -> Refusal:
    return Refusal("unavailable", seconds=RETRY_S, retry_after=RETRY_S)
