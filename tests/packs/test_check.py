"""A bad pack names file, key and reason; every way of being bad is tried on a copy of a good one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gongshu.packs import PackBroken, load, loader, packs
from gongshu.packs.check import REASONS, check, check_all, codes, keys
from gongshu.packs.loader import DATA

GOOD = (DATA / "packs" / "zhangye.yaml").read_text(encoding="utf-8")

WAYS = [
    ("schema: policy-pack/1", "schema: policy-pack/9", "schema", "schema"),
    ("id: zhangye", "id: Zhang Ye", "id", "head"),
    ("version: 1.0.0", "version: 1.0", "version", "head"),
    ("clause_prefix: ZY", "clause_prefix: zy", "clause_prefix", "head"),
    ("  fee: {v: free,", "  fees: {v: free,", "share.fee", "missing"),
    ("  fee: {v: free,", "  fees: {v: free,", "share.fees", "unknown"),
    ("  fee: {v: free, gap: true, from: national-2025}", "  fee: free", "share.fee", "not_node"),
    ("trial: {v: true, c: ZY-42.1}", "trial: {v: true, c: ZY-42.1, why: x}", "source.trial", "leaf_keys"),
    (
        "trial: {v: true, c: ZY-42.1}",
        "trial: {v: true, c: ZY-42.1, gap: true, from: product-default}",
        None,
        "both",
    ),
    ("trial: {v: true, c: ZY-42.1}", "trial: {v: true}", "source.trial", "neither"),
    ("trial: {v: true, c: ZY-42.1}", "trial: {v: true, c: []}", "source.trial", "neither"),
    (
        "trial: {v: true, c: ZY-42.1}",
        "trial: {v: true, gap: true, from: rumour}",
        "source.trial",
        "gap_source",
    ),
    ("trial: {v: true, c: ZY-42.1}", "trial: {v: true, c: ZY-99.9}", "source.trial", "clause_unknown"),
    ("trial: {v: true, c: ZY-42.1}", "trial: {v: true, c: PJ-1}", "source.trial", "clause_foreign"),
    ("trial: {v: true, c: ZY-42.1}", "trial: {v: maybe, c: ZY-42.1}", "source.trial", "type"),
    ("trial: {v: true, c: ZY-42.1}", "trial: {v: null, c: ZY-42.1}", "source.trial", "type"),
    ("level: {v: city,", "level: {v: galaxy,", "jurisdiction.level", "type"),
    (
        "catalog_reviewer: {v: data_center,",
        "catalog_reviewer: {v: emperor,",
        "bodies.catalog_reviewer",
        "role",
    ),
    ("assessor: {v: authority,", "assessor: {v: cyber,", "bodies.assessor", "role_vacant"),
    ("[目录名称, 所属应用,", "[目录名称, 颜色,", "catalog.required_fields", "label"),
    ("不予共享, needs: [legal_basis]", "不予共享, needs: [luck]", "share_types.none", "need"),
    ("provider_reply, use_as_replied", "coin_toss, use_as_replied", "share.conditional_flow", "type"),
    (
        "{n: 5, unit: wd, clock: provider, from: application}",
        "{n: 0, unit: wd, clock: provider, from: x}",
        None,
        "duration",
    ),
    (
        "{n: 5, unit: wd, clock: provider, from: application}",
        "{n: 5, unit: moon, clock: provider}",
        None,
        "duration",
    ),
    (
        "{n: 5, unit: wd, clock: provider, from: application}",
        "{n: 5, unit: wd, clock: provider}",
        None,
        "duration",
    ),
    ("{n: 5, unit: wd, clock: provider, from: application}", "{n: 5, unit: wd, from: x}", None, "duration"),
    (
        "{n: 5, unit: wd, clock: provider, from: application}",
        "{n: 5, unit: wd, clock: king, from: x}",
        None,
        "role",
    ),
    ("on_lapse: auto_confirm", "on_lapse: explode", "share.confirm_within", "duration"),
    ("dir: before, from: change_effective", "dir: sideways, from: change_effective", None, "duration"),
    ("dir: before, from: change_effective", "dri: before, from: change_effective", None, "duration"),
    ("{v: {unit: cycle, clock: provider}", "{v: {n: 3, unit: cycle, clock: provider}", None, "duration"),
    ("  effective_to: {v: null,", "  effective_to: {v: 2020-01-01,", "source.effective_to", "dates"),
    ("  effective_from: {v: 2023-06-14,", "  effective_from: {v: soon,", "source.effective_from", "type"),
    ("terms:\n", "terms:\n  data: {v: x, c: ZY-1}\n", "", "unreadable"),
    ("terms:\n", "terms: [\n", "", "unreadable"),
]


@pytest.mark.parametrize(("old", "new", "key", "code"), WAYS)
def test_a_bad_pack_is_named_by_file_key_and_reason(
    tmp_path: Path, old: str, new: str, key: str | None, code: str
) -> None:
    assert old in GOOD
    path = tmp_path / "bad.yaml"
    path.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    found = [fault for fault in check(path) if fault.code == code and key in (None, fault.key)]
    assert found, [str(fault) for fault in check(path)]
    assert str(found[0]).startswith("bad.yaml: ") and found[0].text("en") != found[0].reason


def test_every_reason_is_tried() -> None:
    assert {way[3] for way in WAYS} | {"twice"} == set(REASONS)


def test_a_missing_file_is_a_fault(tmp_path: Path) -> None:
    assert [fault.code for fault in check(tmp_path / "none.yaml")] == ["unreadable"]


def test_the_packs_that_come_along_are_good() -> None:
    assert check_all() == []


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory for packs of an installation's own."""
    monkeypatch.setenv("GONGSHU_PACK_PATH", str(tmp_path))
    loader.forget()
    yield tmp_path
    monkeypatch.undo()
    loader.forget()


