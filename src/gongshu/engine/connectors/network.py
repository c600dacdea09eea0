"""Reaching a server before speaking its protocol, so that network faults are told apart in no server's language."""

from __future__ import annotations

import socket

from gongshu.engine.source import SourceError, SourceSpec

DEFAULT_TIMEOUT = 5


def timeout_seconds(spec: SourceSpec) -> int:
    return int(spec.options.get("connect_timeout", DEFAULT_TIMEOUT))


def reach(spec: SourceSpec, default_port: int) -> int:
    """Open and close a TCP connection; returns the port. Raises host_unknown, refused or timeout."""
    port = spec.port or default_port
    seconds = timeout_seconds(spec)
    facts = spec.facts(port=port, seconds=seconds)
    try:
        with socket.create_connection((spec.host, port), timeout=seconds):
            return port
    except (socket.gaierror, UnicodeError) as error:
        raise SourceError("host_unknown", facts=facts) from error
    except TimeoutError as error:
        raise SourceError("timeout", facts=facts) from error
    except OSError as error:
        # "no route" and "network unreachable" ask for the same remedy as a closed port: address, port, firewall.
        raise SourceError("refused", error.strerror or "", facts) from error
