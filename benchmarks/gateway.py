"""Share gateway against a bare ASGI application with the same look-up, and against Datasette, in one run.

    python benchmarks/gateway.py [--seconds 5] [--rounds 3] [--rows 200000] [--concurrency 64] [--workers 1]
                                 [--dsn postgresql://...] [--datasette python-with-datasette]

All three answer the same question over the same rows: one person by ID number, five items, two of them masked.
The gateway's calls are signed, checked against grant and quota, and recorded durably before the answer leaves.
The bare application runs the gateway's own look-up statement, coalesced in the same way, and nothing else.
Datasette serves the plain row from an immutable SQLite file. Requests are signed before the clock starts. The
sides take turns, so that a change of the machine's mood falls on all of them; ratios are medians over rounds.
CPU is user and system time of the server's processes, and of PostgreSQL where it takes part.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import secrets
import select
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import psutil
import psycopg

from gongshu.engine.suite import INTL_1, seal
from gongshu.gateway import signature
from gongshu.gateway.schema import ddl
from gongshu.gateway.spec import Column, GrantSpec, Quota, compile_sql

HERE = Path(__file__).parent
MASTER_KEY = secrets.token_hex(32)
SECRET = secrets.token_bytes(32)
CLIENT, GRANT = "bench", "BENCH-1"

SPEC = GrantSpec(
    table="serving.bench_person",
    columns=(
        Column("id_no", '"id_no"'),
        Column("name", "left(name, 1) || '**'"),
        Column("phone", "left(phone, 3) || '****' || right(phone, 4)"),
        Column("born", "born", "date"),
        Column("status", "status"),
    ),
    where_sql="region = ANY(ARRAY[$1, $2])",
    where_params=("330726", "330727"),
    keys=("id_no",),
    modes=("key",),
    quota=Quota(per_day=10**9, per_minute=10**8),
    case_required=True,
)
_ROWS = """SELECT n, '3307261' || lpad(n::text, 11, '0'), '张' || chr(19968 + mod(n, 20000)) || '三',
    '138' || lpad(n::text, 8, '0'), date '1940-01-01' + mod(n, 25000),
    (ARRAY['在保', '停保', '待核'])[mod(n, 3) + 1], '3307' || 26 + mod(n, 2), '浦江县某街道某村' || n
