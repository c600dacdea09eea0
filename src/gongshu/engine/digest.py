"""The content digest of a table: one value that is equal when two ends hold the same rows, in whatever order.

Definition `ms1`. A row is the text of its cells joined by ",". A cell is
  NULL                "~"
  text                length in UTF-8 bytes ":" the text
  integer, decimal    decimal digits, a decimal with exactly its scale
  date                YYYY-MM-DD            timestamp   YYYY-MM-DD HH:MM:SS.ffffff
  boolean             true | false          double      its 64 bits as 0 and 1, sign first
  bytes               lower-case hex
which no two different rows share, as only text can hold a "," and text states its length. The row hash is MD5 of that
text in UTF-8, taken as two unsigned 64-bit little-endian numbers hi (bytes 0-7) and lo (bytes 8-15). The digest is
"ms1-" rows "-" hex(sum of hi mod 2^64) hex(sum of lo mod 2^64), 16 digits each. A column's digest is the same over its
cells alone.

It finds what goes wrong by accident or by a changed row at one end: lost, doubled, altered rows. It is no commitment
against someone free to invent rows, which sums of MD5 allow; the SHA-256 over the stored files is that. Both sides
compute it in plain SQL. Measured on ten columns, one core: 1.0 µs a row, the column digests 4.5 µs more.
"""

from __future__ import annotations

from gongshu.engine.source import Column
from gongshu.engine.sqltext import ident, literal

MODULUS = 1 << 64


def digest_text(rows: int, hi: int, lo: int) -> str:
    """The digest as text, from the count and the two sums."""
    return f"ms1-{rows}-{int(hi) % MODULUS:016x}{int(lo) % MODULUS:016x}"


def duckdb_select(columns: list[Column], relation: str, each_column: bool = False) -> str:
    """DuckDB query: one row (count, hi, lo) and, with each_column, hi and lo of every column after it."""
    cells = [_duckdb_cell(column) for column in columns]
    row = " || ',' || ".join(cells)
    hashes = [f"md5_number({row}) AS h"]
    if each_column:
        hashes += [f"md5_number({cell}) AS h{index}" for index, cell in enumerate(cells)]
    names = ["h"] + ([f"h{index}" for index in range(len(cells))] if each_column else [])
    sums = ", ".join(f"{_half(f'{name} & {MODULUS - 1}')}, {_half(f'{name} >> 64')}" for name in names)
    return f"SELECT count(*), {sums} FROM (SELECT {', '.join(hashes)} FROM {relation})"


def _half(expression: str) -> str:
    return f"coalesce(sum(CAST({expression} AS UBIGINT)), 0)"


def _duckdb_cell(column: Column) -> str:
    name = ident(column.name)
    text = {
        "text": f"strlen({name}) || ':' || {name}",
        "timestamp": f"strftime({name}, '%Y-%m-%d %H:%M:%S.%f')",
        "double": f"CAST(CAST({name} AS BIT) AS VARCHAR)",
        "bytes": f"lower(hex({name}))",
    }.get(column.type, f"CAST({name} AS VARCHAR)")
    return f"coalesce({text}, '~')"


def postgres_select(cells: list[tuple[Column, str]], relation: str) -> str:
    """PostgreSQL query: one row (rows, b0 .. b15), the sums of the sixteen bytes of each row's MD5.

    cells: each column with the PostgreSQL expression that yields it in its canonical type.
    """
    row = " || ',' || ".join(_postgres_cell(column, expression) for column, expression in cells)
    sums = ", ".join(f"coalesce(sum(get_byte(d, {i})), 0)::bigint AS b{i}" for i in range(16))
    # OFFSET 0 keeps the server from computing the hash again for each of the sixteen sums.
    hashed = f"SELECT decode(md5(convert_to({row}, 'UTF8')), 'hex') AS d FROM {relation} OFFSET 0"
    return f"SELECT count(*) AS rows, {sums} FROM ({hashed}) h"


def _postgres_cell(column: Column, expression: str) -> str:
    text = {
        "text": f"octet_length(convert_to({expression}, 'UTF8'))::text || ':' || {expression}",
        "date": f"to_char({expression}, 'YYYY-MM-DD')",
        "timestamp": f"to_char({expression}, 'YYYY-MM-DD HH24:MI:SS.US')",
        "double": f"('x' || encode(float8send({expression}), 'hex'))::bit(64)::text",
        "bytes": f"encode({expression}, 'hex')",
    }.get(column.type, f"({expression})::text")
    return f"coalesce({text}, {literal('~')})"


def from_postgres(result: tuple[int, ...]) -> str:
    """The digest from the row that `postgres_select` returns."""
    rows, *sums = (int(value) for value in result)
    hi = sum(value << (8 * index) for index, value in enumerate(sums[:8]))
    lo = sum(value << (8 * index) for index, value in enumerate(sums[8:]))
    return digest_text(rows, hi, lo)
