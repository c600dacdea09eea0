"""Units, people, posts and the bodies that hold the pack's roles."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from .vocabulary import BodyKind, PostKind, UnitKind


class Unit(models.Model):
    """A unit in the tree. `path`: the codes from the root, "/a/b/", kept by the services; a subtree is a prefix."""

    code = models.CharField(_("单位编码"), max_length=40, unique=True)
    name = models.CharField(_("单位名称"), max_length=200)
    name_en = models.CharField(_("英文名称"), max_length=200, blank=True, default="")
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    path = models.TextField(unique=True)
    kind = models.CharField(_("单位类型"), max_length=20, choices=UnitKind.choices, default=UnitKind.ORGAN)
    region = models.CharField(_("行政区划代码"), max_length=12, blank=True, default="")
    duties = models.JSONField(default=list)
    profile = models.JSONField(default=dict)
    active = models.BooleanField(default=True)

    class Meta:
        ordering = ["path"]

    def __str__(self) -> str:
        return self.name_en if self.name_en and (get_language() or "").startswith("en") else self.name

    def as_dict(self) -> dict[str, Any]:
        """The unit as the API shows it."""
        return {
            "code": self.code,
            "name": self.name,
            "name_en": self.name_en,
            "parent": self.parent.code if self.parent else None,
            "kind": self.kind,
            "region": self.region,
            "profile": self.profile,
            "active": self.active,
        }


class Account(AbstractUser):
    """A person's account. What it may do follows from its posts alone; Django's own flags are never consulted."""

    display_name = models.CharField(_("姓名"), max_length=100, blank=True, default="")
    phone = models.CharField(_("联系电话"), max_length=30, blank=True, default="")
    must_change_password = models.BooleanField(default=False)

    def __str__(self) -> str:
        return self.display_name or self.username

    def as_dict(self) -> dict[str, Any]:
        """The account as the API shows it; never a credential."""
        return {"username": self.username, "name": self.display_name, "active": self.is_active}


class Post(models.Model):
    """A person in a unit, from a date to a date; future-dated posts wait for their day (ZY-5.4b)."""

    account = models.ForeignKey(Account, models.PROTECT, related_name="posts")
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="posts")
    kind = models.CharField(_("岗位"), max_length=20, choices=PostKind.choices)
    starts = models.DateField(_("任职日期"))
    ends = models.DateField(_("离任日期"), null=True, blank=True)

    class Meta:
        ordering = ["unit__path", "kind", "starts"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends__isnull=True) | Q(ends__gte=F("starts")), name="post_dates"
            ),
            models.UniqueConstraint(fields=["account", "unit", "kind", "starts"], name="post_once"),
        ]

    def __str__(self) -> str:
        return f"{self.account} {self.unit} {self.get_kind_display()}"

    def as_dict(self) -> dict[str, Any]:
        """The post as the API shows it."""
        return {
            "id": self.id,
            "account": self.account.username,
            "unit": self.unit.code,
            "kind": self.kind,
            "starts": self.starts.isoformat(),
            "ends": self.ends.isoformat() if self.ends else None,
        }


class BodyRole(models.Model):
    """Which unit holds which role of the pack; one unit may hold several."""

    role = models.CharField(max_length=20, choices=BodyKind.choices, unique=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="body_roles")

    def __str__(self) -> str:
        return f"{self.role}: {self.unit}"

    def as_dict(self) -> dict[str, Any]:
        """The assignment as the API shows it."""
        return {"role": self.role, "unit": self.unit.code, "name": self.unit.name}


class RoleAction(models.Model):
    """ROLE_ACTIONS in the database, where the access view joins it; written by the migration from the vocabulary."""

    kind = models.CharField(max_length=20, choices=PostKind.choices)
    action = models.CharField(max_length=40)
    scope = models.CharField(max_length=10)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "action"], name="role_action_once")]


class Access(models.Model):
    """One row for each action an account may do upon a unit today: the SQL view `org_access`.

    Lists, exports, API and single decisions all ask this view, so they cannot differ.
    """

    pk = models.CompositePrimaryKey("account_id", "action", "unit_id", "post_id")
    account = models.ForeignKey(Account, models.DO_NOTHING, related_name="+")
    action = models.CharField(max_length=40)
    unit = models.ForeignKey(Unit, models.DO_NOTHING, related_name="+")
    post = models.ForeignKey(Post, models.DO_NOTHING, related_name="+")

    class Meta:
        managed = False
        db_table = "org_access"


class ApiToken(models.Model):
    """A token with which a program acts for an account through the REST API. Only its SHA-256 is kept."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=100)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def as_dict(self) -> dict[str, Any]:
        """The token as the API shows it; never the token itself."""
        return {
            "id": self.id,
            "name": self.name,
            "account": self.account.username,
            "expires_at": self.expires_at.isoformat(),
            "revoked": self.revoked_at is not None,
        }
