"""Posts, actions, and which post may do what. The one table from which every permission decision is made."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from gongshu.kernel.procedure import Label


class PostKind(TextChoices):
    """What a person is in a unit."""

    STEWARD = "steward", _("数据专管员")
    REVIEWER = "reviewer", _("审核人")
    HEAD = "head", _("单位负责人")
    SECURITY = "security", _("安全员")
    ISSUE_MANAGER = "issue_manager", _("问题数据管理员")
    SECURITY_HEAD = "security_head", _("数据安全负责人")
    GROUP_HEAD = "group_head", _("领导小组组长")
    GROUP_DEPUTY = "group_deputy", _("领导小组副组长")
    GROUP_MEMBER = "group_member", _("领导小组组员")
    SYSADMIN = "sysadmin", _("系统管理员")
    SECADMIN = "secadmin", _("安全管理员")
    AUDITOR = "auditor", _("审计管理员")


class Scope(TextChoices):
    """How far a post's permission reaches."""

    UNIT = "unit", _("本单位")
    SUBTREE = "subtree", _("本单位及下级")
    ALL = "all", _("全部单位")


@dataclass(frozen=True)
class Action:
    """Something a person may be allowed to do. `two_factor`: only with a second factor set up and used."""

    name: str
    label: Label
    two_factor: bool = False


ACTIONS = {
    a.name: a
    for a in (
        Action("catalog.view", _("查看已发布目录")),
        Action("catalog.edit", _("编制目录、登记系统与数据源")),
        Action("catalog.review", _("审核目录"), two_factor=True),
        Action("collection.run", _("发起归集")),
        Action("collection.view", _("查看归集批次")),
        Action("data.view", _("查看本单位数据样例")),
        Action("issue.view", _("查看问题数据")),
        Action("issue.handle", _("处理问题数据")),
        Action("issue.review", _("派发、核验问题数据"), two_factor=True),
        Action("share.view", _("查看共享申请与授权")),
        Action("share.request", _("申请共享、接收确认")),
        Action("share.reply", _("答复共享申请"), two_factor=True),
        Action("share.review", _("受理、审核共享申请"), two_factor=True),
        Action("share.grant", _("授予、撤销共享授权"), two_factor=True),
        Action("case.view", _("查看办件")),
        Action("case.urge", _("设定紧急时限、批准延期"), two_factor=True),
        Action("org.view", _("查看单位与人员")),
        Action("org.file", _("申报人员变更")),
        Action("org.approve", _("审批人员变更"), two_factor=True),
        Action("org.manage", _("维护单位、账号、岗位")),
        Action("org.permission", _("维护权限、解锁账号"), two_factor=True),
        Action("policy.calendar", _("维护工作日历")),
        Action("policy.review", _("审核更新数据安全策略和规程")),
        Action("audit.view", _("查看审计记录与存证")),
    )
}

_GROUP: dict[str, str] = {"catalog.view": Scope.ALL, "case.view": Scope.UNIT, "org.view": Scope.ALL}

