"""Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint): how the ledger says "this is my tree".

A note may carry several signature lines: the log's own, those of witnesses, one of another profile. Lines
of keys that the reader does not know are ignored, as the specification says; this is where co-signing units
come in. Runs on Python 3.7 and later: it is part of the offline verifier.
"""

from __future__ import annotations

import binascii
from base64 import b64decode, b64encode
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from gongshu.kernel import ed25519
from gongshu.kernel.merkle import HASH_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ED25519 = 0x01
MOST_SIGNATURES = 64
_DASH = "\u2014 "


class NoteFault(ValueError):
    """The note, key or checkpoint is malformed, or no trusted key signed it."""


def decode64(text: str) -> bytes:
    """Standard base64 in its one canonical spelling. Raises NoteFault."""
    try:
        data = b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise NoteFault(f"not base64: {text[:40]}") from None
    if b64encode(data).decode("ascii") != text:
        raise NoteFault(f"not canonical base64: {text[:40]}")
    return data


def encode64(data: bytes) -> str:
    """Standard base64."""
    return b64encode(data).decode("ascii")


def decimal(text: str) -> int:
    """An ASCII number without leading zeroes. Raises NoteFault."""
    if not (text.isascii() and text.isdigit()) or len(text) > 19 or (text[0] == "0" and text != "0"):
        raise NoteFault(f"not a number: {text[:40]}")
    return int(text)


@dataclass(frozen=True)
class Key:
    """A verifying key: its name, its four-byte id, 32 bytes of Ed25519."""

    name: str
    id: bytes
    public: bytes

    @classmethod
    def of(cls, name: str, public: bytes) -> Key:
        """The key of that name. Raises NoteFault if the name cannot stand in a note."""
        if not name or "+" in name or any(each.isspace() for each in name):
            raise NoteFault(f"not a key name: {name!r}")
        if len(public) != 32:
            raise NoteFault("an Ed25519 key has 32 bytes")
        told = name.encode("utf-8") + b"\n" + bytes([ED25519]) + public
        return cls(name, sha256(told).digest()[:4], public)

    @classmethod
    def parse(cls, text: str) -> Key:
        """A key written ``name+id+base64``, as :meth:`__str__` writes it. Raises NoteFault."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3:
            raise NoteFault("a key is written <name>+<id>+<base64>")
        data = decode64(parts[2])
        if data[:1] != bytes([ED25519]):
            raise NoteFault("not an Ed25519 key")
        key = cls.of(parts[0], data[1:])
        if key.id.hex() != parts[1]:
            raise NoteFault("the key's id does not belong to it")
        return key

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encode64(bytes([ED25519]) + self.public)}"


@dataclass(frozen=True)
class Signature:
    """One signature line: who, the key's id, the raw signature."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True)
class Note:
    """A note taken apart; nothing has been verified yet."""

    text: str
    signatures: tuple[Signature, ...]


def parse(raw: str) -> Note:
    """Take a signed note apart. Raises NoteFault."""
    if any(each < " " and each != "\n" for each in raw):
        raise NoteFault("control characters in a note")
    head, empty, tail = raw.rpartition("\n\n")
    if not empty or not head or not tail.endswith("\n"):
        raise NoteFault("a note is text, an empty line and signatures")
    lines = tail[:-1].split("\n")
    if len(lines) > MOST_SIGNATURES:
        raise NoteFault("too many signatures")
    return Note(head + "\n", tuple(_signature(line) for line in lines))


def _signature(line: str) -> Signature:
    parts = line[len(_DASH) :].split(" ")
    if not line.startswith(_DASH) or len(parts) != 2 or not parts[0]:
        raise NoteFault(f"not a signature line: {line[:60]}")
    data = decode64(parts[1])
    if len(data) < 5:
        raise NoteFault("a signature is cut short")
    return Signature(parts[0], data[:4], data[4:])


def verify(raw: str, keys: Sequence[Key]) -> Note:
    """The note, if a key of ``keys`` signed it and no line of a known key is wrong. Raises NoteFault."""
    note = parse(raw)
    message = note.text.encode("utf-8")
    known = {(key.name, key.id): key for key in keys}
    signed = False
    for line in note.signatures:
        key = known.get((line.name, line.key_id))
        if key is None:
            continue
        if not ed25519.verify(key.public, message, line.signature):
            raise NoteFault(f"the signature of {key.name} does not fit the text")
        signed = True
    if not signed:
        raise NoteFault("not signed by the key given")
    return note


def sign(text: str, key: Key, signer: Callable[[bytes], bytes]) -> str:
    """The text with one signature line. ``signer`` makes a raw Ed25519 signature under the private half of
    ``key``.
    """
    if not text.endswith("\n"):
        raise NoteFault("the text of a note ends with a newline")
    line = encode64(key.id + signer(text.encode("utf-8")))
    return f"{text}\n{_DASH}{key.name} {line}\n"


@dataclass(frozen=True)
class Checkpoint:
    """The head of a log: its origin, number of leaves, root (32 bytes), and lines of extension."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        return "".join(
            f"{line}\n" for line in (self.origin, self.size, encode64(self.root), *self.extensions)
        )

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """The checkpoint of a note's text. Raises NoteFault."""
        lines: list[str] = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise NoteFault("a checkpoint is origin, size and root")
        root = decode64(lines[2])
        if len(root) != HASH_BYTES:
            raise NoteFault("the root of a checkpoint has 32 bytes")
        return cls(lines[0], decimal(lines[1]), root, tuple(lines[3:-1]))
