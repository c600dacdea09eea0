"""A private MariaDB server: a source database of the sample county and of the tests, where its programs are installed.

The platform itself keeps nothing in MariaDB.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pymysql

from .errors import ServerFailed
from .postgres import free_port
from .process import ends_with_parent

USER = "gongshu"


def installed() -> bool:
    """Whether a MariaDB server is installed on this machine."""
    return _program("mariadbd") is not None and _program("mariadb-install-db") is not None


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@dataclass
class Server:
    """A server whose data lie in `<home>/mariadb`, on a port of the loopback address, with one user and a password."""

    home: Path
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.home / "mariadb"

    def url(self, database: str = "") -> str:
        """The address of a database, with user and password."""
        return f"mysql://{USER}:{self._password()}@127.0.0.1:{self.port}/{database}"

    def connect(self, database: str | None = None) -> pymysql.connections.Connection:
        """A connection as the server's user, committing each statement."""
        return pymysql.connect(
            host="127.0.0.1",
            port=self.port,
            user=USER,
            password=self._password(),
            database=database,
            autocommit=True,
            charset="utf8mb4",
        )

    def start(self, timeout: float = 60, *, wait: bool = True) -> None:
        """Make the data directory if there is none, start the server, wait until it answers.

        Without `wait` only the first start, which whoever loads data follows, is waited for. The port is kept.
        """
        first = not (self.data / "mysql").exists()
        if first:
            self._initialise()
        kept = self.home / "mariadb.port"
        self.port = free_port(self.port or (int(kept.read_text()) if kept.exists() else 0))
        kept.write_text(str(self.port))
        command = [*self._base("mariadbd"), f"--port={self.port}", "--bind-address=127.0.0.1"]
        command += [
            f"--socket={self.data / 's'}",
            f"--pid-file={self.data / 'pid'}",
            f"--init-file={self._grants()}",
        ]
        command += ["--character-set-server=utf8mb4", "--innodb-buffer-pool-size=64M", "--skip-name-resolve"]
        with (self.home / "mariadb.log").open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=ends_with_parent(signal.SIGTERM),
            )
        until = time.monotonic() + timeout
        while wait or first:
            try:
                self.connect().close()
                return
            except pymysql.err.OperationalError as error:
                if self.process.poll() is not None or time.monotonic() > until:
                    raise ServerFailed(
                        f"MariaDB 没有启动，见 {self.home}/mariadb.log：{error}",
                        f"MariaDB did not start, see {self.home}/mariadb.log: {error}",
                    ) from error
            time.sleep(0.05)

    def stop(self) -> None:
        """Stop the server and wait for it."""
        if self.process:
            self.process.terminate()
            self.process.wait(60)
            self.process = None

    def _base(self, program: str) -> list[str]:
        found = _program(program)
        if found is None:
            raise ServerFailed(
                f"本机没有安装 {program}（Debian 软件包：mariadb-server）",
                f"{program} is not installed on this machine (Debian: mariadb-server)",
            )
        root = ["--user=root"] if os.geteuid() == 0 else []
        return [found, "--no-defaults", f"--datadir={self.data}", *root]

    def _initialise(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        made = subprocess.run(
            [*self._base("mariadb-install-db"), "--auth-root-authentication-method=normal", "--skip-test-db"],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode:
            said = f"{made.stdout}{made.stderr}"
            raise ServerFailed(f"MariaDB 初始化失败：{said}", f"mariadb-install-db failed: {said}")

    def _password(self) -> str:
        path = self.home / "mariadb.password"
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(secrets.token_hex(16))
        return path.read_text()

    def _grants(self) -> Path:
        """Statements the server runs at start: our user, and no log-in without a password."""
        path = self.home / "mariadb.sql"
        path.touch(mode=0o600)
        path.write_text(
            f"CREATE USER IF NOT EXISTS {USER}@'127.0.0.1' IDENTIFIED BY '{self._password()}';\n"
            f"GRANT ALL ON *.* TO {USER}@'127.0.0.1' WITH GRANT OPTION;\n"
            "DELETE FROM mysql.global_priv WHERE User IN ('root', '') AND Host <> 'localhost';\n"
            f"FLUSH PRIVILEGES;\nALTER USER root@'localhost' IDENTIFIED BY '{self._password()}';\n"
        )
        return path
