"""Small facts about processes: who to run as, how to end with the parent, whether one is alive."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)
ACCOUNTS = ("gongshu", "postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An operating-system account a server program is run under."""

    name: str
    uid: int
    gid: int


def unprivileged(owner: int | None = None) -> Account | None:
    """The account for a server that refuses to run as root; None where we are not root.

    owner: uid that already owns the server's files, which then decides. Otherwise the first of the accounts
    gongshu, postgres, nobody that exists.
    """
    if os.geteuid() != 0:
        return None
    if owner:
        found = pwd.getpwuid(owner)
        return Account(found.pw_name, found.pw_uid, found.pw_gid)
    for name in ACCOUNTS:
        with contextlib.suppress(KeyError):
            found = pwd.getpwnam(name)
            return Account(found.pw_name, found.pw_uid, found.pw_gid)
    raise RuntimeError(f"running as root, and none of the accounts {', '.join(ACCOUNTS)} exists")


def as_account(account: Account | None) -> dict[str, Any]:
    """Arguments for subprocess that run a program as the account."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def ends_with_parent(number: int = signal.SIGTERM) -> Callable[[], None] | None:
    """A preexec function: the kernel sends the child this signal when the parent dies, however it dies.

    Linux only (None elsewhere, where an orphan is found and adopted at the next start).
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)

    def arrange() -> None:
        libc.prctl(_SET_PARENT_DEATH_SIGNAL, number)

    return arrange


def alive(pid: int) -> bool:
    """Whether a process runs under this id (a zombie does not)."""
    import psutil

    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
