"""The regulation as people read it: article by article, with what in the platform carries each clause out."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from gongshu.packs import loader
from gongshu.packs.model import Clause, Pack

DONE, PARTIAL, OPEN, ORGANISATIONAL = "done", "partial", "open", "organisational"
STATUSES: Mapping[str, tuple[str, str, str]] = {
    DONE: ("已实现", "done", "success"),
    PARTIAL: ("部分实现", "in part", "warning"),
    OPEN: ("未实现", "open", "secondary"),
    ORGANISATIONAL: ("由组织制度落实", "organisational", "info"),
}
"""Status -> Chinese label, English label, colour."""

_ARTICLE = re.compile(r"^\s*(第[一二三四五六七八九十]+条)\s*(.*)$")
_CHAPTER = re.compile(r"^\s*(第[一二三四五六七八九十]+章.*|[一二三四五六七八九十]+、[^，。；]{1,20})\s*$")
_PARAGRAPH = re.compile(r"^\s*[（(]([一二三四五六七八九十]+)[）)]\s*(.*)$")
_BASE = re.compile(
    r"^(第[一二三四五六七八九十]+条|[一二三四五六七八九十]+、（[一二三四五六七八九十]+）|附件\d*)"
)


@dataclass(frozen=True, slots=True)
class Status:
    """How far a clause is carried out. ``screen``: where to see it, a path of the console."""

    clause: str
    status: str
    screen: str
    note: str


@dataclass(frozen=True, slots=True)
class ClauseRow:
    """A clause with its status, the pack keys that carry its values, and the screen that shows it."""

    clause: Clause
    status: str
    screen: str
    note: str
    keys: tuple[str, ...]

    def label(self, lang: str = "zh") -> str:
        return STATUSES[self.status][0 if lang == "zh" else 1]

    @property
    def colour(self) -> str:
        return STATUSES[self.status][2]


@dataclass(frozen=True, slots=True)
class Article:
    """An article of the text: its name, its chapter, its words as issued, and the clauses taken from it."""

    name: str
    chapter: str
    text: str
    clauses: tuple[ClauseRow, ...]


@lru_cache(maxsize=1)
def statuses() -> Mapping[str, Status]:
    """How far each clause is carried out (status.csv)."""
    with (loader.DATA / "status.csv").open(encoding="utf-8", newline="") as lines:
        return MappingProxyType({row["clause"]: Status(**row) for row in csv.DictReader(lines)})


def keys_of(pack: Pack) -> dict[str, list[str]]:
    """Clause id -> the keys of the pack that rest on it."""
    found: dict[str, list[str]] = {}
    for node in pack.nodes.values():
        for clause in node.clauses:
            found.setdefault(clause, []).append(node.key)
    return found


def regulation(pack: Pack) -> list[Article]:
    """The articles of a pack's text in order, each with its clauses. An article without a clause is shown
    as well.
    """
    carried = keys_of(pack)
    rows: dict[str, list[ClauseRow]] = {}
    for clause in loader.clauses().values():
        if clause.prefix == pack.prefix:
            told = statuses().get(clause.id, Status(clause.id, OPEN, "", ""))
            row = ClauseRow(clause, told.status, told.screen, told.note, tuple(carried.get(clause.id, ())))
            rows.setdefault(base(clause.article), []).append(row)
    text = articles(pack)
    names = list(text)
    previous = -1
    for name in rows:  # an article whose words are missing keeps its place
        if name not in text:
            names.insert(previous + 1, name)
        previous = names.index(name)
    return [Article(name, *text.get(name, ("", "")), tuple(rows.get(name, ()))) for name in names]


def base(article: str) -> str:
    """The article a clause belongs to: 第二十六条第三款 -> 第二十六条, 一、（五）1 -> 一、（五）."""
    match = _BASE.match(article)
    return match[1] if match else article


def articles(pack: Pack) -> dict[str, tuple[str, str]]:
    """Article -> (chapter, words as issued), from the text beside the pack; empty if there is none."""
    for folder in (loader.DATA, *loader.directories()[1:]):
        path = folder / "regulations" / f"{pack.id}.txt"
        if path.exists():
            return _articles(path.read_text(encoding="utf-8"))
    return {}


def _articles(text: str) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, list[str]]] = {}
    chapter, current = "", ""
    for line in text.splitlines():
        heading, article, paragraph = _CHAPTER.match(line), _ARTICLE.match(line), _PARAGRAPH.match(line)
        if heading and not article:
            chapter, current = re.sub(r"\s+", " ", heading[1].strip()), ""
        elif article:
            current = article[1]
            found[current] = (chapter, [article[2]] if article[2] else [])
        elif paragraph and not chapter.startswith("第") and chapter:
            # a text numbered 一、（一）: its paragraphs are the articles
            current = f"{chapter.partition('、')[0]}、（{paragraph[1]}）"
            found[current] = (chapter, [paragraph[2]])
        elif current and line.strip():
            found[current][1].append(line.strip())
    return {name: (where, "\n".join(lines)) for name, (where, lines) in found.items()}
