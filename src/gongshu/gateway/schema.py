"""The gateway's tables as DDL, for whoever migrates the database."""

from __future__ import annotations

from importlib.resources import files


def ddl() -> str:
    """Idempotent SQL that makes or brings up to date schema ``gate``; run it as the owner, as one script."""
    return files("gongshu.gateway").joinpath("schema.sql").read_text(encoding="utf-8")
