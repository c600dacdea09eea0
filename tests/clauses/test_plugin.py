"""The mark of a clause is refused where the test never reaches the clause."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

TESTS = """
import subprocess, sys
import pytest
from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import Refused
from gongshu.packs import load

EARLY = Basis(("PJ-19",))

@pytest.mark.clause("ZY-24.2")
def test_reads_the_value():
    assert load("zhangye").share.reply_within.v["n"] == 5

@pytest.mark.clause("ZY-24.2")
def test_reads_another_pack():
    assert load("putuo").share.reply_within.v["n"] == 10

@pytest.mark.clause("ZY-25")
def test_lists_everything():
    assert len(load("zhangye").nodes) == 161

@pytest.mark.clause("PJ-19")
def test_refuses_with_an_old_basis():
    with pytest.raises(Refused):
        raise Refused("x", basis=EARLY)

@pytest.mark.clause("PJ-19")
def test_mentions_nothing():
    assert EARLY

@pytest.mark.clause("ZY-23")
def test_has_another_program_do_it():
    code = "from gongshu.packs import load; load('zhangye').share.intake"
    subprocess.run([sys.executable, "-c", code], check=True)

@pytest.fixture(scope="module")
def shared():
    return load("chongming").share.no_added_conditions

@pytest.mark.clause("CM-17")
def test_first_of_a_shared_fixture(shared): ...

@pytest.mark.clause("CM-17")
def test_second_of_a_shared_fixture(shared): ...

@pytest.mark.clause("PT-1")
def test_that_fails_anyway():
    raise AssertionError("its own fault")
"""


def test_only_what_is_reached_counts(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = clause(id): a clause\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.plugins.clause_plugin",
        "-p",
        "no:django",
        "-rA",
        "-q",
    ]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    ended = {
        line.split("::")[1].split(" ")[0]: line.split(" ")[0]
        for line in ran.stdout.splitlines()
        if line.startswith(("PASSED", "FAILED"))
    }
    failed = {name for name, how in ended.items() if how == "FAILED"}
    assert len(ended) == 9, ran.stdout + ran.stderr
    assert failed == {
        "test_reads_another_pack",
        "test_lists_everything",
        "test_mentions_nothing",
        "test_that_fails_anyway",
    }
    assert "marked with ZY-24.2, and nothing it did rests on that clause" in ran.stdout
    assert "its own fault" in ran.stdout and "marked with PT-1" not in ran.stdout
