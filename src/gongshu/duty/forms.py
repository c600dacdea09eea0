"""The form in which a change of steward or head is filed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from gongshu.console.forms import DateInput, Form
from gongshu.org.forms import account_choices
from gongshu.org.models import Post, Unit
from gongshu.org.selectors import unit_posts
from gongshu.org.services import NOTICED_KINDS
from gongshu.org.vocabulary import ADMINISTRATORS, PostKind


class StewardChangeForm(Form):
    """Who leaves, who comes, from when on."""

    kind = forms.ChoiceField(label=_("岗位"), choices=[(k, PostKind(k).label) for k in NOTICED_KINDS])
    outgoing = forms.ChoiceField(label=_("离任人"), required=False)
    incoming = forms.ChoiceField(label=_("接任人"))
    effective = forms.DateField(
        label=_("生效日期"), widget=DateInput(), help_text=_("权限在这一天自动切换。")
    )
    reason = forms.CharField(label=_("变动原因"), required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, unit: Unit, **given: Any) -> None:
        super().__init__(*args, **given)
        held = [
            (p.account.username, f"{p.account} {p.get_kind_display()}")
            for p in unit_posts(unit)
            if p.kind in NOTICED_KINDS
        ]
        self.fields["outgoing"].choices = [("", _("无（原岗位空缺）或唯一在任人")), *held]  # type: ignore[attr-defined]
        barred = set(Post.objects.filter(kind__in=ADMINISTRATORS).values_list("account__username", flat=True))
        people = [(name, label) for name, label in account_choices() if name not in barred]
        self.fields["incoming"].choices = [("", "—"), *people]  # type: ignore[attr-defined]

    def clean_outgoing(self) -> str | None:
        """Nobody is None."""
        return self.cleaned_data["outgoing"] or None
