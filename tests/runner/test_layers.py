"""What import-linter cannot say: the kernel stands on the standard library alone."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import gongshu
from gongshu.runner import jobs

KERNEL = sorted((Path(gongshu.__file__).parent / "kernel").glob("**/*.py"))


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or ""


@pytest.mark.parametrize("path", KERNEL, ids=lambda p: p.stem)
def test_the_kernel_stands_on_the_standard_library_alone(path: Path) -> None:
    for name in imported(path):
        assert name.split(".")[0] in sys.stdlib_module_names or name.startswith("gongshu.kernel"), name


def asked_for() -> set[str]:
    """The names of all jobs that code asks for."""
    names: set[str] = set()
    for path in Path(gongshu.__file__).parent.glob("**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and "defer" in (
                getattr(node.func, "id", ""),
                getattr(node.func, "attr", ""),
            ):
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    names.add(first.value)
    return names


def test_every_job_asked_for_is_declared() -> None:
    jobs.load()
    assert asked_for() - set(jobs.JOBS) == set()
