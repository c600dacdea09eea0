"""``gongshu pack show|diff|check`` and ``gongshu clauses``: reading and checking packs; needs no database."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from gongshu.packs import loader
from gongshu.packs.check import check, check_all
from gongshu.packs.model import Pack
from gongshu.packs.show import ShowRow, pack_diff, pack_show

TEXTS = {
    "ok": ("{0}：检查通过", "{0}: no fault"),
    "faults": ("共 {0} 处错误", "{0} fault(s)"),
    "no_key": ("规则包没有此键：{0}", "the packs have no key {0}"),
    "same": ("两个规则包没有差异", "the two packs do not differ"),
    "clauses": ("共 {0} 条：{1}", "{0} clauses: {1}"),
    "total": ("共 {0} 处不同", "{0} differences"),
}


def register(subparsers: Any) -> None:
    """Add ``pack`` and its verbs to the command line."""
    group = subparsers.add_parser(
        "pack", help="规则包：查看、比较、检查 / policy packs: show, compare, check"
    )
    verbs = group.add_subparsers(dest="verb", required=True)
    show = verbs.add_parser(
        "show", help="查看某个键在各规则包中的取值和条款 / a key with its value and clause"
    )
    show.add_argument(
        "key", nargs="?", default="", help="键，如 share.reply_within 或 share / a key or a section"
    )
    show.add_argument(
        "--pack", help="规则包，可带版本：zhangye 或 zhangye@1.0.0 / pack, with or without version"
    )
    show.set_defaults(run=run_show)
    diff = verbs.add_parser("diff", help="比较两个规则包 / what differs between two packs")
    diff.add_argument("a")
    diff.add_argument("b")
    diff.set_defaults(run=run_diff)
    checked = verbs.add_parser(
        "check", help="检查规则包文件；不给文件则检查全部 / check a file, or all packs"
    )
    checked.add_argument("file", nargs="*", type=Path)
    checked.set_defaults(run=run_check)
    matrix = subparsers.add_parser(
        "clauses", help="条款对照表：条款、代码、测试、页面 / clause x code x test x screen"
    )
    matrix.add_argument("--root", type=Path, default=Path.cwd(), help="项目目录 / the project")
    matrix.add_argument("--check", action="store_true", help="只检查，不写文件 / check only, write nothing")
    matrix.set_defaults(run=run_clauses)
    for verb in (show, diff, checked, matrix):
        verb.add_argument("--lang", choices=("zh", "en"), default="zh")
        verb.add_argument("--json", action="store_true", help="机器可读 / for programs")


def named(text: str) -> Pack:
    """``zhangye`` or ``zhangye@1.0.0``."""
    name, _, version = text.partition("@")
    return loader.load(name, version or None)


def run_show(args: argparse.Namespace) -> int:
    try:
        rows = pack_show(args.key, named(args.pack) if args.pack else None)
    except KeyError:
        return _refuse(_text("no_key", args.lang, args.key))
    except loader.PackUnknown as error:
        return _refuse(str(error))
    if args.json:
        print(json.dumps([row.as_dict() for row in rows], ensure_ascii=False, indent=1))
        return 0
    shown = ""
    for row in rows:
        if row.key != shown:
            print(f"{row.key}  {row.label(args.lang)}")
            shown = row.key
        print(f"  {_line(row, args.lang)}")
        for clause in row.clauses:
            print(f"      {clause.id} {clause.article} {clause.zh if args.lang == 'zh' else clause.en}")
    return 0


def run_diff(args: argparse.Namespace) -> int:
    try:
        rows = pack_diff(named(args.a), named(args.b))
    except loader.PackUnknown as error:
        return _refuse(str(error))
    if args.json:
        print(json.dumps([[row.a.as_dict(), row.b.as_dict()] for row in rows], ensure_ascii=False, indent=1))
        return 0
    for row in rows:
        print(f"{row.key}  {row.a.label(args.lang)}")
        for side in (row.a, row.b):
            print(f"  {_line(side, args.lang)}")
    print(_text("total", args.lang, len(rows)) if rows else _text("same", args.lang))
    return 0


def run_check(args: argparse.Namespace) -> int:
    faults = [fault for path in args.file for fault in check(path)] if args.file else check_all()
    if args.json:
        told = [{"file": each.file, "key": each.key, "reason": each.text(args.lang)} for each in faults]
        print(json.dumps(told, ensure_ascii=False, indent=1))
        return 2 if faults else 0
    for fault in faults:
        print(f"{fault.file}: {fault.key or '-'}: {fault.text(args.lang)}", file=sys.stderr)
    if faults:
        return _refuse(_text("faults", args.lang, len(faults)))
    for path in args.file or loader.pack_files():
        print(_text("ok", args.lang, path.name))
    return 0


def run_clauses(args: argparse.Namespace) -> int:
    """Write docs/clauses of the project and check it; exit code 1 if it is not true."""
    from gongshu.packs import matrix
    from gongshu.packs.regulation import STATUSES

    rows = matrix.matrix(args.root)
    faults = matrix.faults(args.root, rows)
    if args.json:
        print(
            json.dumps({"counts": dict(matrix.counts(rows)), "faults": faults}, ensure_ascii=False, indent=1)
        )
    if not args.check:
        matrix.write(args.root, rows)
    if not args.json:
        column = 0 if args.lang == "zh" else 1
        told = matrix.counts(rows)
        parts = ", ".join(f"{STATUSES[name][column]} {told.get(name, 0)}" for name in STATUSES)
        print(_text("clauses", args.lang, len(rows), parts))
        for fault in faults:
            print(fault, file=sys.stderr)
    return 1 if faults else 0


def _line(row: ShowRow, lang: str) -> str:
    return f"{row.pack:<10} {row.value(lang)}  [{row.ground(lang)}]"


def _text(name: str, lang: str, *facts: object) -> str:
    return TEXTS[name][0 if lang == "zh" else 1].format(*facts)


def _refuse(message: str) -> int:
    print(message, file=sys.stderr)
    return 2
