"""The offline verifier: ``gongshu verify FILE`` and the single file ``gongshu-verify.pyz``.

Needs nothing but Python 3.7 or later; asks no platform and no network. Exit code 0: proved. 1: not proved.
2: could not be read.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from gongshu.kernel.note import encode64
from gongshu.kernel.proof import LARGEST, ProofFault, Verified, verify

if TYPE_CHECKING:
    from collections.abc import Sequence

TEXTS = {
    "about": ("离线核验回执（.tlog-proof）", "Verify a receipt (.tlog-proof) offline"),
    "file": ("回执文件", "the receipt"),
    "key": ("平台公布的验证公钥：文件或文本", "the key the platform publishes: a file or its text"),
    "ok": ("核验通过：该事件在账本中", "Proved: the event is in the ledger"),
    "ok_self": (
        "回执自身完整，但尚未与平台公布的公钥比对",
        "Sound in itself, but not yet compared with the published key",
    ),
    "compare": ("请与平台公布的公钥比对：", "Compare with the key the platform publishes:"),
    "no": ("核验不通过：", "Not proved: "),
    "unreadable": ("无法读取：", "Cannot be read: "),
    "malformed": ("回执格式不正确", "the receipt is malformed"),
    "signature": ("账本签名无效，或不是该公钥所签", "the ledger's signature is wrong, or not by this key"),
    "other_key": ("回执内的公钥与给定公钥不同", "the key inside the receipt is not the key given"),
    "other_body": ("事件内容与回执不符", "the event is not the one of the receipt"),
    "not_included": (
        "事件不在该账本中，或内容被改动",
        "the event is not in this ledger, or has been changed",
    ),
    "disclosed": ("附带内容与账本中的摘要不符：", "a value does not fit its digest in the ledger: "),
    "log": ("账本", "Ledger"),
    "place": ("序号", "Entry"),
    "of": ("共 {0} 条", "of {0}"),
    "root": ("根哈希", "Root"),
    "signer": ("验证公钥", "Key"),
    "type": ("事件", "Event"),
    "at": ("时间", "Time"),
    "subject": ("对象", "Subject"),
    "clauses": ("条款", "Clauses"),
    "pack": ("规则包", "Policy pack"),
    "title": ("名称", "Title"),
    "actor": ("操作人", "Actor"),
    "body": ("内容", "Content"),
}


def arguments(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add the verifier's arguments to a parser."""
    parser.add_argument("file", help=_both("file"))
    parser.add_argument("--key", help=_both("key"))
    parser.add_argument("--lang", choices=("zh", "en"), default=_language())
    parser.add_argument("--json", action="store_true")
    return parser


def run(args: argparse.Namespace) -> int:
    """Verify and say so. Returns the exit code."""
    say = _Sayer(args.lang)
    try:
        raw = _read(args.file)
        vkey = _key(args.key) if args.key else None
    except (OSError, UnicodeDecodeError) as fault:
        print(f"{say('unreadable')}{fault}", file=sys.stderr)
        return 2
    try:
        verified = verify(raw, vkey)
    except ProofFault as fault:
        detail = fault.detail if fault.code != "malformed" or args.lang == "en" else ""
        shown = f"{say(fault.code)}{'' if fault.code == 'disclosed' or not detail else ' - '}{detail}"
        print(f"{say('no')}{shown}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(_as_dict(verified), ensure_ascii=False, indent=1))
    else:
        _print(verified, say)
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """The command of the single-file verifier."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console of another code page must not stop the answer
            stream.reconfigure(errors="replace")
    return run(arguments(argparse.ArgumentParser(description=_both("about"))).parse_args(argv))


class _Sayer:
    def __init__(self, lang: str) -> None:
        self.column = 0 if lang == "zh" else 1

    def __call__(self, name: str, *facts: object) -> str:
        return TEXTS[name][self.column].format(*facts)


def _both(name: str) -> str:
    return " / ".join(TEXTS[name])


def _language() -> str:
    told = os.environ.get("LC_ALL") or os.environ.get("LANG") or "zh"
    return "en" if told.startswith("en") else "zh"


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(LARGEST + 1)


def _key(given: str) -> str:
    """The key's text, from a file if there is one of that name."""
    if os.path.exists(given):
        with open(given, encoding="utf-8") as file:
            return file.read().strip()
    return given.strip()


def _as_dict(verified: Verified) -> dict[str, Any]:
    return {
        "proved": True,
        "key_compared": verified.key_given,
        "key": str(verified.key),
        "log": verified.checkpoint.origin,
        "index": verified.index,
        "size": verified.checkpoint.size,
        "root": encode64(verified.checkpoint.root),
        "leaf": verified.leaf,
        "disclosed": verified.disclosed,
    }


def _print(verified: Verified, say: _Sayer) -> None:
    leaf, head = verified.leaf, verified.checkpoint
    print(say("ok" if verified.key_given else "ok_self"))
    rows = [
        ("log", head.origin),
        ("place", f"{verified.index + 1} ({say('of', head.size)})"),
        ("root", encode64(head.root)),
        ("type", leaf.get("type", "")),
        ("at", leaf.get("at", "")),
        ("subject", " ".join(str(each) for each in leaf.get("subject", []))),
        ("clauses", " ".join(leaf.get("clauses", []))),
        ("pack", leaf.get("pack", "")),
    ]
    rows += [
        (name, verified.disclosed[name]) for name in ("title", "actor", "body") if name in verified.disclosed
    ]
    for name, value in rows:
        if value:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)
            print(f"  {say(name)}: {text}")
    if verified.key_given:
        print(f"  {say('signer')}: {verified.key}")
    else:
        print(f"{say('compare')}\n  {verified.key}")


if __name__ == "__main__":
    raise SystemExit(main())
