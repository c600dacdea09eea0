"""What in the platform carries out each clause of a regulation: parameters, moves, time limits, required fields."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import groupby

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from gongshu.casework.registry import DECLARED, procedure_of
from gongshu.packs import Clause, Node, Pack, clauses
from gongshu.packs.check import keys
from gongshu.packs.show import words

from . import wording

KINDS = (
    ("enforce", lazy("强制")),
    ("support", lazy("支持")),
    ("report", lazy("报告")),
    ("org", lazy("组织工作")),
)


@dataclass(frozen=True)
class Carrier:
    """One thing that carries a clause out. kind: parameter, move, clock, field."""

    kind: str
    label: str
    value: str = ""


@dataclass
class ClauseView:
    """A clause as the page shows it."""

    id: str
    text: str
    other: str
    kind: str
    carriers: list[Carrier] = field(default_factory=list)

    @property
    def kind_text(self) -> str:
        """What sort of rule it is."""
        return str(dict(KINDS).get(self.kind, self.kind))

    @property
    def status(self) -> str:
        """carried: something in the platform rests on it; office: work of people, not of a platform; open: not yet."""
        if self.carriers:
            return "carried"
        return "office" if self.kind == "org" else "open"

    @property
    def status_text(self) -> str:
        """The status in words."""
        return {"carried": _("平台落实"), "office": _("由单位组织落实"), "open": _("尚未落实")}[self.status]

    @property
    def tone(self) -> str:
        """The status in colour."""
        return {"carried": "green", "office": "grey", "open": "amber"}[self.status]

    @property
    def carried_texts(self) -> list[str]:
        """The carriers as text."""
        return [f"{KIND_NAMES[c.kind]}：{c.label} {c.value}".strip() for c in self.carriers]


KIND_NAMES = {"parameter": lazy("参数"), "move": lazy("环节"), "clock": lazy("时限"), "field": lazy("必填项")}


@dataclass
class ArticleView:
    """An article with its clauses."""

    label: str
    clauses: list[ClauseView]


def articles(pack: Pack) -> list[ArticleView]:
    """The regulation in its own order."""
    mine = [c for c in clauses().values() if c.prefix == pack.prefix]
    carried = _carriers(pack, wording.language())
    return [
        ArticleView(wording.article(group[0].id), [_view(c, carried.get(c.id, ())) for c in group])
        for _key, group in ((k, list(g)) for k, g in groupby(mine, key=lambda c: c.article))
    ]


def _view(clause: Clause, carriers: Sequence[Carrier]) -> ClauseView:
    zh = wording.language() == "zh"
    return ClauseView(
        clause.id, clause.zh if zh else clause.en, clause.en if zh else clause.zh, clause.kind, list(carriers)
    )


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


def narrowed(found: list[ArticleView], query: str, kind: str) -> list[ArticleView]:
    """Only clauses with every word of the query, of that kind or status."""
    shown = []
    for article in found:
        kept = [c for c in article.clauses if _fits(article, c, query.lower().split(), kind)]
        if kept:
            shown.append(ArticleView(article.label, kept))
    return shown


def _fits(article: ArticleView, clause: ClauseView, query: list[str], kind: str) -> bool:
    text = f"{article.label} {clause.id} {clause.text} {clause.other}".lower()
    return all(word in text for word in query) and kind in ("", clause.kind, clause.status)


def totals(found: list[ArticleView]) -> dict[str, int]:
    """How many clauses, and how many in each status."""
    every = [c for a in found for c in a.clauses]
    return {
        "all": len(every),
        **{s: sum(c.status == s for c in every) for s in ("carried", "office", "open")},
    }


@dataclass(frozen=True)
class GapView:
    """A parameter on which the text is silent, and what fills it."""

    label: str
    value: str
    source: str
    note: str


def gaps(pack: Pack) -> list[GapView]:
    """Every parameter on which the local text is silent."""
    language = wording.language()
    return [
        GapView(_key_label(n, language), words(n.v, language), wording.silence(n.source), "")
        for n in pack.nodes.values()
        if n.gap and n.v not in (None, ())
    ]
