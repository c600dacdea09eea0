"""The private servers: started, reached, killed, recovered, stopped without a trace."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import psycopg
import pymysql
import pytest

from gongshu.runner.postgres import Server, ServerFailed, free_port, programs


@pytest.fixture
def server() -> Iterator[Server]:
    home = Path(tempfile.mkdtemp(prefix="gongshu-pg-"))
    home.chmod(0o711)
    server = Server(home, settings={"shared_buffers": "16MB"})
    yield server
    server.stop()
    shutil.rmtree(server.data)
    shutil.rmtree(home, ignore_errors=True)


def test_start_stop_start_keeps_data_and_address(server: Server) -> None:
    url = server.start()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        assert connection.execute("SHOW wal_level").fetchone() == ("logical",)
    server.stop()
    assert server.pid() is None
    assert not server.answers()
    assert server.start() == url
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_killed_server_recovers_what_was_committed(server: Server) -> None:
    url = server.start()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS n")
    pid = server.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    again = Server(server.home, settings=server.settings)
    try:
        with psycopg.connect(again.start()) as connection:
            assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1000,)
    finally:
        again.stop()


def test_data_whose_password_is_lost_are_kept(server: Server) -> None:
    url = server.start()
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    server.stop()
    secret = server.url_file.read_text()
    server.url_file.unlink()
    with pytest.raises(ServerFailed, match=r"database_url"):
        server.start()
    server.url_file.write_text(secret)
    with psycopg.connect(server.start()) as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_an_interrupted_first_start_is_begun_again(server: Server) -> None:
    (server.data / "PG_VERSION").write_text("18")
    (server.data / "base").mkdir()
    server.start()
    assert server.answers()


def test_a_running_server_is_adopted_not_started_twice(server: Server) -> None:
    server.start()
    other = Server(server.home)
    other.start()
    assert other.pid() == server.pid()
    assert other.process is None


def test_a_stale_pid_file_does_not_hinder(server: Server) -> None:
    server.start()
    server.stop()
    (server.data / "postmaster.pid").write_text(f"{os.getpid()}\n{server.data}\n")
    server.start()
    assert server.answers()


def test_a_busy_port_is_left_to_its_owner(server: Server) -> None:
    first = urlparse(server.start()).port
    server.stop()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", first or 0))
        taken.listen()
        assert urlparse(server.start()).port != first


def test_the_password_is_asked_for_and_readable_by_nobody_else(server: Server) -> None:
    url = urlparse(server.start())
    assert server.url_file.stat().st_mode & 0o077 == 0
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"postgresql://{url.username}:wrong@127.0.0.1:{url.port}/gongshu")


def test_no_programs_says_what_to_do() -> None:
    with pytest.raises(ServerFailed, match="DATABASE_URL"):
        programs(major=999)


def test_free_port_prefers_the_wanted_one() -> None:
    port = free_port()
    assert free_port(port) == port


def test_mariadb_has_one_user_with_a_password(mariadb_server: Any, mariadb_dsn: str) -> None:
    url = urlparse(mariadb_dsn)
    with mariadb_server.connect(url.path[1:]) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE 人口 (姓名 varchar(20))")
        cursor.execute("INSERT INTO 人口 VALUES ('某某')")
        cursor.execute("SELECT 姓名 FROM 人口")
        assert cursor.fetchone() == ("某某",)
    with pytest.raises(pymysql.err.OperationalError):
        pymysql.connect(host="127.0.0.1", port=mariadb_server.port, user="root", password="")
