"""The platform's password rule beside Django's own."""

from __future__ import annotations

import re
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

_CLASSES = (r"[a-z]", r"[A-Z]", r"[0-9]", r"[^A-Za-z0-9]")


class ThreeClassesValidator:
    """At least three of lower case, upper case, digits, other signs (the usual demand of 等级保护 third level)."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError if the password has fewer than three classes of characters."""
        if sum(bool(re.search(c, password)) for c in _CLASSES) < 3:
            raise ValidationError(self.get_help_text(), code="password_classes")

    def get_help_text(self) -> str:
        """The rule in the user's language."""
        return _("密码须包含大写字母、小写字母、数字、其他符号中的至少三类。")
