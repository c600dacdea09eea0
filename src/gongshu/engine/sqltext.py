"""Putting names and values into SQL text without letting them become SQL."""

from __future__ import annotations


def ident(name: str) -> str:
    """Quote one identifier for PostgreSQL, DuckDB and SQLite. Refuses NUL, which no engine can hold."""
    if not name or "\x00" in name:
        raise ValueError("an identifier must be non-empty and free of NUL")
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote one string value as a standard SQL literal (PostgreSQL with standard_conforming_strings, DuckDB)."""
    if "\x00" in text:
        raise ValueError("a text literal cannot hold NUL")
    return "'" + text.replace("'", "''") + "'"


def ident_mysql(name: str) -> str:
    """Quote one identifier for MariaDB and MySQL."""
    if not name or "\x00" in name:
        raise ValueError("an identifier must be non-empty and free of NUL")
    return "`" + name.replace("`", "``") + "`"
