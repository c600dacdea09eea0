"""Settings of the gateway: what is missing or wrong is named before anything starts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import timedelta

import pytest

from gongshu.engine.suite import SuiteError
from gongshu.gateway.config import Config, ConfigError

GOOD = {"GONGSHU_GATEWAY_DSN": "postgresql://x", "GONGSHU_MASTER_KEY": "11" * 32}


def test_defaults() -> None:
    config = Config.from_env(GOOD)
    assert (config.workers, config.host, config.day_shift) == (1, "127.0.0.1", timedelta(0))
    assert abs(config.now_s() - time.time()) < 1
    assert config.now().utcoffset() == timedelta(hours=8)
    assert "11" * 32 not in repr(config)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"GONGSHU_GATEWAY_DSN": ""}, "GONGSHU_GATEWAY_DSN"),
        ({"GONGSHU_MASTER_KEY": " "}, "GONGSHU_MASTER_KEY"),
        ({"GONGSHU_MASTER_KEY": "abc"}, "master key"),
        ({"GONGSHU_GATEWAY_WORKERS": "0"}, "GONGSHU_GATEWAY_WORKERS"),
        ({"GONGSHU_GATEWAY_PORT": "http"}, "GONGSHU_GATEWAY_PORT"),
        ({"GONGSHU_SAMPLE": "1", "GONGSHU_TODAY": "tomorrow"}, "GONGSHU_TODAY"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, str], named: str) -> None:
    with pytest.raises((ConfigError, SuiteError), match=named):
        Config.from_env({**GOOD, **change})


def test_the_day_is_moved_in_a_sample_installation_only() -> None:
    assert Config.from_env({**GOOD, "GONGSHU_TODAY": "2030-01-01"}).day_shift == timedelta(0)
    moved = Config.from_env({**GOOD, "GONGSHU_TODAY": "2030-01-01", "GONGSHU_SAMPLE": "1"})
    assert moved.now().date().isoformat() == "2030-01-01"
    assert abs(moved.now().timestamp() - moved.now_s()) < 1


def test_the_command_ends_with_2_and_says_why() -> None:
    env = {k: v for k, v in os.environ.items() if not k.startswith("GONGSHU_")}
    done = subprocess.run(
        [sys.executable, "-m", "gongshu.gateway"],
        env=env,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("gateway: set GONGSHU_GATEWAY_DSN")
