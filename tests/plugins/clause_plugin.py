"""A test that carries a clause's mark has to reach the clause.

While a test runs, every clause is noted that the platform relies on: a pack value read, a basis made or shown, a
refusal raised, an event written; in this process and in programs the test starts. A passing test whose marked clause
is not among them fails: it would prove nothing about the clause. What fixtures shared by a module or the session
rely on counts for all tests of the module that asked for them.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gongshu.kernel import clause

_touched: set[str] = set()
_shared: dict[str, set[str]] = {}
_file = Path(tempfile.gettempdir()) / f"gongshu-clauses-{os.getpid()}"


def pytest_configure() -> None:
    """Have the programs that tests start tell what they rely on."""
    os.environ["GONGSHU_TEST_CLAUSES"] = str(_file)


def pytest_unconfigure() -> None:
    """Leave nothing behind."""
    clause.observe(None)
    _file.unlink(missing_ok=True)


def marked(item: pytest.Item) -> list[str]:
    """The clauses whose marks a test carries."""
    return [str(each) for mark in item.iter_markers("clause") for each in mark.args]


def _written() -> set[str]:
    """Clauses that other programs have told of. A program tells each once, so earlier tests of it count too."""
    return set(_file.read_text("ascii").split()) if _file.exists() else set()


def _listen_to_events() -> None:
    """An event cites clauses of a basis that may have been made long before."""
    if "gongshu.journal.models" not in sys.modules:
        return
    from django.db.models.signals import post_save

    from gongshu.journal.models import Event

    post_save.connect(_event_saved, sender=Event, dispatch_uid="clause_plugin")


def _event_saved(instance: Any, **_: Any) -> None:
    _touched.update(instance.clauses)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    """Note what the fixtures rely on."""
    _touched.clear()
    clause.observe(_touched.update)
    _listen_to_events()
    yield
    _shared.setdefault(item.nodeid.partition("::")[0], set()).update(_touched)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[Any]:
    """Run the test; then fail it if it never reached a clause it is marked with."""
    result = yield
    wanted = marked(item)
    if wanted:
        reached = _touched | _shared.get(item.nodeid.partition("::")[0], set()) | _written()
        missed = [each for each in wanted if each not in reached]
        if missed:
            pytest.fail(
                f"the test is marked with {', '.join(missed)}, and nothing it did rests on that clause",
                pytrace=False,
            )
    return result
