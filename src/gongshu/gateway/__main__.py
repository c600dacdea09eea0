"""``python -m gongshu.gateway``: the gateway under granian, as its environment says (see ``config``)."""

from __future__ import annotations

import sys

from granian.constants import HTTPModes, Interfaces
from granian.server import Server

from gongshu.engine.suite import SuiteError
from gongshu.gateway.config import Config, ConfigError


def main() -> int:
    """Serve until stopped; exit code 2 for a setting that cannot be used."""
    try:
        config = Config.from_env()
    except (ConfigError, SuiteError) as error:
        sys.stderr.write(f"gateway: {error}\n")
        return 2
    Server(
        "gongshu.gateway.app:app",
        address=config.host,
        port=config.port,
        interface=Interfaces.ASGI,
        workers=config.workers,
        # HTTP/1.1 only: callers are systems behind fixed lines, and one protocol is one to get right.
        http=HTTPModes.http1,
        websockets=False,
        backlog=1024,
        workers_kill_timeout=15,
        respawn_failed_workers=True,
        respawn_interval=0.5,
    ).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main())
