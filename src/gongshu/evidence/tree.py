"""The trees as they lie in the database, and the key under which their heads are signed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from typing import TYPE_CHECKING

from django.db import connection

from gongshu.engine.suite import suite
from gongshu.journal.leaf import SUITE
from gongshu.kernel.merkle import WIDTH, Tree, tile_root
from gongshu.kernel.note import Checkpoint as Head
from gongshu.kernel.note import Key, parse
from gongshu.runner import config

from .models import Checkpoint

if TYPE_CHECKING:
    from gongshu.kernel.merkle import Reader

LEAF = ["varchar", "int8", "int8", "bytea"]
TILE = ["varchar", "int2", "int8", "bytea", "bytea"]
_FULL = "SELECT data FROM evidence_tile WHERE log = %s AND level = %s AND index = %s"
_LEAVES = (
    "SELECT string_agg(leaf_hash, ''::bytea ORDER BY index) FROM evidence_leaf"
    " WHERE log = %s AND index >= %s AND index < %s"
)
_ROOTS = (
    "SELECT string_agg(root, ''::bytea ORDER BY index) FROM evidence_tile"
    " WHERE log = %s AND level = %s AND index >= %s AND index < %s"
)


def reader(log: str) -> Reader:
    """Reads tiles of a log: full ones as stored, the last one of each level put together from what lies
    below.
    """

    def read(level: int, index: int) -> bytes:
        begin, end = index * WIDTH, (index + 1) * WIDTH
        with connection.cursor() as cursor:
            cursor.execute(_FULL, [log, level, index])
            found = cursor.fetchone()
            if found is None and level == 0:
                cursor.execute(_LEAVES, [log, begin, end])
                found = cursor.fetchone()
            elif found is None:
                cursor.execute(_ROOTS, [log, level - 1, begin, end])
                found = cursor.fetchone()
        return bytes(found[0] or b"")

    return read


def tree(log: str, size: int) -> Tree:
    """The tree of a log as it was with ``size`` leaves."""
    return Tree(reader(log), size)


def store_tiles(log: str, full: dict[tuple[int, int], bytes]) -> None:
    """Add full tiles."""
    rows = [(str(log), level, index, data, tile_root(data)) for (level, index), data in full.items()]
    copy_rows("evidence_tile (log, level, index, data, root)", TILE, rows)


def copy_rows(target: str, types: list[str], rows: Iterable[tuple[object, ...]]) -> None:
    """Add many rows at once. ``target``: table and columns, never from outside; ``types``: of the columns."""
    statement = f"COPY {target} FROM STDIN (FORMAT BINARY)"
    with connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
        copy.set_types(types)
        for row in rows:
            copy.write_row(row)


def last_checkpoint(log: str) -> Checkpoint | None:
    """The newest head of a log."""
    return Checkpoint.objects.filter(log=log).order_by("-size").first()


def _seed() -> bytes:
    return bytes.fromhex(config.secret("ledger"))


def origin(log: str) -> str:
    """The name of a log: GONGSHU_LEDGER_NAME with the log's own name; once used it stays.

    Without a name the installation is called after its key.
    """
    first = Checkpoint.objects.filter(log=log).order_by("size").first()
    if first is not None:
        return Head.parse(parse(first.note).text).origin
    name = os.environ.get("GONGSHU_LEDGER_NAME")
    if not name:
        name = f"gongshu-{hashlib.sha256(suite(SUITE).public_key(_seed())).hexdigest()[:12]}"
    return f"{name}/{log}"


def ledger_key(log: str) -> Key:
    """The verifying key of a log, to be published where everybody can compare it."""
    return Key.of(origin(log), suite(SUITE).public_key(_seed()))


def sign(message: bytes) -> bytes:
    """An Ed25519 signature of the ledger."""
    return suite(SUITE).sign(_seed(), message)
