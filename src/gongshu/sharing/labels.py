"""Labels with colours, and the words for scopes and modes, the same on every page."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from gongshu.casework.models import Case
from gongshu.casework.selectors import procedure_for
from gongshu.catalog.models import Item
from gongshu.catalog.wording import english
from gongshu.console.templatetags.house import badge
from gongshu.gateway.problems import PROBLEMS

from . import flow
from .models import Client, Grant, GrantState, ShareRequest
from .vocabulary import Mode, Op

STATE_TONES = {
    flow.CONFIRMED: "green",
    flow.AUTO_CONFIRMED: "green",
    flow.GRANTED: "green",
    flow.DELIVERED: "green",
    flow.PROVISION: "blue",
    flow.REFUSED: "red",
    flow.RETURNED: "amber",
    flow.REWORK: "amber",
    flow.WITHDRAWN: "grey",
    flow.ENDED: "grey",
}
GRANT_TONES = {
    GrantState.ACTIVE: "green",
    GrantState.SUSPENDED: "amber",
    GrantState.REVOKED: "red",
    GrantState.EXPIRED: "grey",
}


def state_label(case: Case) -> str:
    """The state of a request in words."""
    return str(procedure_for(case).state(case.state).label)


def state_badge(case: Case) -> Any:
    """The state of a request as a label."""
    return badge(state_label(case), STATE_TONES.get(case.state, "amber"))


def grant_badge(grant: Grant) -> Any:
    """The state of a grant as a label."""
    return badge(GrantState(grant.state).label, GRANT_TONES[GrantState(grant.state)])


def client_badge(client: Client) -> Any:
    """Whether a calling system may call."""
    return badge(_("有效"), "green") if client.active else badge(_("已停用"), "grey")


def modes_text(modes: list[str]) -> str:
    """Ways of calling in words."""
    words = [str(Mode(mode).label) for mode in modes if mode in Mode.values]
    return (", " if english() else "、").join(words)


def scope_text(scope: list[dict[str, Any]], items: dict[str, Item]) -> str:
    """A row scope as a person reads it."""
    if not scope:
        return _("全部记录")
    lines = []
    for filter_ in scope:
        value = filter_["value"]
        text = (", " if english() else "、").join(value) if isinstance(value, list) else value
        item = items.get(filter_["item"], filter_["item"])
        word = {
            Op.EQUALS: _("%(item)s 等于 %(value)s"),
            Op.IN: _("%(item)s 属于 %(value)s"),
            Op.PREFIX: _("%(item)s 以 %(value)s 开头"),
            Op.AT_LEAST: _("%(item)s 不小于 %(value)s"),
            Op.AT_MOST: _("%(item)s 不大于 %(value)s"),
        }[Op(filter_["op"])]
        lines.append(word % {"item": item, "value": text})
    return ("; " if english() else "；").join(lines)


def facts(request: ShareRequest) -> list[tuple[str, Any]]:
    """(label, value) of what a request states."""
    items = {item.name: item for item in request.version.items.all()}
    told: list[tuple[str, Any]] = [
        (_("用途"), request.purpose),
        (_("应用场景"), request.scenario),
        (_("履职依据"), request.duty_basis),
        (_("数据范围"), scope_text(request.scope, items)),
        (_("调用方式"), modes_text(request.modes)),
        (_("使用期限至"), request.valid_to.isoformat()),
        (_("每日调用上限"), f"{request.per_day:,}"),
        (_("业务系统"), request.client.system_name),
        (_("安全联系人电话"), request.client.contact),
        (_("已作承诺"), (", " if english() else "、").join(request.commitment)),
    ]
    return [(label, value) for label, value in told if value]


def problem_title(kind: str) -> str:
    """Why the gateway refused a call, in words."""
    problem = PROBLEMS.get(kind)
    return problem.title[1 if english() else 0] if problem else kind
