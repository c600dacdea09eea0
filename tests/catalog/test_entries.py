"""What a draft says, what each pack asks of it, who sees it, and that nothing published can change."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from django.db import DatabaseError, transaction
from python_calamine import CalamineWorkbook
from tests.catalog.world import complete, make_source, make_system, publish, reviewer

from gongshu.casework.services import case_act
from gongshu.catalog import selectors, services, sheets
from gongshu.catalog.models import Entry, EntryVersion, Item
from gongshu.catalog.rules import gaps
from gongshu.catalog.vocabulary import share_types
from gongshu.journal.models import Event
from gongshu.kernel.errors import Conflict, Invalid, NotFound, Refused
from gongshu.org.policy import current_pack

pytestmark = pytest.mark.django_db


def drafted(world: SimpleNamespace, people: str) -> Entry:
    source = make_source(world, people)
    return services.entry_draft(actor=world.actors["civil_steward"], source=source.code, table="resident")


def test_a_draft_knows_the_table(world: SimpleNamespace, people: str) -> None:
    entry = drafted(world, people)
    draft = entry.draft
    items = {i.name: i for i in draft.items.all()}
    assert entry.code == f"310112-{world.units['civil'].code}-00001"
    assert (draft.name, draft.row_count, draft.share_type) == ("低保人员信息", 500, "unconditional")
    assert items["id"].is_key and items["income"].type == "decimal" and items["income"].scale == 2
    assert items["name"].label == "姓名"
    assert items["phone"].suggested_kind == "phone" and items["phone"].suggested_level == 3
    assert all(i.level is None for i in items.values())
    shown = list(items["phone"].samples)
    assert shown and all("****" in s for s in shown)
    with pytest.raises(Conflict):
        services.entry_draft(actor=world.actors["civil_steward"], source=entry.source.code, table="resident")


ASKED = {
    "pujiang": (
        "PJ-13.2",
        ["system", "name", "update_cycle", "items", "share_type", "share_mode", "open_type"],
    ),
    "putuo": ("PT-15.1", ["business", "share_type", "open_type"]),
    "zhangye": ("ZY-15.2", ["name", "system", "resource_type", "collect_mode", "share_type"]),
    "xinchang": (
        "XC-2.1b",
        [
            "system",
            "business",
            "items",
            "format",
            "share_type",
            "open_type",
            "share_mode",
            "update_cycle",
            "share_term",
        ],
    ),
    "chongming": ("CM-6", ["format", "category", "share_type", "open_type", "update_cycle"]),
}


def each_field_is_asked_for(world: SimpleNamespace, people: str, settings: object, pack_id: str) -> None:
    settings.GONGSHU_PACK = pack_id
    clause, keys = ASKED[pack_id]
    entry, actor = drafted(world, people), world.actors["civil_steward"]
    complete(world, entry.code)
    pack = current_pack()
    assert gaps(entry.draft, pack) == []
    for key in keys:
        with transaction.atomic():
            if key == "items":
                services.items_edit(actor=actor, entry=entry.code, items=[])
            elif key == "system":
                Entry.objects.filter(pk=entry.pk).update(system=None)
            else:
                services.entry_edit(actor=actor, entry=entry.code, fields={key: ""})
            with pytest.raises(Invalid) as refusal:
                services.entry_submit(actor=actor, entry=entry.code)
            assert key in refusal.value.fields, key
            assert pack.field_label(key) in refusal.value.fields[key] or key == "items"
            assert clause in refusal.value.basis.clauses
            transaction.set_rollback(True)
    services.entry_submit(actor=actor, entry=entry.code)


@pytest.mark.clause("PJ-13.2")
def test_pujiang_asks_for_its_seven_fields(world: SimpleNamespace, people: str, settings: object) -> None:
    each_field_is_asked_for(world, people, settings, "pujiang")


@pytest.mark.clause("PT-15.1")
def test_putuo_asks_for_its_elements(world: SimpleNamespace, people: str, settings: object) -> None:
    each_field_is_asked_for(world, people, settings, "putuo")


@pytest.mark.clause("ZY-15.2")
def test_zhangye_asks_for_its_five_fields(world: SimpleNamespace, people: str, settings: object) -> None:
    each_field_is_asked_for(world, people, settings, "zhangye")


def test_xinchang_asks_for_its_nine_fields(world: SimpleNamespace, people: str, settings: object) -> None:
    each_field_is_asked_for(world, people, settings, "xinchang")


@pytest.mark.clause("CM-6")
def test_chongming_asks_for_its_five_fields(world: SimpleNamespace, people: str, settings: object) -> None:
    each_field_is_asked_for(world, people, settings, "chongming")


@pytest.mark.clause("ZY-15.1")
def test_no_entry_without_a_registered_system(world: SimpleNamespace, settings: object) -> None:
    settings.GONGSHU_PACK = "zhangye"
    actor, unit = world.actors["civil_steward"], world.units["civil"].code
    with pytest.raises(NotFound):
        services.entry_create(actor=actor, unit=unit, system="nothing-registered")
    entry = services.entry_create(actor=actor, unit=unit, items=[{"name": "a", "label": "甲", "level": 1}])
    complete(world, entry.code)
    with pytest.raises(Invalid) as refusal:
        services.entry_submit(actor=actor, entry=entry.code)
    assert list(refusal.value.fields) == ["system"] and "ZY-15.1" in refusal.value.basis.clauses
    services.entry_edit(actor=actor, entry=entry.code, fields={}, system=make_system(world).code)
    services.entry_submit(actor=actor, entry=entry.code)


def lacks(world: SimpleNamespace, entry: Entry, clause: str, field: str, **stated: object) -> None:
    services.entry_edit(actor=world.actors["civil_steward"], entry=entry.code, fields=stated)
    with pytest.raises(Invalid) as refusal:
        services.entry_submit(actor=world.actors["civil_steward"], entry=entry.code)
    assert field in refusal.value.fields, refusal.value.fields
    assert clause in refusal.value.basis.clauses


LAW = {"rank": "法律", "document": "《中华人民共和国某法》", "article": "第三条"}


@pytest.mark.clause("ZY-15.5", "ZY-15.6")
def test_zhangye_conditions_and_legal_ground(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "zhangye"
    entry = drafted(world, people)
    complete(world, entry.code)
    lacks(world, entry, "ZY-15.5", "share_condition", share_type="conditional")
    lacks(world, entry, "ZY-15.6", "legal_basis", share_type="none")
    lacks(world, entry, "ZY-15.6", "legal_basis", legal_basis={**LAW, "rank": "规章"})
    services.entry_edit(actor=world.actors["civil_steward"], entry=entry.code, fields={"legal_basis": LAW})
    services.entry_submit(actor=world.actors["civil_steward"], entry=entry.code)


@pytest.mark.clause("PT-22.1b")
def test_putuo_asks_for_reason_and_ground_of_both_restricted_types(
    world: SimpleNamespace, people: str, settings: object
) -> None:
    settings.GONGSHU_PACK = "putuo"
    entry = drafted(world, people)
    complete(world, entry.code)
    for kind in ("conditional", "none"):
        lacks(world, entry, "PT-22.1b", "share_reason", share_type=kind, legal_basis=LAW)
        lacks(world, entry, "PT-22.1b", "legal_basis", share_reason="涉及个人信息", legal_basis={})
        services.entry_edit(
            actor=world.actors["civil_steward"], entry=entry.code, fields={"share_reason": ""}
        )


@pytest.mark.clause("CM-16.2a", "CM-16.2b")
def test_chongming_scope_purpose_and_rank(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "chongming"
    entry = drafted(world, people)
    complete(world, entry.code)
    lacks(world, entry, "CM-16.2a", "share_scope", share_type="conditional", use_purpose="核验")
    lacks(world, entry, "CM-16.2a", "use_purpose", share_scope="民政部门", use_purpose="")
    for rank in ("地方性法规", "规章", ""):
        ground = {"rank": rank, "document": "《某市条例》", "article": "第一条"}
        lacks(
            world,
            entry,
            "CM-16.2b",
            "legal_basis",
            share_type="none",
            share_reason="依法",
            legal_basis=ground,
        )


def labels(settings: object, pack: str) -> list[str]:
    settings.GONGSHU_PACK = pack
    return [label for _code, label in share_types(current_pack())]


@pytest.mark.clause("PT-22.1a")
def test_putuo_labels(settings: object) -> None:
    assert labels(settings, "putuo") == ["无条件共享", "授权共享", "非共享"]


@pytest.mark.clause("ZY-15.3", "ZY-22.1")
def test_zhangye_labels_and_default(world: SimpleNamespace, settings: object) -> None:
    assert labels(settings, "zhangye") == ["无条件共享", "有条件共享", "不予共享"]
    entry = services.entry_create(actor=world.actors["civil_steward"], unit=world.units["civil"].code)
    assert entry.draft.share_type == "unconditional"


@pytest.mark.clause("CM-16.1")
def test_chongming_labels(settings: object) -> None:
    assert labels(settings, "chongming") == ["无条件共享", "有条件共享", "不予共享"]


@pytest.mark.clause("PT-21.1")
def test_putuo_shares_by_default(world: SimpleNamespace, settings: object) -> None:
    settings.GONGSHU_PACK = "putuo"
    entry = services.entry_create(actor=world.actors["civil_steward"], unit=world.units["civil"].code)
    assert entry.draft.share_type == "unconditional"


@pytest.mark.clause("PT-3.2")
def test_a_state_secret_is_not_even_saved(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "putuo"
    entry = drafted(world, people)
    with pytest.raises(Refused) as refusal:
        services.entry_edit(
            actor=world.actors["civil_steward"], entry=entry.code, fields={"secret_kinds": ["国家秘密"]}
        )
    assert "PT-3.2" in refusal.value.basis.clauses
    assert EntryVersion.objects.get(entry=entry).secret_kinds == []


@pytest.mark.clause("ZY-30.2c")
def test_every_item_needs_a_level(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "zhangye"
    level_needed(world, people, "ZY-30.2c")


@pytest.mark.clause("PT-31.2a")
def test_every_item_needs_a_level_in_putuo(world: SimpleNamespace, people: str, settings: object) -> None:
    settings.GONGSHU_PACK = "putuo"
    level_needed(world, people, "PT-31.2a")


def level_needed(world: SimpleNamespace, people: str, clause: str) -> None:
    entry, actor = drafted(world, people), world.actors["civil_steward"]
    complete(world, entry.code)
    items = [{"name": i.name, "level": None if i.name == "phone" else 2} for i in entry.draft.items.all()]
    services.items_edit(actor=actor, entry=entry.code, items=items)
    with pytest.raises(Invalid) as refusal:
        services.entry_submit(actor=actor, entry=entry.code)
    assert "联系电话" in refusal.value.fields["items"] and clause in refusal.value.basis.clauses
    complete(world, entry.code, security_level="")
    with pytest.raises(Invalid) as refusal:
        services.entry_submit(actor=actor, entry=entry.code)
    assert "security_level" in refusal.value.fields and clause in refusal.value.basis.clauses


def test_two_people_editing_do_not_overwrite_each_other(world: SimpleNamespace, people: str) -> None:
    entry, actor = drafted(world, people), world.actors["civil_steward"]
    seen = entry.draft.revision
    services.entry_edit(actor=actor, entry=entry.code, fields={"name": "甲"}, revision=seen)
    with pytest.raises(Conflict):
        services.entry_edit(actor=actor, entry=entry.code, fields={"name": "乙"}, revision=seen)


def test_who_sees_a_draft(world: SimpleNamespace, people: str) -> None:
    entry, a = drafted(world, people), world.actors
    complete(world, entry.code)
    for who, sees in (
        ("civil_steward", True),
        ("health_steward", False),
        ("office_reviewer", False),
        ("audit_auditor", True),
    ):
        assert selectors.entries_visible_to(a[who]).filter(pk=entry.pk).exists() is sees, who
    case = services.entry_submit(actor=a["civil_steward"], entry=entry.code)
    assert selectors.entries_visible_to(reviewer(world)).filter(pk=entry.pk).exists()
    assert not selectors.entries_visible_to(a["health_reviewer"]).filter(pk=entry.pk).exists()
    assert not selectors.versions_visible_to(a["health_steward"]).exists()
    with pytest.raises(NotFound):
        selectors.published_get(actor=a["civil_steward"], entry=entry.code)
    case_act(actor=reviewer(world), case=case.number, move="approve")
    for who in ("civil_steward", "health_steward", "office_reviewer", "health_reviewer"):
        assert selectors.published_get(actor=a[who], entry=entry.code).version == 1


def test_search_finds_names_items_and_units(world: SimpleNamespace, people: str) -> None:
    entry = publish(world, people)
    actor = world.actors["health_steward"]

    def hits(**given: str) -> int:
        return int(selectors.entries(actor=actor, **given)["count"])

    assert hits(q="低保") == hits(q="联系电话") == hits(q=entry.code) == hits(q="civil局 低保") == 1
    assert hits(q="没有这个词") == 0
    assert hits(share_type="unconditional") == 1 and hits(share_type="none") == 0
    assert hits(unit=world.units["civil"].code, state="published") == 1 and hits(unit="nobody") == 0


def test_the_database_refuses_to_change_a_published_version(world: SimpleNamespace, people: str) -> None:
    entry = publish(world, people)
    attempts = (
        lambda: EntryVersion.objects.filter(pk=entry.current_id).update(name="改"),
        lambda: Item.objects.filter(version=entry.current_id).update(level=1),
        lambda: Item.objects.create(version=entry.current, position=99, name="x", label="x", type="text"),
        lambda: Item.objects.filter(version=entry.current_id).delete(),
        lambda: Entry.objects.filter(pk=entry.pk).update(code="other"),
    )
    for attempt in attempts:
        with pytest.raises(DatabaseError, match="cannot change"), transaction.atomic():
            attempt()
    with pytest.raises(Conflict):
        services.entry_edit(actor=world.actors["civil_steward"], entry=entry.code, fields={"name": "改"})


def test_the_digest_is_of_what_is_shown(world: SimpleNamespace, people: str) -> None:
    import hashlib

    version = publish(world, people).current
    assert (
        hashlib.sha256(EntryVersion.objects.get(pk=version.pk).content_bytes()).hexdigest() == version.digest
    )


def test_a_discarded_draft_never_gives_its_code_again(world: SimpleNamespace, people: str) -> None:
    entry, actor = drafted(world, people), world.actors["civil_steward"]
    assert services.entry_discard(actor=actor, entry=entry.code)["removed"]
    again = services.entry_draft(actor=actor, source=entry.source.code, table="resident")
    assert again.code.endswith("-00002")
    complete(world, again.code)
    case = services.entry_submit(actor=actor, entry=again.code)
    with pytest.raises(Conflict):
        services.entry_discard(actor=actor, entry=again.code)
    case_act(actor=reviewer(world), case=case.number, move="return", given={"reasons": "改"})
    with pytest.raises(Conflict):
        services.entry_discard(actor=actor, entry=again.code)
    case_act(actor=actor, case=case.number, move="withdraw")
    services.entry_discard(actor=actor, entry=again.code)


def filled(rows: list[dict[str, str]], items: list[dict[str, str]]) -> bytes:
    """The pack's own template, filled in."""
    import xlsxwriter

    pack = current_pack()
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    for name, heads, lines in (
        ("目录", sheets.entry_heads(pack), rows),
        ("信息项", sheets.item_heads(), items),
    ):
        sheet = book.add_worksheet(name)
        for column, head in enumerate(heads):
            sheet.write_string(0, column, head.label)
            for row, line in enumerate(lines, start=1):
                sheet.write(row, column, line.get(head.label, ""))
    book.close()
    return file.getvalue()


