"""The words a catalog entry is written in. One list each; local words come from the policy pack."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import IntegerChoices, TextChoices
from django.utils.translation import gettext_lazy as _

from gongshu.packs import Pack
from gongshu.packs.check import codes

from .wording import english


class SystemKind(TextChoices):
    """What an information system is. Platforms of one's own and exchange systems between units are barred."""

    BUSINESS = "business", _("业务系统")
    PLATFORM = "platform", _("独立数据资源平台")
    EXCHANGE = "exchange", _("部门间共享交换系统")


class Ownership(TextChoices):
    """Whose system it is (XC-2.3a: 自建、在用)."""

    OWN = "own", _("自建")
    USED = "used", _("在用（上级或其他单位建设）")


class Network(TextChoices):
    """The network a system runs in."""

    EGOV = "egov", _("电子政务外网")
    INTERNET = "internet", _("互联网")
    PRIVATE = "private", _("业务专网")
    LOCAL = "local", _("单位局域网")


class Hosting(TextChoices):
    """Where a system is deployed (PT-10, ZY-20)."""

    CLOUD = "cloud", _("政务云")
    OWN_ROOM = "own_room", _("自有机房")
    OTHER = "other", _("其他")


class SystemStatus(TextChoices):
    """Whether a system is in use."""

    RUNNING = "running", _("在用")
    BUILDING = "building", _("在建")
    STOPPED = "stopped", _("停用")


class SourceKind(TextChoices):
    """Kinds of source the engine reads."""

    POSTGRESQL = "postgresql", "PostgreSQL"
    MARIADB = "mariadb", "MariaDB / MySQL"
    SQLITE = "sqlite", "SQLite"
    EXCEL = "excel", "Excel"
    CSV = "csv", "CSV"


FILE_KINDS = (SourceKind.SQLITE, SourceKind.EXCEL, SourceKind.CSV)
"""Kinds that are a file in the unit's own folder and not a server."""


class EntryState(TextChoices):
    """Where an entry stands. A published entry stays published while its next version is drafted and reviewed."""

    DRAFT = "draft", _("编制中")
    REVIEWING = "reviewing", _("审核中")
    PUBLISHED = "published", _("已发布")
    WITHDRAWN = "withdrawn", _("已撤销")


class VersionState(TextChoices):
    """Where a version stands. A published one never changes again."""

    DRAFT = "draft", _("草稿")
    SUBMITTED = "submitted", _("待审核")
    PUBLISHED = "published", _("已发布")


class ResourceType(TextChoices):
    """Kind of resource, the four data forms of PJ-3.2 among them."""

    TABLE = "table", _("库表")
    FILE = "file", _("文件")
    API = "api", _("接口")
    MEDIA = "media", _("图像视频数据")
    SPATIAL = "spatial", _("空间传感数据")
    STREAM = "stream", _("流式数据")


COLLECTABLE = (ResourceType.TABLE, ResourceType.FILE)
"""Kinds of resource that can be collected so far; the others are refused with that reason."""


class Format(TextChoices):
    """Format the data are stored in."""

    DATABASE = "database", _("数据库表")
    XLSX = "xlsx", "Excel"
    CSV = "csv", "CSV"
    JSON = "json", "JSON"
    XML = "xml", "XML"
    IMAGE = "image", _("图片")
    VIDEO = "video", _("视频")
    GEO = "geo", _("地理空间格式")
    OTHER = "other", _("其他")


class Category(TextChoices):
    """The three categories of the national compilation guide."""

    BASE = "base", _("基础类")
    THEME = "theme", _("主题类")
    UNIT = "unit", _("部门类")


class UpdateCycle(TextChoices):
    """How often the data are renewed. `DAYS` gives the length."""

    REALTIME = "realtime", _("实时")
    DAILY = "daily", _("每日")
    WEEKLY = "weekly", _("每周")
    MONTHLY = "monthly", _("每月")
    QUARTERLY = "quarterly", _("每季度")
    YEARLY = "yearly", _("每年")
    IRREGULAR = "irregular", _("不定期")


DAYS: dict[str, int | None] = {
    UpdateCycle.REALTIME: 1,
    UpdateCycle.DAILY: 1,
    UpdateCycle.WEEKLY: 7,
    UpdateCycle.MONTHLY: 31,
    UpdateCycle.QUARTERLY: 92,
    UpdateCycle.YEARLY: 366,
    UpdateCycle.IRREGULAR: None,
}
"""Length of an update cycle in days; None where there is none to be late by."""


class ShareMode(TextChoices):
    """How shared data are delivered."""

    PLATFORM = "platform", _("共享平台")
    API = "api", _("接口")
    EXCHANGE = "exchange", _("库表交换")
    FILE = "file", _("文件")


class ShareType(TextChoices):
    """Canonical codes; the label shown is the pack's (`Pack.share_label`)."""

    UNCONDITIONAL = "unconditional", _("无条件共享")
    CONDITIONAL = "conditional", _("有条件共享")
    NONE = "none", _("不予共享")


