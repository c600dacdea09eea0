"""Who calls the REST API: a signed-in browser session, or a program with a token."""

from __future__ import annotations

import hashlib

from django.http import HttpRequest
from django.utils import timezone
from ninja.security import HttpBearer, SessionAuth

from gongshu.journal.services import Actor
from gongshu.org.models import Account, ApiToken


class Session(SessionAuth):
    """The console's session cookie; writing needs the CSRF token as everywhere."""

    def authenticate(self, request: HttpRequest, key: str | None) -> Account | None:
        """The signed-in account, unless its second factor is still missing."""
        account = super().authenticate(request, key)
        return None if getattr(request, "second_factor_missing", False) else account


class Token(HttpBearer):
    """`Authorization: Bearer ...`, a token issued to an account in the console."""

    def authenticate(self, request: HttpRequest, token: str) -> Account | None:
        """The account behind a valid token, or None."""
        now = timezone.now()
        found = (
            ApiToken.objects.select_related("account")
            .filter(
                digest=hashlib.sha256(token.encode()).hexdigest(), revoked_at__isnull=True, expires_at__gt=now
            )
            .first()
        )
        if found is None or not found.account.is_active:
            return None
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=now)
        return found.account


def actor_of(request: HttpRequest) -> Actor:
    """The actor behind an authenticated API request."""
    account: Account = request.auth  # type: ignore[attr-defined]
    return Actor(account.pk, str(account), via="api")
