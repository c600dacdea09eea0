"""The platform's own settings, in a state directory that lasts as long as the test run.

The environment is set here and not in conftest.py, because Django's settings are read before any conftest is.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

if "GONGSHU_TEST_RUN" not in os.environ:  # a process that a test starts keeps what the test has set
    os.environ["GONGSHU_TEST_RUN"] = str(os.getpid())
    _home = Path(tempfile.mkdtemp(prefix="gongshu-test-"))
    _home.chmod(0o711)  # the account PostgreSQL runs under when we are root has to reach its data
    atexit.register(shutil.rmtree, _home, ignore_errors=True)
    os.environ["GONGSHU_HOME"] = str(_home)
    os.environ["GONGSHU_SAMPLE"] = "1"
    for _name in (
        "DATABASE_URL",
        "DATABASE_APP_URL",
        "DATABASE_GATEWAY_URL",
        "GONGSHU_PACK",
        "GONGSHU_TODAY",
    ):
        os.environ.pop(_name, None)
    _root = Path(__file__).parent.parent
    os.environ["PYTHONPATH"] = os.pathsep.join([str(_root / "src"), str(_root)])  # for those processes

from gongshu.settings import *  # noqa: F403
