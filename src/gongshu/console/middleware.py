"""What every request of the console carries."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse


def socket_address(request: HttpRequest) -> str:
    """The caller's address as the socket tells it; headers can be forged."""
    return str(request.META.get("REMOTE_ADDR", ""))


class ConsoleMiddleware:
    """Attaches the actor."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer the request."""
        return self.get_response(request)
