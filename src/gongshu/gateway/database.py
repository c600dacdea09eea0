"""Connections of the gateway to PostgreSQL, and which errors mean what."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

STATEMENT_TIMEOUT_MS = 5_000
CONNECT_TIMEOUT_S = 3.0

# The connection, the server or its disk is the trouble; nothing is known about the statement's fate.
DOWN = (asyncpg.InterfaceError, asyncpg.PostgresConnectionError, OSError, EOFError, asyncio.TimeoutError)
_DOWN_STATES = ("08", "53", "57P", "58", "25006", "28", "3D", "XX")
# Time limits, deadlocks, lock limits: the same statement may well work when it is tried alone.
_PASSING_STATES = ("57014", "40", "55P03")


async def connect(dsn: str, name: str, *, durable: bool = True) -> asyncpg.Connection:
    """A connection for short statements of the gateway; ``durable`` False lets a commit return before the disk."""
    settings = {
        "application_name": f"gongshu-gateway {name}",
        "statement_timeout": str(STATEMENT_TIMEOUT_MS),
        "idle_in_transaction_session_timeout": "10000",
        "jit": "off",
        # Arrays of any length get one plan, made once; planning anew costs more than any better plan would save.
        "plan_cache_mode": "force_generic_plan",
        "synchronous_commit": "on" if durable else "off",
        "timezone": "Asia/Shanghai",
    }
    return await asyncpg.connect(
        dsn,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=STATEMENT_TIMEOUT_MS / 1000 + 1,
        statement_cache_size=512,
        max_cached_statement_lifetime=0,
        server_settings=settings,
    )


def is_down(error: BaseException) -> bool:
    """Whether this error says that the database itself cannot serve now."""
    if isinstance(error, DOWN):
        return True
    state: Any = getattr(error, "sqlstate", None)
    return isinstance(state, str) and state.startswith(_DOWN_STATES)


def is_passing(error: BaseException) -> bool:
    """Whether this error may not come again: a time limit, a deadlock, a lock that was not free."""
    state: Any = getattr(error, "sqlstate", None)
    return isinstance(state, str) and state.startswith(_PASSING_STATES)