ROLE_ACTIONS: dict[str, dict[str, str]] = {
    PostKind.STEWARD: {
        "catalog.view": Scope.ALL,
        "catalog.edit": Scope.UNIT,
        "collection.run": Scope.UNIT,
        "collection.view": Scope.UNIT,
        "data.view": Scope.UNIT,
        "issue.view": Scope.UNIT,
        "issue.handle": Scope.UNIT,
        "share.view": Scope.UNIT,
        "share.request": Scope.UNIT,
        "case.view": Scope.UNIT,
        "org.view": Scope.ALL,
        "org.file": Scope.UNIT,
    },
    PostKind.REVIEWER: {
        "catalog.view": Scope.ALL,
        "catalog.review": Scope.UNIT,
        "collection.view": Scope.SUBTREE,
        "issue.view": Scope.SUBTREE,
        "issue.review": Scope.UNIT,
        "share.view": Scope.SUBTREE,
        "share.reply": Scope.UNIT,
        "share.review": Scope.UNIT,
        "share.grant": Scope.UNIT,
        "case.view": Scope.SUBTREE,
        "case.urge": Scope.UNIT,
        "org.view": Scope.ALL,
        "org.approve": Scope.UNIT,
        "policy.review": Scope.UNIT,
    },
    PostKind.HEAD: {
        "catalog.view": Scope.ALL,
        "collection.view": Scope.SUBTREE,
        "issue.view": Scope.SUBTREE,
        "share.view": Scope.SUBTREE,
        "share.reply": Scope.UNIT,
        "share.review": Scope.UNIT,
        "share.grant": Scope.UNIT,
        "case.view": Scope.SUBTREE,
        "org.view": Scope.ALL,
        "org.file": Scope.UNIT,
    },
    PostKind.SECURITY: {
        "catalog.view": Scope.ALL,
        "share.view": Scope.UNIT,
        "case.view": Scope.UNIT,
        "org.view": Scope.ALL,
    },
    PostKind.ISSUE_MANAGER: {
        "catalog.view": Scope.ALL,
        "issue.view": Scope.UNIT,
        "issue.handle": Scope.UNIT,
        "case.view": Scope.UNIT,
        "org.view": Scope.ALL,
    },
    PostKind.SECURITY_HEAD: {
        "catalog.view": Scope.ALL,
        "share.view": Scope.UNIT,
        "case.view": Scope.UNIT,
        "org.view": Scope.ALL,
    },
    PostKind.SYSADMIN: {"org.view": Scope.ALL, "org.manage": Scope.ALL, "policy.calendar": Scope.ALL},
    PostKind.SECADMIN: {"org.view": Scope.ALL, "org.permission": Scope.ALL},
    PostKind.AUDITOR: {
        "catalog.view": Scope.ALL,
        "collection.view": Scope.ALL,
        "issue.view": Scope.ALL,
        "share.view": Scope.ALL,
        "case.view": Scope.ALL,
        "org.view": Scope.ALL,
        "audit.view": Scope.ALL,
    },
    PostKind.GROUP_HEAD: _GROUP,
    PostKind.GROUP_DEPUTY: _GROUP,
    PostKind.GROUP_MEMBER: _GROUP,
}
"""Which action a kind of post carries, and how far.

The auditor's actions all read; the three administrators share none of the business actions (三员分立). In a unit
without a steward on duty its head does the steward's work, so that no task is left lying (PT-5.3b; the access view
knows it too). A body that reviews for all (authority, data center) is given its cases by the procedure's parties, so
its reviewers need no wider scope; to oversee, a reviewer there sees all by `OVERSIGHT`.
"""

OVERSIGHT: tuple[str, ...] = ("case.view", "collection.view", "issue.view", "share.view")
"""Actions whose scope becomes ALL for reviewers and heads of a unit that holds the authority or the data center."""

ADMINISTRATORS = (PostKind.SYSADMIN, PostKind.SECADMIN, PostKind.AUDITOR)
"""The three administrators: never two of them in one hand, nor one of them beside a business post."""

APPROVERS = tuple(
    kind for kind, actions in ROLE_ACTIONS.items() if any(ACTIONS[a].two_factor for a in actions)
)
"""Kinds of post that must set up a second factor before they act."""


PROFILE = {
    "goals": _("工作目标"),
    "responsibility": _("责任分工"),
    "business_section": _("业务科室（实施机构）"),
    "security_section": _("安全责任科室"),
    "support_contact": _("支持联系方式"),
}
"""What a unit states about its own data work beside its people (CM-5.1a, PT-5.3b, PJ-35.3, ZY-5.2a)."""


class UnitKind(TextChoices):
    """Legal type of a unit; the pack's `scope` says whom the rules bind."""

    ORGAN = "organ", _("机关")
    INSTITUTION = "institution", _("事业单位")
    AUTHORISED = "authorised", _("依法授权履行公共管理和服务职能的单位")
    UTILITY = "utility", _("公共服务企业")
    REFERENCE = "reference", _("参照执行单位")


class BodyKind(TextChoices):
    """The bodies a pack assigns its roles to."""

    LEADING_GROUP = "leading_group", _("领导小组")
    AUTHORITY = "authority", _("主管部门")
    DATA_CENTER = "data_center", _("大数据中心")
    OPENING_LEAD = "opening_lead", _("开放牵头部门")
    CYBER = "cyber", _("网信部门")
    SECRECY = "secrecy", _("保密部门")
    POLICE = "police", _("公安部门")
