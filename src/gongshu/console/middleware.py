"""What every request of the console passes through: language, who acts, the second factor, security headers."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.locale import LocaleMiddleware
from django.shortcuts import redirect
from django.utils import translation

from gongshu.casework.calendar import one_calendar

from . import second_factor
from .context import posts_today
from .web import actor_of, is_fragment

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data:",  # icons inside Bootstrap's style sheet and the QR code of the second factor
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
FREE = ("/accounts/", "/static/", "/language/", "/api/")
"""Where the middleware never redirects: sign-in itself, and the API, which answers with problem documents."""


def socket_address(request: HttpRequest) -> str:
    """The caller's address as the socket tells it; headers can be forged."""
    return str(request.META.get("REMOTE_ADDR", ""))


class LanguageMiddleware(LocaleMiddleware):
    """The console speaks Chinese unless the person switched; the browser's own preference counts for the API only."""

    def process_request(self, request: HttpRequest) -> None:
        """Choose the language of this request."""
        if request.path.startswith("/api/"):
            super().process_request(request)
            return
        chosen = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        language = chosen if chosen in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
        translation.activate(language)
        request.LANGUAGE_CODE = language


class ConsoleMiddleware:
    """Attaches the actor, holds back whoever has still to change a password or set up a second factor, and puts the
    security headers on every answer."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        response = self._held_back(request) or self._answer(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.path.startswith("/static/"):
            return response
        if getattr(request, "user", None) is not None and request.user.is_authenticated:
            response.headers.setdefault(
                "Cache-Control", "no-store" if is_fragment(request) else "private, no-cache"
            )
        return response

    def _answer(self, request: HttpRequest) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            return self.get_response(request)
        with one_calendar():
            return self.get_response(request)

    def _held_back(self, request: HttpRequest) -> HttpResponse | None:
        if request.path.startswith("/static/") or not request.user.is_authenticated:
            return None
        request.actor = actor_of(request)  # type: ignore[attr-defined]
        request.posts_today = posts_today(request.user.pk)  # type: ignore[attr-defined]
        must_change = request.user.must_change_password
        # Both doors of a session, console and API, stay shut until the person is who the post needs.
        request.second_factor_missing = must_change or second_factor.missing(  # type: ignore[attr-defined]
            request.user,
            request.posts_today,  # type: ignore[attr-defined]
        )
        if not request.second_factor_missing or request.path.startswith(FREE):  # type: ignore[attr-defined]
            return None
        target = redirect("account_change_password" if must_change else "mfa_activate_totp")
        if is_fragment(request):
            return HttpResponse(status=204, headers={"HX-Redirect": target.url})
        return target
