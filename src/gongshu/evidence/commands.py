"""``gongshu audit verify|seal|key|receipt`` on the installation, and ``gongshu verify FILE`` without one."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from gongshu.kernel import verifier

TEXTS = {
    "whole": (
        "{0}：已核验 {1} 条，账本完整；待封存 {2} 条",
        "{0}: {1} entries verified, the ledger is whole; {2} not yet sealed",
    ),
    "broken": ("{0}：第一处不符：{1}。{2}", "{0}: first record that does not fit: {1}. {2}"),
    "sealed": ("{0}：已封存至第 {1} 条", "{0}: sealed up to entry {1}"),
    "nothing": ("没有待封存的记录", "nothing to seal"),
    "written": ("已写入 {0}", "written to {0}"),
}


def register(subparsers: Any) -> None:
    """Add ``audit`` and ``verify``."""
    check = subparsers.add_parser("verify", help=" / ".join(verifier.TEXTS["about"]))
    verifier.arguments(check).set_defaults(run=verifier.run)
    group = subparsers.add_parser(
        "audit", help="账本：核验、封存、公钥、回执 / ledger: verify, seal, key, receipt"
    )
    verbs = group.add_subparsers(dest="verb", required=True)
    verify = verbs.add_parser(
        "verify", help="从数据库重算全部账本，指出第一处不符 / recompute the ledger from the database"
    )
    verify.add_argument("--json", action="store_true", help="机器可读 / for programs")
    verify.set_defaults(run=run_verify)
    seal = verbs.add_parser("seal", help="立即封存 / seal now")
    seal.set_defaults(run=run_seal)
    key = verbs.add_parser("key", help="验证公钥 / the verifying key")
    key.set_defaults(run=run_key)
    receipt = verbs.add_parser("receipt", help="导出事件的存证回执 / write the receipt of an event")
    receipt.add_argument("event", help="事件编号或 UUID / number or uuid of the event")
    receipt.add_argument("--out", type=Path, help="文件；默认输出到屏幕 / file, else standard output")
    receipt.set_defaults(run=run_receipt)
    for verb in (verify, seal, key, receipt):
        verb.add_argument("--lang", choices=("zh", "en"), default="zh")
        verb.set_defaults(database=True)


def run_verify(args: argparse.Namespace) -> int:
    """Exit code 1 if a record does not fit."""
    from django.utils import translation

    from .audit import verify_all
    from .models import Log

    with translation.override("zh-hans" if args.lang == "zh" else "en"):
        results = [verify_all(log) for log in Log.values]
    if args.json:
        print(json.dumps([each.as_dict() for each in results], ensure_ascii=False, indent=1))
    for each in results if not args.json else []:
        if each.ok:
            print(_text("whole", args.lang, each.log, each.checked, each.pending))
        else:
            print(_text("broken", args.lang, each.log, each.first_bad, each.reason), file=sys.stderr)
    return 0 if all(each.ok for each in results) else 1


def run_seal(args: argparse.Namespace) -> int:
    """Seal both logs."""
    from .services import seal_all

    heads = seal_all()
    for head in heads:
        print(_text("sealed", args.lang, head.log, head.size))
    if not heads:
        print(_text("nothing", args.lang))
    return 0


def run_key(args: argparse.Namespace) -> int:
    """Print the chain's key, as ``gongshu verify --key`` takes it."""
    from .models import Log
    from .tree import ledger_key

    print(ledger_key(Log.CHAIN))
    return 0


def run_receipt(args: argparse.Namespace) -> int:
    """Write a receipt; the command runs on the installation itself and sees every event."""
    from django.utils import translation

    from gongshu.journal.services import SYSTEM
    from gongshu.kernel.errors import Refused

    from .selectors import event_get, receipt

    with translation.override("zh-hans" if args.lang == "zh" else "en"):
        try:
            raw = receipt(event_get(SYSTEM, args.event))
        except Refused as refusal:
            print(refusal, file=sys.stderr)
            return 2
    if args.out is None:
        sys.stdout.write(raw.decode("utf-8"))
    else:
        args.out.write_bytes(raw)
        print(_text("written", args.lang, args.out))
    return 0


def _text(name: str, lang: str, *facts: object) -> str:
    return TEXTS[name][0 if lang == "zh" else 1].format(*facts)