ROW = {
    "公共数据范围": "最低生活保障",
    "目录名称": "低保家庭",
    "所属信息系统": "社会救助系统",
    "共享属性": "非共享",
    "开放属性": "非开放",
    "更新周期": "每月",
    "依据效力层级": "法律",
    "依据文件名称": "《某法》",
    "依据条款": "第一条",
}
ITEM = {"目录名称": "低保家庭", "字段名": "id", "信息项名称": "编号", "主键": "是", "级别": "二级（内部）"}


@pytest.mark.clause("PT-15.3a")
def test_a_spreadsheet_and_a_form_make_the_same_draft(world: SimpleNamespace, settings: object) -> None:
    settings.GONGSHU_PACK = "putuo"
    actor, unit, system = world.actors["civil_steward"], world.units["civil"].code, make_system(world)
    told = sheets.read(filled([ROW], [ITEM]), current_pack())
    made = services.entries_import(actor=actor, unit=unit, entries=told)
    by_sheet = Entry.objects.get(code=made["entries"][0])
    by_form = services.entry_create(
        actor=actor,
        unit=unit,
        system=system.code,
        fields={
            "name": "低保家庭",
            "business": "最低生活保障",
            "share_type": "none",
            "open_type": "none",
            "update_cycle": "monthly",
            "legal_basis": {"rank": "法律", "document": "《某法》", "article": "第一条"},
        },
        items=[{"name": "id", "label": "编号", "is_key": True, "level": 2}],
    )
    left, right = by_sheet.draft.content(), by_form.draft.content()
    assert {k: v for k, v in left.items() if k != "entry"} == {k: v for k, v in right.items() if k != "entry"}
    assert "PT-15.1" in current_pack().catalog.required_fields.clauses


