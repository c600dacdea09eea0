"""Share requests, what was answered, grants, the systems that call, and what was delivered."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from gongshu.casework.models import Case
from gongshu.catalog.models import Entry, EntryVersion
from gongshu.journal import clock
from gongshu.org.models import Unit


class Client(models.Model):
    """A business system that calls the gateway. Its secret is sealed in `gate.client` and shown once, here never."""

    client_id = models.CharField(_("调用标识"), max_length=64, unique=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="clients")
    system_name = models.CharField(_("业务系统"), max_length=200)
    contact = models.CharField(_("安全联系人电话"), max_length=100, blank=True, default="")
    algorithm = models.CharField(_("签名算法"), max_length=20, default="hmac-sha256")
    active = models.BooleanField(_("有效"), default=True)
    registered_at = models.DateTimeField(_("登记时间"))
    rotated_at = models.DateTimeField(_("换钥时间"), null=True)
    revoked_at = models.DateTimeField(_("停用时间"), null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["unit", "system_name"], condition=Q(active=True), name="client_one_active_per_system"
            )
        ]

    def __str__(self) -> str:
        return self.system_name

    def as_dict(self) -> dict[str, Any]:
        """The client as the API shows it; never a secret."""
        return {
            "client_id": self.client_id,
            "unit": self.unit.code,
            "system_name": self.system_name,
            "contact": self.contact,
            "algorithm": self.algorithm,
            "active": self.active,
            "registered_at": self.registered_at.isoformat(),
        }


class ShareRequest(models.Model):
    """A request to use some items of an entry for a duty of the demander, and what was answered to it.

    items: names of items of `version`; reasons: why each is needed. scope: [{item, op, value}], joined by AND.
    keys: items the caller will look up by. reply: what the provider agreed to {items, masks, valid_to, per_day,
    conditions, opinion}. accepted_ranks: ranks of a legal ground the pack accepts for refusing; the database
    refuses a refused request whose ground is missing or of another rank (share_refusal_has_basis).
    digest: over everything asked; an equal request of the same unit cannot be open twice.
    """

    ref = models.UUIDField(unique=True, editable=False)
    case = models.OneToOneField(Case, models.PROTECT, related_name="share_request")
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="share_requests")
    version = models.ForeignKey(EntryVersion, models.PROTECT, related_name="+")
    share_type = models.CharField(max_length=20)
    demander = models.ForeignKey(Unit, models.PROTECT, related_name="share_requests")
    provider = models.ForeignKey(Unit, models.PROTECT, related_name="share_requests_to_answer")
    client = models.ForeignKey(Client, models.PROTECT, related_name="requests")
    items = models.JSONField(default=list)
    reasons = models.JSONField(default=dict)
    purpose = models.TextField(_("用途"))
    scenario = models.TextField(_("应用场景"), blank=True, default="")
    duty_basis = models.TextField(_("履职依据"), blank=True, default="")
    scope = models.JSONField(default=list)
    modes = models.JSONField(default=list)
    keys = models.JSONField(default=list)
    valid_to = models.DateField(_("使用期限"))
    per_day = models.IntegerField(_("每日调用上限"))
    commitment = models.JSONField(default=list, help_text="the words of the commitment that was accepted")
    reply = models.JSONField(default=dict)
    refusal = models.JSONField(
        default=dict, help_text="the ground under review or upheld: rank, document, article"
    )
    accepted_ranks = models.JSONField(default=list)
    overturned = models.JSONField(default=list, help_text="grounds that were found not to hold")
    refused = models.BooleanField(default=False)
    open = models.BooleanField(default=True)
    calls_after = models.BigIntegerField(default=0, help_text="calls up to this one do not count as delivery")
    digest = models.CharField(max_length=64)
    submitted_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["demander", "digest"], condition=Q(open=True), name="share_request_once_while_open"
            ),
            models.CheckConstraint(
                condition=~Q(demander=F("provider")), name="share_request_between_two_units"
            ),
        ]

    def __str__(self) -> str:
        return self.case.number

    @property
    def number(self) -> str:
        """The number of its case."""
        return self.case.number

    def as_dict(self) -> dict[str, Any]:
        """The request as the API shows it, with its case."""
        plain = ("items", "reasons", "purpose", "scenario", "duty_basis", "scope", "modes", "keys", "per_day")
        grant = self.grants.order_by("-id").first()
        return {name: getattr(self, name) for name in plain} | {
            "number": self.case.number,
            "state": self.case.state,
            "outcome": self.case.outcome,
            "entry": self.entry.code,
            "version": self.version.number,
            "share_type": self.share_type,
            "demander": self.demander.code,
            "provider": self.provider.code,
            "client_id": self.client.client_id,
            "valid_to": self.valid_to.isoformat(),
            "commitment": self.commitment,
            "reply": self.reply,
            "refusal": self.refusal,
            "submitted_at": self.submitted_at.isoformat(),
            "grant": grant.number if grant else None,
        }


class GrantState(models.TextChoices):
    """Where a grant stands."""

    ACTIVE = "active", _("生效")
    SUSPENDED = "suspended", _("暂停")
    REVOKED = "revoked", _("已撤销")
    EXPIRED = "expired", _("已到期")


class Grant(models.Model):
    """What may be called, by whom, until when. `spec` is what the gateway serves; its digest is in the event."""

    number = models.CharField(_("授权编号"), max_length=40, unique=True)
    request = models.ForeignKey(ShareRequest, models.PROTECT, related_name="grants")
    version = models.IntegerField(default=1)
    spec = models.JSONField()
    masks = models.JSONField(default=dict, help_text="item -> kind of mask")
    spec_hash = models.CharField(max_length=64)
    valid_from = models.DateTimeField(_("生效时间"))
    valid_to = models.DateTimeField(_("截止时间"))
    state = models.CharField(_("状态"), max_length=12, choices=GrantState.choices, default=GrantState.ACTIVE)
    reason = models.TextField(_("撤销或暂停的原因"), blank=True, default="")
    hold = models.CharField(
        max_length=40, blank=True, default="", help_text="the data issue that suspended it"
    )
    issued_at = models.DateTimeField(_("授予时间"))
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["request"],
                condition=Q(state__in=["active", "suspended"]),
                name="grant_one_live_per_request",
            )
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def last_day(self) -> date:
        """The last day on which it may be called; `valid_to` is the moment after it."""
        return (self.valid_to - timedelta(microseconds=1)).astimezone(clock.ZONE).date()

    def as_dict(self) -> dict[str, Any]:
        """The grant as the API shows it."""
        return {
            "number": self.number,
            "request": self.request.case.number,
            "entry": self.request.entry.code,
            "client_id": self.request.client.client_id,
            "state": self.state,
            "version": self.version,
            "spec_hash": self.spec_hash,
            "items": [c["name"] for c in self.spec["columns"]],
            "masks": self.masks,
            "scope": self.request.scope,
            "modes": self.spec["modes"],
            "keys": self.spec["keys"],
            "quota": self.spec["quota"],
            "valid_from": self.valid_from.isoformat(),
            "valid_to": self.valid_to.isoformat(),
        }


class Delivery(models.Model):
    """The first successful call of a grant, or of a grant provided again after an objection: data have moved."""

    grant = models.ForeignKey(Grant, models.PROTECT, related_name="deliveries")
    call_id = models.BigIntegerField()
    called_at = models.DateTimeField()
    rows = models.IntegerField()
    recorded_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["grant", "call_id"], name="delivery_once")]


class Serving(models.Model):
    """An entry's table in the serving schema: from which batch it was published and when."""

    entry = models.OneToOneField(Entry, models.PROTECT, related_name="serving")
    table = models.CharField(max_length=130)
    batch_id = models.CharField(max_length=80, blank=True, default="")
    snapshot = models.BigIntegerField(null=True)
    rows = models.BigIntegerField(default=0)
    indexed = models.JSONField(default=list)
    published_at = models.DateTimeField(null=True)
