"""What is due to be catalogued and collected, and what of it is missing."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests.catalog.test_entries import LAW
from tests.catalog.world import make_source, make_system, publish, reviewer

from gongshu.casework.services import case_act
from gongshu.catalog import selectors, services
from gongshu.catalog.coverage import coverage
from gongshu.collection import selectors as collected
from gongshu.collection import services as collection
from gongshu.collection.run import batch_run
from gongshu.kernel.errors import Refused

pytestmark = pytest.mark.django_db


def gaps(world: SimpleNamespace, people: str) -> None:
    """An uncatalogued table and an uncatalogued system are listed for their unit, until an entry is published."""
    make_source(world, people)
    services.system_register(
        actor=world.actors["civil_steward"],
        unit=world.units["civil"].code,
        name="婚姻登记系统",
        business="婚姻登记",
    )
    (row,) = coverage(actor=reviewer(world))["rows"]
    assert (row["tables"], row["tables_catalogued"], row["rate"]) == (1, 0, "0.0%")
    assert row["tables_uncatalogued"] == [["救助库", "resident"]]
    assert row["systems_uncatalogued"] == ["社会救助系统", "婚姻登记系统"]
    (hidden,) = coverage(actor=world.actors["health_steward"])["rows"]
    assert hidden["tables"] == 1 and hidden["tables_uncatalogued"] == []
    publish(world, people)
    (row,) = coverage(actor=world.actors["civil_steward"])["rows"]
    assert (row["rate"], row["tables_uncatalogued"]) == ("100.0%", [])
    assert row["systems_uncatalogued"] == ["婚姻登记系统"]


@pytest.mark.clause("ZY-13")
def test_uncompiled_tables_are_listed_in_zhangye(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "zhangye"
    gaps(world, people)


@pytest.mark.clause("CM-7")
def test_gaps_are_listed_in_chongming(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "chongming"
    gaps(world, people)


@pytest.mark.clause("PT-15.2", "PT-14.1")
def test_what_a_department_has_not_surveyed_in_putuo(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "putuo"
    gaps(world, people)


def rated(world: SimpleNamespace, people: str, *clauses: str) -> None:
    """The rate is entries collected by entries due; a non-shared entry is due like any other."""
    entry = publish(world, people, share_type="none", legal_basis=LAW, share_reason="依法")
    actor = world.actors["civil_steward"]
    before = collected.rate(actor=actor)
    assert before["entries"]["rate"] == "0.0%" and before["records"] == {"due": 500, "collected": 0}
    assert [(a["entry"], a["share_type"]) for a in before["arrears"]] == [(entry.code, "none")]
    batch_run(collection.collection_start(actor=actor, entry=entry.code).pk)
    after = collected.rate(actor=actor)
    assert after["entries"] == {"due": 1, "collected": 1, "fresh": 1, "rate": "100.0%"}
    assert after["records"] == {"due": 500, "collected": 500} and after["arrears"] == []
    assert after["tables"] == {"due": 1, "collected": 1}
    assert set(clauses) <= set(after["basis"]["clauses"])


@pytest.mark.clause("PJ-24")
def test_the_rate_in_pujiang(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "pujiang"
    rated(world, people, "PJ-24")


@pytest.mark.clause("ZY-17", "ZY-18.2")
def test_the_rate_in_zhangye(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "zhangye"
    rated(world, people, "ZY-17", "ZY-18.2")


@pytest.mark.clause("PT-14.4")
def test_the_gap_list_in_putuo(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "putuo"
    rated(world, people, "PT-14.4")


@pytest.mark.clause("XC-3.3a")
def test_arrears_in_xinchang(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "xinchang"
    rated(world, people, "XC-3.3a")


@pytest.mark.clause("CM-11.1")
def test_arrears_in_chongming(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "chongming"
    rated(world, people, "CM-11.1")


@pytest.mark.clause("PJ-3.2")
def test_four_data_forms_each_collected_or_said_not_to_be(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "pujiang"
    actor = world.actors["civil_steward"]
    entry = publish(world, people)
    batch_run(collection.collection_start(actor=actor, entry=entry.code).pk)
    for form, word in (("media", "图像视频数据"), ("spatial", "空间传感数据"), ("stream", "流式数据")):
        services.entry_change_start(actor=actor, entry=entry.code)
        services.entry_edit(actor=actor, entry=entry.code, fields={"resource_type": form})
        case = services.change_submit(actor=actor, entry=entry.code, reason="数据形态变化")
        case_act(actor=reviewer(world), case=case.number, move="approve")
        with pytest.raises(Refused, match=word) as refusal:
            collection.collection_start(actor=actor, entry=entry.code)
        assert "PJ-3.2" in refusal.value.basis.clauses


@pytest.mark.clause("ZY-3.1")
def test_the_origin_is_one_of_three_and_can_be_filtered(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "zhangye"
    entry = publish(world, people, acquisition_way="依法授权管理")
    actor = world.actors["health_steward"]
    found = selectors.entries(actor=actor, acquisition_way="依法授权管理")["rows"]
    assert [row["code"] for row in found] == [entry.code]
    assert selectors.entries(actor=actor, acquisition_way="采集和产生")["count"] == 0
    with pytest.raises(Refused):
        services.entry_create(
            actor=world.actors["civil_steward"],
            unit=world.units["civil"].code,
            system=make_or_get(world),
            fields={"acquisition_way": "捡来的"},
        )


def make_or_get(world: SimpleNamespace) -> str:
    from gongshu.catalog.models import System

    held = System.objects.filter(unit=world.units["civil"]).first()
    return (held or make_system(world)).code
