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


class RuleForm(Form):
    """A rule; of the parameters only those of its kind are read."""

    kind = forms.ChoiceField(label=_("规则类型"), choices=RuleKind.choices)
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

    def __init__(self, *args: Any, entry: Entry, pack: Pack, rule: Rule | None = None, **given: Any) -> None:
        given.setdefault("initial", _initial(rule) if rule else {"severity": Severity.ERROR})
        super().__init__(*args, **given)
        chosen: Any = self.fields
        items = entry.current.items.all() if entry.current else []
        chosen["columns"].choices = [(i.name, str(i)) for i in items]
        chosen["dimension"].choices = [("", _("按规则类型")), *((d, _(d)) for d in dimensions(pack))]
        self.field_basis = {"dimension": pack.quality.dims.basis}
        if rule:
            del self.fields["kind"]
            self.fields["active"] = forms.BooleanField(label=_("启用"), required=False, initial=rule.active)
        self.rule = rule

    def given(self) -> dict[str, Any]:
        """The rule as the services take it."""
        told = self.cleaned_data
        kind = self.rule.kind if self.rule else told["kind"]
        params: dict[str, Any] = {}
        if kind == RuleKind.PATTERN:
            params = {"pattern": told["pattern"]}
        elif kind == RuleKind.CHECK:
            params = {"check": told["check"]}
        elif kind == RuleKind.CODE_LIST:
            params = {"values": told["values"].splitlines()}
        elif kind == RuleKind.RANGE:
            params = {"min": told["minimum"], "max": told["maximum"]}
        elif kind == RuleKind.REFERENCE:
            entry, _space, column = told["reference"].strip().partition(" ")
            params = {"entry": entry, "column": column.strip()}
        elif kind == RuleKind.FRESH:
            params = {"days": told["days"]}
        common = {"columns": told["columns"], "params": params, "severity": told["severity"]}
        if told["dimension"]:
            common["dimension"] = told["dimension"]
        if self.rule:
            return common | {"active": told["active"]}
        return common | {"kind": kind}


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
