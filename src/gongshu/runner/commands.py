"""`gongshu run`, `migrate`, `worker`, `check`: running and keeping the installation."""

from __future__ import annotations

import argparse
from typing import Any

from . import check, config, embedded
from .errors import RunnerError, tell


def register(subparsers: Any) -> None:
    """Add the runner's commands."""
    run = subparsers.add_parser("run", help="启动全部服务 / start everything and watch it")
    run.set_defaults(run=run_all)
    migrate = subparsers.add_parser(
        "migrate", help="建立或升级数据库结构 / bring the database to this release"
    )
    migrate.add_argument(
        "--take-roles",
        action="store_true",
        help="把已有数据库角色的口令改为本套安装的 / give existing roles this installation's passwords",
    )
    migrate.add_argument("--quiet", action="store_true")
    migrate.set_defaults(run=run_migrate)
    worker = subparsers.add_parser("worker", help="运行后台任务 / run jobs")
    worker.add_argument("--concurrency", type=int, default=4, help="同时运行的任务数 / jobs at a time")
    worker.add_argument(
        "--load", action="append", default=[], metavar="MODULE", help="另外装入的任务模块 / more jobs"
    )
    worker.set_defaults(run=run_worker, database=True)
    checked = subparsers.add_parser(
        "check", help="检查安装是否安全、完整 / whether the installation is safe and whole"
    )
    checked.set_defaults(run=run_check)


def run_all(args: argparse.Namespace) -> int:
    """Everything on one machine."""
    from .supervisor import run

    return run()


def run_migrate(args: argparse.Namespace) -> int:
    """Migrate; also the embedded database, started for it where it does not run."""
    from . import database
    from .cli import django_ready

    with embedded.reachable(migrated=False):
        django_ready()
        database.migrate(take_roles=args.take_roles, verbosity=0 if args.quiet else 1)
    if not args.quiet:
        print(tell("数据库已是本版本。", "the database is at this release."))
    return 0


def run_worker(args: argparse.Namespace) -> int:
    """Work until told to stop."""
    from .worker import main

    main(concurrency=args.concurrency, load=tuple(args.load))
    return 0


def run_check(args: argparse.Namespace) -> int:
    """Say everything that keeps this installation from starting, or that all is well."""
    from .supervisor import bind_address

    found = list(check.faults(bind_address()))
    try:
        with embedded.reachable():
            check.refuse_sample_accounts()
    except RunnerError as error:
        found.append(str(error))
    for line in found:
        print(f"- {line}")
    if not found:
        print(tell(f"检查通过：{config.home()}", f"all is well: {config.home()}"))
    return 1 if found else 0
