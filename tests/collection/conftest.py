from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests.catalog.world import fill, make_world


@pytest.fixture
def world(db: None) -> SimpleNamespace:
    return make_world()


@pytest.fixture(scope="module")
def people(pg_dsn_module: str) -> str:
    """A department's PostgreSQL database with a table of five hundred persons."""
    fill(pg_dsn_module)
    return pg_dsn_module


@pytest.fixture
def zhangye(settings: object) -> None:
    settings.GONGSHU_PACK = "zhangye"  # type: ignore[attr-defined]
