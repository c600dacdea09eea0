"""How people get accounts and keep them: from their administrator, never by signing up."""

from __future__ import annotations

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.signals import password_changed
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from gongshu.org.models import Account

from . import second_factor


class ClosedAdapter(DefaultAccountAdapter):
    """Sign-up is closed; accounts are made by the system administrator."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _("账号或密码不正确。连续输错五次，账号将锁定十五分钟。"),
        "too_many_login_attempts": _("尝试次数过多，请几分钟后再试。"),
        "enter_current_password": _("请输入当前密码。"),
        "incorrect_password": _("密码不正确。"),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Always closed."""
        return False

    def is_reauthentication_required(self, *, app: str) -> bool:
        """Not within five minutes of signing in: whoever sets up the second factor has just given the password."""
        records = get_authentication_records(self.request, self.request.user)
        if any(time.time() - r.get("at", 0) < app_settings.REAUTHENTICATION_TIMEOUT for r in records):
            return False
        return bool(super().is_reauthentication_required(app=app))

    def send_notification_mail(self, *_args: Any, **_given: Any) -> None:
        """Nothing is mailed: accounts have no address."""


class SecondFactorAdapter(DefaultMFAAdapter):
    """The second factor by the platform's rules."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "cannot_delete_authenticator": _("您的岗位要求动态口令，不能停用。换手机请联系安全管理员重置。"),
        "cannot_generate_recovery_codes": _("请先启用动态口令，再生成备用码。"),
        "incorrect_code": _("动态口令不正确。请核对手机时间，等下一个口令出现后再输入。"),
    }

    def get_totp_label(self, user: Any) -> str:
        """What the code generator on the phone shows."""
        return str(user.username)

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Whoever must have a second factor cannot switch it off."""
        return not second_factor.required(authenticator.user)

    def encrypt(self, text: str) -> str:
        """Secrets are sealed under the master key before they are stored."""
        return second_factor.seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        """The reverse of `encrypt`."""
        return second_factor.unseal(encrypted_text)


@receiver(password_changed)
def _changed(user: Account, **_given: Any) -> None:
    """A person who was told to change the password has done so."""
    Account.objects.filter(pk=user.pk, must_change_password=True).update(must_change_password=False)