FROM generate_series(1, %s::int) n"""
_COLUMNS = "_rowid, id_no, name, phone, born, status, region, address"


@dataclass
class Result:
    """One side in one round: requests per second, latencies in ms, CPU microseconds per request."""

    rps: float
    p50: float
    p99: float
    server_us: float
    database_us: float


# ---- the load
def _requests(kind: str, ids: list[str], host: str) -> list[bytes]:
    if kind == "bare":
        return [f"GET /person?id_no={n} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() for n in ids]
    if kind == "datasette":
        return [
            f"GET /bench/person/{n}.json?_shape=array HTTP/1.1\r\nHost: {host}\r\n\r\n".encode() for n in ids
        ]
    made = []
    path, case_no = f"/share/v1/{GRANT}", "PJ-2026-000001"
    for n in ids:
        nonce, at, query = secrets.token_urlsafe(16), str(time.time_ns() // 1_000_000), f"id_no={n}"
        message = signature.string_to_sign(
            b"GET",
            path.encode(),
            query.encode(),
            signature.EMPTY_DIGEST["intl-1"],
            CLIENT.encode(),
            at.encode(),
            nonce.encode(),
            case_no.encode(),
        )
        made.append(
            f"GET {path}?{query} HTTP/1.1\r\nHost: {host}\r\nX-Client-Id: {CLIENT}\r\nX-Timestamp: {at}\r\n"
            f"X-Nonce: {nonce}\r\nX-Signature: {signature.sign(INTL_1, SECRET, message)}\r\n"
            f"X-Case-No: {case_no}\r\n\r\n".encode()
        )
    return made


def _drive(
    port: int, requests: list[bytes], connections: int, seconds: float
) -> tuple[int, list[int], float]:
    """Closed loop over keep-alive sockets in one thread: (answers, latencies in ns, seconds really taken)."""
    poll = select.epoll()
    links: dict[int, list[Any]] = {}
    for _ in range(connections):
        link = socket.create_connection(("127.0.0.1", port))
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(link.fileno(), select.EPOLLIN)
        links[link.fileno()] = [link, 0, b""]
    clock, todo, took = time.perf_counter_ns, iter(requests), []
    begin = clock()
    end = begin + int(seconds * 1e9)
    for entry in links.values():
        entry[1] = clock()
        entry[0].sendall(next(todo))
    while clock() < end:
        for number, _ in poll.poll(1.0):
            entry = links[number]
            link, sent, held = entry
            data = held + link.recv(65536)
            if not _whole(data):
                entry[2] = data
                continue
            if not data.startswith(b"HTTP/1.1 200"):
                raise SystemExit(f"unexpected answer: {data[:600].decode(errors='replace')}")
            took.append(clock() - sent)
            request = next(todo, None)
            if request is None:
                raise SystemExit("ran out of signed requests: raise --prepare")
            entry[1], entry[2] = clock(), b""
            link.sendall(request)
    lasted = (clock() - begin) / 1e9
    for entry in links.values():
        entry[0].close()
    return len(took), took, lasted


def _whole(data: bytes) -> bool:
    head = data.find(b"\r\n\r\n")
    if head < 0:
        return False
    lower = data[:head].lower()
    at = lower.find(b"content-length:")
    if at < 0:
        return data.endswith(b"0\r\n\r\n")
    return len(data) >= head + 4 + int(lower[at + 15 :].split(b"\r\n", 1)[0])


def _client(
    kind: str, port: int, ids: list[str], connections: int, seconds: float, pipe: Any, go: Any
) -> None:
    requests = _requests(kind, ids, f"127.0.0.1:{port}")
    pipe.send("ready")
    go.wait()
    pipe.send(_drive(port, requests, connections, seconds))


def measure(
    kind: str, side: Side, args: argparse.Namespace, seconds: float, database: psutil.Process | None
) -> Result:
    """Drive one side from ``args.clients`` processes and read its CPU before and after."""
    chosen = random.Random(secrets.token_bytes(8))
    expected = {"gateway": 14_000, "bare": 22_000, "datasette": 2_500}[kind] * args.prepare
    count = int(expected * seconds / args.clients) + 1000
    go, pipes, clients = multiprocessing.Event(), [], []
    for _ in range(args.clients):
        ids = [f"3307261{chosen.randint(1, args.rows):011d}" for _ in range(count)]
        near, far = multiprocessing.Pipe()
        each = args.concurrency // args.clients
        client = multiprocessing.Process(target=_client, args=(kind, side.port, ids, each, seconds, far, go))
        client.start()
        pipes.append(near)
        clients.append(client)
    for pipe in pipes:
        pipe.recv()
    server_before = _cpu(side.process)
    database_before = _cpu(database) if database else 0.0
    go.set()
    results = [pipe.recv() for pipe in pipes]
    server = _cpu(side.process) - server_before
    base = _cpu(database) - database_before if database else 0.0
    for client in clients:
        client.join()
    answers = sum(result[0] for result in results)
    took = sorted(ns for result in results for ns in result[1])
    return Result(
        rps=sum(result[0] / result[2] for result in results),
        p50=took[len(took) // 2] / 1e6,
        p99=took[int(len(took) * 0.99)] / 1e6,
        server_us=server * 1e6 / answers,
        database_us=base * 1e6 / answers,
    )


def _cpu(process: psutil.Process) -> float:
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


# ---- the sides
@dataclass
class Side:
    """A server under test."""

    process: psutil.Process
    port: int


@contextmanager
def serving(command: list[str], port: int, probe: str, env: dict[str, str]) -> Iterator[Side]:
    """Start a server, wait until ``probe`` answers, stop it at the end."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, env={**os.environ, **env}, **quiet) as server:
        try:
            for _ in range(300):
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}{probe}", timeout=1) as answer:
                        answer.read()
                    break
                except OSError:
                    if server.poll() is not None:
                        raise SystemExit(f"did not start: {' '.join(command)}") from None
                    time.sleep(0.1)
            yield Side(psutil.Process(server.pid), port)
        finally:
            server.terminate()


