"""Kinds of rule, how severe a failure is, and to which of a pack's quality dimensions each kind belongs."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from gongshu.packs import Pack


class RuleKind(TextChoices):
    """What a rule asks of its columns; the kinds and their params are the engine's (`gongshu.engine.rules.Rule`), but
    a reference names another entry {entry, column}."""

    NOT_NULL = "not_null", _("不得为空")
    UNIQUE = "unique", _("不得重复")
    PATTERN = "pattern", _("符合格式")
    CHECK = "check", _("号码有效（校验位）")
    CODE_LIST = "code_list", _("取值在代码表内")
    RANGE = "range", _("数值在范围内")
    REFERENCE = "reference", _("在被引用的目录中存在")
    FRESH = "fresh", _("按周期更新")


class Severity(TextChoices):
    """An error opens a data issue; a warning only counts in the score."""

    ERROR = "error", _("错误")
    WARNING = "warning", _("提示")


class Origin(TextChoices):
    """Where a rule comes from."""

    AUTO = "auto", _("由信息项生成")
    MANUAL = "manual", _("人工添加")


class Check(TextChoices):
    """Numbers whose check digit or shape the engine knows."""

    ID_CARD = "id_card", _("公民身份号码")
    USCC = "uscc", _("统一社会信用代码")
    BANK_CARD = "bank_card", _("银行卡号")
    PHONE = "phone", _("电话号码")


# What a kind of rule is evidence of, best word first. A pack names the dimensions it knows (ZY-35.2 has five, PJ-20.2
# three); the first of these that it names is the rule's.
_MEANS = {
    RuleKind.NOT_NULL: ("完整性", "质量"),
    RuleKind.UNIQUE: ("一致性", "准确性", "质量"),
    RuleKind.PATTERN: ("规范性", "准确性", "质量"),
    RuleKind.CHECK: ("准确性", "质量"),
    RuleKind.CODE_LIST: ("规范性", "准确性", "质量"),
    RuleKind.RANGE: ("准确性", "质量"),
    RuleKind.REFERENCE: ("一致性", "准确性", "质量"),
    RuleKind.FRESH: ("时效性", "及时性", "更新情况", "质量"),
}


def dimensions(pack: Pack) -> list[str]:
    """The quality dimensions the pack names."""
    return [str(word) for word in pack.quality.dims.v]


def dimension_of(kind: str, pack: Pack) -> str:
    """The pack's dimension a kind of rule belongs to; its first one where none fits."""
    known = dimensions(pack)
    return next((word for word in _MEANS[RuleKind(kind)] if word in known), known[0])
