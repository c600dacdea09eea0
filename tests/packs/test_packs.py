from datetime import date
from typing import Any

import pytest

from gongshu.kernel import clause
from gongshu.packs import PackUnknown, clauses, fallback, load, packs
from gongshu.packs.check import keys
from gongshu.packs.model import Duration

FIVE = ("chongming", "pujiang", "putuo", "xinchang", "zhangye")


def test_the_five_packs_and_their_clauses_are_there() -> None:
    assert tuple(packs()) == FIVE
    assert len(clauses()) == 408
    assert {pack.prefix for pack in packs().values()} == {each.prefix for each in clauses().values()}


@pytest.mark.parametrize("name", FIVE)
def test_every_pack_has_every_key_and_every_leaf_its_ground(name: str) -> None:
    pack = load(name)
    assert list(keys()) and set(pack.nodes) == set(keys())
    for node in pack.nodes.values():
        assert bool(node.clauses) != node.gap, node.key
        assert all(clauses()[each].prefix == pack.prefix for each in node.clauses), node.key


def test_attributes_and_keys_agree() -> None:
    pack = load("zhangye")
    node = pack.share.confirm_within
    assert node is pack.node("share.confirm_within") is pack.share["confirm_within"]
    assert node.duration == Duration(7, "wd", "demander", "data_obtained", on_lapse="auto_confirm")
    assert node.basis.clauses == ("ZY-25",)
    assert load("pujiang").share.confirm_within.duration is None
    assert load("putuo").share.reply_within.basis.gap
    assert load("pujiang").quality.issue_extend_to.duration.approver == "authority"
    assert pack.collect.change_notice.duration.dir == "before"


@pytest.mark.parametrize("wrong", ["share", "share.reply", "share.reply_within.v", "nowhere.at_all", ""])
def test_a_key_that_no_pack_has_is_an_error(wrong: Any) -> None:
    with pytest.raises(AttributeError):
        load("zhangye").node(wrong)
    with pytest.raises(AttributeError):
        _ = load("zhangye").share.replies_within


def test_a_node_is_not_a_truth_value() -> None:
    with pytest.raises(TypeError):
        bool(load("pujiang").operate.enabled)


def test_packs_cannot_be_changed() -> None:
    pack = load("zhangye")
    for change in (
        lambda: setattr(pack.share.fee, "v", "charged"),
        lambda: pack.share.reply_within.v.update(n=1),
        lambda: setattr(pack, "version", "2.0.0"),
    ):
        with pytest.raises((AttributeError, TypeError)):
            change()
    assert pack.share.reply_within.plain == {"n": 5, "unit": "wd", "clock": "provider", "from": "application"}


def test_versions_and_unknown_packs() -> None:
    assert load("zhangye", "1.0.0") is load("zhangye")
    for wrong in (("zhangye", "9.9.9"), ("nowhere", None)):
        with pytest.raises(PackUnknown, match=wrong[0]):
            load(*wrong)


def test_dates_of_validity() -> None:
    pack = load("chongming")
    assert not pack.in_force(date(2025, 12, 31))
    assert pack.in_force(date(2026, 1, 1)) and pack.in_force(date(2027, 12, 31))
    assert not pack.in_force(date(2028, 1, 1))
    assert load("pujiang").in_force(date(2040, 1, 1))


def test_required_fields_are_the_texts_own() -> None:
    told = {name: [(each.key, each.label) for each in load(name).required_fields()] for name in FIVE}
    assert told["zhangye"] == [
        ("name", "目录名称"),
        ("system", "所属应用"),
        ("resource_type", "资源类型"),
        ("collect_mode", "归集方式"),
        ("share_type", "共享属性"),
    ]
    assert ("share_type", "共享开放属性") in told["putuo"] and ("open_type", "共享开放属性") in told["putuo"]
    assert [len(told[name]) for name in FIVE] == [5, 7, 4, 9, 5]
    assert load("xinchang").required_fields()[0].basis.clauses == ("XC-2.1b",)


def test_what_a_restricted_type_must_state() -> None:
    told = {name: [each.key for each in load(name).needs("none")] for name in FIVE}
    assert told["zhangye"] == ["legal_basis"] and told["putuo"] == ["share_reason", "legal_basis"]
    assert [each.key for each in load("chongming").needs("conditional")] == ["share_scope", "use_purpose"]
    assert load("zhangye").needs("unconditional") == []


def test_labels_are_local_and_english_is_ours() -> None:
    assert load("zhangye").field_label("system") == "所属应用"
    assert load("putuo").field_label("system") == "所属信息系统"
    assert load("zhangye").field_label("system", "en") == "Information system"
    assert load("putuo").share_label("conditional") == "授权共享"
    assert load("xinchang").term("provider") == "数源单位"


def test_every_national_number_a_gap_uses_is_in_the_fallback() -> None:
    told = fallback()
    pairs = {
        "share.reply_within": "share_reply_conditional",
        "share.provide_within": "share_provide_within",
        "catalog.change_file_within": "catalog_change_file_within",
        "quality.issue_fix_within": "quality_verification_reply",
    }
    for pack in packs().values():
        for key, name in pairs.items():
            node = pack.nodes[key]
            if node.source == "national-2025":
                assert node.v["n"] == told[name]["v"]["n"], (pack.id, key)


def test_reading_a_node_is_reported_and_listing_is_not() -> None:
    seen: set[str] = set()
    clause.observe(seen.update)
    try:
        list(load("zhangye").nodes.values())
        assert not seen
        _ = load("zhangye").share.reply_within
        assert seen == {"ZY-24.2"}
    finally:
        clause.observe(None)
