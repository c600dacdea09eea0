"""One table from its own database into the lake, under every pack, through the services alone."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from tests.catalog.world import complete, make_source, reviewer

from gongshu.casework.services import case_act
from gongshu.catalog import services as catalog
from gongshu.catalog.models import Entry
from gongshu.collection import services as collection
from gongshu.collection.lake import lake, table_of
from gongshu.collection.models import Batch
from gongshu.collection.run import batch_run
from gongshu.journal.models import Event
from gongshu.kernel.errors import Invalid, NotAllowed, Refused

PACKS = ("pujiang", "putuo", "zhangye", "xinchang", "chongming")


@pytest.mark.parametrize("pack", PACKS)
def test_from_a_table_to_a_committed_batch(
    world: SimpleNamespace, people: str, settings: object, pack: str
) -> None:
    settings.GONGSHU_PACK = pack
    steward = world.actors["civil_steward"]
    source = make_source(world, people)
    entry = catalog.entry_draft(actor=steward, source=source.code, table="resident")
    draft = entry.draft
    assert draft.row_count == 500
    assert [i.name for i in draft.items.all()][:3] == ["id", "name", "id_card"]
    assert draft.items.get(name="id").is_key

    with pytest.raises(Invalid) as incomplete:
        catalog.entry_submit(actor=steward, entry=entry.code)
    assert incomplete.value.basis.clauses or incomplete.value.basis.gap
    complete(world, entry.code)

    with pytest.raises(Refused) as early:
        collection.collection_start(actor=steward, entry=entry.code)
    assert early.value.code == "not_catalogued"

    case = catalog.entry_submit(actor=steward, entry=entry.code)
    boss = reviewer(world)
    with pytest.raises(NotAllowed):
        case_act(actor=steward, case=case.number, move="approve")
    with pytest.raises(Invalid):
        case_act(actor=boss, case=case.number, move="return")
    case_act(actor=boss, case=case.number, move="return", given={"reasons": "请写明业务名称"})
    catalog.entry_edit(actor=steward, entry=entry.code, fields={"business": "低保审核"})
    case_act(actor=steward, case=case.number, move="resubmit")
    case = case_act(actor=boss, case=case.number, move="approve", given={"opinion": "同意发布"})
    assert case.outcome == "approved"
    entry = Entry.objects.get(pk=entry.pk)
    assert (entry.state, entry.version) == ("published", 1)
    assert entry.current.business == "低保审核"

    batch = collection.collection_start(actor=steward, entry=entry.code)
    batch_run(batch.pk)
    batch = Batch.objects.get(pk=batch.pk)
    assert (batch.state, batch.source_rows, batch.rows) == ("committed", 500, 500), batch.error_facts
    assert batch.digest.startswith("ms1-500-") and batch.fingerprint and batch.snapshot is not None
    assert lake().count(table_of(entry)) == 500

    told = Event.objects.get(type="collection.batch.committed", subject_id=batch.number)
    assert told.body["rows"] == told.body["source_rows"] == 500
    assert told.body["digest"] == batch.digest
    published = Event.objects.get(type="catalog.entry.published", subject_id=entry.code)
    assert published.body["digest"] == entry.current.digest
