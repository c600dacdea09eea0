"""`gongshu clocks ...` and `gongshu procedures`."""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Any


def register(subparsers: Any) -> None:
    """Add this domain's commands."""
    lapse = subparsers.add_parser("lapse", help="处理已到期的时限（工作进程每 20 秒自动执行）")
    lapse.add_argument("--as-of", type=date.fromisoformat, help="按这一天处理，仅限样例环境，例如 2026-12-09")
    lapse.set_defaults(database=True, run=_lapse)
    draw = subparsers.add_parser("procedures", help="把全部办理流程画成图，写入文档目录")
    draw.add_argument("--out", type=Path, default=Path("docs/procedures"))
    draw.add_argument("--check", action="store_true", help="只检查文档是否与流程声明一致")
    draw.set_defaults(run=_draw)


def _lapse(given: argparse.Namespace) -> int:
    from django.conf import settings

    from .clocks import clocks_lapse

    if given.as_of and not settings.GONGSHU_SAMPLE:
        print("--as-of 只能用于样例环境。")
        return 2
    print(f"已处理 {clocks_lapse(given.as_of)} 个到期时限。")
    return 0


def _draw(given: argparse.Namespace) -> int:
    from gongshu.runner.cli import django_ready

    django_ready()
    from .diagrams import pages

    stale = []
    for name, text in pages().items():
        path = given.out / name
        if given.check:
            if not path.exists() or path.read_text(encoding="utf-8") != text:
                stale.append(str(path))
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale:
        print("流程图已过期，请运行 gongshu procedures：", *stale)
    return 1 if stale else 0
