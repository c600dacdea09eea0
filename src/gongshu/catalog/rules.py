"""What the policy pack demands of an entry before it may be submitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from gongshu.kernel.clause import Basis, join
from gongshu.kernel.errors import Invalid, Refused
from gongshu.packs import Pack

from .models import EntryVersion
from .vocabulary import ShareType, basis_ranks
from .wording import english, listed, sentences


@dataclass(frozen=True)
class Gap:
    """Something an entry still lacks: the field, what to do about it, and the clause that asks for it."""

    field: str
    message: str
    basis: Basis


def cited(pack: Pack, *clauses: str) -> Basis:
    """Those of the clauses that belong to the regulation in force: what several texts ask in words of their own, and no
    parameter of the pack carries."""
    return Basis(tuple(c for c in clauses if c.partition("-")[0] == pack.prefix))


def field_label(pack: Pack, key: str) -> str:
    """The regulation's own word for a field; English readers get the platform's."""
    return pack.field_label(key, "en" if english() else "zh")


def required(pack: Pack, share_type: str) -> dict[str, Basis]:
    """Canonical fields that must be filled for that share type, each with its clause."""
    asked: dict[str, Basis] = {}
    demands = pack.required_fields() + (pack.needs(share_type) if share_type in ShareType.values else [])
    for key, _label, basis in demands:
        asked[key] = asked[key] | basis if key in asked else basis
    if pack.node("catalog.system_registered_first").v:
        node = pack.node("catalog.system_registered_first")
        asked["system"] = asked["system"] | node.basis if "system" in asked else node.basis
    if pack.node("security.classification_required").v:
        asked.setdefault("security_level", pack.node("security.classification_required").basis)
    asked.setdefault("name", Basis())
    return asked


def gaps(version: EntryVersion, pack: Pack) -> list[Gap]:
    """Everything that still keeps a version from being submitted, in the order of the pack's text."""
    found = [
        _empty(pack, key, basis)
        for key, basis in required(pack, version.share_type).items()
        if not _value(version, key)
    ]
    found += _items(version, pack)
    found += _legal_basis(version, pack)
    if version.share_type not in ShareType.values and not any(g.field == "share_type" for g in found):
        found.append(_empty(pack, "share_type", pack.node("share_types.default").basis))
    secret = secret_gap(version.secret_kinds, pack)
    return ([secret] if secret else []) + found


def _value(version: EntryVersion, key: str) -> Any:
    if key == "system":
        return version.entry.system_id
    if key == "provider":
        return version.entry.unit_id
    if key == "items":
        return version.items.exists()
    return getattr(version, key)


def _empty(pack: Pack, key: str, basis: Basis) -> Gap:
    if key == "system":
        return Gap(key, _("请先登记信息系统，再选择“%(label)s”。") % {"label": field_label(pack, key)}, basis)
    return Gap(key, _("请填写“%(label)s”。") % {"label": field_label(pack, key)}, basis)


def _items(version: EntryVersion, pack: Pack) -> list[Gap]:
    node = pack.node("security.classification_required")
    rows = list(version.items.all())
    if not rows:
        return [Gap("items", _("请至少填写一个信息项。"), Basis())]
    found = [
        Gap("items", _("信息项 %(name)s 还没有中文名称。") % {"name": i.name}, Basis())
        for i in rows
        if not i.label
    ]
    if node.v:
        undecided = [str(i) for i in rows if i.level is None]
        if undecided:
            names = listed(undecided[:8])
            found.append(
                Gap("items", _("这些信息项还没有确定级别：%(names)s。") % {"names": names}, node.basis)
            )
    return found


def _legal_basis(version: EntryVersion, pack: Pack) -> list[Gap]:
    told = version.legal_basis or {}
    if not told or not version.share_type or version.share_type == ShareType.UNCONDITIONAL:
        return []
    accepted = [rank for rank, _label in basis_ranks(pack, version.share_type)]
    key = "lists.negative_basis" if version.share_type == ShareType.NONE else "share.refusal_basis"
    basis = join([pack.node(key).basis, pack.node(f"share_types.{version.share_type}").basis])
    if told.get("rank") not in accepted:
        return [
            Gap(
                "legal_basis",
                _("法律依据的效力层级应为：%(ranks)s。") % {"ranks": listed(accepted)},
                basis,
            )
        ]
    if not told.get("document") or not told.get("article"):
        return [Gap("legal_basis", _("法律依据须写明文件名称和条款。"), basis)]
    return []


def secret_gap(kinds: list[str], pack: Pack) -> Gap | None:
    """Data marked as a secret that the regulation keeps off the platform."""
    excluded = [kind for kind in kinds if kind in pack.node("scope.excluded").v]
    if not excluded:
        return None
    text = _("标注为%(kinds)s的数据不得进入平台编目和共享，请按保密规定办理，不要在本平台填写其内容。")
    return Gap("secret_kinds", text % {"kinds": listed(excluded)}, pack.node("scope.excluded").basis)


def refuse_secret(kinds: list[str], pack: Pack) -> None:
    """Refuse secret-marked data as soon as they are saved (PT-3.2, PJ-43)."""
    gap = secret_gap(kinds, pack)
    if gap:
        raise Refused(gap.message, field=gap.field, basis=gap.basis, code="secret")


def require_complete(version: EntryVersion, pack: Pack) -> None:
    """Refuse an incomplete version, naming every field in the pack's own words, and the clauses that ask for them."""
    found = gaps(version, pack)
    if found:
        fields: dict[str, str] = {}
        for gap in found:
            fields[gap.field] = fields[gap.field] + gap.message if gap.field in fields else gap.message
        message = sentences(gap.message for gap in found)
        raise Invalid(
            message,
            fields=fields,
            field=found[0].field,
            basis=join(g.basis for g in found),
            code="incomplete",
        )


def secret_marks(pack: Pack) -> list[tuple[str, str]]:
    """Kinds of secret an entry may be asked about."""
    kinds = dict.fromkeys([*pack.node("scope.excluded").v, *pack.node("security.secret_kinds").v])
    return [(kind, kind) for kind in kinds]
