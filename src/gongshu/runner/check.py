"""What an installation must not start with: default secrets, sample accounts in the open, files others can read."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlparse

import psycopg

from . import config
from .errors import Unsafe, tell

DEFAULTS = {"", "gongshu", "postgres", "password", "secret", "changeme", "admin", "root", "123456"}
KEY_DIGITS = 64


def is_loopback(address: str) -> bool:
    """Whether an address can be reached from this machine only."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return False


def is_sample() -> bool:
    """Whether this is a sample installation (GONGSHU_SAMPLE=1): synthetic data, accounts with known passwords."""
    return os.environ.get("GONGSHU_SAMPLE") == "1"


def faults(bind: str) -> Iterator[str]:
    """What is wrong before the database is looked at, one sentence each."""
    if is_sample() and not is_loopback(bind):
        yield tell(
            f"示范安装只能监听本机回环地址，不能监听 {bind}",
            f"a sample installation listens on the loopback address only, not on {bind}",
        )
    yield from _file_faults(config.home() / "secrets.json")
    yield from _file_faults(config.home() / "database_url")
    for name in ("django", "master", "ledger", "app", "gateway"):
        if _weak(config.secret(name)):
            yield tell(
                f"secrets.json 中的 {name} 是默认值或过短，应为 {KEY_DIGITS} 位随机十六进制数",
                f"{name} in secrets.json is a default or too short; it must be {KEY_DIGITS} random hex digits",
            )
    given = os.environ.get("GONGSHU_MASTER_KEY")
    if given and _weak(given):
        yield tell("GONGSHU_MASTER_KEY 是默认值或过短", "GONGSHU_MASTER_KEY is a default or too short")
    yield from _address_faults()
    if not is_sample() and "*" in os.environ.get("GONGSHU_HOSTS", "").split(","):
        yield tell("GONGSHU_HOSTS 不能是 *，请写明域名", "GONGSHU_HOSTS must name the hosts, not *")


def _weak(secret: str) -> bool:
    try:
        bytes.fromhex(secret)
    except ValueError:
        return True
    return len(secret) < KEY_DIGITS or len(set(secret)) < 8


def _file_faults(path: Path) -> Iterator[str]:
    if path.exists() and path.stat().st_mode & 0o077:
        yield tell(
            f"{path} 能被其他账号读取，请执行 chmod 600",
            f"{path} can be read by other accounts; run chmod 600",
        )


def _address_faults() -> Iterator[str]:
    """Database passwords anybody would guess, on a server that is not on this machine."""
    for name in ("DATABASE_URL", "DATABASE_APP_URL", "DATABASE_GATEWAY_URL"):
        parts = urlparse(os.environ.get(name, ""))
        away = parts.hostname and not is_loopback(parts.hostname)
        if away and unquote(parts.password or "").lower() in DEFAULTS:
            yield tell(f"{name} 使用了空口令或默认口令", f"{name} uses an empty or a default password")


def refuse_unsafe(bind: str) -> None:
    """Raise Unsafe with every fault found."""
    found = list(faults(bind))
    if found:
        raise Unsafe(
            "存在安全问题，不予启动：\n- " + "\n- ".join(found),
            "unsafe, not started:\n- " + "\n- ".join(found),
        )


def mark_sample(*, loaded: bool) -> None:
    """Note in the database that it holds the sample county: before its accounts are made, and when it is whole."""
    with psycopg.connect(config.owner_url()) as connection:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS public.gongshu_sample (loaded_at timestamptz NOT NULL)"
        )
        if loaded:
            connection.execute("INSERT INTO public.gongshu_sample VALUES (now())")


def holds_sample(*, loaded: bool = False) -> bool:
    """Whether the database holds the sample county, or (loaded) the whole of it."""
    with psycopg.connect(config.owner_url(), connect_timeout=10) as connection:
        if connection.execute("SELECT to_regclass('public.gongshu_sample')").fetchone() == (None,):
            return False
        found = connection.execute("SELECT EXISTS (SELECT 1 FROM public.gongshu_sample)").fetchone()
        return found == (True,) or not loaded


def refuse_sample_accounts() -> None:
    """Raise Unsafe where the database holds sample accounts and this is not a sample installation."""
    if not is_sample() and holds_sample():
        raise Unsafe(
            "数据库中有示范账号（口令是公开的），只能以示范安装（GONGSHU_SAMPLE=1，仅本机回环地址）启动；"
            "正式使用请换一个新的数据库。",
            "the database holds sample accounts, whose passwords are public: it starts only as a sample "
            "installation (GONGSHU_SAMPLE=1, loopback address only). Use a new database for real work.",
        )