def test_a_later_version_lies_beside_the_first(shelf: Path) -> None:
    later = GOOD.replace("version: 1.0.0", "version: 1.10.0").replace(
        "{n: 5, unit: wd, clock: provider, from: app", "{n: 3, unit: wd, clock: provider, from: app"
    )
    (shelf / "zhangye-new.yaml").write_text(later, encoding="utf-8")
    assert load("zhangye").version == "1.10.0" and load("zhangye").share.reply_within.v["n"] == 3
    assert load("zhangye", "1.0.0").share.reply_within.v["n"] == 5
    assert len(packs()) == 5


def test_a_bad_pack_stops_the_start_with_all_its_faults(shelf: Path) -> None:
    (shelf / "bad.yaml").write_text(GOOD.replace("c: ZY-1}", "c: ZY-0}"), encoding="utf-8")
    with pytest.raises(PackBroken) as refusal:
        packs()
    assert len(re.findall(r"^bad\.yaml: [a-z._]+: ", str(refusal.value), re.M)) == GOOD.count("c: ZY-1}")


def test_the_same_version_twice_is_refused(shelf: Path) -> None:
    (shelf / "again.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(PackBroken, match=r"again\.yaml: version: .*zhangye\.yaml"):
        packs()


def test_a_new_text_brings_its_own_clauses(shelf: Path) -> None:
    head = "id,article,zh,en,actor,kind,capability,deadline,values,acceptance\n"
    ids = sorted(set(re.findall(r"ZY-[0-9.a-z]+", GOOD)))
    rows = "".join(f"{each.replace('ZY', 'QX')},第一条,文,text,system,org,x,,,\n" for each in ids)
    (shelf / "clauses.csv").write_text(head + rows, encoding="utf-8")
    (shelf / "qixing.yaml").write_text(
        GOOD.replace("zhangye", "qixing").replace("ZY", "QX"), encoding="utf-8"
    )
    assert load("qixing").share.reply_within.basis.clauses == ("QX-24.2",)


def test_keys_and_codes_have_both_languages() -> None:
    for row in (*keys().values(), *codes().values()):
        assert row.zh and row.en and not re.search(r"[\u4e00-\u9fff]", row.en), row
