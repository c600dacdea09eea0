"""The regulation page: each article with its words, its clauses, and what in the platform carries each out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from gongshu.casework.registry import DECLARED, procedure_of
from gongshu.packs import Node, Pack
from gongshu.packs.check import keys
from gongshu.packs.regulation import DONE, OPEN, ORGANISATIONAL, PARTIAL, STATUSES, Article, ClauseRow
from gongshu.packs.regulation import regulation as read
from gongshu.packs.show import words

from . import wording

KINDS = (
    ("enforce", _lazy("强制")),
    ("support", _lazy("支持")),
    ("report", _lazy("报告")),
    ("org", _lazy("组织工作")),
)
TONES = {DONE: "green", PARTIAL: "amber", OPEN: "grey", ORGANISATIONAL: "blue"}
CARRIERS = {
    "parameter": _lazy("参数"),
    "move": _lazy("环节"),
    "clock": _lazy("时限"),
    "field": _lazy("必填项"),
}


@dataclass(frozen=True)
class Carrier:
    """One thing that carries a clause out. kind: parameter, move, clock or field."""

    kind: str
    label: str
    value: str = ""

    @property
    def kind_text(self) -> str:
        """The kind in words."""
        return str(CARRIERS[self.kind])


@dataclass
class ClauseView:
    """A clause as the page shows it."""

    row: ClauseRow
    carriers: list[Carrier] = field(default_factory=list)

    @property
    def id(self) -> str:
        """PJ-26.3a, for example."""
        return self.row.clause.id

    @property
    def text(self) -> str:
        """What it says, in the reader's language."""
        return self.row.clause.zh if wording.language() == "zh" else self.row.clause.en

    @property
    def kind_text(self) -> str:
        """What sort of rule it is."""
        return str(dict(KINDS).get(self.row.clause.kind, self.row.clause.kind))

    @property
    def status_text(self) -> str:
        """How far it is carried out."""
        return self.row.label(wording.language())

    @property
    def tone(self) -> str:
        """The status in colour."""
        return TONES[self.row.status]

    @property
    def carried_texts(self) -> list[str]:
        """The carriers as text."""
        return [f"{c.kind_text}：{c.label} {c.value}".strip() for c in self.carriers]


@dataclass
class ArticleView:
    """An article with its words and clauses."""

    label: str
    chapter: str
    text: str
    clauses: list[ClauseView]
    anchor: str = ""


def articles(pack: Pack) -> list[ArticleView]:
    """The regulation in its own order."""
    carried = _carriers(pack, wording.language())
    return [_article(n, article, carried) for n, article in enumerate(read(pack), start=1)]


def _article(n: int, article: Article, carried: dict[str, tuple[Carrier, ...]]) -> ArticleView:
    label = wording.article(article.clauses[0].clause.id) if article.clauses else article.name
    label = article.name if wording.language() == "zh" else label
    views = [ClauseView(row, list(carried.get(row.clause.id, ()))) for row in article.clauses]
    return ArticleView(label, article.chapter, article.text, views, f"article-{n}")


@cache
def _carriers(pack: Pack, language: str) -> dict[str, tuple[Carrier, ...]]:
    """Clause id -> what rests on it, under this pack and in this language."""
    found: dict[str, list[Carrier]] = {}

    def rests(ids: Iterable[str], carrier: Carrier) -> None:
        for clause in ids:
            if carrier not in found.setdefault(clause, []):
                found[clause].append(carrier)

    for node in pack.nodes.values():
        rests(node.clauses, Carrier("parameter", _key_label(node, language), words(node.v, language)))
    for name in sorted(DECLARED):
        procedure = procedure_of(name, pack)
        for move in procedure.moves:
            rests(move.basis.clauses, Carrier("move", f"{procedure.label} · {move.label}"))
            for each in move.fields:
                if each.clause:
                    rests(each.clause.clauses, Carrier("field", f"{procedure.label} · {each.label}"))
        for clock in procedure.clocks:
            rests(clock.basis.clauses, Carrier("clock", f"{procedure.label} · {clock.label}"))
    return {clause: tuple(carriers) for clause, carriers in found.items()}


def _key_label(node: Node, language: str) -> str:
    label = keys()[node.key]
    return label.zh if language == "zh" else label.en


def narrowed(found: Sequence[ArticleView], query: str, kind: str) -> list[ArticleView]:
    """Only clauses with every word of the query, of that kind or status."""
    if not query and not kind:
        return list(found)
    shown = []
    for article in found:
        kept = [c for c in article.clauses if _fits(article, c, query.lower().split(), kind)]
        if kept:
            shown.append(ArticleView(article.label, article.chapter, article.text, kept, article.anchor))
    return shown


def _fits(article: ArticleView, view: ClauseView, query: list[str], kind: str) -> bool:
    clause = view.row.clause
    text = f"{article.label} {clause.article} {article.text} {clause.id} {clause.zh} {clause.en}".lower()
    return all(word in text for word in query) and kind in ("", clause.kind, view.row.status)


def statuses() -> list[tuple[str, str]]:
    """The statuses with their names."""
    place = 0 if wording.language() == "zh" else 1
    return [(name, label[place]) for name, label in STATUSES.items()]


def totals(found: Sequence[ArticleView]) -> list[tuple[str, int]]:
    """How many clauses, in all and in each status."""
    every = [c for a in found for c in a.clauses]
    counted = [(label, sum(c.row.status == name for c in every)) for name, label in statuses()]
    return [(_("条款总数"), len(every)), *counted]


@dataclass(frozen=True)
class GapView:
    """A parameter on which the text is silent, and what fills it."""

    label: str
    value: str
    source: str


def gaps(pack: Pack) -> list[GapView]:
    """Every parameter on which the local text is silent and something is filled in."""
    language = wording.language()
    return [
        GapView(_key_label(n, language), words(n.v, language), wording.silence(n.source))
        for n in pack.nodes.values()
        if n.gap and n.v not in (None, (), "")
    ]
