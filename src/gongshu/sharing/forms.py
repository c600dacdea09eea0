"""Forms of sharing: asking for data, registering a calling system, answering a request."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from gongshu.catalog.labels import item_level
from gongshu.catalog.models import EntryVersion
from gongshu.console.forms import DateInput, Form
from gongshu.console.moves import MoveForm
from gongshu.governance import masks
from gongshu.org.models import Unit
from gongshu.packs import Pack

from .compile import default_mask
from .models import Client, ShareRequest
from .vocabulary import LOOKED_UP, PER_DAY_DEFAULT, Algorithm, Mode, Op

SCOPE_ROWS = 3


class RequestForm(Form):
    """What a unit asks for. Items, their reasons, look-up keys and the row scope are drawn by the template; what is
    required the service says, with its clause."""

    unit = forms.ChoiceField(label=_("申请单位"))
    client = forms.ChoiceField(label=_("调用数据的业务系统"))
    items = forms.MultipleChoiceField(label=_("申请的信息项"), required=False)
    keys = forms.MultipleChoiceField(label=_("查询条件"), required=False)
    reasons = forms.CharField(label=_("逐项理由"), required=False)
    scope = forms.CharField(label=_("数据范围"), required=False)
    purpose = forms.CharField(label=_("用途"), required=False, widget=forms.Textarea({"rows": 2}))
    scenario = forms.CharField(label=_("应用场景"), required=False, widget=forms.Textarea({"rows": 2}))
    duty_basis = forms.CharField(
        label=_("履职依据"),
        required=False,
        widget=forms.Textarea({"rows": 2}),
        help_text=_("写明法定职责或服务事项的文件和条款。"),
    )
    modes = forms.MultipleChoiceField(
        label=_("调用方式"), required=False, choices=Mode.choices, widget=forms.CheckboxSelectMultiple
    )
    valid_to = forms.DateField(
        label=_("使用期限至"),
        required=False,
        widget=DateInput(),
        help_text=_("不填写为一年，且不晚于目录的共享期限。"),
    )
    per_day = forms.IntegerField(label=_("每日调用上限"), required=False, min_value=1)
    commitment = forms.MultipleChoiceField(
        label=_("承诺"), required=False, widget=forms.CheckboxSelectMultiple
    )
    note = forms.CharField(label=_("补正说明"), required=False, widget=forms.Textarea({"rows": 2}))

    def __init__(
        self,
        *args: Any,
        version: EntryVersion,
        pack: Pack,
        units: Iterable[Unit] = (),
        amended: ShareRequest | None = None,
        **given: Any,
    ) -> None:
        given.setdefault("initial", _initial(version, amended))
        super().__init__(*args, **given)
        self.version, self.amended = version, amended
        self.rows = list(version.items.all())
        names = [(item.name, str(item)) for item in self.rows]
        chosen: Any = self.fields
        chosen["items"].choices = chosen["keys"].choices = names
        if amended:
            for name in ("unit", "client", "commitment"):
                del self.fields[name]
            chosen["note"].asked = True
        else:
            self._who(list(units))
            words = list(pack.share.commitment.v)
            chosen["commitment"].choices = [(word, word) for word in words]
            chosen["commitment"].asked = bool(words)
            del self.fields["note"]
            if not words:
                del self.fields["commitment"]
        self._clauses(pack)

    def _who(self, units: list[Unit]) -> None:
        chosen: Any = self.fields
        chosen["unit"].choices = [(unit.code, str(unit)) for unit in units]
        clients = Client.objects.filter(unit__in=units, active=True).select_related("unit")
        several = len(units) > 1
        chosen["client"].choices = [
            (c.client_id, f"{c.system_name}（{c.unit}）" if several else c.system_name) for c in clients
        ]
        self.has_client = bool(chosen["client"].choices)

    def _clauses(self, pack: Pack) -> None:
        share = pack.share
        named = {
            "purpose": share.onward_supply,
            "scenario": share.scenario_required,
            "duty_basis": share.duty_basis_required,
            "commitment": share.commitment,
            "modes": share.delivery_default,
        }
        self.field_basis = {field: node.basis for field, node in named.items()}
        self.items_basis = share.minimum_items.basis
        for field, needed in (
            ("purpose", True),
            ("scenario", share.scenario_required.v),
            ("duty_basis", share.duty_basis_required.v),
        ):
            self.fields[field].asked = bool(needed)  # type: ignore[attr-defined]

    @property
    def item_rows(self) -> list[dict[str, Any]]:
        """Each item with what is ticked and written about it."""
        ticked, keyed = self._ticked("items"), self._ticked("keys")
        reasons = self._reasons()
        return [
            {
                "item": item,
                "level": item_level(item),
                "ticked": item.name in ticked,
                "keyed": item.name in keyed,
                "can_key": item.type in LOOKED_UP,
                "reason": reasons.get(item.name, ""),
            }
            for item in self.rows
        ]

    def _ticked(self, name: str) -> set[str]:
        if self.is_bound:
            return set(self.data.getlist(name))  # type: ignore[attr-defined]
        return set(self.initial.get(name) or [])

    def _reasons(self) -> dict[str, str]:
        if self.is_bound:
            return {item.name: str(self.data.get(f"reason_{item.name}", "")) for item in self.rows}
        return dict(self.initial.get("reasons") or {})

    @property
    def scope_rows(self) -> list[dict[str, Any]]:
        """The lines of the scope builder, empty ones to fill in among them."""
        if self.is_bound:
            filters = self._scope()
        else:
            filters = [
                {**f, "value": "、".join(f["value"]) if isinstance(f["value"], list) else f["value"]}
                for f in self.initial.get("scope") or []
            ]
        empty = {"item": "", "op": Op.EQUALS, "value": ""}
        return [*filters, *[empty] * max(SCOPE_ROWS - len(filters), 1)]

    def _scope(self) -> list[dict[str, Any]]:
        get: Any = self.data.getlist  # type: ignore[attr-defined]
        lines = zip(get("scope_item"), get("scope_op"), get("scope_value"), strict=False)
        return [
            {"item": item, "op": op, "value": value} for item, op, value in lines if item or value.strip()
        ]

    def _fields(self, *names: str) -> list[forms.BoundField]:
        return [self[name] for name in names if name in self.fields]

    @property
    def why_fields(self) -> list[forms.BoundField]:
        """Purpose and grounds."""
        return self._fields("purpose", "scenario", "duty_basis")

    @property
    def call_fields(self) -> list[forms.BoundField]:
        """Who calls, how, until when."""
        return self._fields("unit", "client", "modes", "valid_to", "per_day")

    @property
    def last_fields(self) -> list[forms.BoundField]:
        """The commitment, or the note of an amended request."""
        return self._fields("commitment", "note")

    @property
    def table_errors(self) -> list[tuple[str, str]]:
        """What is wrong with the table of items."""
        return [(name, str(error)) for name in ("items", "keys", "reasons") for error in self[name].errors]

    @property
    def ops(self) -> list[tuple[str, Any]]:
        """Comparisons to choose from."""
        return list(Op.choices)

    def given(self) -> dict[str, Any]:
        """The request as the service takes it."""
        told = {k: v for k, v in self.cleaned_data.items() if k not in ("reasons", "scope")}
        told["per_day"] = told.get("per_day") or PER_DAY_DEFAULT
        scope = self._scope()
        for filter_ in scope:
            if filter_["op"] == Op.IN:
                text = filter_["value"].replace("，", "、").replace(",", "、")
                filter_["value"] = [part.strip() for part in text.split("、") if part.strip()]
        reasons = {name: text.strip() for name, text in self._reasons().items() if text.strip()}
        return {**told, "scope": scope, "reasons": reasons}


def _initial(version: EntryVersion, amended: ShareRequest | None) -> dict[str, Any]:
    if amended is None:
        keys = [i.name for i in version.items.all() if i.is_key][:1]
        return {"modes": [Mode.KEY], "per_day": PER_DAY_DEFAULT, "keys": keys, "items": keys}
    names = (
        "items",
        "keys",
        "reasons",
        "scope",
        "purpose",
        "scenario",
        "duty_basis",
        "modes",
        "valid_to",
        "per_day",
    )
    return {name: getattr(amended, name) for name in names}


class ClientForm(Form):
    """A business system that will call."""

    unit = forms.ChoiceField(label=_("单位"))
    system_name = forms.CharField(label=_("业务系统名称"), max_length=200, required=False)
    contact = forms.CharField(
        label=_("安全联系人电话"), max_length=100, required=False, help_text=_("出现异常调用时联系的人。")
    )
    algorithm = forms.ChoiceField(label=_("签名算法"), choices=Algorithm.choices, initial=Algorithm.SHA256)

    def __init__(self, *args: Any, units: Iterable[Unit], **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["unit"].choices = [(u.code, str(u)) for u in units]  # type: ignore[attr-defined]
        for name in ("system_name", "contact"):
            self.fields[name].asked = True  # type: ignore[attr-defined]


class ReasonForm(Form):
    """A reason, for what cannot be undone or has to be explained."""

    reason = forms.CharField(label=_("原因"), required=False, widget=forms.Textarea({"rows": 2}))

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["reason"].asked = True  # type: ignore[attr-defined]


class AgreeForm(MoveForm):
    """The provider's answer: which of the items, hidden how, until when and how often; never more than was asked."""

    template = "sharing/agree_form.html"

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.request = ShareRequest.objects.select_related("version", "entry").get(case=self.case)
        by_name = {i.name: i for i in self.request.version.items.filter(name__in=self.request.items)}
        self.rows = [by_name[name] for name in self.request.items if name in by_name]
        self.fields["items"] = forms.MultipleChoiceField(
            label=_("同意提供的信息项"), required=False, choices=[(i.name, str(i)) for i in self.rows]
        )
        for item in self.rows:
            self.fields[f"mask_{item.name}"] = forms.ChoiceField(
                label=_t("脱敏方式：%(item)s") % {"item": item}, required=False, choices=masks.kinds_for(item)
            )
        self.fields["masks"] = forms.CharField(required=False, widget=forms.HiddenInput)
        asked = dict(Mode.choices)
        modes: Any = self.fields["modes"]
        modes.choices = [(m, asked[m]) for m in self.request.modes if m in asked]
        self.initial.update(
            items=[i.name for i in self.rows],
            modes=self.request.modes,
            valid_to=self.request.valid_to,
            per_day=self.request.per_day,
            **{f"mask_{i.name}": default_mask(i, self.request.keys) for i in self.rows},
        )

    @property
    def item_rows(self) -> list[dict[str, Any]]:
        """Each item with its mask to choose."""
        ticked = set(self.data.getlist("items") if self.is_bound else self.initial["items"])  # type: ignore[attr-defined]
        return [
            {
                "item": item,
                "level": item_level(item),
                "ticked": item.name in ticked,
                "keyed": item.name in self.request.keys,
                "mask": self[f"mask_{item.name}"],
            }
            for item in self.rows
        ]

    @property
    def plain_fields(self) -> list[forms.BoundField]:
        """The fields drawn in the usual way."""
        own = {"items", "masks", *(f"mask_{item.name}" for item in self.rows)}
        return [field for field in self.visible_fields() if field.name not in own]

    def given(self) -> dict[str, Any]:
        """The answer as the move takes it."""
        told = {
            k: v
            for k, v in super().given().items()
            if not k.startswith("mask_") and k not in ("items", "masks")
        }
        items = self.cleaned_data["items"]
        told["items"] = items
        told["masks"] = {
            n: self.cleaned_data[f"mask_{n}"] for n in items if self.cleaned_data.get(f"mask_{n}")
        }
        return told