def granian(target: str, port: int, workers: int) -> list[str]:
    """The same server and options as ``python -m gongshu.gateway``."""
    options = [
        "--interface",
        "asgi",
        "--http",
        "1",
        "--no-ws",
        "--port",
        str(port),
        "--workers",
        str(workers),
    ]
    return [sys.executable, "-m", "granian", *options, target]


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prepare_database(dsn: str, rows: int) -> None:
    """Gateway tables, the serving table and one grant."""
    with psycopg.connect(dsn, autocommit=True) as db:
        db.execute("DROP SCHEMA IF EXISTS gate CASCADE")
        db.execute(ddl().encode())
        db.execute("CREATE SCHEMA IF NOT EXISTS serving")
        db.execute("DROP TABLE IF EXISTS serving.bench_person")
        db.execute(
            "CREATE TABLE serving.bench_person (_rowid bigint PRIMARY KEY, id_no text UNIQUE, name text, phone text,"
            " born date, status text, region text, address text)"
        )
        db.execute(f"INSERT INTO serving.bench_person ({_COLUMNS}) {_ROWS}".encode(), [rows])
        db.execute("VACUUM ANALYZE serving.bench_person")
        token = seal(bytes.fromhex(MASTER_KEY), SECRET, b"gate.client:" + CLIENT.encode())
        db.execute(
            "INSERT INTO gate.client (client_id, secret_sealed, unit_id, system_name) VALUES (%s, %s, 1, 'bench')",
            [CLIENT, token],
        )
        db.execute(
            "INSERT INTO gate.grant_ (grant_no, spec, valid_from, valid_to)"
            " VALUES (%s, %s, now() - interval '2 days', now() + interval '2 days')",
            [GRANT, json.dumps(SPEC.as_dict())],
        )
        db.execute("INSERT INTO gate.grant_client VALUES (%s, %s)", [GRANT, CLIENT])
        db.execute("CHECKPOINT")


