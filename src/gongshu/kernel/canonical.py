"""Canonical JSON (RFC 8785): one value, one sequence of bytes, so that a digest means the same to everybody.

Fractional numbers are refused: their text differs between languages too easily. Give decimals as strings.
"""

from __future__ import annotations

import hashlib
from json.encoder import encode_basestring
from typing import Any

SAFE_INTEGER = 2**53 - 1  # RFC 7493: beyond this a reader may lose digits


def canonical(value: Any) -> bytes:
    """UTF-8 bytes of ``value`` (None, bool, int, str, list, tuple, dict with text keys).

    Raises TypeError for any other type, floats included, and ValueError for integers beyond 2**53-1 and for
    lone surrogates.
    """
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts).encode("utf-8")


def digest(value: Any, algorithm: str = "sha256") -> str:
    """Hex digest of the canonical bytes, with the algorithm's name: ``sha256:…``."""
    return f"{algorithm}:{hashlib.new(algorithm, canonical(value)).hexdigest()}"


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def _write(value: Any, parts: list[str]) -> None:
    if value is None:
        parts.append("null")
    elif value is True:
        parts.append("true")
    elif value is False:
        parts.append("false")
    elif isinstance(value, str):
        parts.append(encode_basestring(str.__str__(value)))
    elif isinstance(value, int):
        if not -SAFE_INTEGER <= value <= SAFE_INTEGER:
            raise ValueError(f"integer beyond 2**53-1: {value}; give it as text")
        parts.append(int.__repr__(value))
    elif isinstance(value, (list, tuple)):
        _write_list(value, parts)
    elif isinstance(value, dict):
        _write_dict(value, parts)
    else:
        raise TypeError(f"no canonical form for {type(value).__name__}: {value!r}")


def _write_list(value: list[Any] | tuple[Any, ...], parts: list[str]) -> None:
    parts.append("[")
    for position, member in enumerate(value):
        if position:
            parts.append(",")
        _write(member, parts)
    parts.append("]")


def _write_dict(value: dict[str, Any], parts: list[str]) -> None:
    for key in value:
        if not isinstance(key, str):
            raise TypeError(f"keys are text, not {type(key).__name__}: {key!r}")
    parts.append("{")
    # RFC 8785 3.2.3: names are ordered by UTF-16 code units, which is not the order of code points.
    for position, key in enumerate(sorted(value, key=_utf16)):
        if position:
            parts.append(",")
        parts.append(encode_basestring(str.__str__(key)))
        parts.append(":")
        _write(value[key], parts)
    parts.append("}")
