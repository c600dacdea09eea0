"""What domains add to pages that are not theirs: panels, figures, forms of moves, wording of events.

A domain calls these in its `panels.py`, which is loaded when the console starts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise

from gongshu.casework.models import Case
from gongshu.journal.models import Event
from gongshu.journal.services import Actor

Drawn = tuple[str, dict[str, Any]] | None
CasePanel = Callable[[Case, Actor], Drawn]
PagePanel = Callable[[Actor], Drawn]

EVERY = "*"
_case_panels: dict[str, list[tuple[int, CasePanel]]] = defaultdict(list)
_page_panels: dict[str, list[tuple[int, PagePanel]]] = defaultdict(list)
_figures: list[tuple[int, Callable[[Actor], Figure | None]]] = []
_move_forms: dict[tuple[str, str], type[forms.BaseForm]] = {}
_event_texts: dict[str, str | Promise] = {}
_event_details: dict[str, Callable[[Event], list[tuple[str, Any]]]] = {}


@dataclass(frozen=True)
class Figure:
    """A figure on top of the workbench. tone: "", "red" or "amber"; url: where a click leads."""

    label: str | Promise
    value: str
    note: str | Promise = ""
    tone: str = ""
    url: str = ""


def register(procedure: str, panel: CasePanel, *, order: int = 100) -> None:
    """Add a panel to the case page of a procedure (`EVERY`: of all). The panel gives (template, context) or None."""
    _case_panels[procedure].append((order, panel))


def register_page(place: str, panel: PagePanel, *, order: int = 100) -> None:
    """Add a panel to a page: place "workbench", or "audit". The panel gives (template, context) or None."""
    _page_panels[place].append((order, panel))


def register_figure(figure: Callable[[Actor], Figure | None], *, order: int = 100) -> None:
    """Add a figure to the top of the workbench; the two with the lowest order are shown beside the console's own."""
    _figures.append((order, figure))


def register_move_form(procedure: str, move: str, form: type[forms.BaseForm]) -> None:
    """Use an own form for a move, called as form(data, case=, actor=, move=); `form.given()` is what the move gets.

    Needed where a move has a field of kind "json"; a `template` attribute draws it, else `{% fields form %}`.
    """
    _move_forms[procedure, move] = form


def register_events(
    texts: dict[str, str | Promise],
    details: dict[str, Callable[[Event], list[tuple[str, Any]]]] | None = None,
) -> None:
    """Wording of event types, and what is shown beneath an event: (label, value) pairs."""
    _event_texts.update(texts)
    _event_details.update(details or {})


def case_panels(case: Case, actor: Actor) -> list[tuple[str, dict[str, Any]]]:
    """What the domains show about this case to this actor."""
    found = sorted([*_case_panels[case.procedure], *_case_panels[EVERY]], key=lambda p: p[0])
    return [drawn for _order, panel in found if (drawn := panel(case, actor)) is not None]


def page_panels(place: str, actor: Actor) -> list[tuple[str, dict[str, Any]]]:
    """What the domains show on a page to this actor."""
    found = sorted(_page_panels[place], key=lambda p: p[0])
    return [drawn for _order, panel in found if (drawn := panel(actor)) is not None]


def figures(actor: Actor, most: int = 2) -> list[Figure]:
    """The domains' figures for this actor."""
    found: list[Figure] = []
    for _order, figure in sorted(_figures, key=lambda f: f[0]):
        if len(found) < most and (told := figure(actor)) is not None:
            found.append(told)
    return found


def move_form(procedure: str, move: str) -> type[forms.BaseForm] | None:
    """A domain's own form for a move."""
    return _move_forms.get((procedure, move))


def event_text(type: str) -> str:
    """What an event of that type is called; its dotted name where nobody said."""
    return str(_event_texts.get(type, type))


def event_types() -> dict[str, str]:
    """Every event type somebody named, with its name."""
    return {name: str(text) for name, text in sorted(_event_texts.items())}


def event_details(event: Event) -> list[tuple[str, Any]]:
    """What is shown beneath an event in a timeline."""
    details = _event_details.get(event.type)
    return details(event) if details else []