def prepare_sqlite(dsn: str, path: Path) -> None:
    """The same rows for Datasette."""
    with psycopg.connect(dsn) as db, sqlite3.connect(path) as lite:
        lite.execute(
            "CREATE TABLE person (_rowid integer, id_no text PRIMARY KEY, name text, phone text, born text,"
            " status text, region text, address text)"
        )
        rows = db.execute(
            f"SELECT {_COLUMNS.replace('born', 'born::text')} FROM serving.bench_person".encode()
        )
        lite.executemany("INSERT INTO person VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def postmaster(dsn: str) -> psutil.Process | None:
    """The PostgreSQL server behind ``dsn`` if it runs on this machine, for its CPU time."""
    port = urlparse(dsn).port or 5432
    for process in psutil.process_iter(["name", "ppid"]):
        try:
            if process.name().startswith("postgres") and any(
                link.laddr.port == port for link in process.net_connections("tcp") if link.status == "LISTEN"
            ):
                return process
        except psutil.Error:
            continue
    return None


def database_server(stack: ExitStack, given: str | None, directory: Path) -> str:
    """The server asked for, or an embedded one with its ordinary, safe settings."""
    if given:
        return given
    from gongshu.runner.postgres import Server

    server = Server(directory)
    address = server.start()
    stack.callback(shutil.rmtree, server.data, ignore_errors=True)
    stack.callback(server.stop)
    return address


def main() -> None:
    """Run all sides in turn and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--clients", type=int, default=2, help="load processes")
    parser.add_argument(
        "--workers", type=int, default=1, help="server processes of gateway and bare application"
    )
    parser.add_argument("--prepare", type=float, default=1.5, help="factor of requests made ready in advance")
    parser.add_argument("--dsn", help="a database that may be overwritten; default: an embedded server")
    parser.add_argument("--datasette", help="a Python that has datasette; default: this one, if it has")
    args = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        dsn = database_server(stack, args.dsn, directory)
        prepare_database(dsn, args.rows)
        sides = _start_sides(stack, args, dsn, directory)
        database = postmaster(dsn)
        for kind, side in sides.items():  # statements prepared, caches warm
            measure(kind, side, args, 1.0, database)
        results: dict[str, list[Result]] = {kind: [] for kind in sides}
        for _ in range(args.rounds):
            for kind, side in sides.items():
                uses = database if kind != "datasette" else None
                results[kind].append(measure(kind, side, args, args.seconds, uses))
        with psycopg.connect(dsn) as db:
            row = db.execute("SELECT count(*), count(DISTINCT request_digest) FROM gate.call").fetchone()
        _report(args, results, row)


def _start_sides(stack: ExitStack, args: argparse.Namespace, dsn: str, directory: Path) -> dict[str, Side]:
    sides = {}
    port = free_port()
    settings = {"GONGSHU_GATEWAY_DSN": dsn, "GONGSHU_MASTER_KEY": MASTER_KEY}
    command = granian("gongshu.gateway.app:app", port, args.workers)
    sides["gateway"] = stack.enter_context(serving(command, port, "/health", settings))
    port = free_port()
    settings = {
        "BENCH_DSN": dsn,
        "BENCH_SQL": compile_sql(SPEC, "key", ("id_no",)),
        "BENCH_PARAMS": json.dumps(SPEC.where_params),
        "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")]),
    }
    command = granian("gateway_bare:app", port, args.workers)
    sides["bare"] = stack.enter_context(serving(command, port, "/health", settings))
    python = args.datasette or sys.executable
    if subprocess.run([python, "-c", "import datasette"], capture_output=True, check=False).returncode == 0:
        prepare_sqlite(dsn, directory / "bench.db")
        port = free_port()
        command = [python, "-m", "datasette", "-i", str(directory / "bench.db"), "--port", str(port)]
        sides["datasette"] = stack.enter_context(serving(command, port, "/-/versions.json", {}))
    else:
        print("datasette is not installed here: left out (requirements/bench.txt has it)")
    return sides


def _report(args: argparse.Namespace, results: dict[str, list[Result]], calls: Any) -> None:
    print(
        f"{args.rows} rows, {args.concurrency} connections, {args.workers} server worker(s), {args.rounds} rounds of "
        f"{args.seconds:g} s, {os.cpu_count()} cores shared by load, servers and PostgreSQL; medians"
    )
    print(f"{'':10}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'server us':>11}{'pg us':>8}   req/s of each round")
    for kind, rounds in results.items():
        cells = [
            statistics.median(getattr(r, name) for r in rounds)
            for name in ("rps", "p50", "p99", "server_us", "database_us")
        ]
        each = " ".join(f"{r.rps:.0f}" for r in rounds)
        print(
            f"{kind:10}{cells[0]:9.0f}{cells[1]:9.2f}{cells[2]:9.2f}{cells[3]:11.1f}{cells[4]:8.1f}   {each}"
        )
    for kind in results:
        if kind != "gateway":
            pairs = list(zip(results["gateway"], results[kind], strict=True))
            rate = statistics.median(ours.rps / other.rps for ours, other in pairs)
            spent = statistics.median(
                (other.server_us + other.database_us) / (ours.server_us + ours.database_us)
                for ours, other in pairs
            )
            print(f"gateway / {kind}: {rate:.2f} of its requests per second; {spent:.2f} by CPU per request")
    print(f"records written: {calls[0]}, all different: {calls[0] == calls[1]}")


if __name__ == "__main__":
    main()
