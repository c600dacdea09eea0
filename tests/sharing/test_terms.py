"""What a request has to state under each pack, and credentials of calling systems."""

from __future__ import annotations

from datetime import date

import pytest
from django.conf import settings
from django.db import connection

from gongshu.engine.suite import open_
from gongshu.journal.models import Event
from gongshu.kernel.errors import Conflict, Invalid, NotAllowed, NotFound, Refused
from gongshu.packs import packs
from gongshu.sharing.models import Client, ShareRequest
from gongshu.sharing.selectors import requests_visible_to
from gongshu.sharing.services import client_register, client_retire, client_revoke, client_rotate

from .conftest import under

pytestmark = pytest.mark.django_db
ALL = pytest.mark.parametrize("county", sorted(packs()), indirect=True)


@under(zhangye=["ZY-24.6"], pujiang=[], putuo=[], xinchang=[], chongming=[])
def test_a_request_without_a_duty_cannot_be_submitted(county) -> None:
    with pytest.raises(Invalid) as refusal:
        county.ask(county.entry(), duty_basis=" ")
    assert "duty_basis" in refusal.value.fields
    assert refusal.value.basis == county.pack.share.duty_basis_required.basis
    assert not ShareRequest.objects.exists()


@under(pujiang=["PJ-37.1"], chongming=[], xinchang=["XC-1.5c"])
def test_a_request_without_its_commitment_cannot_be_submitted(county) -> None:
    words = list(county.pack.share.commitment.v)
    with pytest.raises(Invalid) as refusal:
        county.ask(county.entry(), commitment=words[:-1])
    assert words[-1] in refusal.value.fields["commitment"]
    request = county.ask(county.entry("unconditional"))
    assert request.commitment == words and request.grants.get().state == "active"


@under(chongming=["CM-18.1"])
def test_least_data_scenario_and_threefold_commitment(county) -> None:
    everything = ["id_no", "name", "town", "amount", "since"]
    with pytest.raises(Invalid) as refusal:
        county.ask(
            county.entry(), items=everything, scenario="", commitment=[], reasons={"id_no": "查询条件"}
        )
    assert set(refusal.value.fields) == {"reasons", "scenario", "commitment"}
    assert "姓名" in refusal.value.fields["reasons"] and "公民身份号码" not in refusal.value.fields["reasons"]
    assert refusal.value.basis.clauses == ("CM-18.1",)
    county.ask(county.entry(), items=everything, reasons=dict.fromkeys(everything, "审核必需"))


def test_all_faults_are_told_at_once(county) -> None:
    with pytest.raises(Invalid) as refusal:
        county.ask(
            county.entry(),
            items=["nothing"],
            purpose="",
            scenario="",
            duty_basis="",
            modes=["fax"],
            keys=["town"],
            scope=[{"item": "amount", "op": "prefix", "value": "1"}],
            valid_to=date(2020, 1, 1),
            per_day=0,
        )
    assert set(refusal.value.fields) == {
        "items",
        "keys",
        "purpose",
        "scenario",
        "duty_basis",
        "modes",
        "scope",
        "valid_to",
        "per_day",
    }


@pytest.mark.parametrize(
    "filter_",
    [
        {"item": "nothing", "op": "=", "value": "1"},
        {"item": "town", "op": "like", "value": "1"},
        {"item": "amount", "op": ">=", "value": "many"},
        {"item": "since", "op": ">=", "value": "soon"},
        {"item": "town", "op": "=", "value": ""},
        {"item": "town", "op": "=", "value": ["a", "b"]},
        {"item": "town"},
        "town = 1",
    ],
)
def test_a_scope_that_makes_no_sense_is_refused(county, filter_) -> None:
    with pytest.raises(Invalid) as refusal:
        county.ask(county.entry(), scope=[filter_])
    assert "scope" in refusal.value.fields


def test_the_term_ends_with_that_of_the_entry(county) -> None:
    entry = county.entry(share_term=date(2099, 6, 30))
    with pytest.raises(Invalid):
        county.ask(entry, valid_to=date(2099, 7, 1))
    county.ask(entry, valid_to=date(2099, 6, 30))


def test_who_may_ask_for_whom(county) -> None:
    from gongshu.sharing.services import share_request_submit

    entry = county.entry()
    with pytest.raises(Refused, match="本单位的数据"):
        county.ask(county.entry(unit="demander"))
    given = {
        "entry": entry.code,
        "unit": "demander",
        "client": Client.objects.get().client_id,
        "items": ["name"],
        "purpose": "x",
        "keys": ["name"],
        "duty_basis": "y",
        "scenario": "z",
    }
    with pytest.raises(NotAllowed):
        share_request_submit(actor=county.people["stranger_steward"], **given)
    other = county.client("stranger", "别家系统")["client_id"]
    with pytest.raises(Invalid, match="业务系统"):
        share_request_submit(actor=county.people["demander_steward"], **given | {"client": other})


def test_requests_are_seen_by_their_parties_and_overseers_only(county) -> None:
    request = county.ask(county.entry())
    seen = {
        who
        for who, actor in county.people.items()
        if requests_visible_to(actor).filter(pk=request.pk).exists()
    }
    assert {w for w in seen if w.startswith("stranger")} == set()
    assert {"demander_steward", "provider_reviewer", "authority_reviewer", "data_center_reviewer"} <= seen


def test_a_secret_is_shown_once_and_kept_sealed(county) -> None:
    given = county.client()
    steward = county.people["demander_steward"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret_sealed FROM gate.client WHERE client_id = %s", [given["client_id"]])
        sealed = cursor.fetchone()[0]
    opened = open_(settings.GONGSHU_MASTER_KEY(), sealed, f"gate.client:{given['client_id']}".encode())
    assert opened.decode() == given["secret"]
    assert not Event.objects.filter(body__icontains=given["secret"]).exists()
    with pytest.raises(Conflict):
        county.client()
    second = client_rotate(actor=steward, client=given["client_id"])
    assert second["secret"] != given["secret"]
    client_retire(actor=steward, client=given["client_id"])
    with pytest.raises(Conflict):
        client_retire(actor=steward, client=given["client_id"])
    client_revoke(actor=steward, client=given["client_id"], reason="系统下线")
    with pytest.raises(Conflict):
        client_rotate(actor=steward, client=given["client_id"])
    with pytest.raises(NotFound):
        client_rotate(actor=steward, client="nobody")
    with pytest.raises(NotAllowed):
        client_register(actor=steward, unit="stranger", system_name="x", contact="y")
    with pytest.raises(Invalid) as refusal:
        client_register(actor=steward, unit="demander", system_name="", contact="")
    assert set(refusal.value.fields) == {"system_name", "contact"}
