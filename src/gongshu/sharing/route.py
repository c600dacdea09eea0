"""The way a request will take under a pack, told before it is made."""

from __future__ import annotations

from django.utils.translation import gettext as _

from gongshu.catalog.models import EntryVersion
from gongshu.console import wording
from gongshu.console.timeline import Step
from gongshu.kernel.clause import Basis
from gongshu.kernel.procedure import Clock
from gongshu.org.models import Unit
from gongshu.org.policy import body_unit
from gongshu.packs import Pack

from . import flow


def is_auto(pack: Pack, version: EntryVersion) -> bool:
    """Whether a request for this version is granted at once."""
    return version.share_type == "unconditional" and pack.share.unconditional_grant.v == "auto"


def ahead(pack: Pack, version: EntryVersion, provider: Unit) -> list[Step]:
    """Submission, the stations with who acts and how long they have, the grant, and the confirmation."""
    procedure = flow.build(pack)
    steps = [Step(_("提出申请"), unit=_("申请单位"), tone="now", basis=pack.share.intake.basis)]
    if is_auto(pack, version):
        steps.append(
            Step(_("直接授权"), unit=_("平台"), tone="ahead", basis=pack.share.unconditional_grant.basis)
        )
    else:
        clocks = {state: clock for clock in procedure.clocks for state in clock.runs_in}
        for station in flow.stations(pack):
            steps.append(_station(pack, station, provider, clocks.get(station.state)))
    steps.append(Step(_("数据就绪，业务系统调用"), tone="ahead"))
    confirm = next((c for c in procedure.clocks if c.name == "confirm"), None)
    note = ""
    if confirm:
        days = wording.workdays(confirm.days)
        note = _("获取数据后 %(days)s内确认，逾期自动确认") % {"days": days}
    steps.append(
        Step(
            _("确认接收"), unit=_("申请单位"), tone="ahead", note=note, basis=pack.share.confirm_within.basis
        )
    )
    return steps


def _station(pack: Pack, station: flow.Station, provider: Unit, clock: Clock | None) -> Step:
    units = [
        str(provider) if r == "provider" else str(body_unit(r) or wording.role(r)) for r in station.roles
    ]
    note = ""
    if clock and _limits(station, clock):
        days = {"days": wording.workdays(clock.days)}
        note = (
            _("%(days)s内") % days if clock.runs_in[0] == station.state else _("自申请起 %(days)s内") % days
        )
    return Step(
        str(station.label),
        unit=wording.listed(units),
        tone="ahead",
        note=note,
        basis=_basis(pack, station, clock),
    )


def _limits(station: flow.Station, clock: Clock) -> bool:
    """Whether the clock is the limit of this station's own act."""
    return station.kind == "answer" and clock.owner in station.roles


def _basis(pack: Pack, station: flow.Station, clock: Clock | None) -> Basis:
    if station.kind == "intake":
        return pack.share.intake.basis
    if station.kind == "grant":
        return pack.bodies.access_granter.basis
    if clock and _limits(station, clock):
        return clock.basis
    return pack.share.conditional_flow.basis
