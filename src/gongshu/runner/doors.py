"""The command-line door: a command for every operation in the registry, the same functions console and API call.

`gongshu catalog entry_submit --entry X --as zhang` : the first part of an operation's name is the group, the rest
the command, each parameter an option.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import json
import os
import sys
import types
import typing
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

LANGUAGES = {"zh": "zh-hans", "en": "en"}


def register(subparsers: Any) -> None:
    """Add a group for every domain, a command for every operation. Django must be set up."""
    from gongshu.journal.registry import OPERATIONS as operations

    groups: dict[str, Any] = {}
    for name in sorted(operations):
        group, _dot, command = name.partition(".")
        if group in subparsers.choices and group not in groups:
            continue  # a command of its own has taken the word
        if group not in groups:
            added = subparsers.add_parser(group, help=f"{group}.*")
            groups[group] = added.add_subparsers(dest="command", required=True, metavar="COMMAND")
        _add(groups[group], command, operations[name])


def _add(group: Any, command: str, operation: Any) -> None:
    parser = group.add_parser(
        command,
        help=str(operation.summary),
        description=f"{operation.summary}\n\n{inspect.getdoc(operation.function) or ''}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    for name, parameter in operation.parameters.items():
        _option(parser, name, parameter)
    parser.add_argument(
        "--as",
        dest="account_",
        metavar="ACCOUNT",
        default=os.environ.get("GONGSHU_ACCOUNT"),
        help="以此账号办理 / the account that acts (GONGSHU_ACCOUNT)",
    )
    parser.add_argument("--json", dest="json_", action="store_true", help="机器可读 / for programs")
    parser.add_argument(
        "--lang", dest="lang_", choices=LANGUAGES, default=os.environ.get("GONGSHU_LANG", "zh")
    )
    parser.set_defaults(database=True, run=lambda args: call(operation, args))


def kind_of(annotation: Any) -> tuple[Any, Any]:
    """The type behind `X | None` and, of a list, the type of its elements. Several types at once are read as JSON."""
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        options = [a for a in typing.get_args(annotation) if a is not type(None)]
        annotation = dict if len(options) > 1 else options[0]
    if typing.get_origin(annotation) is typing.Literal:
        return str, None
    kind = typing.get_origin(annotation) or annotation
    if kind in (list, tuple, set):
        return list, (typing.get_args(annotation) or (str,))[0]
    return kind, None


def _option(parser: argparse.ArgumentParser, name: str, parameter: inspect.Parameter) -> None:
    required = parameter.default is inspect.Parameter.empty
    kind, inner = kind_of(parameter.annotation)
    given: dict[str, Any] = {"dest": name, "required": required, "default": argparse.SUPPRESS}
    flag = f"--{name.replace('_', '-')}"
    flags = [flag] if flag == f"--{name}" else [flag, f"--{name}"]
    if kind is bool:
        parser.add_argument(*flags, action=argparse.BooleanOptionalAction, **given)
    elif kind is list:
        reader = str if inner is str else _json
        given |= {
            "action": "append",
            "type": reader,
            "metavar": "VALUE[,VALUE]" if reader is str else "JSON|@FILE",
        }
        parser.add_argument(*flags, **given)
    elif kind is int:
        parser.add_argument(*flags, type=int, **given)
    elif kind is date:
        parser.add_argument(*flags, type=date.fromisoformat, metavar="YYYY-MM-DD", **given)
    elif kind is str:
        parser.add_argument(*flags, type=_text, metavar="TEXT|@FILE", **given)
    else:
        parser.add_argument(*flags, type=_json, metavar="JSON|@FILE", **given)


def _text(given: str) -> str:
    """Text as given; `@file` reads a file, `@-` what is piped in, `@@` begins a text with an at sign."""
    if given.startswith("@@"):
        return given[1:]
    if given == "@-":
        return sys.stdin.read().rstrip("\n")
    return Path(given[1:]).read_text(encoding="utf-8") if given.startswith("@") else given


def _json(given: str) -> Any:
    try:
        return json.loads(_text(given))
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"不是有效的 JSON / not valid JSON: {error}") from None


def _values(operation: Any, args: argparse.Namespace) -> dict[str, Any]:
    given = vars(args)
    values: dict[str, Any] = {}
    for name, parameter in operation.parameters.items():
        if name not in given:
            continue
        value = given[name]
        if kind_of(parameter.annotation)[0] is list:
            flat: list[Any] = []
            for part in value:
                if isinstance(part, str):
                    flat += [v.strip() for v in part.split(",") if v.strip()]
                else:
                    flat += part if isinstance(part, list) else [part]
            value = flat
        values[name] = value
    return values


def call(operation: Any, args: argparse.Namespace) -> int:
    """Run an operation as the account named, print its result. Exit code 2 when it is refused."""
    from django.utils import translation

    from gongshu.kernel.errors import Refused

    with translation.override(LANGUAGES[args.lang_]):
        try:
            result = operation.function(actor=_actor(args), **_values(operation, args))
            _print(_plain(result), as_json=args.json_)
        except Refused as error:
            _refuse(error, as_json=args.json_)
            return 2
    return 0


def _actor(args: argparse.Namespace) -> Any:
    from django.utils.translation import gettext as _

    from gongshu.journal.services import Actor
    from gongshu.kernel.errors import NotAllowed
    from gongshu.org.models import Account

    if not args.account_:
        raise NotAllowed(_("请用 --as 账号（或环境变量 GONGSHU_ACCOUNT）说明由谁办理。"))
    account = Account.objects.filter(username=args.account_, is_active=True).first()
    if account is None:
        raise NotAllowed(_("没有账号“%(name)s”，或已停用。") % {"name": args.account_})
    return Actor(account.pk, str(account), via="cli", lang=LANGUAGES[args.lang_])


def _refuse(error: Any, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(error.as_dict(), ensure_ascii=False), file=sys.stderr)
        return
    print(error, file=sys.stderr)
    for name, text in error.fields.items():
        if str(text) != str(error):
            print(f"  --{name.replace('_', '-')}: {text}", file=sys.stderr)
    if error.basis is not None and error.basis.clauses:
        from gongshu.packs import clauses

        known = clauses()
        for clause in error.basis.clauses:
            article = known[clause].article if clause in known else ""
            print(f"  {clause} {article}".rstrip(), file=sys.stderr)


def _plain(value: Any) -> Any:
    """A result as JSON values, as the REST API shows it."""
    if hasattr(value, "as_dict"):
        return _plain(value.as_dict())
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if hasattr(value, "__iter__"):
        return [_plain(v) for v in value]
    return str(value)


def _print(result: Any, *, as_json: bool) -> None:
    if result is None:
        return
    if as_json:
        print(json.dumps(result, ensure_ascii=False, indent=1))
    elif isinstance(result, list) and result and all(isinstance(row, dict) for row in result):
        _table(result)
    elif isinstance(result, dict):
        width = max((_columns(k) for k in result), default=0)
        for key, value in result.items():
            print(f"{key}{' ' * (width - _columns(key))}  {_cell(value)}")
    else:
        print(_cell(result))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _columns(text: str) -> int:
    """How many columns a terminal needs: a Chinese character takes two."""
    import unicodedata

    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _table(rows: list[dict[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(_columns(line[i]) for line in lines) for i in range(len(names))]
    for line in lines:
        print("  ".join(c + " " * (w - _columns(c)) for c, w in zip(line, widths, strict=True)).rstrip())
