"""A live gateway: granian in its own process, a real database, the gateway's own role."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote as percent

import psutil
import psycopg
import pytest

from gongshu.engine.suite import MasterKey, seal
from gongshu.gateway.schema import ddl
from gongshu.gateway.spec import Column, GrantSpec, Quota

MASTER = "1f" * 32
PEOPLE = 600
IN_SCOPE = "330726"

PERSON = GrantSpec(
    table="serving.person",
    columns=(
        Column("id_no", '"id_no"', "string", "证件号码"),
        Column("name", "left(\"name\", 1) || '**'", "string", "姓名"),
        Column("born", '"born"', "date", "出生日期"),
        Column("income", '"income"', "decimal", "月收入"),
        Column("household", '"household"', "integer", "户号"),
    ),
    where_sql='"region" = $1',
    where_params=(IN_SCOPE,),
    keys=("id_no", "household", "born"),
    modes=("key", "page"),
    page_max=50,
    purpose="低保核对",
    entry="330726-MZ-0001",
    title="低保对象",
)


@dataclass
class Answer:
    """status, headers in lower case, body as parsed JSON."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def problem(self) -> str:
        """The last part of the problem's type."""
        return str(self.body.get("type", "")).rpartition(":")[2]


@dataclass
class Caller:
    """A system that signs as the documentation says; written apart from the code under test."""

    client_id: str
    secret: bytes
    port: int = 0
    algorithm: str = "sha256"

    def headers(
        self,
        path: str,
        query: str = "",
        *,
        case: str | None = None,
        body: bytes = b"",
        at: int | None = None,
        nonce: str | None = None,
        method: str = "GET",
    ) -> dict[str, str]:
        timestamp = str(int(time.time() * 1000) if at is None else at)
        nonce = nonce or secrets.token_hex(16)
        digest = hashlib.new(self.algorithm, body).hexdigest()
        lines = [method, path, query, digest, self.client_id, timestamp, nonce, *([case] if case else [])]
        mac = hmac.new(self.secret, "\n".join(lines).encode(), self.algorithm).digest()
        found = {"X-Client-Id": self.client_id, "X-Timestamp": timestamp, "X-Nonce": nonce}
        found["X-Signature"] = base64.b64encode(mac).decode()
        if case:
            found["X-Case-No"] = case
        return found

    def get(self, path: str, query: str = "", *, lang: str = "zh", **options: Any) -> Answer:
        headers = self.headers(path, query, **options)
        headers["Accept-Language"] = lang
        method = options.get("method", "GET")
        return self.send(path, query, headers, method=method, body=options.get("body", b""))

    def send(
        self, path: str, query: str, headers: dict[str, str], *, method: str = "GET", body: bytes = b""
    ) -> Answer:
        link = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            link.request(method, path + (f"?{query}" if query else ""), body=body or None, headers=headers)
            reply = link.getresponse()
            content = reply.read()
        finally:
            link.close()
        return Answer(
            reply.status, {k.lower(): v for k, v in reply.getheaders()}, json.loads(content or b"{}")
        )


def query_of(**params: object) -> str:
    """A percent-encoded query string."""
    return "&".join(f"{percent(k, safe='')}={percent(str(v), safe='')}" for k, v in params.items())


