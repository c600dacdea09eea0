"""Clients and grants in memory, kept as the database has them.

Every worker holds all clients and grants. A change raises a notification on channel ``gongshu_grants`` and the
row named in it is read again; every RESYNC_S seconds, and whenever the connection had to be made anew, all are
read again. Should a worker still be behind, the admitting transaction finds that the revision differs and the
call is checked once more, so a revoked grant never answers.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from gongshu.engine.suite import MasterKey, Suite, SuiteError, open_
from gongshu.gateway.database import connect
from gongshu.gateway.signature import ALGORITHMS
from gongshu.gateway.spec import GrantSpec, SpecError, compile_sql

log = logging.getLogger("gongshu.gateway")
CHANNEL = "gongshu_grants"
RESYNC_S = 5.0

_CLIENTS = """SELECT client_id, secret_sealed, secret2_sealed, algorithm, active, revision
FROM gate.client WHERE $1::text IS NULL OR client_id = $1"""
_GRANTS = """SELECT g.grant_no, g.version, g.revision, g.spec, g.valid_from, g.valid_to, g.state,
    ARRAY(SELECT l.client_id FROM gate.grant_client l WHERE l.grant_no = g.grant_no) AS clients
FROM gate.grant_ g WHERE $1::text IS NULL OR g.grant_no = $1"""


@dataclass(slots=True, eq=False)
class Client:
    """A calling system with its live secrets."""

    id: str
    algorithm: str
    suite: Suite
    secrets: tuple[bytes, ...]
    active: bool
    revision: int


@dataclass(slots=True, eq=False)
class Plan:
    """One prepared way of asking under a grant: calls with the same plan are answered by one statement."""

    sql: str
    params: tuple[Any, ...]
    keys: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Grant:
    """A grant as compiled; ``spec`` is None where the stored one cannot be served."""

    no: str
    version: int
    revision: int
    spec: GrantSpec | None
    valid_from: datetime
    valid_to: datetime
    state: str
    clients: frozenset[str]
    plans: dict[tuple[str, tuple[str, ...]], Plan] = field(default_factory=dict)
    # The same moments as seconds since 1970, and the types of the look-up keys: what every call asks for.
    from_s: float = 0.0
    to_s: float = 0.0
    key_types: dict[str, str] = field(default_factory=dict)
    # Set when a quota was found used up: use within a period only grows, so until its end no call needs asking.
    spent_until: datetime | None = None
    spent_window: str = ""

    def __post_init__(self) -> None:
        self.from_s, self.to_s = self.valid_from.timestamp(), self.valid_to.timestamp()
        if self.spec:
            self.key_types = {key: self.spec.column(key).type for key in self.spec.keys}

    @property
    def served(self) -> GrantSpec:
        """The spec; raises :class:`SpecError` where there is none to serve."""
        if self.spec is None:
            raise SpecError(f"grant {self.no} cannot be served")
        return self.spec

    def plan(self, mode: str, keys: tuple[str, ...] = ()) -> Plan:
        """The plan for this mode and these look-up keys, compiled on first use."""
        found = self.plans.get((mode, keys))
        if found is None:
            found = Plan(compile_sql(self.served, mode, keys), self.served.where_params, keys)
            self.plans[mode, keys] = found
        return found


class Registry:
    """All clients and grants of the database, in memory."""

    def __init__(self, dsn: str, master_key: MasterKey) -> None:
        self._dsn = dsn
        self._master_key = master_key
        self._connection: asyncpg.Connection | None = None
        self._reading = asyncio.Lock()
        self._wake = asyncio.Event()
        self._changed: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        self._first = asyncio.Event()
        self.clients: dict[bytes, Client] = {}
        self.grants: dict[str, Grant] = {}

    async def start(self, wait_s: float) -> None:
        """Begin to follow the database; returns when all is read, or after ``wait_s`` if it cannot be."""
        self._task = asyncio.create_task(self._follow())
        try:
            await asyncio.wait_for(self._first.wait(), wait_s)
        except TimeoutError:
            log.warning("database not reachable yet; answering 503 until it is")

    async def stop(self) -> None:
        """Stop following."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._connection:
            self._connection.terminate()

    @property
    def loaded(self) -> bool:
        """Whether clients and grants have been read at least once."""
        return self._first.is_set()

    async def refresh(self, client_id: str, grant_no: str) -> None:
        """Read one client and one grant again now; raises a database error if that cannot be done."""
        async with self._reading:
            if self._connection is None:
                raise asyncpg.InterfaceError("no connection")
            await self._read_client(self._connection, client_id)
            await self._read_grant(self._connection, grant_no)

    async def _follow(self) -> None:
        pause = 0.1
        while True:
            try:
                self._connection = await connect(self._dsn, "grants")
                self._connection.add_termination_listener(lambda _: self._wake.set())
                await self._connection.add_listener(CHANNEL, self._heard)
                pause = 0.1
                await self._keep_current(self._connection)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # whatever it is, following must go on
                log.warning("grants: %s: %s; connecting again", type(error).__name__, error)
            if self._connection:
                self._connection.terminate()
                self._connection = None
            await asyncio.sleep(pause)
            pause = min(pause * 2, 2.0)

    async def _keep_current(self, connection: asyncpg.Connection) -> None:
        whole = True
        while not connection.is_closed():
            self._wake.clear()
            changed, self._changed = self._changed, set()
            async with self._reading:
                if whole:
                    await self._read_all(connection)
                for name in changed:
                    kind, _, key = name.partition(":")
                    await (self._read_client if kind == "client" else self._read_grant)(connection, key)
            try:
                await asyncio.wait_for(self._wake.wait(), RESYNC_S)
                whole = False
            except TimeoutError:
                whole = True

    def _heard(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        self._changed.add(str(payload))
        self._wake.set()

    async def _read_all(self, connection: asyncpg.Connection) -> None:
        clients = [self._client(row) for row in await connection.fetch(_CLIENTS, None)]
        rows = await connection.fetch(_GRANTS, None)
        grants = {}
        for row in rows:
            held = self.grants.get(row["grant_no"])
            grants[row["grant_no"]] = held if held and _same(held, row) else _grant(row)
        self.clients = {client.id.encode(): client for client in clients}
        self.grants = grants
        self._first.set()

    async def _read_client(self, connection: asyncpg.Connection, client_id: str) -> None:
        row = await connection.fetchrow(_CLIENTS, client_id)
        if row is None:
            self.clients.pop(client_id.encode(), None)
        else:
            self.clients[client_id.encode()] = self._client(row)

    async def _read_grant(self, connection: asyncpg.Connection, grant_no: str) -> None:
        row = await connection.fetchrow(_GRANTS, grant_no)
        if row is None:
            self.grants.pop(grant_no, None)
        elif not ((held := self.grants.get(grant_no)) and _same(held, row)):
            self.grants[grant_no] = _grant(row)

    def _client(self, row: asyncpg.Record) -> Client:
        secrets = []
        for token in (row["secret_sealed"], row["secret2_sealed"]):
            if token:
                try:
                    secrets.append(
                        open_(self._master_key, token, b"gate.client:" + row["client_id"].encode())
                    )
                except SuiteError as error:
                    log.error("client %s: secret cannot be opened: %s", row["client_id"], error)
        suite = ALGORITHMS[row["algorithm"]]
        return Client(
            row["client_id"], row["algorithm"], suite, tuple(secrets), row["active"], row["revision"]
        )


def _same(held: Grant, row: asyncpg.Record) -> bool:
    return held.revision == row["revision"] and held.clients == frozenset(row["clients"])


def _grant(row: asyncpg.Record) -> Grant:
    spec: GrantSpec | None
    try:
        spec = GrantSpec.from_dict(orjson.loads(row["spec"]))
    except SpecError as error:
        log.error("grant %s cannot be served: %s", row["grant_no"], error)
        spec = None
    return Grant(
        no=row["grant_no"],
        version=row["version"],
        revision=row["revision"],
        spec=spec,
        valid_from=row["valid_from"],
        valid_to=row["valid_to"],
        state=row["state"],
        clients=frozenset(row["clients"]),
    )
