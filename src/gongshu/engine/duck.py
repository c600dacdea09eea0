"""Opening DuckDB: extensions from installed wheels, never from a network; bounded memory and spill space."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import duckdb

from gongshu.engine.sqltext import literal

DEFAULT_MEMORY = "700MB"


class ExtensionMissing(RuntimeError):
    """A DuckDB extension wheel is not installed, or does not match the installed DuckDB."""


@cache
def extension_file(name: str) -> Path:
    """Path of the signed extension binary that the wheel `duckdb-extension-<name>` brought."""
    spec = importlib.util.find_spec(f"duckdb_extension_{name}")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
        if path.is_file():
            return path
    wheel = f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
    raise ExtensionMissing(f"DuckDB extension {name} is not installed; install {wheel}")


def connect(
    *extensions: str, memory_limit: str = DEFAULT_MEMORY, spool: str | Path | None = None, threads: int = 2
) -> duckdb.DuckDBPyConnection:
    """A fresh in-memory DuckDB with the named extensions loaded.

    memory_limit is DuckDB's own notation ("700MB"); spool is the directory for what does not fit, None to fail
    instead of spilling. Downloads are off, so a missing extension is an ExtensionMissing and not a hang.
    """
    files = [extension_file(name) for name in extensions]
    for path in files:
        found = path.stat()
        _verified(path, found.st_size, found.st_mtime_ns)
    config: dict[str, str | bool | int | float | list[str]] = {
        "allow_unsigned_extensions": True,  # each has just been verified, or was earlier in this process
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "memory_limit": memory_limit,
        "threads": threads,
        "preserve_insertion_order": False,
        "temp_directory": str(spool) if spool else "",
    }
    con = duckdb.connect(":memory:", config=config)
    for path in files:
        con.execute(f"LOAD {literal(str(path))}")
    return con


@cache
def _verified(path: Path, size: int, mtime_ns: int) -> None:
    """Load an extension with DuckDB's check of its signature, once per process and state of the file.

    The check reads and hashes some 40 MB, 0.1 s of processor time, which every job would pay for each connection.
    """
    with duckdb.connect(":memory:", config={"autoinstall_known_extensions": False}) as con:
        con.execute(f"LOAD {literal(str(path))}")
