"""What every template of the console can use."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def console(request: HttpRequest) -> dict[str, Any]:
    """Context shared by all pages."""
    return {}
