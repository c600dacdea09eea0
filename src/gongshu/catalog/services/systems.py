"""Registering information systems."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from gongshu.journal import clock
from gongshu.journal.services import Actor, event_append, service
from gongshu.kernel.errors import Conflict, Invalid, NotFound, Refused
from gongshu.org.models import Unit
from gongshu.org.policy import current_pack, require

from .. import selectors
from ..models import Sequence, System
from ..vocabulary import Hosting, Network, Ownership, SystemKind, SystemStatus
from ..wording import label_of, length_of, sentences

_CHOICES = {
    "kind": SystemKind,
    "ownership": Ownership,
    "network": Network,
    "hosting": Hosting,
    "status": SystemStatus,
}


@service("catalog.system_register", "POST", "/systems", summary="登记信息系统")
def system_register(
    *,
    actor: Actor,
    unit: str,
    name: str,
    business: str,
    kind: str = "business",
    ownership: str = "own",
    network: str = "egov",
    hosting: str = "cloud",
    status: str = "running",
    contact: str = "",
) -> System:
    """Register an information system of a unit; its code is given by the platform and never changes.

    A data platform of one's own or an exchange system between units is refused (cascade.no_own_platform).
    """
    owner = Unit.objects.filter(code=unit).first()
    if owner is None:
        raise NotFound(_("没有编码为 %(code)s 的单位。") % {"code": unit}, field="unit")
    require(actor, "catalog.edit", owner)
    given = _clean(
        {
            "name": name,
            "business": business,
            "kind": kind,
            "ownership": ownership,
            "network": network,
            "hosting": hosting,
            "status": status,
            "contact": contact,
        }
    )
    number = Sequence.take(f"system:{owner.code}")
    system = System(
        code=f"{owner.code}-XT{number:03d}",
        unit=owner,
        surveyed_on=clock.today(),
        registered_at=clock.now(),
        **given,
    )
    _save(system)
    event_append(
        actor=actor,
        type="catalog.system.registered",
        subject=("system", system.code, system.name),
        unit=owner.pk,
        body=system.as_dict(),
        basis=current_pack().catalog.system_registered_first.basis,
    )
    return system


@service("catalog.system_edit", "PATCH", "/systems/{system}", summary="更新信息系统登记、确认普查")
def system_edit(*, actor: Actor, system: str, fields: dict[str, Any] | None = None) -> System:
    """Change what is registered of a system; without changes it confirms the survey as of today (XC-2.3b)."""
    found = selectors.system_get(actor=actor, system=system)
    require(actor, "catalog.edit", found.unit)
    before = found.as_dict()
    allowed = {"name", "business", "contact", *_CHOICES}
    stray = sorted(set(fields or {}) - allowed)
    if stray:
        raise Invalid(_("信息系统没有“%(name)s”这一项。") % {"name": stray[0]}, field=stray[0])
    merged = {key: before[key] for key in allowed} | {k: str(v) for k, v in (fields or {}).items()}
    for key, value in _clean(merged).items():
        setattr(found, key, value)
    found.surveyed_on = clock.today()
    _save(found)
    event_append(
        actor=actor,
        type="catalog.system.edited",
        subject=("system", found.code, found.name),
        unit=found.unit_id,
        body={"before": before, "after": found.as_dict()},
    )
    return found


def _save(system: System) -> None:
    try:
        with transaction.atomic():
            system.save()
    except IntegrityError:
        raise Conflict(
            _("本单位已登记名为“%(name)s”的系统。") % {"name": system.name}, field="name"
        ) from None


def _clean(given: dict[str, str]) -> dict[str, str]:
    told = {key: str(value or "").strip() for key, value in given.items()}
    wrong = {
        key: _("请填写%(label)s。") % {"label": label_of(System, key)}
        for key in ("name", "business")
        if not told[key]
    }
    for key, choices in _CHOICES.items():
        if told[key] not in choices.values:
            wrong[key] = _("没有这个选项：%(value)s。") % {"value": told[key]}
    for key in ("name", "business", "contact"):
        if len(told[key]) > length_of(System, key):
            wrong[key] = _("不能超过 %(n)d 字。") % {"n": length_of(System, key)}
    if wrong:
        raise Invalid(sentences(wrong.values()), fields=wrong, field=next(iter(wrong)))
    _refuse_platform(told["kind"])
    return told


def _refuse_platform(kind: str) -> None:
    node = current_pack().node("cascade.no_own_platform")
    if kind != SystemKind.BUSINESS and node.v:
        raise Refused(
            _("各单位不得自建%(kind)s，不予登记；请使用%(platform)s。")
            % {"kind": SystemKind(kind).label, "platform": current_pack().term("platform")},
            basis=node.basis,
            field="kind",
            code="own_platform",
        )
