"""Connecting databases and files. Nothing is saved that has not been reached; the password goes nowhere else."""

from __future__ import annotations

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from gongshu.engine import source as engine
from gongshu.journal import clock
from gongshu.journal.services import Actor, event_append, service
from gongshu.kernel.errors import Conflict, Invalid
from gongshu.org.policy import require

from .. import selectors
from ..messages import facts_of, refused
from ..models import DataSource, Sequence
from ..vocabulary import FILE_KINDS, SourceKind
from ..wording import label_of, sentences

PORTS = {SourceKind.POSTGRESQL: 5432, SourceKind.MARIADB: 3306}
CONNECT_SECONDS = 6
"""A person waits for the answer: shorter than the engine's own patience."""
MOST_NAMES = 5000
"""Table names kept of a source, from which the rate of cataloguing is computed."""


@service("catalog.source_register", "POST", "/systems/{system}/sources", summary="登记数据源（先试连）")
def source_register(
    *,
    actor: Actor,
    system: str,
    name: str,
    kind: str,
    host: str = "",
    port: int | None = None,
    database: str = "",
    user: str = "",
    password: str = "",
    path: str = "",
    encoding: str = "",
) -> DataSource:
    """Register a database or file of a system after connecting to it; a source that cannot be read is refused.

    kind: postgresql, mariadb, sqlite, excel, csv. Files lie in the unit's own folder below GONGSHU_FILES_ROOT; path is
    relative to it. The password is sealed before it is stored and appears in no event, log or answer.
    """
    found = selectors.system_get(actor=actor, system=system)
    require(actor, "catalog.edit", found.unit)
    given = _clean(name=name, kind=kind, host=host, port=port, database=database, user=user, path=path)
    number = Sequence.take(f"source:{found.code}")
    source = DataSource(code=f"{found.code}-SJ{number:02d}", system=found, **given)
    source.options = {"encoding": encoding} if encoding else {}
    source.password_seal(password)
    _probe(source)
    if not source.probe_ok:
        raise refused(
            engine.SourceError(source.probe_code, source.probe_facts.get("detail", ""), source.probe_facts)
        )
    _save(source)
    _tell(actor, "catalog.source.registered", source)
    return source


@service("catalog.source_edit", "PATCH", "/sources/{source}", summary="更新数据源连接（先试连）")
def source_edit(*, actor: Actor, source: str, fields: dict[str, Any]) -> DataSource:
    """Change how a source is reached, after connecting with the new details. An empty password keeps the old one."""
    found = selectors.source_get(actor=actor, source=source)
    require(actor, "catalog.edit", found.unit)
    told = {k: getattr(found, k) for k in ("name", "kind", "host", "port", "database", "user", "path")}
    stray = sorted(set(fields) - {*told, "password", "encoding"} | (set(fields) & {"kind"}))
    if stray:
        raise Invalid(_("数据源的“%(name)s”不能修改。") % {"name": stray[0]}, field=stray[0])
    for key, value in _clean(**{**told, **{k: v for k, v in fields.items() if k in told}}).items():
        setattr(found, key, value)
    if fields.get("encoding"):
        found.options = {**found.options, "encoding": fields["encoding"]}
    if fields.get("password"):
        found.password_seal(str(fields["password"]))
    _probe(found)
    if not found.probe_ok:
        raise refused(
            engine.SourceError(found.probe_code, found.probe_facts.get("detail", ""), found.probe_facts)
        )
    _save(found)
    _tell(actor, "catalog.source.edited", found)
    return found


@service("catalog.source_check", "POST", "/sources/{source}/check", summary="检查数据源能否连通")
def source_check(*, actor: Actor, source: str) -> DataSource:
    """Connect again and keep the outcome; a source that fails is recorded, not refused."""
    found = selectors.source_get(actor=actor, source=source)
    require(actor, "catalog.edit", found.unit)
    _probe(found)
    found.save(update_fields=["probed_at", "probe_ok", "probe_code", "probe_facts", "server"])
    _tell(actor, "catalog.source.checked", found)
    return found


def _probe(source: DataSource) -> None:
    spec = source.spec()
    spec.options["connect_timeout"] = CONNECT_SECONDS
    source.probed_at = clock.now()
    try:
        answer = engine.probe(spec)
    except engine.SourceError as error:
        source.probe_ok, source.probe_code, source.probe_facts = False, error.code, facts_of(error)
    else:
        source.probe_ok, source.probe_code = True, ""
        source.probe_facts = {
            "tables": len(answer.tables),
            "names": [t.name for t in answer.tables][:MOST_NAMES],
        }
        source.server = answer.server[:200]


def _tell(actor: Actor, type: str, source: DataSource) -> None:
    facts = {key: value for key, value in source.probe_facts.items() if key != "names"}
    body = source.as_dict() | {"facts": facts}
    event_append(
        actor=actor, type=type, subject=("source", source.code, source.name), unit=source.unit.pk, body=body
    )


def _save(source: DataSource) -> None:
    try:
        with transaction.atomic():
            source.save()
    except IntegrityError:
        raise Conflict(
            _("该系统已有名为“%(name)s”的数据源。") % {"name": source.name}, field="name"
        ) from None


def _clean(
    *, name: str, kind: str, host: str, port: int | None, database: str, user: str, path: str
) -> dict[str, Any]:
    told: dict[str, Any] = {
        "name": name.strip(),
        "kind": kind,
        "host": "",
        "port": None,
        "database": "",
        "user": "",
        "path": "",
    }
    if kind not in SourceKind.values:
        raise Invalid(_("没有这种数据源：%(kind)s。") % {"kind": kind}, field="kind")
    if kind in FILE_KINDS:
        told["path"] = path.strip()
        needed = ["name", "path"]
    else:
        told |= {
            "host": host.strip(),
            "port": port or PORTS[SourceKind(kind)],
            "database": database.strip(),
            "user": user.strip(),
        }
        needed = ["name", "host", "database", "user"]
    labels = {field: label_of(DataSource, field) for field in needed}
    wrong = {field: _("请填写%(label)s。") % {"label": labels[field]} for field in needed if not told[field]}
    if told["host"] and not re.fullmatch(r"[A-Za-z0-9._:\-\[\]]{1,255}", told["host"]):
        wrong["host"] = _("主机应为主机名或 IP 地址，不含协议、端口和空格。")
    if told["port"] is not None and not 1 <= told["port"] <= 65535:
        wrong["port"] = _("端口应在 1 至 65535 之间。")
    if wrong:
        raise Invalid(sentences(wrong.values()), fields=wrong, field=next(iter(wrong)))
    return told
