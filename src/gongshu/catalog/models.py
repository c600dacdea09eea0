"""Systems, their data sources, and the catalog: entries, their versions, their items."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from gongshu.engine.source import SourceSpec
from gongshu.engine.suite import open_, seal
from gongshu.kernel.canonical import canonical
from gongshu.org.models import Unit

from . import vocabulary as words


class Sequence(models.Model):
    """The last running number given out in a scope ("system:<unit>", "entry:<unit>")."""

    scope = models.CharField(max_length=80, unique=True)
    last = models.IntegerField(default=0)

    @classmethod
    def take(cls, scope: str) -> int:
        """The next number of a scope; the row stays locked until the transaction ends, so none is given twice."""
        cls.objects.get_or_create(scope=scope)
        row = cls.objects.select_for_update().get(scope=scope)
        row.last += 1
        row.save(update_fields=["last"])
        return row.last


class System(models.Model):
    """An information system of a unit, registered before its data are catalogued (ZY-15.1, XC-2.3a)."""

    code = models.CharField(_("系统编码"), max_length=60, unique=True)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="systems")
    name = models.CharField(_("系统名称"), max_length=200)
    business = models.CharField(_("承载业务"), max_length=400)
    kind = models.CharField(_("系统类型"), max_length=20, choices=words.SystemKind.choices)
    ownership = models.CharField(_("权属"), max_length=10, choices=words.Ownership.choices)
    network = models.CharField(_("所在网络"), max_length=20, choices=words.Network.choices)
    hosting = models.CharField(_("部署位置"), max_length=20, choices=words.Hosting.choices)
    status = models.CharField(_("状态"), max_length=20, choices=words.SystemStatus.choices)
    contact = models.CharField(_("联系方式"), max_length=200, blank=True, default="")
    surveyed_on = models.DateField(_("普查日期"))
    registered_at = models.DateTimeField(_("登记时间"))

    class Meta:
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["unit", "name"], name="system_name_once_per_unit")]

    def __str__(self) -> str:
        return self.name

    def as_dict(self) -> dict[str, Any]:
        """The system as the API shows it."""
        plain = ("code", "name", "business", "kind", "ownership", "network", "hosting", "status", "contact")
        return {name: getattr(self, name) for name in plain} | {
            "unit": self.unit.code,
            "surveyed_on": self.surveyed_on.isoformat(),
        }


class DataSource(models.Model):
    """A database or file of a system. The password is kept sealed, bound to this source's code."""

    code = models.CharField(_("数据源编码"), max_length=60, unique=True)
    system = models.ForeignKey(System, models.PROTECT, related_name="sources")
    name = models.CharField(_("数据源名称"), max_length=200)
    kind = models.CharField(_("类型"), max_length=20, choices=words.SourceKind.choices)
    host = models.CharField(_("主机"), max_length=255, blank=True, default="")
    port = models.IntegerField(_("端口"), null=True, blank=True)
    database = models.CharField(_("数据库名"), max_length=128, blank=True, default="")
    user = models.CharField(_("用户名"), max_length=128, blank=True, default="")
    secret = models.TextField(blank=True, default="", editable=False)
    path = models.CharField(_("文件路径"), max_length=400, blank=True, default="")
    options = models.JSONField(default=dict)
    probed_at = models.DateTimeField(null=True)
    probe_ok = models.BooleanField(default=False)
    probe_code = models.CharField(max_length=40, blank=True, default="")
    probe_facts = models.JSONField(default=dict)
    server = models.CharField(_("服务器版本"), max_length=200, blank=True, default="")

    class Meta:
        ordering = ["code"]
        constraints = [models.UniqueConstraint(fields=["system", "name"], name="source_name_once_per_system")]

    def __str__(self) -> str:
        return self.name

    @property
    def unit(self) -> Unit:
        """The unit whose system it belongs to."""
        return self.system.unit

    @property
    def is_file(self) -> bool:
        """Whether it is a file in the unit's folder and not a server."""
        return self.kind in words.FILE_KINDS

    def password_seal(self, password: str) -> None:
        """Keep a password: encrypted under the installation's master key, bound to the code of this source."""
        aad = f"source:{self.code}".encode()
        self.secret = seal(settings.GONGSHU_MASTER_KEY(), password.encode(), aad) if password else ""

    def spec(self) -> SourceSpec:
        """What the engine needs to read it, the password opened. Never log or show the result's password."""
        aad = f"source:{self.code}".encode()
        password = open_(settings.GONGSHU_MASTER_KEY(), self.secret, aad).decode() if self.secret else ""
        options = dict(self.options)
        if self.is_file:
            options["root"] = str(settings.GONGSHU_FILES_ROOT / self.system.unit.code)
        return SourceSpec(
            self.kind, self.host, self.port, self.database, self.user, password, self.path, options
        )

    def as_dict(self) -> dict[str, Any]:
        """The source as the API shows it; never the password."""
        plain = (
            "code",
            "name",
            "kind",
            "host",
            "port",
            "database",
            "user",
            "path",
            "server",
            "probe_ok",
            "probe_code",
        )
        return {name: getattr(self, name) for name in plain} | {
            "system": self.system.code,
            "probed_at": self.probed_at.isoformat() if self.probed_at else None,
        }


