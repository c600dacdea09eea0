"""Accounts, their credentials, and tokens for programs: services of the two administrators who share that work.

The system administrator makes and stops accounts; unlocking, resetting a password or a second factor belongs to the
security administrator, so that nobody can both make an account and take over another.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import string
from datetime import datetime, timedelta
from typing import Any

from allauth.mfa.models import Authenticator
from axes.utils import reset as axes_reset
from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from gongshu.journal.services import Actor, event_append, service
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refused

from .lookup import account_get
from .models import Account, ApiToken
from .policy import approves, require_anywhere

_USERNAME = re.compile(r"^[a-z][a-z0-9_.-]{2,39}$")
TOKEN_DAYS_MAX = 365


def temporary_password() -> str:
    """Sixteen random letters and digits with a sign, of all four classes; no letters that look alike."""
    letters = "abcdefghijkmnpqrstuvwxyz"
    chosen = [secrets.choice(letters), secrets.choice(letters.upper()), secrets.choice("23456789"), "-"]
    rest = letters + letters.upper() + "23456789"
    chosen += [secrets.choice(rest) for _n in range(12)]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def _said(actor: Actor, what: str, account: Account, body: dict[str, Any] | None = None) -> None:
    event_append(
        actor=actor,
        type=f"org.account.{what}",
        subject=("account", account.username, str(account)),
        body=body or {},
    )


@service("org.account_create", "POST", "/accounts", summary="新建账号")
def account_create(*, actor: Actor, username: str, name: str, phone: str = "") -> dict[str, Any]:
    """Make an account with a temporary password, shown in the answer only; it must be changed at the first sign-in."""
    require_anywhere(actor, "org.manage")
    password = temporary_password()
    account = account_enter(
        actor=actor, username=username, name=name, phone=phone, password=make_password(password)
    )
    return {**account.as_dict(), "temporary_password": password}


def account_enter(
    *, actor: Actor, username: str, name: str, phone: str = "", password: str, must_change: bool = True
) -> Account:
    """Write an account. password: already hashed."""
    if not _USERNAME.match(username):
        raise Invalid(
            _("用户名须以小写字母开头，由小写字母、数字、“_”“.”“-”组成，3 至 40 位。"), field="username"
        )
    if not name.strip():
        raise Invalid(_("请填写姓名。"), field="name")
    account = Account(
        username=username,
        display_name=name.strip(),
        phone=phone,
        password=password,
        must_change_password=must_change,
    )
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError:
        raise Conflict(_("用户名“%(name)s”已被使用。") % {"name": username}, field="username") from None
    _said(actor, "created", account, {"username": username})
    return account


@service("org.account_deactivate", "POST", "/accounts/{account}/deactivate", summary="停用账号")
def account_deactivate(*, actor: Actor, account: str) -> Account:
    """Stop an account: it can no longer sign in, its tokens are revoked, its posts carry no permission."""
    require_anywhere(actor, "org.manage")
    found = account_get(account)
    _not_own(actor, found)
    if not found.is_active:
        raise Conflict(_("该账号已停用。"))
    found.is_active = False
    found.save(update_fields=["is_active"])
    found.tokens.filter(revoked_at__isnull=True).update(revoked_at=timezone.now())
    _said(actor, "deactivated", found)
    return found


@service("org.account_activate", "POST", "/accounts/{account}/activate", summary="恢复账号")
def account_activate(*, actor: Actor, account: str) -> Account:
    """Let a stopped account sign in again; revoked tokens stay revoked."""
    require_anywhere(actor, "org.manage")
    found = account_get(account)
    if found.is_active:
        raise Conflict(_("该账号未停用。"))
    found.is_active = True
    found.save(update_fields=["is_active"])
    _said(actor, "activated", found)
    return found


@service("org.account_unlock", "POST", "/accounts/{account}/unlock", summary="解锁账号")
def account_unlock(*, actor: Actor, account: str) -> Account:
    """Forget the failed sign-ins that have locked an account."""
    require_anywhere(actor, "org.permission")
    found = account_get(account)
    _said(actor, "unlocked", found, {"attempts": axes_reset(username=found.username)})
    return found


@service("org.password_reset", "POST", "/accounts/{account}/password-reset", summary="重置密码")
def password_reset(*, actor: Actor, account: str) -> dict[str, Any]:
    """Give an account a new temporary password, shown in the answer only; open sessions of the account end."""
    require_anywhere(actor, "org.permission")
    found = account_get(account)
    _not_own(actor, found)
    password = temporary_password()
    found.password, found.must_change_password = make_password(password), True
    found.save(update_fields=["password", "must_change_password"])
    _said(actor, "password_reset", found)
    return {**found.as_dict(), "temporary_password": password}


@service("org.second_factor_reset", "POST", "/accounts/{account}/second-factor-reset", summary="重置第二因素")
def second_factor_reset(*, actor: Actor, account: str) -> Account:
    """Remove an account's authenticator and recovery codes, so that it has to set up a new one before it approves."""
    require_anywhere(actor, "org.permission")
    found = account_get(account)
    _not_own(actor, found)
    removed, _by_model = Authenticator.objects.filter(user=found).delete()
    if not removed:
        raise Conflict(_("该账号没有设置第二因素。"))
    ApiToken.objects.filter(account=found, revoked_at__isnull=True).update(revoked_at=timezone.now())
    _said(actor, "second_factor_reset", found)
    return found


