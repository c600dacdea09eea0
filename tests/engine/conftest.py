"""Sources and lakes for the engine's tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlparse

import pytest

from gongshu.engine.lake import Lake
from gongshu.engine.source import SourceSpec


def spec_of(kind: str, dsn: str, **options: object) -> SourceSpec:
    """The source that a database address names."""
    parts = urlparse(dsn)
    return SourceSpec(
        kind,
        parts.hostname or "",
        parts.port,
        parts.path.lstrip("/"),
        unquote(parts.username or ""),
        unquote(parts.password or ""),
        options=dict(options),
    )


@pytest.fixture
def postgresql(pg_dsn: str) -> SourceSpec:
    return spec_of("postgresql", pg_dsn)


@pytest.fixture
def mariadb(mariadb_dsn: str) -> SourceSpec:
    return spec_of("mariadb", mariadb_dsn)


@pytest.fixture
def lake(pg_dsn: str, tmp_path: Path) -> Lake:
    """An empty lake whose catalog lies in the same database as the source."""
    made = Lake(pg_dsn, tmp_path / "lake")
    made.ensure()
    return made


@pytest.fixture(scope="module")
def lake_module(pg_dsn_module: str, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A lake that the tests of one module share."""
    made = Lake(pg_dsn_module, tmp_path_factory.mktemp("lake"))
    made.ensure()
    return made


@pytest.fixture
def file_spec(tmp_path: Path) -> Callable[..., SourceSpec]:
    """A file source under the test's directory."""

    def make(kind: str, name: str, content: bytes | None = None, **options: object) -> SourceSpec:
        if content is not None:
            (tmp_path / name).write_bytes(content)
        return SourceSpec(kind, path=name, options={"root": str(tmp_path), **options})

    return make
