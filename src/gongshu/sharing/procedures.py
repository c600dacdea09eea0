"""What guards and follows the moves of a share request. The procedure itself is `flow`, built from the pack."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from gongshu.casework.models import Case
from gongshu.casework.registry import pack_of, register
from gongshu.governance.masks import KEEP, kinds_for
from gongshu.journal import clock
from gongshu.journal.services import Actor
from gongshu.kernel.errors import Invalid, Refused
from gongshu.runner.jobs import defer

from . import flow
from .models import ShareRequest
from .vocabulary import Mode


def _request(case: Case) -> ShareRequest:
    return ShareRequest.objects.select_related("version", "entry").get(case=case)


# ---- guards


def conditions_listed(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """A reply may only cite conditions the entry states (CM-17)."""
    node = pack_of(case.pack_version).share.no_added_conditions
    if not node.v or not given.get("conditions"):
        return
    version = _request(case).version
    stated = _letters(f"{version.share_condition} {version.share_scope} {version.use_purpose}")
    for line in str(given["conditions"]).splitlines():
        if _letters(line) not in stated:
            raise Refused(
                _("“%(line)s”不是目录中列明的共享条件，不得增设。") % {"line": line.strip()},
                basis=node.basis,
                field="conditions",
            )


def _letters(text: str) -> str:
    return re.sub(r"\W+", "", text)


def reply_within_request(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """A reply may narrow what was asked and hide more of it, never widen it."""
    request = _request(case)
    items = given.get("items") or request.items
    masks = given.get("masks") or {}
    wrong: dict[str, str] = {}
    if not isinstance(items, list) or not set(items) <= set(request.items):
        wrong["items"] = _("只能在所申请的信息项中选择。")
        items = request.items
    by_name = {item.name: item for item in request.version.items.filter(name__in=items)}
    if not isinstance(masks, dict) or any(
        name not in by_name or kind not in dict(kinds_for(by_name[name])) for name, kind in masks.items()
    ):
        wrong["masks"] = _("脱敏方式不适用于该信息项。")
        masks = {}
    modes = given.get("modes") or request.modes
    if not set(modes) <= set(request.modes):
        wrong["modes"] = _("只能在所申请的调用方式中选择。")
    if modes == [Mode.KEY]:
        lost = [k for k in request.keys if k not in by_name or masks.get(k, KEEP) != KEEP]
        if len(lost) == len(request.keys):
            names = "、".join(lost)
            wrong["masks"] = _("查询条件“%(names)s”须原样提供，否则无法按条件查询。") % {"names": names}
    if (
        given.get("valid_to")
        and not clock.today() <= date.fromisoformat(given["valid_to"]) <= request.valid_to
    ):
        wrong["valid_to"] = _("截止日期应在今天与申请的使用期限 %(day)s 之间。") % {"day": request.valid_to}
    if given.get("per_day") is not None and not 1 <= given["per_day"] <= request.per_day:
        wrong["per_day"] = _("每日上限应在 1 与申请的 %(most)s 之间。") % {"most": request.per_day}
    if wrong:
        raise Invalid("；".join(wrong.values()), fields=wrong, field=next(iter(wrong)))


def basis_not_overturned(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """A ground that was found not to hold cannot be brought forward again."""
    if any(_same_ground(old, given["basis"]) for old in _request(case).overturned):
        basis = pack_of(case.pack_version).share.refusal_reviewed_by.basis
        raise Refused(_("这一依据经审核不成立，不能再次作为拒绝理由。"), basis=basis, field="basis")


def _same_ground(one: dict[str, str], other: dict[str, str]) -> bool:
    return all(_letters(one[part]) == _letters(other[part]) for part in ("document", "article"))


# ---- effects


def reply(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """Keep what the provider agreed to; the grant equals it."""
    ShareRequest.objects.filter(case=case).update(reply=given)


def refusal(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """Keep the ground given, for review."""
    ShareRequest.objects.filter(case=case).update(refusal={**given["basis"], "reason": given["reason"]})


def refused(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """The refusal stands. The database refuses this row unless its ground is whole and of an accepted rank."""
    ShareRequest.objects.filter(case=case).update(refused=True, open=False)


def overturned(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """The ground does not hold; it is kept so that it cannot be given again."""
    request = _request(case)
    request.overturned = [*request.overturned, request.refusal]
    request.refusal = {}
    request.save(update_fields=["overturned", "refusal"])


def issue(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """Make the grant, once everybody whose consent is needed has given it."""
    from .services.grants import grant_issue

    if case.state == flow.PROVISION:
        grant_issue(case, actor)


def closed(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """Nothing more will come of the request; an equal one may be made again."""
    ShareRequest.objects.filter(case=case).update(open=False)


def redeliver(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """After an objection delivery counts from now: earlier calls do not."""
    request = _request(case)
    grant = request.grants.latest("id")
    with connection.cursor() as cursor:
        cursor.execute("SELECT COALESCE(max(id), 0) FROM gate.call WHERE grant_no = %s", [grant.number])
        request.calls_after = int(cursor.fetchone()[0])
    request.save(update_fields=["calls_after"])
    defer("sharing.serve", entry=request.entry.code, _once=request.entry.code)


register(
    flow.NAME,
    flow.build,
    guards={
        "conditions_listed": conditions_listed,
        "reply_within_request": reply_within_request,
        "basis_not_overturned": basis_not_overturned,
    },
    effects={
        "reply": reply,
        "refusal": refusal,
        "refused": refused,
        "overturned": overturned,
        "issue": issue,
        "closed": closed,
        "redeliver": redeliver,
    },
)
