"""Forms of moves, made from what the procedure declares."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from gongshu.casework.models import Case
from gongshu.casework.selectors import MoveView, case_moves
from gongshu.journal.services import Actor
from gongshu.kernel import procedure as kernel
from gongshu.kernel.clause import Basis

from . import panels
from .forms import BasisField, DateInput, Form


class MoveForm(Form):
    """The fields of a move. What is required, and whether a value is right, the service says; here only the shape."""

    def __init__(
        self, data: Any = None, *, case: Case, actor: Actor, move: MoveView, files: Any = None, **given: Any
    ) -> None:
        super().__init__(data, files, auto_id=f"{move.name}_%s", **given)
        self.case, self.actor, self.move = case, actor, move
        for declared in move.fields:
            field = form_field(declared)
            field.asked = declared.required  # type: ignore[attr-defined]
            self.fields[declared.name] = field
            if declared.clause:
                self.field_basis[declared.name] = declared.clause

    def given(self) -> dict[str, Any]:
        """What the service gets: the fields that were filled in, as plain values."""
        told = {}
        for name, value in self.cleaned_data.items():
            if value not in (None, "", [], {}) and value is not False:  # a box not ticked was not filled in
                told[name] = value.isoformat() if isinstance(value, date) else value
        return told


def form_field(declared: kernel.Field) -> forms.Field:
    """The Django field of a declared one. Never required here: the service refuses, naming the clause."""
    common: dict[str, Any] = {"label": declared.label, "help_text": declared.help, "required": False}
    choices = [(v, label) for v, label in declared.choices]
    match declared.kind:
        case "longtext":
            return forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), **common)
        case "date":
            return forms.DateField(widget=DateInput(), **common)
        case "int":
            return forms.IntegerField(**common)
        case "bool":
            return forms.BooleanField(**common)
        case "choice" if len(choices) <= 4:
            return forms.ChoiceField(choices=choices, widget=forms.RadioSelect, **common)
        case "choice":
            return forms.ChoiceField(choices=[("", "—"), *choices], **common)
        case "choices":
            return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple, **common)
        case "basis":
            return BasisField(choices, label=declared.label, help_text=declared.help)
        case "json":
            return forms.JSONField(widget=forms.HiddenInput, **common)
    return forms.CharField(**common)


@dataclass(frozen=True)
class Offer:
    """A move with its form, as the page draws it. open: the form is shown at once (it was refused just now)."""

    move: MoveView
    form: Any
    basis: Basis
    open: bool = False

    @property
    def tone(self) -> str:
        """Class of the button."""
        return {"primary": "primary", "danger": "danger"}.get(self.move.style, "outline-primary")

    @property
    def confirm(self) -> str:
        """What the button that makes the move says; a move that is itself a confirmation is not confirmed twice."""
        label = str(self.move.label)
        if label.startswith(("确认", "Confirm")):
            return label
        return _("确认%(move)s") % {"move": label}

    @property
    def template(self) -> str:
        """The domain's own drawing of the form, if it has one."""
        return getattr(self.form, "template", "") or ""


def offers(actor: Actor, case: Case, refused: Any = None, name: str = "") -> list[Offer]:
    """The moves from here with their forms; `refused` is the bound form of the move `name` that was just refused."""
    found = []
    for move in case_moves(actor, case):
        form = refused if move.name == name else move_form(actor, case, move) if move.allowed else None
        found.append(Offer(move, form, Basis(tuple(move.clauses), gap=move.gap), move.name == name))
    return sorted(found, key=lambda o: (not o.move.allowed, o.move.optional))


def move_form(actor: Actor, case: Case, move: MoveView, data: Any = None, files: Any = None) -> Any:
    """The form of a move: the domain's own, or one made from the declared fields."""
    own = panels.move_form(case.procedure, move.name)
    if own is not None and not issubclass(own, MoveForm):
        return own(data, case=case, actor=actor, move=move, auto_id=f"{move.name}_%s")  # type: ignore[call-arg]
    return (own or MoveForm)(data, case=case, actor=actor, move=move, files=files)