def _not_own(actor: Actor, account: Account) -> None:
    if actor.account_id == account.pk:
        raise NotAllowed(_("不能对自己的账号办理此事，请由另一名管理员办理。"))


def has_second_factor(account: Account) -> bool:
    """Whether the account has set up an authenticator."""
    return Authenticator.objects.filter(user=account).exclude(type=Authenticator.Type.RECOVERY_CODES).exists()


# --- tokens --------------------------------------------------------------------------------------------------------


@service("org.token_issue", "POST", "/accounts/{account}/tokens", summary="签发接口令牌")
def token_issue(*, actor: Actor, account: str, name: str, days: int = 90) -> dict[str, Any]:
    """Make a token with which a program acts for one's own account, for at most a year; shown in the answer only.

    An account that may approve or grant needs its second factor first.
    """
    found = account_get(account)
    if actor.via != "system" and actor.account_id != found.pk:
        raise NotAllowed(_("接口令牌只能由账号本人签发。"))
    if not 1 <= days <= TOKEN_DAYS_MAX:
        raise Invalid(_("令牌有效期须为 1 至 %(max)d 天。") % {"max": TOKEN_DAYS_MAX}, field="days")
    if not name.strip():
        raise Invalid(_("请填写令牌用途，如调用系统的名称。"), field="name")
    if approves(found) and not has_second_factor(found):
        raise Refused(_("该账号有审批权限，请先设置第二因素，再签发接口令牌。"))
    secret = "gs_" + "".join(secrets.choice(string.ascii_letters + string.digits) for _n in range(43))
    # Security time, not business time: the door compares the expiry with the real clock.
    now = timezone.now()
    token = ApiToken.objects.create(
        account=found,
        name=name.strip()[:100],
        digest=hashlib.sha256(secret.encode()).hexdigest(),
        created_at=now,
        expires_at=_expiry(now, days),
    )
    _said(
        actor, "token_issued", found, {"token": token.pk, "name": token.name, "expires_at": token.expires_at}
    )
    return {**token.as_dict(), "token": secret}


def _expiry(now: datetime, days: int) -> datetime:
    return now + timedelta(days=days)


@service("org.token_revoke", "POST", "/tokens/{token}/revoke", summary="吊销接口令牌")
def token_revoke(*, actor: Actor, token: int) -> ApiToken:
    """End a token at once: one's own, or any as security administrator."""
    found = ApiToken.objects.select_related("account").filter(pk=token).first()
    if found is None:
        raise NotFound(_("没有这个接口令牌。"))
    if found.account_id != actor.account_id:
        require_anywhere(actor, "org.permission")
    if found.revoked_at:
        raise Conflict(_("该令牌已吊销。"))
    found.revoked_at = timezone.now()
    found.save(update_fields=["revoked_at"])
    _said(actor, "token_revoked", found.account, {"token": found.pk, "name": found.name})
    return found
