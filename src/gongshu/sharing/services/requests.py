"""Asking for data: the one way in (PJ-17, ZY-23), and completing a request that was sent back."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from gongshu.casework.registry import pack_of
from gongshu.casework.selectors import case_get
from gongshu.casework.services import case_act, case_move, case_open
from gongshu.catalog.models import Entry, EntryVersion
from gongshu.catalog.selectors import published_get
from gongshu.governance import masks
from gongshu.journal import clock
from gongshu.journal.services import SYSTEM, Actor, event_append, service
from gongshu.kernel.errors import Conflict, Invalid, NotFound, Refused
from gongshu.org.models import Unit
from gongshu.org.policy import body_unit, current_pack, require
from gongshu.org.selectors import require_security_person, require_steward
from gongshu.packs import Pack

from .. import flow
from ..models import Client, ShareRequest
from ..terms import Terms, terms_check
from ..vocabulary import PER_DAY_DEFAULT, Mode


@service("share.request_submit", "POST", "/entries/{entry}/share-requests", summary="申请共享数据")
def share_request_submit(
    *,
    actor: Actor,
    entry: str,
    unit: str,
    client: str,
    items: list[str],
    purpose: str,
    scenario: str = "",
    duty_basis: str = "",
    reasons: dict[str, str] | None = None,
    scope: list[dict[str, Any]] | None = None,
    modes: list[str] | None = None,
    keys: list[str] | None = None,
    valid_to: date | None = None,
    per_day: int = PER_DAY_DEFAULT,
    commitment: list[str] | None = None,
) -> ShareRequest:
    """Ask to use items of a published entry for a unit's duty; returns the request with its case.

    unit: the demander, for which the actor must be allowed to ask. client: the business system that will call.
    reasons: item -> why it is needed. scope: [{item, op, value}]. keys: items to look up by. commitment: the words of
    the pack's commitment that are accepted. Unconditional entries are granted at once where the pack says so; others
    begin the pack's flow. Refused, naming the legal ground, for entries that are not shared.
    """
    pack = current_pack()
    demander = _unit(unit)
    require(actor, "share.request", demander)
    require_steward(demander)
    require_security_person(demander)
    wanted = published_get(actor=actor, entry=entry)
    version = EntryVersion.objects.get(pk=wanted.current_id or 0)
    if wanted.unit_id == demander.pk:
        raise Refused(_("这是本单位的数据，无需申请共享。"), field="entry")
    _shareable(pack, version)
    given = {
        "items": items,
        "purpose": purpose,
        "scenario": scenario,
        "duty_basis": duty_basis,
        "reasons": reasons,
        "scope": scope,
        "modes": modes,
        "keys": keys,
        "valid_to": valid_to,
        "per_day": per_day,
        "commitment": commitment,
    }
    caller = _client(client, demander)
    terms = terms_check(pack, version, given)
    auto = version.share_type == "unconditional" and pack.share.unconditional_grant.v == "auto"
    if auto:
        _lookups_safe(version, terms)
    request = _open(actor, pack, wanted, version, demander, caller, terms)
    request.case = case_move(
        actor=SYSTEM, case=request.case, move="auto_grant" if auto else "route", given={}
    )
    request.refresh_from_db()
    return request


def _unit(code: str) -> Unit:
    found = Unit.objects.filter(code=code, active=True).first()
    if found is None:
        raise NotFound(_("没有编码为 %(code)s 的单位。") % {"code": code}, field="unit")
    return found


def _client(client_id: str, demander: Unit) -> Client:
    found = Client.objects.filter(client_id=client_id, unit=demander, active=True).first()
    if found is None:
        raise Invalid(
            _("请选择本单位已登记的业务系统；没有登记的，先登记业务系统并领取调用凭证。"), field="client"
        )
    return found


def _shareable(pack: Pack, version: EntryVersion) -> None:
    """An entry that is not shared is refused with its legal ground and what the text offers instead (ZY-24.4/5)."""
    if version.share_type != "none":
        return
    ground = version.legal_basis or {}
    cited = f"{ground.get('document', '')}{ground.get('article', '')}" or _("目录中载明的依据")
    other = pack.share.masked_alternative
    offered = _("可以改用：%(ways)s。") % {"ways": "、".join(other.v)} if other.v else ""
    label = pack.share_label("none")
    raise Refused(
        _("该数据属于“%(label)s”，依据：%(ground)s。%(offered)s")
        % {"label": label, "ground": cited, "offered": offered},
        basis=pack.node("share_types.none").basis | other.basis,
        code="not_shared",
        field="entry",
    )


def _lookups_safe(version: EntryVersion, terms: Terms) -> None:
    """Where nobody decides, a sensitive item that stays readable for look-ups must not be readable page by page too."""
    if Mode.PAGE in terms.modes and terms.keys:
        for item in version.items.filter(name__in=terms.keys):
            if masks.default_for(item) != masks.KEEP:
                raise Invalid(
                    _("“%(item)s”是敏感信息项，作查询条件时不能同时申请分页读取，请分别申请。")
                    % {"item": item},
                    field="modes",
                )


def _open(
    actor: Actor,
    pack: Pack,
    entry: Entry,
    version: EntryVersion,
    demander: Unit,
    client: Client,
    terms: Terms,
) -> ShareRequest:
    """Case, request and event."""
    ref = uuid.uuid4()
    bodies = {role: body_unit(role) for role in ("authority", "data_center")}
    parties = {"demander": demander, "provider": entry.unit, **{r: u for r, u in bodies.items() if u}}
    digest = terms.digest(entry.code, client.client_id)
    if ShareRequest.objects.filter(demander=demander, digest=digest, open=True).exists():
        raise _twice()
    case = case_open(
        actor=actor,
        procedure=flow.NAME,
        subject=("share_request", ref.hex, f"{demander.name}申请共享“{version.name}”"),
        parties=parties,
        basis=pack.share.intake.basis,
    )
    try:
        with transaction.atomic():
            request = ShareRequest.objects.create(
                ref=ref,
                case=case,
                entry=entry,
                version=version,
                share_type=version.share_type,
                demander=demander,
                provider=entry.unit,
                client=client,
                accepted_ranks=list(pack.share.refusal_basis.v),
                digest=digest,
                submitted_at=clock.now(),
                **terms.__dict__,
            )
    except IntegrityError:
        raise _twice() from None
    _told(actor, request, "share.request.submitted", pack)
    return request


def _twice() -> Conflict:
    return Conflict(_("同样的申请已经提交，正在办理或已授权。"))


def _told(actor: Actor, request: ShareRequest, type: str, pack: Pack) -> None:
    share = pack.share
    event_append(
        actor=actor,
        type=type,
        subject=("share_request", request.ref.hex, request.case.title),
        unit=request.demander_id,
        case=request.case_id,
        basis=share.intake.basis | share.duty_basis_required.basis | share.commitment.basis,
        pack=str(request.case.pack_version),
        body={
            "number": request.case.number,
            "entry": request.entry.code,
            "version": request.version.number,
            "client_id": request.client.client_id,
            "onward_supply": share.onward_supply.plain,
            **{
                name: getattr(request, name)
                for name in (
                    "items",
                    "reasons",
                    "purpose",
                    "scenario",
                    "duty_basis",
                    "scope",
                    "modes",
                    "keys",
                    "valid_to",
                    "per_day",
                    "commitment",
                )
            },
        },
    )


@service("share.request_amend", "POST", "/share-requests/{case}/amend", summary="补正共享申请并重新提交")
def share_request_amend(
    *,
    actor: Actor,
    case: str,
    note: str,
    items: list[str] | None = None,
    purpose: str | None = None,
    scenario: str | None = None,
    duty_basis: str | None = None,
    reasons: dict[str, str] | None = None,
    scope: list[dict[str, Any]] | None = None,
    modes: list[str] | None = None,
    keys: list[str] | None = None,
    valid_to: date | None = None,
    per_day: int | None = None,
) -> ShareRequest:
    """Complete a request that was sent back, and submit it again. What is not given stays as it was."""
    found = case_get(actor=actor, number=case)
    request = ShareRequest.objects.select_related("version", "entry", "client").filter(case=found).first()
    if request is None:
        raise NotFound(_("没有编号为 %(number)s 的共享申请。") % {"number": case})
    if found.state != flow.RETURNED:
        raise Conflict(_("只有退回补正的申请可以修改。"))
    require(actor, "share.request", request.demander)
    given = {
        "items": items,
        "purpose": purpose,
        "scenario": scenario,
        "duty_basis": duty_basis,
        "reasons": reasons,
        "scope": scope,
        "modes": modes,
        "keys": keys,
        "valid_to": valid_to,
        "per_day": per_day,
    }
    kept = {name: getattr(request, name) for name in (*given, "commitment")}
    pack = pack_of(found.pack_version)
    terms = terms_check(pack, request.version, kept | {n: v for n, v in given.items() if v is not None})
    for name, value in terms.__dict__.items():
        setattr(request, name, value)
    request.digest = terms.digest(request.entry.code, request.client.client_id)
    try:
        with transaction.atomic():
            request.save()
    except IntegrityError:
        raise _twice() from None
    _told(actor, request, "share.request.amended", pack)
    request.case = case_act(actor=actor, case=case, move="resubmit", given={"note": note})
    return request
