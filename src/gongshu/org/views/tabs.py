"""The row of tabs above the pages of this domain."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _


def tabs(current: str) -> dict[str, Any]:
    """Context for `org/tabs.html`."""
    pages = (
        ("units", _("各单位")),
        ("people", _("人员与账号")),
        ("bodies", _("角色与承担单位")),
        ("gaps", _("缺少的岗位和信息")),
        ("permissions", _("岗位权限对照")),
        ("tokens", _("接口令牌")),
    )
    return {"tabs": [(reverse(f"org:{name}"), label, name == current) for name, label in pages]}
