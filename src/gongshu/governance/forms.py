"""Forms of governance: reporting a problem, adding and changing a rule."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gongshu.catalog.models import Entry
from gongshu.console.forms import Form
from gongshu.org.models import Unit
from gongshu.packs import Pack

from .models import Rule
from .vocabulary import Check, RuleKind, Severity, dimensions


class ReportForm(Form):
    """A problem seen while using data."""

    unit = forms.ChoiceField(label=_("反馈单位"))
    kind = forms.ChoiceField(label=_("问题类型"))
    item = forms.ChoiceField(label=_("信息项"), required=False)
    description = forms.CharField(label=_("问题说明"), required=False, widget=forms.Textarea({"rows": 3}))
    records = forms.CharField(
        label=_("涉及的记录"),
        required=False,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("每行一条，写主键或能找到该记录的内容，最多 100 条。"),
    )

    def __init__(self, *args: Any, entry: Entry, units: list[Unit], pack: Pack, **given: Any) -> None:
        super().__init__(*args, **given)
        chosen: Any = self.fields
        chosen["unit"].choices = [(u.code, str(u)) for u in units]
        chosen["kind"].choices = [(k, _(k)) for k in pack.quality.issue_kinds.v]
        items = entry.current.items.all() if entry.current else []
        chosen["item"].choices = [("", _("整个目录")), *((i.name, str(i)) for i in items)]
        chosen["description"].asked = True
        self.field_basis = {"kind": pack.quality.issue_kinds.basis}

    def given(self) -> dict[str, Any]:
        """The report as the service takes it."""
        told = dict(self.cleaned_data)
        told["records"] = [line.strip() for line in told["records"].splitlines() if line.strip()]
        return told


PARAMS: dict[str, tuple[str, ...]] = {
    RuleKind.PATTERN: ("pattern",),
    RuleKind.CHECK: ("check",),
    RuleKind.CODE_LIST: ("values",),
    RuleKind.RANGE: ("minimum", "maximum"),
    RuleKind.REFERENCE: ("reference",),
    RuleKind.FRESH: ("days",),
}
"""Kind of rule -> the form's fields for its parameters."""


class RuleForm(Form):
    """A rule of one kind, with the parameters of that kind."""

    columns = forms.MultipleChoiceField(
        label=_("信息项"), required=False, widget=forms.CheckboxSelectMultiple
    )
    pattern = forms.CharField(
        label=_("格式（正则表达式）"), required=False, help_text=_("整个值须符合该格式。")
    )
    check = forms.ChoiceField(label=_("号码种类"), required=False, choices=[("", "—"), *Check.choices])
    values = forms.CharField(
        label=_("允许的取值"), required=False, widget=forms.Textarea({"rows": 3}), help_text=_("每行一个。")
    )
    minimum = forms.CharField(label=_("最小值"), required=False)
    maximum = forms.CharField(label=_("最大值"), required=False)
    reference = forms.CharField(
        label=_("被引用的目录和信息项"), required=False, help_text=_("目录编码和字段名，以空格分开。")
    )
    days = forms.IntegerField(label=_("最多几天未更新"), required=False, min_value=1)
    severity = forms.ChoiceField(label=_("严重程度"), choices=Severity.choices, widget=forms.RadioSelect)
    dimension = forms.ChoiceField(label=_("质量维度"), required=False)

    def __init__(
        self, *args: Any, entry: Entry, pack: Pack, kind: str, rule: Rule | None = None, **given: Any
    ) -> None:
        given.setdefault("initial", _initial(rule) if rule else {"severity": Severity.ERROR})
        super().__init__(*args, **given)
        chosen: Any = self.fields
        items = entry.current.items.all() if entry.current else []
        chosen["columns"].choices = [(i.name, str(i)) for i in items]
        chosen["dimension"].choices = [("", _("按规则类型")), *((d, _(d)) for d in dimensions(pack))]
        self.field_basis = {"dimension": pack.quality.dims.basis}
        self.kind, self.rule = kind, rule
        for name in {n for names in PARAMS.values() for n in names} - set(PARAMS.get(kind, ())):
            del self.fields[name]
        for name in PARAMS.get(kind, ()):
            self.fields[name].asked = kind != RuleKind.RANGE  # type: ignore[attr-defined]
        if rule:
            self.fields["active"] = forms.BooleanField(label=_("启用"), required=False, initial=rule.active)

    def given(self) -> dict[str, Any]:
        """The rule as the services take it."""
        told = self.cleaned_data
        common = {"columns": told["columns"], "params": self._params(told), "severity": told["severity"]}
        if told["dimension"]:
            common["dimension"] = told["dimension"]
        return common | ({"active": told["active"]} if self.rule else {"kind": self.kind})

    def _params(self, told: dict[str, Any]) -> dict[str, Any]:
        if self.kind == RuleKind.CODE_LIST:
            return {"values": told["values"].splitlines()}
        if self.kind == RuleKind.RANGE:
            return {"min": told["minimum"], "max": told["maximum"]}
        if self.kind == RuleKind.REFERENCE:
            entry, _space, column = told["reference"].strip().partition(" ")
            return {"entry": entry, "column": column.strip()}
        return {name: told[name] for name in PARAMS.get(self.kind, ())}


def _initial(rule: Rule) -> dict[str, Any]:
    params = rule.params
    return {
        "columns": rule.columns,
        "pattern": params.get("pattern", ""),
        "check": params.get("check", ""),
        "values": "\n".join(params.get("values", [])),
        "minimum": params.get("min", ""),
        "maximum": params.get("max", ""),
        "reference": f"{params.get('entry', '')} {params.get('column', '')}".strip(),
        "days": params.get("days"),
        "severity": rule.severity,
        "dimension": rule.dimension,
    }
