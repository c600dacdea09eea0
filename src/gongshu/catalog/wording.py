"""Putting words together in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext as _


def english() -> bool:
    """Whether the reader reads English."""
    return (get_language() or "").startswith("en")


def listed(values: Iterable[Any]) -> str:
    """Things one after the other: 甲、乙."""
    return _("、").join(str(value) for value in values)


def sentences(values: Iterable[Any]) -> str:
    """Whole sentences one after the other, each once."""
    return (" " if english() else "").join(dict.fromkeys(str(value) for value in values))


def label_of(model: type[models.Model], name: str) -> str:
    """What a field of a model is called."""
    return str(cast("models.Field[Any, Any]", model._meta.get_field(name)).verbose_name)


def length_of(model: type[models.Model], name: str, otherwise: int = 4000) -> int:
    """How many characters a field of a model may hold."""
    return cast("models.Field[Any, Any]", model._meta.get_field(name)).max_length or otherwise