@dataclass
class Gate:
    """One gateway server and its database (``dsn`` is the owner's)."""

    dsn: str
    log: Path
    workers: int = 2
    port: int = 0
    server: subprocess.Popen[bytes] | None = None
    callers: dict[str, Caller] = field(default_factory=dict)

    def sql(self, statement: str, *params: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as db:
            cursor = db.execute(statement.encode(), params)
            return cursor.fetchall() if cursor.description else []

    def register(self, client_id: str, algorithm: str = "hmac-sha256") -> Caller:
        secret = secrets.token_urlsafe(32).encode()
        token = seal(MasterKey.parse(MASTER), secret, b"gate.client:" + client_id.encode())
        self.sql(
            "INSERT INTO gate.client (client_id, secret_sealed, unit_id, system_name, algorithm)"
            " VALUES (%s, %s, 1, '社会救助系统', %s)",
            client_id,
            token,
            algorithm,
        )
        caller = Caller(client_id, secret, self.port, algorithm.removeprefix("hmac-"))
        self.callers[client_id] = caller
        return caller

    def grant(
        self,
        no: str,
        clients: tuple[str, ...] = ("c1",),
        *,
        since: str = "-1 day",
        until: str = "1 day",
        state: str = "active",
        **changes: Any,
    ) -> str:
        """Put a grant in force; returns the path of its look-up by key."""
        spec = dataclasses.replace(PERSON, **changes)
        spec.check()
        self.sql(
            "INSERT INTO gate.grant_ (grant_no, spec, valid_from, valid_to, state)"
            " VALUES (%s, %s, now() + %s::interval, now() + %s::interval, %s)",
            no,
            json.dumps(spec.as_dict()),
            since,
            until,
            state,
        )
        for client_id in clients:
            self.sql("INSERT INTO gate.grant_client VALUES (%s, %s)", no, client_id)
        return f"/share/v1/{no}"

    def start(self) -> None:
        env = {
            **os.environ,
            "GONGSHU_GATEWAY_DSN": self.dsn + "?role=gongshu_gateway",
            "GONGSHU_MASTER_KEY": MASTER,
            "GONGSHU_GATEWAY_PORT": str(self.port),
            "GONGSHU_GATEWAY_WORKERS": str(self.workers),
        }
        env.pop("GONGSHU_TODAY", None)
        with self.log.open("ab") as log:
            self.server = subprocess.Popen(
                [sys.executable, "-m", "gongshu.gateway"], env=env, stdout=log, stderr=log
            )
        self.wait()

    def wait(self, seconds: float = 20.0) -> None:
        """Until the gateway says that it is ready."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if self.health().status == 200:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"gateway not ready:\n{self.log.read_text()[-3000:]}")

    def health(self) -> Answer:
        return Caller("", b"", self.port).send("/health", "", {})

    def processes(self) -> list[psutil.Process]:
        """The serving workers."""
        assert self.server
        return [
            process
            for process in psutil.Process(self.server.pid).children(recursive=True)
            if "resource_tracker" not in " ".join(process.cmdline())
        ]

    def stop(self, number: int = signal.SIGTERM) -> int:
        assert self.server
        self.server.send_signal(number)
        return self.server.wait(20)


def free_port() -> int:
    """A port nobody listens on now."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def prepare(dsn: str) -> None:
    """The gateway's tables with its roles, and a serving table of synthetic people."""
    with psycopg.connect(dsn, autocommit=True) as db:
        for role in ("gongshu_app", "gongshu_gateway"):
            if not db.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                db.execute(f"CREATE ROLE {role} LOGIN".encode())
        db.execute(ddl().encode())
        db.execute(ddl().encode())
        db.execute("CREATE SCHEMA serving")
        db.execute(
            "CREATE TABLE serving.person (_rowid bigint PRIMARY KEY, id_no text, name text, born date,"
            " income numeric(12, 2), household bigint, region text, phone text)"
        )
        db.execute(
            "INSERT INTO serving.person SELECT n, 'SYN' || lpad(n::text, 15, '0'), '赵' || n || '生',"
            " date '1950-01-01' + mod(n, 9000), n * 10.10, n / 3, CASE WHEN mod(n, 2) = 0 THEN '330726' ELSE '330727'"
            " END, '13800' || lpad(n::text, 6, '0') FROM generate_series(1, %s::int) n",
            [PEOPLE],
        )
        db.execute("CREATE INDEX ON serving.person (id_no); CREATE INDEX ON serving.person (household)")
        db.execute("GRANT USAGE ON SCHEMA serving TO gongshu_gateway")
        db.execute("GRANT SELECT ON serving.person TO gongshu_gateway")


@pytest.fixture(scope="module")
def gate(pg_dsn_module: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    """A running gateway with two workers; client c1 holds nothing yet, c2 is another system."""
    prepare(pg_dsn_module)
    made = Gate(pg_dsn_module, tmp_path_factory.mktemp("gateway") / "log", port=free_port())
    made.register("c1")
    made.register("c2")
    made.start()
    yield made
    if made.server and made.server.poll() is None:
        made.stop()


@pytest.fixture
def c1(gate: Gate) -> Caller:
    return gate.callers["c1"]


def settled() -> None:
    """Give every worker time to hear of a change: a second is what is promised."""
    time.sleep(0.6)


def at_once(calls: int, threads: int, one: Any) -> list[Any]:
    """Run ``one(number)`` for every number below ``calls``, in this many threads; the results in any order."""
    numbers, results, lock = iter(range(calls)), [], threading.Lock()

    def work() -> None:
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            result = one(number)
            with lock:
                results.append(result)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results


__all__ = ["PERSON", "Answer", "Caller", "Gate", "Quota", "at_once", "query_of", "settled"]
