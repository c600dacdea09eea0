"""Business systems that call the gateway, and their credentials. A secret is shown once and kept only sealed."""

from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from gongshu.engine.suite import seal
from gongshu.journal import clock
from gongshu.journal.services import Actor, event_append, service
from gongshu.kernel.errors import Conflict, Invalid, NotFound
from gongshu.org.models import Unit
from gongshu.org.policy import require

from ..models import Client
from ..vocabulary import Algorithm


def _new_secret(client_id: str) -> tuple[str, str]:
    """A new secret (the caller signs with its UTF-8 bytes) and its sealed form for the gateway."""
    secret = secrets.token_urlsafe(32)
    return secret, seal(settings.GONGSHU_MASTER_KEY(), secret.encode(), f"gate.client:{client_id}".encode())


@service("share.client_register", "POST", "/clients", summary="登记业务系统并领取调用凭证")
def client_register(
    *, actor: Actor, unit: str, system_name: str, contact: str, algorithm: str = Algorithm.SHA256
) -> dict[str, Any]:
    """Register a business system of a unit. The answer holds client_id and secret; the secret is never shown again.

    contact: how to reach the unit's security contact for this system (ZY-5.2b). algorithm: hmac-sha256 or hmac-sm3.
    """
    found = Unit.objects.filter(code=unit, active=True).first()
    if found is None:
        raise NotFound(_("没有编码为 %(code)s 的单位。") % {"code": unit}, field="unit")
    require(actor, "share.request", found)
    wrong = {}
    if not system_name.strip():
        wrong["system_name"] = _("请写明业务系统的名称。")
    if not contact.strip():
        wrong["contact"] = _("请写明该系统安全联系人的电话。")
    if algorithm not in Algorithm.values:
        wrong["algorithm"] = _("没有这种签名算法。")
    if wrong:
        raise Invalid("；".join(wrong.values()), fields=wrong, field=next(iter(wrong)))
    client_id = f"c-{secrets.token_hex(8)}"
    secret, sealed = _new_secret(client_id)
    try:
        with transaction.atomic():
            client = Client.objects.create(
                client_id=client_id,
                unit=found,
                system_name=system_name.strip(),
                contact=contact.strip(),
                algorithm=algorithm,
                registered_at=clock.now(),
            )
    except IntegrityError:
        raise Conflict(_("该业务系统已登记；如需新凭证，请换钥。"), field="system_name") from None
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO gate.client (client_id, secret_sealed, unit_id, system_name, algorithm)"
            " VALUES (%s, %s, %s, %s, %s)",
            [client_id, sealed, found.pk, client.system_name, algorithm],
        )
    _told(actor, client, "share.client.registered")
    return client.as_dict() | {"secret": secret}


def client_get(actor: Actor, client_id: str) -> Client:
    """A client of a unit for which the actor may ask for data, locked; NotFound otherwise."""
    found = (
        Client.objects.select_for_update(of=("self",))
        .select_related("unit")
        .filter(client_id=client_id)
        .first()
    )
    if found is None:
        raise NotFound(_("没有标识为 %(code)s 的业务系统。") % {"code": client_id}, field="client")
    require(actor, "share.request", found.unit)
    if not found.active:
        raise Conflict(_("该业务系统的凭证已停用。"))
    return found


@service("share.client_rotate", "POST", "/clients/{client}/rotate", summary="更换调用密钥")
def client_rotate(*, actor: Actor, client: str) -> dict[str, Any]:
    """Issue a new secret; the one before stays valid beside it until it is retired, so nothing is interrupted."""
    found = client_get(actor, client)
    secret, sealed = _new_secret(found.client_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE gate.client SET secret2_sealed = secret_sealed, secret_sealed = %s WHERE client_id = %s",
            [sealed, found.client_id],
        )
    found.rotated_at = clock.now()
    found.save(update_fields=["rotated_at"])
    _told(actor, found, "share.client.rotated")
    return found.as_dict() | {"secret": secret}


@service("share.client_retire", "POST", "/clients/{client}/retire", summary="停用旧密钥")
def client_retire(*, actor: Actor, client: str) -> Client:
    """End the secret that was in use before the last rotation."""
    found = client_get(actor, client)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE gate.client SET secret2_sealed = NULL WHERE client_id = %s AND secret2_sealed IS NOT NULL",
            [found.client_id],
        )
        if not cursor.rowcount:
            raise Conflict(_("没有仍在使用的旧密钥。"))
    _told(actor, found, "share.client.retired")
    return found


@service("share.client_revoke", "POST", "/clients/{client}/revoke", summary="停用业务系统的凭证")
def client_revoke(*, actor: Actor, client: str, reason: str) -> Client:
    """End both secrets at once: every call of this system is refused within a second. Cannot be undone."""
    found = client_get(actor, client)
    if not reason.strip():
        raise Invalid(_("请写明停用原因。"), field="reason")
    with connection.cursor() as cursor:
        cursor.execute("UPDATE gate.client SET active = false WHERE client_id = %s", [found.client_id])
    found.active, found.revoked_at = False, clock.now()
    found.save(update_fields=["active", "revoked_at"])
    _told(actor, found, "share.client.revoked", reason=reason.strip())
    return found


def _told(actor: Actor, client: Client, type: str, **more: Any) -> None:
    event_append(
        actor=actor,
        type=type,
        subject=("client", client.client_id, client.system_name),
        unit=client.unit_id,
        body=client.as_dict() | more,
    )


def secrets_live(client_ids: list[str]) -> dict[str, int]:
    """client_id -> how many secrets open the gate now (0, 1, or 2 during a rotation)."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT client_id, CASE WHEN active THEN 1 + (secret2_sealed IS NOT NULL)::int ELSE 0 END"
            " FROM gate.client WHERE client_id = ANY(%s)",
            [client_ids],
        )
        return dict(cursor.fetchall())
