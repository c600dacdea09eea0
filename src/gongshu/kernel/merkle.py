"""The Merkle tree of the ledger: RFC 9162 hashes over tiles of height 8, proofs and their verification.

A tile holds up to 256 hashes of one level: tile ``(level, index)`` has the hashes of the complete subtrees
of ``256**level`` leaves numbered ``index * 256`` onwards. Tiles only ever grow, so they can be stored as
rows or files. Runs on Python 3.7 and later: it is part of the offline verifier.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    #: Reads the stored bytes of a tile, or b"" if there is none yet.
    Reader = Callable[[int, int], bytes]

HEIGHT = 8
WIDTH = 1 << HEIGHT
HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """Hash of an entry: SHA-256(0x00 || entry)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two subtrees: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


def tile_root(data: bytes) -> bytes:
    """Root of the complete subtree that a full tile stands for: a hash of the level above."""
    return _fold(_hashes(data))


def _fold(row: Sequence[bytes]) -> bytes:
    """Root of a complete subtree whose lowest hashes are given (a power of two of them)."""
    while len(row) > 1:
        row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
    return row[0]


def _split(count: int) -> int:
    """The largest power of two smaller than ``count``."""
    return 1 << ((count - 1).bit_length() - 1)


class Tree:
    """A tree of ``size`` leaves over stored tiles. Appending collects the changed tiles in :attr:`changed`."""

    def __init__(self, read: Reader, size: int = 0) -> None:
        self._read = read
        self._held: dict[tuple[int, int], bytes] = {}
        self.size = size
        self.changed: dict[tuple[int, int], bytes] = {}

    def _tile(self, level: int, index: int) -> bytes:
        place = (level, index)
        if place not in self._held:
            self._held[place] = self._read(level, index)
        return self._held[place]

    def append(self, hashes: Sequence[bytes]) -> None:
        """Add leaf hashes at the end, in order."""
        self._extend(0, self.size, hashes)
        self.size += len(hashes)

    def _extend(self, level: int, count: int, hashes: Sequence[bytes]) -> None:
        """Append to a level that holds ``count`` hashes; every tile that fills puts its root on the level
        above.
        """
        roots: list[bytes] = []
        first_full = count // WIDTH
        position = 0
        while position < len(hashes):
            index, used = divmod(count, WIDTH)
            taken = hashes[position : position + WIDTH - used]
            # A tile may have been stored beyond the size we were given by a writer that died before signing.
            before = self._tile(level, index)[: used * HASH_BYTES] if used else b""
            tile = before + b"".join(taken)
            self._held[level, index] = self.changed[level, index] = tile
            position += len(taken)
            count += len(taken)
            if used + len(taken) == WIDTH:
                roots.append(tile_root(tile))
        if roots:
            self._extend(level + 1, first_full, roots)

    def take_full(self) -> dict[tuple[int, int], bytes]:
        """The changed tiles that have become full, by level and index; they are forgotten, so that a long log can
        be built or checked in little memory. Root and further appending do not need them.
        """
        full = {place: data for place, data in self.changed.items() if len(data) == WIDTH * HASH_BYTES}
        for place in full:
            del self.changed[place], self._held[place]
        return full

    def _subtree(self, height: int, index: int) -> bytes:
        """Hash of the complete subtree of ``2**height`` leaves starting at leaf ``index * 2**height``."""
        level, above = divmod(height, HEIGHT)
        first = index << above
        tile = self._tile(level, first // WIDTH)
        start = (first % WIDTH) * HASH_BYTES
        row = tile[start : start + (HASH_BYTES << above)]
        if len(row) != HASH_BYTES << above:
            raise ValueError(f"tile {level}/{first // WIDTH} holds fewer hashes than the tree needs")
        return _fold(_hashes(row))

    def _range(self, begin: int, end: int) -> bytes:
        """MTH(D[begin:end]) of RFC 9162 2.1.1; ``begin`` is a multiple of the largest power of two below."""
        count = end - begin
        if count & (count - 1) == 0 and begin % count == 0:
            return self._subtree(count.bit_length() - 1, begin // count)
        middle = begin + _split(count)
        return node_hash(self._range(begin, middle), self._range(middle, end))

    def leaf(self, index: int) -> bytes:
        """The stored hash of a leaf."""
        self._need(index < self.size)
        return self._subtree(0, index)

    def root(self, size: int = -1) -> bytes:
        """Root of the tree as it was with ``size`` leaves (default: now)."""
        size = self.size if size < 0 else size
        self._need(size <= self.size)
        return self._range(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int = -1) -> list[bytes]:
        """Proof that leaf ``index`` is in the tree of ``size`` leaves, from the sibling up to the root's
        child.
        """
        size = self.size if size < 0 else size
        self._need(0 <= index < size <= self.size)
        path: list[bytes] = []
        begin, end = 0, size
        while end - begin > 1:
            middle = begin + _split(end - begin)
            if index < middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(begin, middle))
                begin = middle
        return path[::-1]

    def consistency(self, old: int, new: int = -1) -> list[bytes]:
        """Proof that the tree of ``new`` leaves begins with the tree of ``old`` leaves (RFC 9162 2.1.4.1)."""
        new = self.size if new < 0 else new
        self._need(0 <= old <= new <= self.size)
        path: list[bytes] = []
        begin, end, known = 0, new, True
        if old in (0, new):
            return path
        while old != end:
            middle = begin + _split(end - begin)
            if old <= middle:
                path.append(self._range(middle, end))
                end = middle
            else:
                path.append(self._range(begin, middle))
                begin, known = middle, False
        if not known:
            path.append(self._range(begin, end))
        return path[::-1]

    @staticmethod
    def _need(condition: bool) -> None:
        if not condition:
            raise ValueError("outside the tree")


def _hashes(data: bytes) -> list[bytes]:
    return [data[at : at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether the path leads from the leaf's hash at ``index`` to the root of a tree of ``size`` (RFC 9162
    2.1.3.2).
    """
    if not 0 <= index < size or len(leaf) != HASH_BYTES or any(len(each) != HASH_BYTES for each in path):
        return False
    number, last, computed = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if number & 1 or number == last:
            computed = node_hash(sibling, computed)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            computed = node_hash(computed, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and computed == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the newer tree begins with the older one (RFC 9162 2.1.4.2); every tree begins with the empty
    one.
    """
    if not 0 <= old <= new or any(len(each) != HASH_BYTES for each in path):
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    if not path:
        return False
    rest = list(path) if old & (old - 1) else [old_root, *path]
    number, last = old - 1, new - 1
    while number & 1:
        number, last = number >> 1, last >> 1
    first = second = rest[0]
    for sibling in rest[1:]:
        if last == 0:
            return False
        if number & 1 or number == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while number and not number & 1:
                number, last = number >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        number, last = number >> 1, last >> 1
    return last == 0 and first == old_root and second == new_root
