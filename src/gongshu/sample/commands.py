"""`gongshu sample load`, `accounts`, `totp`, `sources`: the sample county from the command line."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from gongshu.runner.errors import tell


def register(subparsers: Any) -> None:
    """Add the sample's commands."""
    group = subparsers.add_parser("sample", help="示范县：装入、账号、动态口令、数据源 / the sample county")
    verbs = group.add_subparsers(dest="verb", required=True)
    for name, run, help in (
        ("load", run_load, "装入示范县（可重复执行）/ load the county; safe to run again"),
        ("accounts", run_accounts, "列出示范账号 / list the accounts"),
        ("totp", run_totp, "显示账号当前的动态口令 / the present one-time code of an account"),
        ("sources", run_sources, "列出可登记的数据源连接信息 / connection details of the county's stores"),
    ):
        verb = verbs.add_parser(name, help=help)
        if name == "totp":
            verb.add_argument("account")
        verb.set_defaults(run=run, database=True)


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 2


def _not_sample() -> int | None:
    from django.conf import settings

    if settings.GONGSHU_SAMPLE:
        return None
    return _refuse(
        tell(
            "这不是示范安装（GONGSHU_SAMPLE=1），没有示范账号和示范数据。",
            "this is not a sample installation (GONGSHU_SAMPLE=1): it has no sample accounts and data.",
        )
    )


def run_load(args: argparse.Namespace) -> int:
    """Load what is missing."""
    from . import load

    if (refused := _not_sample()) is not None:
        return refused
    if load.load():
        print(tell("示范县已装入。", "the sample county is loaded."))
    else:
        print(
            tell("示范县此前已装入，没有变化。", "the sample county was loaded before; nothing has changed.")
        )
    return 0


def run_accounts(args: argparse.Namespace) -> int:
    """Who can sign in, and with what."""
    from gongshu.console.second_factor import SAMPLE_PASSWORD
    from gongshu.org.vocabulary import APPROVERS, PostKind

    from . import listing

    if (refused := _not_sample()) is not None:
        return refused
    print(
        tell(
            f"示范账号（口令均为 {SAMPLE_PASSWORD}）：",
            f"sample accounts (password of all: {SAMPLE_PASSWORD}):",
        )
    )
    for username, unit, kinds in listing.accounts():
        posts = "、".join(str(PostKind(kind).label) for kind in kinds)
        mark = "*" if set(kinds) & set(APPROVERS) else " "
        print(f"  {username:<20}{mark} {unit} {posts}".rstrip())
    print(
        tell(
            "  带 * 的账号登录时还要动态口令：gongshu sample totp 账号",
            "  * also needs a one-time code: gongshu sample totp ACCOUNT",
        )
    )
    return 0


def run_totp(args: argparse.Namespace) -> int:
    """The present code of an account."""
    from gongshu.console import second_factor
    from gongshu.org.models import Account

    if (refused := _not_sample()) is not None:
        return refused
    account = Account.objects.filter(username=args.account).first()
    code = second_factor.sample_code(account)
    if code is None:
        return _refuse(
            tell(
                f"账号“{args.account}”不存在，或没有示范用的动态口令。",
                f"no account {args.account!r}, or none with a sample one-time code.",
            )
        )
    print(code["code"])
    print(tell(f"还有 {code['seconds']} 秒有效", f"valid for {code['seconds']} seconds"), file=sys.stderr)
    return 0


def run_sources(args: argparse.Namespace) -> int:
    """How each store of the county is reached; the one left to be registered by hand comes first."""
    from . import listing

    if (refused := _not_sample()) is not None:
        return refused
    for told in listing.sources():
        print(told)
    return 0