def test_one_wrong_cell_stops_the_whole_import(world: SimpleNamespace, settings: object) -> None:
    settings.GONGSHU_PACK = "putuo"
    make_system(world)
    rows = [ROW, {**ROW, "目录名称": "第二个", "更新周期": "每世纪"}, {**ROW, "目录名称": "低保家庭"}]
    with pytest.raises(Invalid) as refusal:
        sheets.read(filled(rows, [{**ITEM, "目录名称": "没有的"}]), current_pack())
    places = refusal.value.fields
    assert any("每世纪" in text for text in places.values()) and len(places) == 3
    assert any(place.startswith("目录!") and place.endswith("3") for place in places)
    told = sheets.read(
        filled([ROW, {**ROW, "目录名称": "丙", "所属信息系统": "没登记的"}], []), current_pack()
    )
    with pytest.raises(Invalid) as refusal:
        services.entries_import(
            actor=world.actors["civil_steward"], unit=world.units["civil"].code, entries=told
        )
    (place,) = refusal.value.fields
    assert place.startswith("目录!") and place.endswith("3")
    assert not Entry.objects.exists() and not Event.objects.filter(type="catalog.entry.drafted").exists()
    with pytest.raises(Invalid) as refusal:
        sheets.read(b"not a workbook", current_pack())
    assert refusal.value.field == "file"


