"""Receipts (C2SP tlog-proof): one file that proves offline that an event is in the ledger.

The entry of the log is the SHA-256 of the event's canonical leaf. The receipt carries, as the proof's extra
data, the leaf itself, the values behind the digests in it where the reader may see them, and the key to
compare with the one the platform publishes. Extra data is believed only as far as the proof covers it. Runs
on Python 3.7 and later: it is part of the offline verifier.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from gongshu.kernel import merkle, note
from gongshu.kernel.canonical import canonical
from gongshu.kernel.note import Checkpoint, Key, NoteFault, decimal, decode64, encode64

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADING = "c2sp.org/tlog-proof@v1"
LARGEST = 8 * 1024 * 1024


class ProofFault(ValueError):
    """The receipt proves nothing; ``code`` says why for programs and for translation."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code, self.detail = code, detail


@dataclass(frozen=True)
class Proof:
    """A proof taken apart: leaf number, path, signed checkpoint as it stands, opaque extra bytes."""

    index: int
    path: tuple[bytes, ...]
    checkpoint: str
    extra: bytes = b""

    def write(self) -> bytes:
        """The file."""
        lines = [HEADING]
        if self.extra:
            lines.append(f"extra {encode64(self.extra)}")
        lines += [f"index {self.index}", *(encode64(each) for each in self.path)]
        return ("\n".join(lines) + "\n\n" + self.checkpoint).encode("utf-8")

    @classmethod
    def parse(cls, raw: bytes) -> Proof:
        """Take a file apart. Raises ProofFault."""
        if len(raw) > LARGEST:
            raise ProofFault("malformed", "too large")
        try:
            head, empty, checkpoint = raw.decode("utf-8").partition("\n\n")
            lines = head.split("\n")
            if not empty or lines.pop(0) != HEADING:
                raise ProofFault("malformed", "not a tlog-proof")
            extra = decode64(lines.pop(0)[6:]) if lines and lines[0].startswith("extra ") else b""
            if not lines or not lines[0].startswith("index "):
                raise ProofFault("malformed", "no index")
            index = decimal(lines.pop(0)[6:])
            return cls(index, tuple(decode64(line) for line in lines), checkpoint, extra)
        except (UnicodeDecodeError, NoteFault, IndexError) as fault:
            raise ProofFault("malformed", str(fault)) from None


@dataclass(frozen=True)
class Verified:
    """What a receipt proves: this leaf is entry ``index`` of the log whose head is ``checkpoint``, under
    ``key``.
    """

    leaf: Mapping[str, Any]
    disclosed: Mapping[str, Any]
    index: int
    checkpoint: Checkpoint
    key: Key
    key_given: bool


def entry(leaf: Mapping[str, Any]) -> bytes:
    """What the log holds for a leaf: the SHA-256 of its canonical form."""
    return sha256(canonical(dict(leaf))).digest()


def receipt(
    leaf: Mapping[str, Any],
    disclosed: Mapping[str, Any],
    index: int,
    path: tuple[bytes, ...],
    checkpoint: str,
    key: Key,
) -> bytes:
    """The receipt file. ``disclosed``: member of the leaf -> the value whose digest it holds."""
    extra = canonical({"key": str(key), "leaf": dict(leaf), "disclosed": dict(disclosed)})
    return Proof(index, tuple(path), checkpoint, extra).write()


def verify(raw: bytes, vkey: str | None = None, body: bytes | None = None) -> Verified:
    """Check a receipt. Raises ProofFault.

    ``vkey``: the key the platform publishes; without it the key inside the receipt is used, which proves
    only that the receipt is sound in itself, and :attr:`Verified.key_given` is False. ``body``: the
    canonical leaf, where the reader holds it separately; it must then be the one in the receipt.
    """
    proof = Proof.parse(raw)
    told = _extra(proof.extra)
    leaf = told["leaf"]
    if body is not None and canonical(leaf) != body:
        raise ProofFault("other_body")
    try:
        key = Key.parse(vkey or told["key"])
        signed = note.verify(proof.checkpoint, [key])
        checkpoint = Checkpoint.parse(signed.text)
    except NoteFault as fault:
        raise ProofFault("signature", str(fault)) from None
    if checkpoint.origin != key.name:
        raise ProofFault("signature", "the checkpoint is of another log")
    if vkey and str(key) != told["key"]:
        raise ProofFault("other_key", str(told["key"]))
    start = merkle.leaf_hash(entry(leaf))
    if not merkle.verify_inclusion(start, proof.index, checkpoint.size, proof.path, checkpoint.root):
        raise ProofFault("not_included")
    _check_disclosed(leaf, told["disclosed"])
    return Verified(leaf, told["disclosed"], proof.index, checkpoint, key, bool(vkey))


def _extra(data: bytes) -> dict[str, Any]:
    try:
        told = json.loads(data.decode("utf-8"))
        if canonical(told) != data:
            raise ProofFault("malformed", "extra data is not canonical JSON")
        shapes = {"key": str, "leaf": dict, "disclosed": dict}
        if set(told) != set(shapes) or not all(isinstance(told[name], kind) for name, kind in shapes.items()):
            raise ProofFault("malformed", "extra data without key, leaf and disclosed")
    except (ValueError, TypeError, AttributeError, RecursionError) as fault:
        if isinstance(fault, ProofFault):
            raise
        raise ProofFault("malformed", str(fault)) from None
    result: dict[str, Any] = told
    return result


def disclosure(value: Any) -> str:
    """The digest that stands in a leaf for a value: of text as it is, of anything else in canonical form."""
    data = value.encode("utf-8") if isinstance(value, str) else canonical(value)
    return sha256(data).hexdigest()


def _check_disclosed(leaf: Mapping[str, Any], disclosed: Mapping[str, Any]) -> None:
    """Every disclosed value must be the one whose digest the leaf holds (``actor`` holds it beside the id)."""
    for name, value in disclosed.items():
        held = leaf.get(name)
        held = held[-1] if isinstance(held, list) and held else held
        if held != disclosure(value):
            raise ProofFault("disclosed", name)
