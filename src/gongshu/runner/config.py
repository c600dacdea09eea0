"""Where the installation keeps its state, its secrets and its database, read from the environment.

Used by the settings, the gateway and the supervisor; imports neither Django nor the rest of the platform.
"""

from __future__ import annotations

import functools
import json
import os
import secrets as random
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlparse

ROLES = {"app": "gongshu_app", "gateway": "gongshu_gateway"}


def home() -> Path:
    """The state directory: GONGSHU_HOME, else ./var."""
    return Path(os.environ.get("GONGSHU_HOME", "var")).resolve()


@functools.cache
def _secrets() -> dict[str, str]:
    path = home() / "secrets.json"
    if path.exists():
        return dict(json.loads(path.read_text()))
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {name: random.token_hex(32) for name in ("django", "master", "ledger", "app", "gateway")}
    # Written aside and linked: of two processes starting at once the second takes the first one's secrets.
    aside = path.with_suffix(f".{os.getpid()}")
    aside.touch(mode=0o600)
    aside.write_text(json.dumps(made, indent=1))
    try:
        os.link(aside, path)
    except FileExistsError:
        made = dict(json.loads(path.read_text()))
    finally:
        aside.unlink()
    return made


def secret(name: str) -> str:
    """A secret of this installation (64 hex digits), made at first use and kept in secrets.json, mode 0600."""
    return _secrets()[name]


def master_key() -> bytes:
    """32 bytes under which stored passwords and client secrets are sealed."""
    return bytes.fromhex(os.environ.get("GONGSHU_MASTER_KEY") or secret("master"))


def owner_url() -> str:
    """The database address of the owner, who migrates: DATABASE_URL, else what the embedded server wrote down."""
    url = os.environ.get("DATABASE_URL")
    written = home() / "database_url"
    if not url and written.exists():
        url = written.read_text().strip()
    return url or "postgresql://gongshu@127.0.0.1:5432/gongshu"


def url(role: str = "owner") -> str:
    """The database address for a role: owner, app or gateway (DATABASE_APP_URL, DATABASE_GATEWAY_URL override)."""
    if role == "owner":
        return owner_url()
    given = os.environ.get(f"DATABASE_{role.upper()}_URL")
    if given:
        return given
    parts = urlparse(owner_url())
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{ROLES[role]}:{quote(secret(role))}@{place}").geturl()


def database(role: str = "app") -> dict[str, Any]:
    """Django's DATABASES entry. GONGSHU_DATABASE_ROLE=owner lets the migrate command run as the owner."""
    parts = urlparse(url(os.environ.get("GONGSHU_DATABASE_ROLE", role)))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        "CONN_MAX_AGE": 600,
        "CONN_HEALTH_CHECKS": True,
    }
