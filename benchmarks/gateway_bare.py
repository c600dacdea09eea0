"""The limit the gateway is compared with: an ASGI application that does the same coalesced look-up and no more."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

import asyncpg

SQL, PARAMS = os.environ["BENCH_SQL"], json.loads(os.environ["BENCH_PARAMS"])
LANES = 1

_queue: list[tuple[str, asyncio.Future[str]]] = []
_more = asyncio.Event()
_tasks: list[asyncio.Task[None]] = []


async def _lane() -> None:
    connection = await asyncpg.connect(os.environ["BENCH_DSN"], server_settings={"jit": "off"})
    while True:
        if not _queue:
            _more.clear()
            await _more.wait()
            await asyncio.sleep(0)
            continue
        batch = _queue[:256]
        del _queue[:256]
        ids = [id_no for id_no, _ in batch]
        rows: list[list[str]] = [[] for _ in batch]
        for number, _, items in await connection.fetch(SQL, *PARAMS, [0] * len(ids), [101] * len(ids), ids):
            rows[number - 1].append(items)
        for (_, done), found in zip(batch, rows, strict=True):
            done.set_result(f'{{"rows":[{",".join(found)}]}}')


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """Answer /person?id_no=..."""
    if scope["type"] == "lifespan":
        await receive()
        _tasks.extend(asyncio.create_task(_lane()) for _ in range(LANES))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        for task in _tasks:
            task.cancel()
        await send({"type": "lifespan.shutdown.complete"})
        return
    body = b"{}"
    if scope["path"] == "/person":
        done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        _queue.append((scope["query_string"].partition(b"=")[2].decode(), done))
        _more.set()
        body = (await done).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