class Entry(models.Model):
    """A catalog entry: its immutable code, whose it is, where its data come from, and which version is in force."""

    code = models.CharField(_("目录编码"), max_length=60, unique=True, editable=False)
    unit = models.ForeignKey(Unit, models.PROTECT, related_name="entries")
    system = models.ForeignKey(System, models.PROTECT, null=True, blank=True, related_name="entries")
    source = models.ForeignKey(DataSource, models.PROTECT, null=True, blank=True, related_name="entries")
    table = models.CharField(_("数据表"), max_length=300, blank=True, default="")
    state = models.CharField(
        _("状态"), max_length=12, choices=words.EntryState.choices, default=words.EntryState.DRAFT
    )
    current = models.OneToOneField(
        "EntryVersion", models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    created_at = models.DateTimeField(_("建立时间"))
    published_at = models.DateTimeField(_("发布时间"), null=True)

    class Meta:
        ordering = ["code"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "table"],
                condition=Q(source__isnull=False) & ~Q(state="withdrawn"),
                name="entry_once_per_table",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def version(self) -> int:
        """Number of the version in force, 0 before the first."""
        return self.current.number if self.current else 0

    @property
    def draft(self) -> EntryVersion | None:
        """The version being drafted or reviewed, if one is."""
        if "versions" in getattr(self, "_prefetched_objects_cache", {}):  # a list of entries, loaded together
            open_ones = [v for v in self.versions.all() if v.state != words.VersionState.PUBLISHED]
            return max(open_ones, key=lambda v: v.number, default=None)
        return self.versions.exclude(state=words.VersionState.PUBLISHED).order_by("-number").first()

    @property
    def shown(self) -> EntryVersion | None:
        """The version in force, or before the first publication the draft."""
        return self.current or self.draft

    @property
    def name(self) -> str:
        """The name in the version in force, or in the draft."""
        held = self.shown
        return held.name or self.table or self.code if held else self.code

    def as_dict(self) -> dict[str, Any]:
        """The entry as the API shows it, with the version in force (the draft before the first publication)."""
        held = self.shown
        return {
            "code": self.code,
            "unit": self.unit.code,
            "system": self.system.code if self.system else None,
            "source": self.source.code if self.source else None,
            "table": self.table,
            "state": self.state,
            "version": self.version,
            "draft": self.draft.number if self.draft else None,
            "published_at": self.published_at.isoformat() if self.published_at else None,
            "shown": held.as_dict() if held else None,
        }


class EntryVersion(models.Model):
    """What an entry states: the canonical fields and its items. The database refuses to change a published one."""

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="versions")
    number = models.IntegerField()
    state = models.CharField(
        max_length=12, choices=words.VersionState.choices, default=words.VersionState.DRAFT
    )
    revision = models.IntegerField(default=1, help_text="rises with every save of a draft")
    system_code = models.CharField(
        max_length=60, blank=True, default="", help_text="as it was on publication"
    )
    name = models.CharField(max_length=200, blank=True, default="")
    summary = models.TextField(blank=True, default="")
    business = models.CharField(max_length=400, blank=True, default="")
    resource_type = models.CharField(max_length=20, blank=True, default="")
    format = models.CharField(max_length=20, blank=True, default="")
    category = models.CharField(max_length=20, blank=True, default="")
    update_cycle = models.CharField(max_length=20, blank=True, default="")
    share_type = models.CharField(max_length=20, blank=True, default="")
    share_condition = models.TextField(blank=True, default="")
    share_scope = models.TextField(blank=True, default="")
    use_purpose = models.TextField(blank=True, default="")
    share_reason = models.TextField(blank=True, default="")
    legal_basis = models.JSONField(default=dict, blank=True, help_text="{rank, document, article}")
    share_mode = models.CharField(max_length=20, blank=True, default="")
    share_term = models.DateField(null=True, blank=True)
    open_type = models.CharField(max_length=20, blank=True, default="")
    collect_mode = models.CharField(max_length=20, blank=True, default="")
    acquisition_way = models.CharField(max_length=60, blank=True, default="")
    security_level = models.IntegerField(null=True, blank=True)
    secret_kinds = models.JSONField(
        default=list, blank=True, help_text="kinds of secret the data are marked with"
    )
    row_count = models.BigIntegerField(
        null=True, blank=True, help_text="rows in the source when it was drafted"
    )
    drafted_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)
    digest = models.CharField(
        max_length=64, blank=True, default="", help_text="SHA-256 of `content`, on publication"
    )

    class Meta:
        ordering = ["entry", "number"]
        constraints = [
            models.UniqueConstraint(fields=["entry", "number"], name="version_number_once"),
            models.UniqueConstraint(
                fields=["entry"], condition=~Q(state="published"), name="version_one_draft_per_entry"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} v{self.number}"

    def content(self) -> dict[str, Any]:
        """Everything the version states, as canonical JSON values: what is compared, shown and put in the ledger."""
        stated: dict[str, Any] = {}
        for key in words.FIELDS:
            value = getattr(self, key)
            stated[key] = value.isoformat() if hasattr(value, "isoformat") else value
        return stated | {
            "entry": self.entry.code,
            "number": self.number,
            "provider": self.entry.unit.code,
            "system": self.system_code or (self.entry.system.code if self.entry.system else ""),
            "summary": self.summary,
            "items": [item.content() for item in self.items.all()],
        }

    def content_bytes(self) -> bytes:
        """`content` in RFC 8785 form; its SHA-256 is the version's digest."""
        return canonical(self.content())

    def as_dict(self) -> dict[str, Any]:
        """The version as the API shows it."""
        return self.content() | {
            "items": [item.as_dict() for item in self.items.all()],
            "state": self.state,
            "revision": self.revision,
            "row_count": self.row_count,
            "digest": self.digest,
        }


class Item(models.Model):
    """One item (信息项) of a version: a column of the source with its meaning, type, key, level and code list.

    type is a canonical type of the engine (`gongshu.engine.source.TYPES`). `suggested_*` is what the profile proposed,
    `kind` and `level` what a person decided; level None is undecided. samples are masked values.
    """

    version = models.ForeignKey(EntryVersion, models.CASCADE, related_name="items")
    position = models.IntegerField()
    name = models.CharField(_("字段名"), max_length=200)
    label = models.CharField(_("信息项名称"), max_length=200)
    type = models.CharField(_("数据类型"), max_length=20)
    native_type = models.CharField(max_length=100, blank=True, default="")
    precision = models.IntegerField(null=True, blank=True)
    scale = models.IntegerField(null=True, blank=True)
    is_key = models.BooleanField(_("主键"), default=False)
    nullable = models.BooleanField(_("可空"), default=True)
    suggested_kind = models.CharField(max_length=20, blank=True, default="")
    suggested_level = models.IntegerField(null=True, blank=True)
    suggested_why = models.CharField(
        max_length=20, blank=True, default="", help_text="gongshu.engine.profile.WHYS"
    )
    suggested_share = models.IntegerField(
        null=True, blank=True, help_text="percent of sampled cells that agree"
    )
    null_percent = models.IntegerField(
        null=True, blank=True, help_text="percent of sampled cells that are empty"
    )
    kind = models.CharField(_("敏感类别"), max_length=20, blank=True, default="")
    level = models.IntegerField(_("级别"), null=True, blank=True, choices=words.Level.choices)
    code_list = models.JSONField(default=list, blank=True, help_text="[[code, label], ...]")
    samples = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = [F("position")]
        constraints = [models.UniqueConstraint(fields=["version", "name"], name="item_name_once")]

    def __str__(self) -> str:
        return self.label or self.name

    @property
    def kind_text(self) -> str:
        """The sensitive kind in words."""
        return (
            str(words.SensitiveKind(self.kind).label)
            if self.kind in words.SensitiveKind.values
            else self.kind
        )

    @property
    def level_text(self) -> str:
        """The level in words."""
        return str(words.Level(self.level).label) if self.level else "—"

    def content(self) -> dict[str, Any]:
        """What the item states, as canonical JSON values."""
        return {
            "name": self.name,
            "label": self.label,
            "type": self.type,
            "precision": self.precision,
            "scale": self.scale,
            "is_key": self.is_key,
            "nullable": self.nullable,
            "kind": self.kind,
            "level": self.level,
            "code_list": self.code_list,
        }

    def as_dict(self) -> dict[str, Any]:
        """The item as the API shows it; samples are left out, they are for its own unit."""
        return self.content() | {
            "suggested_kind": self.suggested_kind,
            "suggested_level": self.suggested_level,
        }


class ChangeEvent(models.Model):
    """Something outside that obliges a unit to change or withdraw an entry: a law amended, a duty moved."""

    entry = models.ForeignKey(Entry, models.PROTECT, related_name="change_events")
    happened_on = models.DateField(_("发生日期"))
    trigger = models.CharField(_("变更情形"), max_length=100)
    description = models.TextField(_("说明"))
    registered_at = models.DateTimeField()
    case_number = models.CharField(max_length=40, blank=True, default="")

    class Meta:
        ordering = ["-id"]
