"""The two example clients against a live gateway, as a user runs them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gongshu.gateway.spec import Quota

from .conftest import PEOPLE, Gate, settled

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(scope="module")
def granted(gate: Gate) -> Gate:
    gate.grant("G-EX", quota=Quota(per_day=1000))
    gate.grant("G-EX-CASE", case_required=True)
    settled()
    return gate


def run(gate: Gate, *command: str, **more: str) -> subprocess.CompletedProcess[str]:
    caller = gate.callers["c1"]
    env = {
        "PATH": os.environ["PATH"],
        "GONGSHU_URL": f"http://127.0.0.1:{gate.port}",
        "GONGSHU_CLIENT_ID": "c1",
        "GONGSHU_CLIENT_SECRET": caller.secret.decode(),
        "PYTHONIOENCODING": "utf-8",
        **more,
    }
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=30, check=False)


def python(gate: Gate, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    return run(gate, sys.executable, str(EXAMPLES / "client.py"), *words, **more)


def shell(gate: Gate, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    for needed in ("openssl", "curl", "od"):
        if shutil.which(needed) is None:
            pytest.fail(f"examples/client.sh needs {needed}")
    return run(gate, "sh", str(EXAMPLES / "client.sh"), *words, **more)


def test_python_looks_up_and_pages(granted: Gate) -> None:
    found = python(granted, "G-EX", "id_no=SYN000000000000042")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["rows"][0]["name"] == "赵**"
    every = python(granted, "G-EX", "--rows", "--all")
    assert len(every.stdout.splitlines()) == PEOPLE // 2
    assert json.loads(python(granted, "G-EX", "--quota").stdout)["windows"][0]["limit"] == 1000
    assert json.loads(python(granted, "G-EX", "--schema").stdout)["title"] == "低保对象"


def test_python_shows_what_to_do(granted: Gate) -> None:
    refused = python(granted, "G-EX-CASE", "id_no=SYN000000000000042")
    assert refused.returncode == 1
    assert json.loads(refused.stderr)["type"].endswith("missing-case-number")
    assert python(granted, "G-EX-CASE", "id_no=x", "--case", "浦民 1").returncode == 0
    assert json.loads(python(granted, "G-EX", "x=1", "--lang", "en").stderr)["title"] == "Unknown parameter"
    assert python(granted, "G-EX", "x=1", GONGSHU_CLIENT_SECRET="no").returncode == 1
    assert python(granted, "G-EX", "x").returncode == 2
    assert python(granted, "G-EX", "x=1", GONGSHU_URL="http://127.0.0.1:9").returncode == 1


def test_shell_looks_up_and_pages(granted: Gate) -> None:
    found = shell(granted, "G-EX", "id_no=SYN000000000000042", "household=14")
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["rows"][0]["id_no"] == "SYN000000000000042"
    page = json.loads(shell(granted, "G-EX/rows", "after=100", "limit=2").stdout)
    assert [row["id_no"][-3:] for row in page["rows"]] == ["102", "104"]
    assert json.loads(shell(granted, "G-EX/quota").stdout)["rows_per_call"] == 100
    assert json.loads(shell(granted, "G-EX", "id_no=汉字 &=%").stdout)["rows"] == []


def test_shell_shows_what_to_do(granted: Gate) -> None:
    refused = shell(granted, "G-EX-CASE", "id_no=SYN000000000000042")
    assert refused.returncode == 1
    assert json.loads(refused.stderr)["type"].endswith("missing-case-number")
    assert shell(granted, "G-EX-CASE", "id_no=x", GONGSHU_CASE_NO="浦民 1").returncode == 0
    assert shell(granted).returncode == 2
