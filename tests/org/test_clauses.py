"""What the five texts say of units' people and sections."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gongshu.casework.selectors import turns_for
from gongshu.casework.services import case_move, case_open
from gongshu.catalog import services as catalog
from gongshu.journal.services import SYSTEM
from gongshu.kernel.errors import Refused
from gongshu.org import selectors, services
from gongshu.org.models import Post, Unit
from gongshu.sharing.services import share_request_submit

from .conftest import TODAY

pytestmark = pytest.mark.django_db


def gone(username: str) -> None:
    """Let a person have left before today."""
    Post.objects.filter(account__username=username).update(
        starts=date(2026, 1, 1), ends=TODAY - timedelta(days=1)
    )


@pytest.mark.clause("PT-5.3a")
def test_a_unit_without_its_first_responsible_person_is_listed(place, settings) -> None:
    settings.GONGSHU_PACK = "putuo"
    gone("mz_head")
    found = [
        (g.unit.code, g.label, g.basis.clauses)
        for g in selectors.gaps_of_all()
        if g.key == "first_responsible"
    ]
    assert found == [("mz", "单位负责人", ("PT-5.3a",))]


@pytest.mark.clause("PT-5.3b")
def test_without_section_or_staff_tasks_fall_to_the_head_and_a_warning_is_shown(place, settings) -> None:
    settings.GONGSHU_PACK = "putuo"
    mz, auth = (Unit.objects.get(code=code) for code in ("mz", "auth"))
    case = case_open(
        actor=SYSTEM,
        procedure="data_issue",
        subject=("data_issue", "1", "婚姻登记信息"),
        parties={"provider": mz, "authority": auth, "data_center": auth},
    )
    case_move(actor=SYSTEM, case=case, move="found", given={})
    assert not turns_for(place.actors["mz_head"]).exists()
    gone("mz_steward")
    assert [t.case_id for t in turns_for(place.actors["mz_head"])] == [case.pk]
    shown = selectors.unit_show(actor=place.actors["mz_head"], unit="mz")
    warned = {gap["label"]: gap["basis"]["clauses"] for gap in shown["lacks"]}
    assert warned["数据专管员"] == warned["业务科室（实施机构）"] == ["PT-5.3b"]


@pytest.mark.clause("CM-5.1a")
@pytest.mark.parametrize("missing", ["goals", "responsibility", "business_section", "steward"])
def test_a_unit_that_lacks_any_of_the_four_is_incomplete(place, settings, missing) -> None:
    settings.GONGSHU_PACK = "chongming"
    stated = {"goals": "应编尽编", "responsibility": "专人负责", "business_section": "办公室"}
    services.unit_profile(actor=place.actors["mz_steward"], unit="mz", profile=stated)
    mz = Unit.objects.get(code="mz")
    assert selectors.unit_gaps(mz) == []
    if missing == "steward":
        gone("mz_steward")
    else:
        services.unit_profile(actor=place.actors["sysadmin"], unit="mz", profile={missing: ""})
    mz.refresh_from_db()
    assert [gap.basis.clauses for gap in selectors.unit_gaps(mz)] == [("CM-5.1a",)]


@pytest.mark.clause("ZY-5.4a")
def test_a_unit_without_a_steward_can_neither_submit_an_entry_nor_ask_for_data(place) -> None:
    head, admin = place.actors["mz_head"], place.actors["sysadmin"]
    entry = catalog.entry_create(actor=place.actors["mz_steward"], unit="mz", fields={"name": "婚姻登记信息"})
    gone("mz_steward")
    ask = {"entry": "x", "unit": "mz", "client": "x", "items": [], "purpose": "x"}
    for held in (
        lambda: catalog.entry_submit(actor=head, entry=entry.code),
        lambda: share_request_submit(actor=head, **ask),
    ):
        with pytest.raises(Refused) as refusal:
            held()
        assert (refusal.value.code, refusal.value.basis.clauses) == ("steward_missing", ("ZY-5.4a",))
    services.post_assign(actor=admin, account="newcomer", unit="mz", kind="steward")
    for again in (
        lambda: catalog.entry_submit(actor=place.actors["newcomer"], entry=entry.code),
        lambda: share_request_submit(actor=place.actors["newcomer"], **ask),
    ):
        with pytest.raises(Refused) as refusal:  # no longer held; now the entry's own gaps are told
            again()
        assert refusal.value.code != "steward_missing"


@pytest.mark.clause("PJ-35.3")
def test_a_unit_without_security_section_and_person_cannot_ask_for_data(place, settings) -> None:
    settings.GONGSHU_PACK = "pujiang"
    steward = place.actors["mz_steward"]
    ask = {"entry": "x", "unit": "mz", "client": "x", "items": [], "purpose": "x"}

    def code() -> str:
        with pytest.raises(Refused) as refusal:
            share_request_submit(actor=steward, **ask)
        return str(refusal.value.code)

    assert code() == "security_person_missing"
    services.unit_profile(actor=steward, unit="mz", profile={"security_section": "办公室"})
    assert code() == "security_person_missing"
    services.post_assign(actor=place.actors["sysadmin"], account="newcomer", unit="mz", kind="security")
    assert code() == "not_found"


@pytest.mark.clause("PT-31.1a")
def test_a_unit_without_leader_security_section_or_person_is_in_the_gap_list(place, settings) -> None:
    settings.GONGSHU_PACK = "putuo"
    found = {
        g.label for g in selectors.gaps_of_all() if g.unit.code == "mz" and "PT-31.1a" in g.basis.clauses
    }
    assert found == {"安全员", "安全责任科室"}
