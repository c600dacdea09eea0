"""What the runner says before Django is there to translate: in Chinese, or in English where the terminal is."""

from __future__ import annotations

import os


def tell(zh: str, en: str) -> str:
    """The text in the language of GONGSHU_LANG (zh, en), else of the terminal; Chinese where neither says."""
    wanted = os.environ.get("GONGSHU_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or "zh"
    return en if wanted.startswith("en") else zh


class RunnerError(RuntimeError):
    """Something that keeps the platform from running; the message says what to do."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(tell(zh, en))


class ServerFailed(RunnerError):
    """A database server did not start or stop."""


class NotMigrated(RunnerError):
    """The database is not, or cannot be brought, at this release."""


class Unsafe(RunnerError):
    """The installation would be open to people who should not get in; it does not start."""
