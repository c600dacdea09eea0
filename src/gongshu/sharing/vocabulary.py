"""The words of a share request: ways of calling, comparisons of a row scope, kinds of algorithm."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Mode(TextChoices):
    """How a grant is called. The codes are the gateway's."""

    KEY = "key", _("按条件查询")
    PAGE = "page", _("分页读取")


class Op(TextChoices):
    """Comparisons a row scope may use."""

    EQUALS = "=", _("等于")
    IN = "in", _("属于（多个值以顿号或逗号分隔）")
    PREFIX = "prefix", _("以…开头")
    AT_LEAST = ">=", _("不小于")
    AT_MOST = "<=", _("不大于")


class Algorithm(TextChoices):
    """Signature algorithms of a calling system. The codes are the gateway's."""

    SHA256 = "hmac-sha256", "HMAC-SHA-256"
    SM3 = "hmac-sm3", "HMAC-SM3"


GATE_TYPES = {
    "text": "string",
    "integer": "integer",
    "decimal": "decimal",
    "double": "decimal",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "datetime",
    "bytes": "string",
}
"""Canonical type of an item -> type of a column at the gateway."""

LOOKED_UP = ("text", "integer", "decimal", "boolean", "date")
"""Types of item a caller can look up by."""

PER_DAY_DEFAULT, PER_DAY_MAX = 1000, 1_000_000
TERM_DEFAULT_DAYS = 365
