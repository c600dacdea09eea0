"""Browsers without a screen: Django's test client, signed in as somebody of the town."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gongshu.journal.services import Actor


@pytest.fixture
def town(db: None) -> dict[str, Actor]:
    """The town of world.py with its cases."""
    from .world import town

    return town()


@pytest.fixture
def visit(db: None) -> Callable[..., Any]:
    """A client signed in as an account (as nobody: ""), in a language."""

    def enter(username: str = "", lang: str = "", **given: Any) -> Any:
        from django.test import Client

        from gongshu.org.models import Account

        client = Client(headers={"host": "127.0.0.1"}, **given)
        if username:
            account = Account.objects.get(username=username)
            client.force_login(account, backend="django.contrib.auth.backends.ModelBackend")
        if lang:
            client.cookies["django_language"] = lang
        return client

    return enter
