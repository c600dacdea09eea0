"""Tables of units, people and what units lack."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from gongshu.console.tables import Column, Filter, Table
from gongshu.console.templatetags.house import badge, basis
from gongshu.console.wording import basis_text

from .models import Account, Unit
from .selectors import CURRENT, Gap, posts_on
from .vocabulary import BodyKind, PostKind, UnitKind


def _indented(unit: Unit) -> str:
    """The name, set in by the depth in the tree (spaces: the page allows no styles of its own)."""
    return "\u3000" * (unit.path.count("/") - 2) + str(unit)


def _bodies(unit: Unit) -> str:
    return "、".join(str(BodyKind(r.role).label) for r in unit.body_roles.all())


class UnitTable(Table):
    """Units in the order of the tree. `lacking`: unit id -> number of gaps, set by the view."""

    title = _("单位")
    search = _("单位名称、编码")
    search_fields = ("name", "name_en", "code")
    ordering = ("path",)
    per_page = 50
    empty = _("还没有单位。")
    filters = (
        Filter("kind", _("单位类型"), UnitKind.choices),
        Filter("active", _("是否在用"), (("1", _("在用")), ("0", _("已撤销")))),
    )

    def __init__(self, rows: Any, request: Any, lacking: dict[int, int]) -> None:
        super().__init__(rows, request)
        self.columns = (  # type: ignore[misc]
            Column(
                "name",
                _("单位名称"),
                cell=_indented,
                export=str,
                wide=True,
                link=lambda u: reverse("org:unit", args=[u.code]),
            ),
            Column("code", _("单位编码"), nowrap=True, quiet=True),
            Column("kind", _("单位类型"), cell=lambda u: u.get_kind_display()),
            Column("bodies", _("承担角色"), cell=_bodies),
            Column("people", _("在任人数"), numeric=True),
            Column(
                "lacks",
                _("缺少"),
                cell=lambda u: _lacks(lacking.get(u.pk, 0)),
                export=lambda u: lacking.get(u.pk, 0),
                nowrap=True,
            ),
        )


def _lacks(count: int) -> Any:
    return badge(_t("%(n)d 项") % {"n": count}, "amber") if count else ""


def posts_words(account: Account) -> list[str]:
    """The posts an account holds today, in words."""
    return [f"{p.unit} {p.get_kind_display()}" for p in account.current_posts]  # type: ignore[attr-defined]


def _units() -> list[tuple[str, str]]:
    return [(u.code, str(u)) for u in Unit.objects.filter(active=True).order_by("path")]


class PeopleTable(Table):
    """Accounts with the posts they hold today."""

    title = _("人员")
    search = _("姓名、用户名")
    search_fields = ("username", "display_name")
    ordering = ("username",)
    per_page = 30
    empty = _("没有符合条件的人员。")
    columns = (
        Column("name", _("姓名"), cell=str, link=lambda a: reverse("org:account", args=[a.username])),
        Column("username", _("用户名"), sort="username", nowrap=True),
        Column(
            "posts",
            _("在任岗位"),
            wide=True,
            cell=lambda a: format_html_join(SafeString("<br>"), "{}", ((w,) for w in posts_words(a))),
            export=lambda a: "、".join(posts_words(a)),
        ),
        Column("phone", _("联系电话"), quiet=True, nowrap=True),
        Column(
            "state",
            _("状态"),
            nowrap=True,
            cell=lambda a: badge(_t("在用"), "green") if a.is_active else badge(_t("已停用"), "grey"),
            export=lambda a: _t("在用") if a.is_active else _t("已停用"),
        ),
    )
    filters = (
        Filter(
            "unit",
            _("单位"),
            _units,
            apply=lambda rows, code: rows.filter(posts__in=_posts(unit__code=code)).distinct(),
        ),
        Filter(
            "post",
            _("岗位"),
            PostKind.choices,
            apply=lambda rows, kind: rows.filter(posts__in=_posts(kind=kind)).distinct(),
        ),
        Filter(
            "active",
            _("状态"),
            (("1", _("在用")), ("0", _("已停用"))),
            apply=lambda rows, value: rows.filter(is_active=value == "1"),
        ),
    )


def _posts(**given: Any) -> Any:
    from .models import Post

    return Post.objects.filter(posts_on(CURRENT), **given)


class GapTable(Table):
    """What units lack under the regulation."""

    title = _("缺少的必设岗位和信息")
    empty = _("各单位的必设岗位和信息都已齐备。")
    per_page = 50
    columns = (
        Column(
            "unit",
            _("单位"),
            cell=lambda g: str(g.unit),
            link=lambda g: reverse("org:unit", args=[g.unit.code]),
        ),
        Column("label", _("缺少的岗位或信息"), wide=True),
        Column("basis", _("依据"), cell=lambda g: basis(g.basis), export=lambda g: basis_text(g.basis)),
    )

    def searched(self, rows: list[Gap], query: str) -> list[Gap]:
        """Gaps of units whose name has every word."""
        return [g for g in rows if all(word in f"{g.unit} {g.label}" for word in query.split())]