OPEN_TYPES = {"unconditional": _("无条件开放"), "conditional": _("有条件开放"), "none": _("不予开放")}
"""Canonical codes of the opening type, in the order of the pack's `open.classes`, with the platform's own words."""


class Level(IntegerChoices):
    """Level of data, of one item and (the highest of its items) of an entry."""

    L1 = 1, _("一级（可公开）")
    L2 = 2, _("二级（内部）")
    L3 = 3, _("三级（敏感）")
    L4 = 4, _("四级（高敏感）")


class SensitiveKind(TextChoices):
    """What kind of personal or business information an item holds."""

    ID_NUMBER = "id_card", _("公民身份号码")
    PHONE = "phone", _("手机号码")
    NAME = "name", _("姓名")
    ADDRESS = "address", _("住址")
    BANK_CARD = "bank_card", _("银行卡号")
    EMAIL = "email", _("电子邮箱")
    USCC = "uscc", _("统一社会信用代码")
    PLATE = "plate", _("车牌号")
    BIRTH = "birth_date", _("出生日期")
    OTHER = "other", _("其他敏感信息")


def code_label(code: str) -> str:
    """A code of the packs (push_periodic, data_center ...) in the reader's language."""
    known = codes().get(code)
    return known.label("en" if english() else "zh") if known else code


@dataclass(frozen=True)
class FieldSpec:
    """One canonical field of an entry. kind: text, longtext, choice, int, date, basis. choices: from the pack."""

    key: str
    kind: str
    choices: Callable[[Pack], list[tuple[Any, Any]]] | None = None
    help: Any = ""

    def options(self, pack: Pack) -> list[tuple[Any, Any]]:
        """Allowed (code, label) pairs; none for free text."""
        return self.choices(pack) if self.choices else []


def _of(choices: type[TextChoices]) -> Callable[[Pack], list[tuple[str, Any]]]:
    return lambda _pack: list(choices.choices)


def share_types(pack: Pack) -> list[tuple[str, Any]]:
    """The three share types in the regulation's words (PT-22.1a, ZY-15.3, CM-16.1); in English the platform's."""
    if english():
        return list(ShareType.choices)
    return [(code, pack.share_label(code)) for code in ShareType.values]


def open_types(pack: Pack) -> list[tuple[str, Any]]:
    """The classes of opening in the words of the regulation; an English reader gets the platform's."""
    if english():
        return list(OPEN_TYPES.items())
    return list(zip(OPEN_TYPES, pack.node("open.classes").v, strict=False))


def collect_modes(pack: Pack) -> list[tuple[str, Any]]:
    """The modes of collection the regulation knows."""
    return [(code, code_label(code)) for code in pack.node("collect.modes").v]


def acquisition_ways(pack: Pack) -> list[tuple[str, Any]]:
    """The ways of obtaining data the regulation names."""
    return [(way, way) for way in pack.node("collect.acquisition_ways").v]


def basis_ranks(pack: Pack, share_type: str) -> list[tuple[str, Any]]:
    """Ranks of a legal basis accepted for not sharing (the negative list's) or for restricting."""
    key = "lists.negative_basis" if share_type == ShareType.NONE else "share.refusal_basis"
    return [(rank, rank) for rank in pack.node(key).v]


FIELDS: dict[str, FieldSpec] = {
    spec.key: spec
    for spec in (
        FieldSpec("name", "text"),
        FieldSpec("business", "text", help=_("数据在哪项业务中产生或使用，也写明数据的范围。")),
        FieldSpec("resource_type", "choice", _of(ResourceType)),
        FieldSpec("format", "choice", _of(Format)),
        FieldSpec("category", "choice", _of(Category)),
        FieldSpec("update_cycle", "choice", _of(UpdateCycle)),
        FieldSpec("share_type", "choice", share_types),
        FieldSpec("share_condition", "longtext", help=_("例如：仅用于行政审批核验，不得留存。")),
        FieldSpec("share_scope", "longtext", help=_("哪些单位、哪些岗位可以使用。")),
        FieldSpec("use_purpose", "longtext", help=_("允许用于哪些事项。")),
        FieldSpec("share_reason", "longtext"),
        FieldSpec("legal_basis", "basis", help=_("写明效力层级、文件名称和条款。")),
        FieldSpec("share_mode", "choice", _of(ShareMode)),
        FieldSpec("share_term", "date", help=_("到期后停止共享。")),
        FieldSpec("open_type", "choice", open_types),
        FieldSpec("collect_mode", "choice", collect_modes),
        FieldSpec("acquisition_way", "choice", acquisition_ways),
        FieldSpec("security_level", "int", lambda _pack: [(code, text) for code, text in Level.choices]),
    )
}
"""The eighteen canonical fields an entry states itself; system, provider and items are links and rows of it."""
