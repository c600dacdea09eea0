"""Policy packs: a regulation as data. Code asks the pack by key and never which jurisdiction it is in."""

from gongshu.packs.loader import PackBroken, PackUnknown, clauses, fallback, load, packs, parse
from gongshu.packs.model import Clause, Duration, Node, Pack, RequiredField

__all__ = [
    "Clause",
    "Duration",
    "Node",
    "Pack",
    "PackBroken",
    "PackUnknown",
    "RequiredField",
    "clauses",
    "fallback",
    "load",
    "packs",
    "parse",
]
