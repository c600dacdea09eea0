"""Forms of the catalog. The services decide; a form only asks, and shows a refusal where it belongs."""

from __future__ import annotations

from typing import Any
from zlib import crc32

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from gongshu.console.forms import BasisField, DateInput, FileInput, Form
from gongshu.journal.services import Actor
from gongshu.org.models import Unit
from gongshu.org.policy import allowed_units, current_pack
from gongshu.packs import Pack

from .labels import share_label
from .models import Entry, EntryVersion, Item, System
from .rules import field_label, required, secret_marks
from .sheets import type_labels
from .vocabulary import (
    FIELDS,
    FILE_KINDS,
    Hosting,
    Level,
    Network,
    Ownership,
    SensitiveKind,
    ShareType,
    SourceKind,
    SystemKind,
    SystemStatus,
    basis_ranks,
)
from .wording import listed, sentences


def units_of(actor: Actor) -> list[tuple[str, str]]:
    """Units for which the person compiles the catalog."""
    return [
        (u.code, str(u))
        for u in Unit.objects.filter(pk__in=allowed_units(actor, "catalog.edit"), active=True)
    ]


class SystemForm(Form):
    """A system as it is registered."""

    unit = forms.ChoiceField(label=_("单位"))
    name = forms.CharField(label=_("系统名称"), max_length=200, required=False)
    business = forms.CharField(
        label=_("承载业务"), max_length=400, required=False, help_text=_("系统支撑哪些业务、履行哪项职责。")
    )
    kind = forms.ChoiceField(label=_("系统类型"), choices=SystemKind.choices, initial=SystemKind.BUSINESS)
    ownership = forms.ChoiceField(label=_("权属"), choices=Ownership.choices)
    network = forms.ChoiceField(label=_("所在网络"), choices=Network.choices)
    hosting = forms.ChoiceField(label=_("部署位置"), choices=Hosting.choices)
    status = forms.ChoiceField(label=_("状态"), choices=SystemStatus.choices)
    contact = forms.CharField(
        label=_("联系方式"), max_length=200, required=False, help_text=_("科室和办公电话。")
    )

    def __init__(
        self, *args: Any, actor: Actor | None = None, system: System | None = None, **given: Any
    ) -> None:
        super().__init__(*args, **given)
        for name in ("name", "business"):
            self.fields[name].asked = True  # type: ignore[attr-defined]
        if system is not None:
            del self.fields["unit"]
        elif actor is not None:
            self.fields["unit"].choices = units_of(actor)  # type: ignore[attr-defined]
        self.field_basis = {"kind": current_pack().node("cascade.no_own_platform").basis}


class SourceForm(Form):
    """How a database or file is reached. What is asked depends on its kind."""

    name = forms.CharField(label=_("数据源名称"), max_length=200, required=False)
    host = forms.CharField(
        label=_("主机"), max_length=255, required=False, help_text=_("主机名或 IP 地址，不含端口。")
    )
    port = forms.IntegerField(label=_("端口"), required=False, min_value=1, max_value=65535)
    database = forms.CharField(label=_("数据库名"), max_length=128, required=False)
    user = forms.CharField(
        label=_("用户名"),
        max_length=128,
        required=False,
        help_text=_("请用只有读取（SELECT）权限的专用账号。"),
    )
    password = forms.CharField(
        label=_("密码"),
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("加密保存，不会显示，也不会写入日志。"),
    )
    path = forms.CharField(
        label=_("文件路径"),
        max_length=400,
        required=False,
        help_text=_("相对于本单位数据目录的路径，如 台账/2026.xlsx。"),
    )
    encoding = forms.ChoiceField(
        label=_("文字编码"),
        required=False,
        choices=[("", _("自动识别")), ("utf-8", "UTF-8"), ("gb18030", "GB18030 / GBK")],
    )

    def __init__(self, *args: Any, kind: str, editing: bool = False, **given: Any) -> None:
        super().__init__(*args, **given)
        self.kind = kind
        gone = ["host", "port", "database", "user", "password"] if kind in FILE_KINDS else ["path"]
        gone += [] if kind == SourceKind.CSV else ["encoding"]
        for name in gone:
            del self.fields[name]
        for name in ("name", "host", "database", "user", "path"):
            if name in self.fields:
                self.fields[name].asked = True  # type: ignore[attr-defined]
        if "port" in self.fields:
            self.fields["port"].widget.attrs["placeholder"] = "3306" if kind == SourceKind.MARIADB else "5432"
        if editing and "password" in self.fields:
            self.fields["password"].help_text = _("留空则沿用已保存的密码。")


