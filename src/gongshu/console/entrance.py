"""The forms of sign-in in the platform's own words."""

from __future__ import annotations

from typing import Any

from allauth.account.forms import LoginForm
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from django import forms
from django.utils.translation import gettext_lazy as _


class SignInForm(LoginForm):
    """Account and password."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.fields["login"].label = _("账号")
        self.fields["login"].widget.attrs.pop("placeholder", None)
        self.fields["password"].label = _("密码")
        self.fields["password"].widget.attrs.pop("placeholder", None)


def _code(field: forms.Field, label: Any) -> None:
    field.label = label
    field.widget.attrs = {"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}


class CodeForm(AuthenticateForm):
    """The one-time code, or a recovery code, when signing in."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        _code(self.fields["code"], _("动态口令或备用码"))


class CodeAgainForm(ReauthenticateForm):
    """The same once more, before something delicate."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        _code(self.fields["code"], _("动态口令或备用码"))


class SetUpForm(ActivateTOTPForm):
    """The first code of a new code generator."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        _code(self.fields["code"], _("六位数字"))
