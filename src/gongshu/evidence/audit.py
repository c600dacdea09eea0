"""Recomputing a whole log from the rows as they are now, and naming the first record that does not fit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from gongshu.engine.suite import suite
from gongshu.journal.leaf import SUITE
from gongshu.kernel.merkle import HASH_BYTES, WIDTH, Tree, leaf_hash, tile_root
from gongshu.kernel.note import Checkpoint as Head
from gongshu.kernel.note import Key, NoteFault, parse

from .logs import SOURCES, unsealed
from .models import Checkpoint, Leaf, Log, Tile
from .tree import ledger_key

CHUNK = 5_000


@dataclass(frozen=True)
class AuditResult:
    """Whether a log is whole. ``checked``: leaves recomputed; ``pending``: records committed but not yet
    sealed.

    ``first_bad`` names the first record that does not fit (``journal_event 17``), ``reason`` says how.
    """

    log: str
    ok: bool
    checked: int
    pending: int = 0
    first_bad: str = ""
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            name: getattr(self, name) for name in ("log", "ok", "checked", "pending", "first_bad", "reason")
        }


class _Bad(Exception):
    def __init__(self, record: str, reason: str) -> None:
        super().__init__(reason)
        self.record, self.reason = record, reason


def verify_all(log: str = Log.CHAIN) -> AuditResult:
    """Recompute every leaf from its row, every tile and every signed head.

    Found, and named, are: a change of any column of any record; a record deleted, added past the platform
    or put in another place; leaves, tiles or heads changed. Not found here is the removal of the newest
    records together with their leaves and heads: that is what copies of heads elsewhere (receipts,
    witnesses) are for.
    """
    run = _Run(log)
    with _snapshot():
        try:
            run.leaves()
            pending = run.pending()
        except _Bad as bad:
            return AuditResult(log, False, run.checked, 0, bad.record, bad.reason)
    return AuditResult(log, True, run.checked, pending)


@contextmanager
def _snapshot() -> Iterator[None]:
    """One view of the database, however long the work takes and whatever is sealed meanwhile."""
    nested = connection.in_atomic_block
    with transaction.atomic():
        if not nested:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


class _Run:
    """One pass over a log."""

    def __init__(self, log: str) -> None:
        self.log, self.source, self.key = log, SOURCES[log], ledger_key(log)
        self.tree = Tree(lambda _level, _index: b"")
        self.checked = 0

    def leaves(self) -> None:
        heads = Checkpoint.objects.filter(log=self.log).order_by("size").iterator(chunk_size=CHUNK)
        head = next(heads, None)
        signed = 0
        while rows := self._rows():
            fresh = self._hashes(rows)
            start = 0
            while head is not None and head.size <= self.checked + len(rows):
                stop = head.size - self.checked
                self._grow(fresh[start:stop])
                self._head(head, rows[start][1] if start < len(rows) else rows[-1][1])
                start, signed, head = stop, head.size, next(heads, None)
            self._grow(fresh[start:])
            self.checked += len(rows)
        if head is not None:
            reason = _("账本末尾缺少条目：签名时共 %(size)d 条，现有 %(have)d 条。")
            raise _Bad(f"{self.log} {self.checked}", reason % {"size": head.size, "have": self.checked})
        if signed != self.checked:
            raise _Bad(f"{self.log} {signed}", _("账本条目没有签名的树头。"))

    def _rows(self) -> list[tuple[int, int, bytes]]:
        """The next leaves: index, record, stored hash."""
        found = Leaf.objects.filter(log=self.log, index__gte=self.checked).order_by("index")
        return [
            (index, record, bytes(stored))
            for index, record, stored in found.values_list("index", "record_id", "leaf_hash")[:CHUNK]
        ]

    def _hashes(self, rows: list[tuple[int, int, bytes]]) -> list[bytes]:
        """Leaf hashes computed from the records; the first one that differs from what was sealed is named."""
        entries = self.source.recomputed([record for _index, record, _stored in rows])
        for expected, (index, record, stored) in enumerate(rows, start=self.checked):
            if index != expected:
                raise _Bad(f"{self.log} {expected}", _("账本缺少第 %(n)d 条。") % {"n": expected})
            entry = entries.get(record)
            if entry is None:
                raise _Bad(self._name(record), _("记录已被删除。"))
            if not entry or leaf_hash(entry) != stored:
                raise _Bad(self._name(record), _("记录的内容与存证不符，已被改动。"))
        return [stored for _index, _record, stored in rows]

    def _grow(self, hashes: list[bytes]) -> None:
        """Append, and compare the tiles that have become full with the stored ones."""
        self.tree.append(hashes)
        full = self.tree.take_full()
        for level in sorted({level for level, _index in full}):
            numbers = [index for each, index in full if each == level]
            stored = Tile.objects.filter(log=self.log, level=level, index__in=numbers)
            held = {tile.index: (bytes(tile.data), bytes(tile.root)) for tile in stored}
            for index in sorted(numbers):
                self._tile(level, index, full[level, index], *held.get(index, (b"", b"")))

    def _tile(self, level: int, index: int, data: bytes, kept: bytes, root: bytes) -> None:
        """A stored tile must be the one that the leaves give."""
        if kept == data and root == tile_root(data):
            return
        places = range(0, len(data), HASH_BYTES)
        place = next((n for n in places if kept[n : n + HASH_BYTES] != data[n : n + HASH_BYTES]), 0)
        number = (index * WIDTH + place // HASH_BYTES) * WIDTH**level
        raise _Bad(self._at(number), _("条目的次序或账本的树与封存时不符。"))

    def _head(self, head: Checkpoint, record: int) -> None:
        """The head must be signed by the ledger's key and be the root of the leaves up to here."""
        if self.tree.root() != bytes(head.root):
            reason = _("自上一树头以来的条目被改动或调换：到第 %(size)d 条的根哈希不符。")
            raise _Bad(self._name(record), reason % {"size": head.size})
        if not _signed(head, self.key):
            raise _Bad(f"{self.log} @{head.size}", _("树头的签名无效。"))

    def pending(self) -> int:
        """How many records wait to be sealed. One that should have been sealed long ago was written past
        the platform.
        """
        last = Checkpoint.objects.filter(log=self.log).order_by("-size").first()
        waiting = unsealed(self.source, 0)
        old = set(unsealed(self.source, last.horizon).ids) if last else set(waiting.ids)
        for record in waiting.ids:
            if record not in old:
                raise _Bad(self._name(record), _("记录不在账本中：它不是由平台写入的，或次序被改动。"))
        fresh = self.source.recomputed(waiting.ids)
        for record in waiting.ids:
            if not fresh.get(record):
                raise _Bad(self._name(record), _("记录的内容与其摘要不符，已被改动。"))
        return len(waiting.ids)

    def _at(self, index: int) -> str:
        record = Leaf.objects.filter(log=self.log, index=index).values_list("record_id", flat=True).first()
        return self._name(record) if record is not None else f"{self.log} {index}"

    def _name(self, record: int) -> str:
        return f"{self.source.table} {record}"


def _signed(head: Checkpoint, key: Key) -> bool:
    """Whether the note says what the row says and the ledger's key signed it."""
    try:
        note = parse(head.note)
        told = Head.parse(note.text)
    except NoteFault:
        return False
    if (told.origin, told.size, told.root) != (key.name, head.size, bytes(head.root)):
        return False
    lines = [each for each in note.signatures if (each.name, each.key_id) == (key.name, key.id)]
    return bool(lines) and all(
        suite(SUITE).verify(key.public, each.signature, note.text.encode()) for each in lines
    )