class EntryForm(Form):
    """The fields of an entry, those the pack requires first, each with its clause."""

    def __init__(self, *args: Any, version: EntryVersion, actor: Actor, **given: Any) -> None:
        self.version, self.pack = version, current_pack()
        given.setdefault("initial", self._initial())
        super().__init__(*args, **given)
        asked = required(self.pack, version.share_type)
        order = [k for k in asked if k in FIELDS] + [k for k in FIELDS if k not in asked]
        self.fields["system"] = self._system(actor)
        for key in order:
            self.fields[key] = self._field(key)
        self.fields["summary"] = forms.CharField(
            label=_("目录摘要"), required=False, widget=forms.Textarea({"rows": 2})
        )
        self.fields["secret_kinds"] = forms.MultipleChoiceField(
            label=_("涉密与敏感标注"),
            required=False,
            choices=secret_marks(self.pack),
            widget=forms.CheckboxSelectMultiple,
            help_text=_("标注为国家秘密等的数据不得进入平台，保存时即会拒绝。"),
        )
        self.field_basis = {k: b for k, b in asked.items() if k in self.fields}
        self.field_basis["secret_kinds"] = self.pack.node("scope.excluded").basis
        for key in asked:
            if key in self.fields:
                self.fields[key].asked = True  # type: ignore[attr-defined]
        self.required_keys = [k for k in ("system", *order) if k in asked]
        self.other_keys = [k for k in ("system", *order) if k not in asked] + ["summary", "secret_kinds"]

    def _initial(self) -> dict[str, Any]:
        held = {key: getattr(self.version, key) for key in (*FIELDS, "summary", "secret_kinds")}
        return held | {"system": self.version.entry.system.code if self.version.entry.system else ""}

    def _system(self, actor: Actor) -> forms.Field:
        entry = self.version.entry
        found = System.objects.filter(unit=entry.unit)
        choices = [("", _("请选择")), *((s.code, s.name) for s in found)]
        return forms.ChoiceField(
            label=field_label(self.pack, "system"),
            choices=choices,
            required=False,
            disabled=bool(entry.source_id),
        )

    def _field(self, key: str) -> forms.Field:
        spec, label = FIELDS[key], field_label(self.pack, key)
        help_text = sentences(part for part in (self._when(key), spec.help) if part)
        if key == "legal_basis":
            ranks = dict(basis_ranks(self.pack, ShareType.CONDITIONAL)) | dict(
                basis_ranks(self.pack, ShareType.NONE)
            )
            return BasisField(list(ranks.items()), label=label, help_text=self._when(key))
        if spec.kind == "date":
            return forms.DateField(label=label, required=False, widget=DateInput(), help_text=help_text)
        if spec.choices:
            options = (
                [(c, share_label(c)) for c in ShareType.values]
                if key == "share_type"
                else spec.options(self.pack)
            )
            return forms.ChoiceField(
                label=label, required=False, choices=[("", _("请选择")), *options], help_text=help_text
            )
        widget = forms.Textarea({"rows": 2}) if spec.kind == "longtext" else forms.TextInput()
        return forms.CharField(label=label, required=False, widget=widget, help_text=help_text)

    def _when(self, key: str) -> str:
        """For which share types the pack asks for this field."""
        kinds = [share_label(t) for t in ShareType.values if key in {need.key for need in self.pack.needs(t)}]
        return _t("共享属性为“%(kinds)s”时必填。") % {"kinds": listed(kinds)} if kinds else ""

    def given(self) -> dict[str, Any]:
        """The fields as the service takes them."""
        told = {k: v for k, v in self.cleaned_data.items() if k != "system"}
        told["share_term"] = told["share_term"].isoformat() if told.get("share_term") else ""
        return told


class ItemForm(forms.Form):
    """One row of the items being edited."""

    name = forms.CharField(widget=forms.HiddenInput)
    keep = forms.BooleanField(required=False, initial=True)
    label = forms.CharField(max_length=200, required=False)
    is_key = forms.BooleanField(required=False)
    kind = forms.ChoiceField(required=False, choices=[("", _("无")), *SensitiveKind.choices])
    level = forms.ChoiceField(required=False, choices=[("", _("未定")), *Level.choices])

    def __init__(self, data: Any, *, item: Item, initial: dict[str, Any]) -> None:
        # Named after the column and not numbered, so that a row left out moves no other row's values.
        stem = f"item{crc32(item.name.encode()):08x}"
        super().__init__(data, prefix=stem, auto_id=f"id_{stem}_%s", initial=initial)
        self.item = item
        self.type_text = type_labels().get(item.type, item.type)
        for name in self.fields:
            widget = self.fields[name].widget
            if isinstance(widget, forms.CheckboxInput):
                widget.attrs["class"] = "form-check-input"
            elif isinstance(widget, forms.Select):
                widget.attrs["class"] = "form-select form-select-sm"
            elif not isinstance(widget, forms.HiddenInput):
                widget.attrs["class"] = "form-control form-control-sm"
        words = {
            "keep": _("编入目录"),
            "label": _("信息项名称"),
            "is_key": _("主键"),
            "kind": _("敏感类别"),
            "level": _("级别"),
        }
        for name, word in words.items():
            self.fields[name].widget.attrs["aria-label"] = f"{item.name} {word}"

    def told(self) -> dict[str, Any]:
        """The row as the service takes it."""
        data = self.cleaned_data
        return {
            "name": self.item.name,
            "label": data["label"],
            "is_key": data["is_key"],
            "kind": data["kind"],
            "level": data["level"] or None,
        }