@pytest.mark.parametrize("pack", ["pujiang", "putuo", "zhangye", "xinchang", "chongming"])
def test_the_template_speaks_the_packs_words(settings: object, pack: str) -> None:
    settings.GONGSHU_PACK = pack
    book = CalamineWorkbook.from_filelike(io.BytesIO(sheets.template(current_pack())))
    heads = [str(c) for c in book.get_sheet_by_index(0).to_python()[0]]
    singles = [r for r in current_pack().required_fields() if r.key not in ("items", "provider")]
    assert all(current_pack().field_label(r.key) in heads for r in singles)
    assert book.sheet_names == ["目录", "信息项", "填写说明"]


def test_an_entry_by_hand_is_linked_to_its_table_later(world: SimpleNamespace, people: str) -> None:
    source, actor = make_source(world, people), world.actors["civil_steward"]
    entry = services.entry_create(
        actor=actor,
        unit=world.units["civil"].code,
        items=[{"name": "id", "label": "编号"}, {"name": "nowhere", "label": "无"}],
    )
    with pytest.raises(Invalid) as refusal:
        services.entry_connect(actor=actor, entry=entry.code, source=source.code, table="resident")
    assert "nowhere" in str(refusal.value)
    services.items_edit(actor=actor, entry=entry.code, items=[{"name": "id", "label": "编号"}])
    linked = services.entry_connect(actor=actor, entry=entry.code, source=source.code, table="resident")
    assert (linked.table, linked.system) == ("resident", source.system)
    with pytest.raises(Conflict):
        services.entry_connect(actor=actor, entry=entry.code, source=source.code, table="resident")
