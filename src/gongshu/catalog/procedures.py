"""The two procedures of the catalog: first review, and change. Who reviews and how long it takes is the pack's."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from gongshu.casework.models import Case
from gongshu.casework.registry import pack_of, register
from gongshu.journal.services import Actor
from gongshu.kernel.clause import Basis
from gongshu.kernel.errors import Refused
from gongshu.kernel.procedure import Clock, Field, Move, Procedure, State
from gongshu.packs import Pack

from .models import Entry, EntryVersion
from .rules import require_complete
from .services import review
from .services.changes import differences

PROVIDER = "provider"
KINDS = (("change", _("变更")), ("withdraw", _("撤销")))


def _roles(pack: Pack, reviewer: str) -> tuple[str, ...]:
    owners = [pack.node(f"catalog.{key}").duration for key in ("change_review_within", "change_file_within")]
    return tuple(dict.fromkeys([PROVIDER, reviewer, *(d.clock for d in owners if d)]))


def _clock(
    pack: Pack, key: str, name: str, label: Any, runs_in: tuple[str, ...], counts_from: str = ""
) -> list[Clock]:
    node = pack.node(key)
    limit = node.duration
    if limit is None or limit.n is None:
        return []
    return [
        Clock(
            name,
            label,
            limit.n,
            limit.clock,
            runs_in,
            node.basis,
            unit=limit.unit,
            on_lapse=limit.on_lapse,
            counts_from=counts_from,
        )
    ]


def _review_moves(
    reviewer: str, basis: Basis, approved: str, effect: str, first: tuple[str, ...]
) -> list[Move]:
    """Approve, return with reasons, resubmit: the same in both procedures. Nobody approves what they submitted."""
    submitters = (*first, "resubmit")
    return [
        Move(
            "approve",
            _("审核通过"),
            ("reviewing",),
            approved,
            (reviewer,),
            "catalog.review",
            basis,
            fields=(Field("opinion", _("审核意见"), "longtext", required=False),),
            effects=(effect,),
            not_by_actor_of=submitters,
            style="primary",
        ),
        Move(
            "return",
            _("退回修改"),
            ("reviewing",),
            "returned",
            (reviewer,),
            "catalog.review",
            basis,
            fields=(
                Field(
                    "reasons",
                    _("退回理由"),
                    "longtext",
                    clause=basis,
                    help=_("写明哪里不符合要求、应如何修改。"),
                ),
            ),
            effects=("reopen",),
            not_by_actor_of=submitters,
            style="danger",
        ),
        Move(
            "resubmit",
            _("重新提交"),
            ("returned",),
            "reviewing",
            (PROVIDER,),
            "catalog.edit",
            basis,
            fields=(Field("note", _("修改说明"), "longtext", required=False),),
            guards=("complete",),
            effects=("submit",),
            style="primary",
        ),
    ]


def build_review(pack: Pack) -> Procedure:
    """First review of an entry.

    No text gives it a limit of its own, so the limit for reviewing a change is used, as its label says.
    """
    reviewer = str(pack.bodies.catalog_reviewer.v)
    basis = pack.bodies.catalog_reviewer.basis
    label = _("目录审核（参照变更审核时限）")
    return Procedure(
        "entry_review",
        _("目录审核"),
        "ML",
        "entry",
        "reviewing",
        states=(
            State("reviewing", _("待审核")),
            State("returned", _("已退回，待修改")),
            State("published", _("已发布"), final=True, outcome="approved"),
            State("withdrawn", _("已撤回"), final=True, outcome="withdrawn"),
        ),
        moves=(
            *_review_moves(reviewer, basis, "published", "publish", ("open",)),
            Move(
                "withdraw",
                _("撤回"),
                ("reviewing", "returned"),
                "withdrawn",
                (PROVIDER,),
                "catalog.edit",
                basis,
                effects=("reopen",),
                optional=True,
            ),
        ),
        clocks=tuple(_clock(pack, "catalog.change_review_within", "review", label, ("reviewing",))),
        roles=_roles(pack, reviewer),
    )


def build_change(pack: Pack) -> Procedure:
    """Change or withdrawal of a published entry, begun by its unit or by an outside event that obliges it.

    Where the text knows a reviewer of changes, its limit is for filing (ZY-16.1); where it knows none, the limit is for
    the update itself (CM-8), and runs until the new version is in force.
    """
    reviewer = str(pack.bodies.catalog_change_reviewer.v)
    basis = pack.bodies.catalog_change_reviewer.basis
    file_basis = pack.catalog.change_file_within.basis | pack.catalog.change_triggers.basis
    whole = pack.bodies.catalog_change_reviewer.gap
    file_states = ("due", "reviewing", "returned") if whole else ("due",)
    file_label = _("目录更新") if whole else _("目录变更申报")
    return Procedure(
        "catalog_change",
        _("目录变更"),
        "BG",
        "entry",
        "due",
        states=(
            State("due", _("待申报")),
            State("reviewing", _("待审核")),
            State("returned", _("已退回，待修改")),
            State("done", _("已办结"), final=True, outcome="approved"),
            State("unneeded", _("无需变更"), final=True, outcome="not_needed"),
            State("withdrawn", _("已撤回"), final=True, outcome="withdrawn"),
        ),
        moves=(
            Move(
                "file",
                _("申报变更"),
                ("due",),
                "reviewing",
                (PROVIDER,),
                "catalog.edit",
                file_basis,
                fields=(
                    Field("kind", _("变更类型"), "choice", choices=KINDS, clause=file_basis),
                    Field("reason", _("变更原因"), "longtext", clause=file_basis),
                ),
                guards=("fileable",),
                effects=("keep:kind", "keep:reason", "submit"),
                style="primary",
            ),
            Move(
                "not_needed",
                _("说明无需变更"),
                ("due", "returned"),
                "unneeded",
                (PROVIDER,),
                "catalog.edit",
                file_basis,
                fields=(Field("reason", _("理由"), "longtext", clause=file_basis),),
                optional=True,
            ),
            *_review_moves(reviewer, basis, "done", "take_effect", ("file",)),
            Move(
                "withdraw",
                _("撤回"),
                ("reviewing", "returned"),
                "withdrawn",
                (PROVIDER,),
                "catalog.edit",
                basis,
                guards=("voluntary",),
                effects=("reopen",),
                optional=True,
            ),
        ),
        clocks=(
            *_clock(pack, "catalog.change_file_within", "file", file_label, file_states, "happened_on"),
            *_clock(pack, "catalog.change_review_within", "review", _("目录变更审核"), ("reviewing",)),
        ),
        roles=_roles(pack, reviewer),
    )


def _entry(case: Case) -> Entry:
    return Entry.objects.select_related("unit", "system", "current").get(code=case.subject_id)


def _draft(case: Case) -> EntryVersion:
    draft = _entry(case).draft
    if draft is None:
        raise Refused(_t("还没有变更草稿：请先在目录页起草新版本并修改，再申报变更。"))
    return draft


def _complete(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    if case.data.get("kind") != "withdraw":
        require_complete(_draft(case), pack_of(case.pack_version))


def _fileable(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    """A change has a complete draft that differs from what is in force; a withdrawal has no draft in hand."""
    if given.get("kind") == "withdraw":
        if _entry(case).draft:
            raise Refused(_t("目录还有未提交的变更草稿，请先放弃草稿，再申报撤销。"))
        return
    draft = _draft(case)
    require_complete(draft, pack_of(case.pack_version))
    if not differences(draft):
        raise Refused(_t("变更草稿与现行版本没有任何不同，请先修改；如无需变更，请说明理由办结。"))


def _voluntary(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    if case.data.get("event"):
        pack = pack_of(case.pack_version)
        raise Refused(
            _t("这项变更由法规修订或职能变化引起，不能撤回；如无需变更，请在退回或待申报环节说明理由。"),
            basis=pack.node("catalog.change_triggers").basis,
        )


def _submit(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    if case.data.get("kind") != "withdraw":
        review.submit(_draft(case))


def _reopen(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    draft = _entry(case).draft
    if draft:
        review.reopen(draft)


def _publish(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    review.publish(_draft(case), actor, case, pack_of(case.pack_version).bodies.catalog_reviewer.basis)


def _take_effect(case: Case, actor: Actor, given: dict[str, Any]) -> None:
    basis = pack_of(case.pack_version).bodies.catalog_change_reviewer.basis
    if case.data.get("kind") == "withdraw":
        review.withdraw(_entry(case), actor, case, basis, case.data.get("reason", ""))
    else:
        review.publish(_draft(case), actor, case, basis)


register(
    "entry_review",
    build_review,
    guards={"complete": _complete},
    effects={"publish": _publish, "reopen": _reopen, "submit": _submit},
)
register(
    "catalog_change",
    build_change,
    guards={"complete": _complete, "fileable": _fileable, "voluntary": _voluntary},
    effects={"take_effect": _take_effect, "reopen": _reopen, "submit": _submit},
)
