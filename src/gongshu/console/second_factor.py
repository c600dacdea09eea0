"""The second factor: who needs one, and how it is set up without a phone in a sample installation."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.conf import settings

from gongshu.engine import suite
from gongshu.journal import clock
from gongshu.org.models import Account, Post
from gongshu.org.vocabulary import APPROVERS

from .context import posts_today

PERIOD = 30
"""Seconds a code is valid (RFC 6238)."""
_AAD = b"second-factor"

SAMPLE_PASSWORD = "Gongshu#2026"  # noqa: S105 - it is shown on the sign-in page
"""Password of every account of a sample installation. Any other installation refuses to start where one has it."""


def required(account: Account, posts: list[Post] | None = None) -> bool:
    """Whether a post the account holds today (`posts`, where known) may approve, grant or change permissions."""
    held = posts_today(account.pk) if posts is None else posts
    return any(post.kind in APPROVERS for post in held)


def missing(account: Account, posts: list[Post] | None = None) -> bool:
    """Whether a required second factor has not been set up yet. Signing in always asks for one that is set up."""
    return required(account, posts) and not has_one(account)


def has_one(account: Account) -> bool:
    """Whether the account has set up its code generator."""
    return Authenticator.objects.filter(user_id=account.pk, type=Authenticator.Type.TOTP).exists()


def enroll(account: Account, secret: str) -> None:
    """Set up the code generator of an account with a known base32 secret, replacing an earlier one."""
    Authenticator.objects.filter(user_id=account.pk, type=Authenticator.Type.TOTP).delete()
    TOTP.activate(account, secret)


def sample_secret(username: str) -> str:
    """The base32 secret of a sample account: derived from the installation's master key, so it differs from
    installation to installation and can be shown by whoever has the installation. RuntimeError elsewhere."""
    if not settings.GONGSHU_SAMPLE:
        raise RuntimeError("only a sample installation has derived second factors")
    key = settings.GONGSHU_MASTER_KEY()
    digest = hmac.digest(key, b"gongshu/sample-totp/" + username.encode(), hashlib.sha256)
    return base64.b32encode(digest[:20]).decode()


def code_now(secret: str, at: float | None = None) -> tuple[str, int]:
    """The code of a secret at a moment (seconds since 1970, now by default) and for how many seconds it stays valid."""
    moment = time.time() if at is None else at
    code = format_hotp_value(hotp_value(secret, int(moment) // PERIOD))
    return code, PERIOD - int(moment) % PERIOD


def seal(secret: str) -> str:
    """A secret as it is stored."""
    return suite.seal(settings.GONGSHU_MASTER_KEY(), secret.encode(), _AAD)


def unseal(stored: str) -> str:
    """The secret of a stored one."""
    return suite.open_(settings.GONGSHU_MASTER_KEY(), stored, _AAD).decode()


def sample_people() -> list[dict[str, Any]]:
    """Who can sign in to a sample installation: unit, post, user name. Empty anywhere else."""
    if not settings.GONGSHU_SAMPLE:
        return []
    today = clock.today()
    posts = Post.objects.filter(starts__lte=today, account__is_active=True, unit__active=True)
    held = posts.exclude(ends__lt=today).select_related("account", "unit").order_by("unit__path", "kind")[:60]
    return [{"username": p.account.username, "unit": str(p.unit), "kind": p.get_kind_display()} for p in held]


def sample_code(account: Account | None) -> dict[str, Any] | None:
    """The present code of a sample account that still has its derived secret, and how long it stays valid."""
    if not settings.GONGSHU_SAMPLE or account is None:
        return None
    held = Authenticator.objects.filter(user_id=account.pk, type=Authenticator.Type.TOTP).first()
    secret = sample_secret(account.username)
    if held is None or unseal(held.data["secret"]) != secret:
        return None
    code, seconds = code_now(secret)
    return {"code": code, "seconds": seconds}
