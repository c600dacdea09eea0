"""The words of `share.conditional_flow`, and the stations they stand for."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from gongshu.kernel.clause import Basis
from gongshu.kernel.procedure import ProcedureError
from gongshu.packs import Pack

NAME = "share_request"
OWN = Basis(gap=True, source="product-default")
"""Steps no text speaks of (returning an incomplete request, withdrawing, objecting): the platform's own."""
SUBMITTED, RETURNED, PROVISION, GRANTED, DELIVERED, REWORK = (
    "submitted",
    "returned",
    "provision",
    "granted",
    "delivered",
    "rework",
)
CONFIRMED, AUTO_CONFIRMED, REFUSED, WITHDRAWN, ENDED = (
    "confirmed",
    "auto_confirmed",
    "refused",
    "withdrawn",
    "ended",
)
HELD = (PROVISION, GRANTED, DELIVERED, REWORK)
"""States in which a grant made from the request exists and the case is still open."""


@dataclass(frozen=True)
class Station:
    """A place where a request waits for people.

    kind: intake, answer or grant. roles: who acts there; several act jointly, each for itself.
    """

    state: str
    kind: str
    roles: tuple[str, ...]
    label: object


INTAKES = {"authority_intake": ("authority",), "data_center_and_provider_intake": ("data_center", "provider")}
ANSWERS = {
    "provider_consult": ("consult", "provider", _("征求提供单位意见")),
    "provider_reply": ("reply", "provider", _("待提供单位答复")),
    "authority_decide": ("decide", "authority", _("待主管部门决定")),
}
REVIEWS = {"authority_review": "authority", "provider_review": "provider"}

# A person of the provider replies (share.reply); one of a reviewing body reviews (share.review). Two moves from one
# state have two names.
ACTION = {"provider": "share.reply", "authority": "share.review", "data_center": "share.review"}
WORDS = {
    "provider": ("take_in", "ask_more", "agree", "refuse"),
    "authority": ("accept", "return", "approve", "reject"),
    "data_center": ("accept", "return", "approve", "reject"),
}


def stations(pack: Pack) -> list[Station]:
    """The stations of a conditional request, in the order of the pack. ProcedureError on a word nobody knows."""
    found: list[Station] = []
    words = list(pack.share.conditional_flow.v)
    if len(set(words)) != len(words):
        raise ProcedureError(f"{NAME}: share.conditional_flow of {pack.id} names a step twice")
    for word in words:
        if word in INTAKES:
            found.append(Station("intake", "intake", INTAKES[word], _("待受理")))
        elif word in ANSWERS:
            state, role, label = ANSWERS[word]
            found.append(Station(state, "answer", (role,), label))
        elif word in REVIEWS:
            _join_review(found, REVIEWS[word])
        elif word in ("grant", "data_center_grant"):
            role = "data_center" if word == "data_center_grant" else pack.bodies.access_granter.v
            found.append(Station("grant", "grant", (role,), _("待授予访问权限")))
        elif word not in ("use_as_replied", "confirm"):
            raise ProcedureError(f"{NAME}: share.conditional_flow of {pack.id} has unknown step {word}")
    if not any(s.kind == "answer" for s in found):
        raise ProcedureError(f"{NAME}: share.conditional_flow of {pack.id} has no step that answers")
    if any(s.kind == "grant" for s in found[:-1]):
        raise ProcedureError(f"{NAME}: share.conditional_flow of {pack.id} goes on after the grant")
    return found


def _join_review(found: list[Station], role: str) -> None:
    """Neighbouring reviews are one joint review (会同审核): each has to agree."""
    roles: tuple[str, ...] = (role,)
    if found and found[-1].state == "review":
        roles = (*found.pop().roles, role)
    found.append(Station("review", "answer", roles, _("待会同审核") if len(roles) > 1 else _("待审核")))
