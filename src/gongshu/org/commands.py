"""`gongshu setup`: the first accounts of an installation."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from gongshu.runner.errors import tell


def register(subparsers: Any) -> None:
    """Add this domain's command."""
    setup = subparsers.add_parser(
        "setup", help="新安装：建立根单位和三名管理员 / first unit and administrators of a new installation"
    )
    setup.add_argument("--code", required=True, help="根单位编码，小写字母 / code of the root unit")
    setup.add_argument("--name", required=True, help="根单位名称 / its name")
    setup.add_argument("--region", default="", help="行政区划代码 GB/T 2260 / region code")
    setup.set_defaults(database=True, run=_setup)


def _setup(given: argparse.Namespace) -> int:
    from gongshu.kernel.errors import Refused

    from .setup import installation_set_up

    try:
        made = installation_set_up(code=given.code, name=given.name, region=given.region)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return 2
    print(
        tell(
            "已建立根单位和三名管理员。初始口令只显示这一次，首次登录须修改：",
            "Root unit and three administrators are made. First passwords, shown only now, to be changed at sign-in:",
        )
    )
    for username, password in made.items():
        print(f"  {username:10} {password}")
    return 0
