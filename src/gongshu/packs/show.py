"""Reading packs: one key, one pack, the difference of two. Structured rows; :func:`words` makes them text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gongshu.packs.check import codes, keys
from gongshu.packs.loader import clauses, packs
from gongshu.packs.model import Clause, Node, Pack

SOURCE_NAMES = {
    "national-2025": ("《政务数据共享条例》", "the national regulation of 2025"),
    "parent-province": ("上级省份规定", "the rules of the province"),
    "product-default": ("平台缺省", "the platform's default"),
}
_WORDS = {
    "nothing": ("无", "none"),
    "off": ("不适用", "not applicable"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    "wd": ("{n}个工作日", "{n} working days"),
    "d": ("{n}日", "{n} days"),
    "y": ("每年至少一次", "at least once a year"),
    "cycle": ("按更新周期", "by the update cycle"),
    "before": ("提前{0}", "{0} ahead"),
    "approver": ("经{0}批准", "if the {0} approves"),
    "auto_confirm": ("逾期视为确认", "silence confirms"),
    "silent": ("本地制度未规定，按{0}执行", "the local text is silent; {0} applies"),
}


@dataclass(frozen=True, slots=True)
class ShowRow:
    """One key of one pack with its label and the clauses that say so."""

    pack: str
    key: str
    label_zh: str
    label_en: str
    node: Node
    clauses: tuple[Clause, ...]

    def label(self, lang: str = "zh") -> str:
        return self.label_zh if lang == "zh" else self.label_en

    def value(self, lang: str = "zh") -> str:
        return words(self.node.v, lang)

    def ground(self, lang: str = "zh") -> str:
        """The clauses with their articles, or the sentence that the text is silent."""
        if self.node.gap:
            return silence(self.node, lang)
        return "；".join(f"{clause.id} {clause.article}" for clause in self.clauses)

    def as_dict(self) -> dict[str, object]:
        return {
            "pack": self.pack,
            "key": self.key,
            "label": {"zh": self.label_zh, "en": self.label_en},
            "value": self.node.plain,
            "basis": self.node.basis.as_dict(),
        }


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One key in which two packs differ, in value or in whether the text speaks at all."""

    key: str
    a: ShowRow
    b: ShowRow

    @property
    def same_value(self) -> bool:
        """Both do the same, but only one text (or another clause) says so."""
        return bool(self.a.node.v == self.b.node.v)


def pack_show(key: str = "", pack: Pack | None = None) -> list[ShowRow]:
    """The rows of a key, or of all keys below a section (``share``), in one pack or in all.

    Raises KeyError for a key that no pack has.
    """
    wanted = [name for name in keys() if not key or name == key or name.startswith(f"{key}.")]
    if not wanted:
        raise KeyError(key)
    shown = [pack] if pack else list(packs().values())
    return [_row(each, name) for name in wanted for each in shown]


def pack_diff(a: Pack, b: Pack) -> list[DiffRow]:
    """The keys in which two packs (or two versions of one) differ, in the order of the tree."""
    pairs = [(name, _row(a, name), _row(b, name)) for name in keys()]
    return [
        DiffRow(name, left, right)
        for name, left, right in pairs
        if left.node.v != right.node.v
        or left.node.gap != right.node.gap
        or left.node.clauses != right.node.clauses
    ]


def _row(pack: Pack, name: str) -> ShowRow:
    node = pack.nodes[name]
    known = clauses()
    label = keys()[name]
    return ShowRow(pack.id, name, label.zh, label.en, node, tuple(known[each] for each in node.clauses))


def silence(node: Node, lang: str = "zh") -> str:
    """The sentence a screen shows beside a value that only fills a gap."""
    return _word("silent", lang).format(SOURCE_NAMES[node.source][0 if lang == "zh" else 1])


def words(value: Any, lang: str = "zh") -> str:
    """A node's value as a person reads it; codes by their names, the regulation's own words as they are."""
    if value is None:
        return _word("off", lang)
    if isinstance(value, bool):
        return _word("yes" if value else "no", lang)
    if isinstance(value, tuple):
        return _list_words([words(member, lang) for member in value], lang) or _word("nothing", lang)
    if isinstance(value, Mapping):
        if "unit" in value:
            return _duration_words(value, lang)
        colon, stop = ("：", "；") if lang == "zh" else (": ", "; ")
        return stop.join(f"{words(name, lang)}{colon}{words(member, lang)}" for name, member in value.items())
    code = codes().get(str(value))
    return code.label(lang) if code else str(value)


def _duration_words(value: Mapping[str, Any], lang: str) -> str:
    length = _word(value["unit"], lang).format(n=value.get("n"))
    if value.get("dir") == "before":
        length = _word("before", lang).format(length)
    facts = [words(value["clock"], lang)]
    if "from" in value:
        facts.append(words(value["from"], lang))
    if "approver" in value:
        facts.append(_word("approver", lang).format(words(value["approver"], lang)))
    if value.get("on_lapse", "overdue") != "overdue":
        facts.append(_word(value["on_lapse"], lang))
    facts += [words(value[name], lang) for name in ("also_on", "sections") if name in value]
    opening, closing = ("（", "）") if lang == "zh" else (" (", ")")
    return f"{length}{opening}{('，' if lang == 'zh' else ', ').join(facts)}{closing}"


def _list_words(members: list[str], lang: str) -> str:
    return ("、" if lang == "zh" else ", ").join(members)


def _word(name: str, lang: str) -> str:
    return _WORDS[name][0 if lang == "zh" else 1]