def item_forms(version: EntryVersion, data: Any = None) -> list[ItemForm]:
    """A form for each item; an undecided level begins with the suggestion, to be looked at and saved."""
    found = []
    for item in version.items.all():
        initial = {
            "name": item.name,
            "keep": True,
            "label": item.label,
            "is_key": item.is_key,
            "kind": item.kind,
            "level": item.level or item.suggested_level or "",
        }
        found.append(ItemForm(data, item=item, initial=initial))
    return found


class NewEntryForm(Form):
    """An entry begun by hand."""

    unit = forms.ChoiceField(label=_("单位"))
    system = forms.ChoiceField(label=_("所属信息系统"), required=False)
    name = forms.CharField(label=_("目录名称"), max_length=200)
    items = forms.CharField(
        label=_("信息项"),
        required=False,
        widget=forms.Textarea({"rows": 6}),
        help_text=_("每行一项：字段名，信息项名称。例如：id_card，公民身份号码"),
    )

    def __init__(self, *args: Any, actor: Actor, **given: Any) -> None:
        super().__init__(*args, **given)
        units = units_of(actor)
        self.fields["unit"].choices = units  # type: ignore[attr-defined]
        systems = System.objects.filter(unit__code__in=[code for code, _name in units])
        self.fields["system"].choices = [("", _t("请选择")), *((s.code, s.name) for s in systems)]  # type: ignore[attr-defined]
        self.field_basis = {"system": current_pack().node("catalog.system_registered_first").basis}

    def rows(self) -> list[dict[str, str]]:
        """The items typed in."""
        found = []
        for line in self.cleaned_data["items"].splitlines():
            name, _sep, label = line.replace("，", ",").partition(",")
            if name.strip():
                found.append({"name": name.strip(), "label": label.strip() or name.strip()})
        return found


class ImportForm(Form):
    """A filled workbook."""

    unit = forms.ChoiceField(label=_("单位"))
    file = forms.FileField(label=_("Excel 文件"), widget=FileInput(attrs={"accept": ".xlsx,.xls,.ods"}))

    def __init__(self, *args: Any, actor: Actor, **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["unit"].choices = units_of(actor)  # type: ignore[attr-defined]


class ChangeForm(Form):
    """Filing a change or a withdrawal."""

    reason = forms.CharField(label=_("变更原因"), widget=forms.Textarea({"rows": 2}), required=False)

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["reason"].asked = True  # type: ignore[attr-defined]
        self.field_basis = {"reason": current_pack().node("catalog.change_triggers").basis}


class ChangeEventForm(Form):
    """An outside event that obliges the unit to change an entry."""

    happened_on = forms.DateField(label=_("发生日期"), widget=DateInput())
    trigger = forms.ChoiceField(label=_("变更情形"))
    description = forms.CharField(
        label=_("说明"), widget=forms.Textarea({"rows": 2}), help_text=_("修订了什么法规、哪项职能有何变化。")
    )

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        pack: Pack = current_pack()
        self.fields["trigger"].choices = [(t, t) for t in pack.node("catalog.change_triggers").v]  # type: ignore[attr-defined]
        self.field_basis = {
            "happened_on": pack.node("catalog.change_file_within").basis,
            "trigger": pack.node("catalog.change_triggers").basis,
        }


class ConnectForm(Form):
    """The table of an entry compiled by hand."""

    source = forms.ChoiceField(label=_("数据源"))
    table = forms.CharField(label=_("数据表"), max_length=300)

    def __init__(self, *args: Any, entry: Entry, **given: Any) -> None:
        super().__init__(*args, **given)
        from .models import DataSource

        found = DataSource.objects.filter(system__unit=entry.unit)
        if entry.system_id:
            found = found.filter(system=entry.system)
        self.fields["source"].choices = [(s.code, f"{s.system} · {s.name}") for s in found]  # type: ignore[attr-defined]
