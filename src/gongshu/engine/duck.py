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
    config: dict[str, str | int | bool] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "memory_limit": memory_limit,
        "threads": threads,
        "preserve_insertion_order": False,
        "temp_directory": str(spool) if spool else "",
    }
    con = duckdb.connect(":memory:", config=config)
    for name in extensions:
        con.execute(f"LOAD {literal(str(extension_file(name)))}")
    return con
