"""Forms: Django's, drawn by the house, showing a service's refusal at the field with its clause."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.forms.utils import ErrorDict
from django.utils.translation import gettext_lazy as _

from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import Refused


class Form(forms.Form):
    """A form of the console.

    basis: field -> the clause that asks for it, shown beside the label. `refuse` puts a refusal of the service on it.
    """

    required_css_class = "gs-required"
    basis: ClassVar[Mapping[str, Basis]] = {}

    def __init__(self, *args: Any, **given: Any) -> None:
        given.setdefault("label_suffix", "")
        super().__init__(*args, **given)
        self.field_basis: dict[str, Basis] = dict(self.basis)
        self.error_basis: Basis | None = None
        self.error_bases: dict[str, Basis | None] = {}


class DateInput(forms.DateInput):
    """The browser's own date picker."""

    input_type = "date"

    def __init__(self, **given: Any) -> None:
        super().__init__(format="%Y-%m-%d", **given)


class FileInput(forms.ClearableFileInput):
    """A file, without Django's "clear" box."""

    template_name = "django/forms/widgets/file.html"


def refuse(form: forms.BaseForm, refusal: Refused) -> None:
    """Put a service's refusal on the form: at its fields, or on top where they are not in the form.

    The clause behind it is kept in `form.error_basis`, which `{% fields %}` shows; `{% field %}` shows that of its own
    field from `form.error_bases`: a refusal of several fields at once has a basis for all of them together.
    """
    if form.__dict__.get("_errors") is None:  # a form that was not validated has nowhere to put errors
        vars(form).update(_errors=ErrorDict(), cleaned_data=getattr(form, "cleaned_data", {}))
    form.error_basis = refusal.basis  # type: ignore[attr-defined]
    own: Mapping[str, Basis] = getattr(form, "field_basis", {}) if len(refusal.fields) > 1 else {}
    form.error_bases = {name: own.get(name, refusal.basis) for name in refusal.fields}  # type: ignore[attr-defined]
    placed = False
    for name, message in refusal.fields.items():
        if name in form.fields:
            form.add_error(name, str(message))
            placed = True
    if not placed:
        form.add_error(None, str(refusal.message))


class BasisWidget(forms.MultiWidget):
    """Rank, document and article of a legal basis, side by side."""

    template_name = "console/widgets/basis.html"

    def __init__(self, choices: list[tuple[str, str]], attrs: dict[str, Any] | None = None) -> None:
        widgets: dict[str, forms.Widget | type[forms.Widget]] = {
            "rank": forms.Select({"class": "form-select"}, choices=[("", _("效力层级")), *choices]),
            "document": forms.TextInput(
                {"class": "form-control", "placeholder": _("文件名称，如《中华人民共和国数据安全法》")}
            ),
            "article": forms.TextInput({"class": "form-control", "placeholder": _("条款，如第三十八条")}),
        }
        super().__init__(widgets, attrs)

    def decompress(self, value: Any) -> list[Any]:
        """The three parts of a value."""
        return (
            [value.get(k, "") for k in ("rank", "document", "article")]
            if isinstance(value, dict)
            else ["", "", ""]
        )

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """Each part with its own accessible name."""
        context = super().get_context(name, value, attrs)
        labels = (_("效力层级"), _("文件名称"), _("条款"))
        for part, label in zip(context["widget"]["subwidgets"], labels, strict=True):
            part["attrs"]["aria-label"] = label
            part["attrs"].pop("required", None)
            if context["widget"]["attrs"].get("aria-invalid"):
                part["attrs"]["class"] += " is-invalid"
        return context


class BasisField(forms.MultiValueField):
    """A legal basis: {rank, document, article}. The service decides whether it is complete and accepted."""

    def __init__(self, choices: list[tuple[str, str]], **given: Any) -> None:
        parts = (
            forms.CharField(required=False),
            forms.CharField(required=False),
            forms.CharField(required=False),
        )
        super().__init__(
            parts, widget=BasisWidget(choices), require_all_fields=False, required=False, **given
        )

    def compress(self, values: list[Any]) -> dict[str, str]:
        """The parts as the service takes them; empty when nothing was filled in."""
        told = dict(zip(("rank", "document", "article"), values or ["", "", ""], strict=False))
        return {k: v or "" for k, v in told.items()} if any(told.values()) else {}
