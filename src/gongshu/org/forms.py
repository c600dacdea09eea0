"""Forms of the pages about units, people and posts."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gongshu.console.forms import DateInput, Form

from .models import Account, Unit
from .vocabulary import PROFILE, BodyKind, PostKind, UnitKind


def unit_choices() -> list[tuple[str, str]]:
    """Units in use, in the order of the tree."""
    return [(u.code, str(u)) for u in Unit.objects.filter(active=True).order_by("path")]


def account_choices() -> list[tuple[str, str]]:
    """Accounts in use."""
    return [
        (a.username, f"{a} ({a.username})")
        for a in Account.objects.filter(is_active=True).order_by("username")
    ]


class UnitForm(Form):
    """A new unit."""

    code = forms.CharField(label=_("单位编码"), help_text=_("小写字母、数字、“-”或“_”；建立后不能修改。"))
    name = forms.CharField(label=_("单位名称"))
    name_en = forms.CharField(label=_("英文名称"), required=False)
    parent = forms.ChoiceField(label=_("上级单位"), required=False)
    kind = forms.ChoiceField(label=_("单位类型"), choices=UnitKind.choices)
    region = forms.CharField(label=_("行政区划代码"), required=False, max_length=12)

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["parent"].choices = [("", _("无（最上级）")), *unit_choices()]  # type: ignore[attr-defined]

    def clean_parent(self) -> str | None:
        """No parent is None."""
        return self.cleaned_data["parent"] or None


class RenameForm(Form):
    """Another name and place for a unit."""

    name = forms.CharField(label=_("单位名称"))
    name_en = forms.CharField(label=_("英文名称"), required=False)
    parent = forms.ChoiceField(label=_("上级单位"), required=False)

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["parent"].choices = [("", _("无（最上级）")), *unit_choices()]  # type: ignore[attr-defined]


class ProfileForm(Form):
    """What a unit states about its data work."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        for key, label in PROFILE.items():
            long = key in ("goals", "responsibility")
            widget = forms.Textarea(attrs={"rows": 3}) if long else forms.TextInput()
            self.fields[key] = forms.CharField(label=label, required=False, max_length=1000, widget=widget)


class PostForm(Form):
    """A post for a person."""

    account = forms.ChoiceField(label=_("人员"))
    kind = forms.ChoiceField(label=_("岗位"), choices=PostKind.choices)
    starts = forms.DateField(
        label=_("任职日期"), widget=DateInput(), help_text=_("可以是以后的日期，到期自动生效。")
    )
    ends = forms.DateField(
        label=_("离任日期"), widget=DateInput(), required=False, help_text=_("不填为长期。")
    )

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["account"].choices = [("", "—"), *account_choices()]  # type: ignore[attr-defined]


class EndForm(Form):
    """The last day of a post."""

    ends = forms.DateField(
        label=_("离任日期"), widget=DateInput(), help_text=_("最后任职日；填昨天为立即离任。")
    )


class AccountForm(Form):
    """A new account."""

    username = forms.CharField(label=_("用户名"), help_text=_("小写字母开头，3 至 40 位。"))
    name = forms.CharField(label=_("姓名"))
    phone = forms.CharField(label=_("联系电话"), required=False)


class TokenForm(Form):
    """A new token."""

    name = forms.CharField(label=_("用途"), help_text=_("写明由哪个系统使用，如“救助系统目录上报”。"))
    days = forms.IntegerField(label=_("有效天数"), initial=90, help_text=_("最长一年（365 天）。"))


class BodyForm(Form):
    """The unit that holds a role of the regulation."""

    role = forms.ChoiceField(label=_("角色"), choices=BodyKind.choices)
    unit = forms.ChoiceField(label=_("承担单位"))

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["unit"].choices = unit_choices()  # type: ignore[attr-defined]
