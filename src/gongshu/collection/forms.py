"""Forms of collection."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from gongshu.catalog.models import Entry
from gongshu.catalog.vocabulary import UpdateCycle, collect_modes
from gongshu.console.forms import DateInput, Form
from gongshu.org.policy import current_pack


class PlanForm(Form):
    """Mode, frequency and content, before the first batch."""

    mode = forms.ChoiceField(label=_("归集方式"), required=False)
    cycle = forms.ChoiceField(label=_("归集频率"), required=False)
    columns = forms.MultipleChoiceField(
        label=_("归集内容"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("不选表示归集目录中的全部信息项。"),
    )
    reason = forms.CharField(label=_("理由"), required=False, widget=forms.Textarea({"rows": 2}))

    def __init__(self, *args: Any, entry: Entry, **given: Any) -> None:
        super().__init__(*args, **given)
        pack = current_pack()
        keep = ("", _t("不变"))
        self.fields["mode"].choices = [keep, *collect_modes(pack)]  # type: ignore[attr-defined]
        self.fields["cycle"].choices = [keep, *UpdateCycle.choices]  # type: ignore[attr-defined]
        items = entry.current.items.all() if entry.current else []
        self.fields["columns"].choices = [(i.name, f"{i.label}（{i.name}）") for i in items]  # type: ignore[attr-defined]
        self.field_basis = {
            "mode": pack.node("bodies.collect_mode_decider").basis,
            "columns": pack.node("collect.only_catalogued").basis,
        }

    def given(self) -> dict[str, Any]:
        """The fields as the service takes them."""
        told = dict(self.cleaned_data)
        told["columns"] = told["columns"] or None
        return told


class ChangeRequestForm(PlanForm):
    """The same, once data flow: from a day on, and with approval."""

    effective_on = forms.DateField(label=_("生效日期"), widget=DateInput())

    field_order = ("effective_on", "mode", "cycle", "columns", "reason")

    def __init__(self, *args: Any, entry: Entry, **given: Any) -> None:
        super().__init__(*args, entry=entry, **given)
        pack = current_pack()
        self.field_basis = {
            "effective_on": pack.node("collect.change_notice").basis,
            "columns": pack.node("collect.change_items").basis,
        }
        self.fields["reason"].asked = True  # type: ignore[attr-defined]
