"""The nine steps in a real Chromium, under each of the five packs, against a whole installation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .installation import Installation, installed
from .journey import families
from .test_nine_steps_api import PACKS
from .walk import ITEMS, Walk

pytestmark = [pytest.mark.browser, pytest.mark.slow]
STEPS = (
    "register",
    "draft",
    "compile",
    "publish",
    "collect",
    "issue",
    "search",
    "system",
    "request",
    "decide",
)
THOROUGH = ("zhangye",)


@pytest.fixture
def place(request: pytest.FixtureRequest) -> Iterator[Installation]:
    yield from installed(request.param)


@pytest.mark.parametrize("place", PACKS, indirect=True)
def test_one_table_in_the_browser(
    place: Installation, pg_dsn: str, open_context: Callable[..., Any], tmp_path: Path
) -> None:
    rows = families(pg_dsn)
    walk = Walk(place, pg_dsn, open_context, thorough=place.pack in THOROUGH)
    began = time.monotonic()
    for step in STEPS:
        getattr(walk, step)()
        print(f"{time.monotonic() - began:6.1f} {step}", flush=True)
    got = walk.trip.use(rows[1][0])["rows"]
    assert len(got) == 1 and set(got[0]) == set(ITEMS)
    assert got[0]["name"] == rows[1][1][0] + "*"
    assert walk.trip.use(rows[2][0])["rows"] == []
    walk.delivered()
    walk.confirm()
    walk.prove(tmp_path)
    if place.pack == "zhangye":
        walk.lapse()
        walk.english()
    print(f"{time.monotonic() - began:6.1f} all", flush=True)
