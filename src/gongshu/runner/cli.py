"""The `gongshu` command.

Commands of their own come from `<package>.commands.register(subparsers)`; the others are made from the registry
of operations (`doors`). Only the latter need Django, so packs and proofs are checked on a machine without the
platform's database.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import pkgutil
import sys
from collections.abc import Sequence

import gongshu

from .errors import RunnerError, tell


def _own_commands(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    for package in pkgutil.iter_modules(gongshu.__path__):
        name = f"gongshu.{package.name}.commands"
        if package.ispkg and importlib.util.find_spec(name):
            importlib.import_module(name).register(subparsers)


def django_ready() -> None:
    """Set Django up; again is free, and takes note of a database address that has become known since."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gongshu.settings")
    import django
    from django.db import connections

    from . import config

    django.setup()
    connections["default"].settings_dict.update(config.database("app"))


def build(argv: Sequence[str]) -> argparse.ArgumentParser:
    """The parser, with as much of the platform loaded as this command line needs."""
    parser = argparse.ArgumentParser(
        prog="gongshu", description="公数 公共数据管理平台 / public-data management platform"
    )
    parser.add_argument("--version", action="version", version=f"gongshu {gongshu.__version__}")
    subparsers = parser.add_subparsers(dest="group", required=True, metavar="COMMAND")
    _own_commands(subparsers)
    if _asked(argv) not in subparsers.choices and "--version" not in argv:
        django_ready()
        from . import doors

        doors.register(subparsers)
    return parser


def _asked(argv: Sequence[str]) -> str | None:
    return next((word for word in argv if not word.startswith("-")), None)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; the exit code is 0 (done), 1 (failed) or 2 (refused, or not understood).

    A command whose parser says `set_defaults(database=True)` finds the database reachable, at this release, and
    Django set up; the embedded server is started for it where nobody runs it.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    args = build(given).parse_args(given)
    try:
        if not getattr(args, "database", False):
            return args.run(args) or 0
        from .embedded import reachable

        with reachable():
            django_ready()
            return args.run(args) or 0
    except RunnerError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(tell("已中断。", "interrupted."), file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


if __name__ == "__main__":
    sys.exit(main())
