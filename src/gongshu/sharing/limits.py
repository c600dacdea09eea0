"""The time limits of a share request, as the pack sets them."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext_lazy as _

from gongshu.kernel.procedure import Clock, ProcedureError
from gongshu.packs import Pack

from .stations import DELIVERED, NAME, PROVISION, RETURNED, Station


def clocks(pack: Pack, stations: list[Station]) -> Iterator[Clock]:
    """Limits the pack sets; one it leaves null is no clock."""
    share = pack.share
    asked = [s.state for s in stations if s.kind == "answer" and "provider" in s.roles]
    reply = share.reply_within.duration
    if reply and asked:
        last = max(i for i, s in enumerate(stations) if s.state in asked)
        from_application = reply.from_ == "application"
        runs = [s.state for s in stations[: last + 1]] if from_application else asked
        yield Clock(
            "reply",
            _("答复时限"),
            _length(reply),
            reply.clock,
            tuple(runs),
            share.reply_within.basis,
            unit=reply.unit,
            pauses_in=(RETURNED,),
        )
    provide = share.provide_within.duration
    if provide:
        granting = [s.state for s in stations if s.kind == "grant"]
        yield Clock(
            "provide",
            _("提供时限"),
            _length(provide),
            provide.clock,
            (*granting, PROVISION),
            share.provide_within.basis,
            unit=provide.unit,
        )
    confirm = share.confirm_within.duration
    if confirm:
        yield Clock(
            "confirm",
            _("确认时限"),
            _length(confirm),
            confirm.clock,
            (DELIVERED,),
            share.confirm_within.basis,
            unit=confirm.unit,
            on_lapse=confirm.on_lapse,
        )


def _length(duration: object) -> int:
    days = getattr(duration, "n", None)
    if not days:
        raise ProcedureError(f"{NAME}: a limit of sharing needs a number of days")
    return int(days)
