"""Loading: refused outside a sample installation, safe to interrupt, safe to repeat. With the file stores only."""

from __future__ import annotations

import pytest

from gongshu.casework.models import Case
from gongshu.catalog.models import Entry
from gongshu.collection.models import Batch
from gongshu.journal import clock
from gongshu.journal.models import Event
from gongshu.runner.errors import RunnerError
from gongshu.sample import catalogue, dealings, load, stores, story

pytestmark = pytest.mark.django_db
KEPT = ("sw_qs", "cl_cj", "jd_wg")


@pytest.fixture
def small(monkeypatch, settings, tmp_path):
    """Three stores, five entries, one collection each of two of them; the lake in a directory of its own."""
    settings.GONGSHU_FILES_ROOT, settings.GONGSHU_PACK = tmp_path / "files", "putuo"
    monkeypatch.setenv(stores.MARIADB, "mysql://none@127.0.0.1:1/")
    monkeypatch.setattr(stores, "available", lambda source: source.code in KEPT)
    monkeypatch.setattr(dealings, "steps", lambda: iter(()))
    plans = [p for p in catalogue.PLANS if p.code.partition(".")[0] in KEPT]
    monkeypatch.setattr(story, "PLANS", [p for p in plans if p.code != "sw_qs.water_stations"])


def test_only_a_sample_installation_takes_the_county(settings) -> None:
    settings.GONGSHU_SAMPLE = False
    with pytest.raises(RunnerError, match="GONGSHU_SAMPLE"):
        load.load()


def test_an_interrupted_load_goes_on_where_it_was_and_doubles_nothing(small, monkeypatch) -> None:
    whole, broken = story.submit, []

    def breaks(plan: catalogue.Plan) -> None:
        if not broken and plan.code == "jd_wg.dj_lr":
            broken.append(plan)
            whole(plan)
            raise KeyboardInterrupt
        whole(plan)

    monkeypatch.setattr(story, "submit", breaks)
    with pytest.raises(KeyboardInterrupt):
        load.load()
    assert broken and not Event.objects.filter(type=load.DONE, subject_id="all").exists()
    made = Entry.objects.count()
    assert load.load() is True
    plans = len(story.PLANS) + len(catalogue.BY_HAND)
    assert made < Entry.objects.count() == plans
    names = list(Event.objects.filter(type=load.DONE).values_list("subject_id", flat=True))
    assert len(names) == len(set(names))
    before = Event.objects.count()
    assert load.load() is False
    assert Event.objects.count() == before
    the_past_is_the_past_and_states_are_as_planned()


def the_past_is_the_past_and_states_are_as_planned() -> None:
    states = {story.entry_of(p.code).state: p.goal for p in story.PLANS}
    assert states["published"] == "collected" and states["draft"] in ("draft", "returned")
    batch = Batch.objects.get()
    assert (batch.state, batch.rows, batch.queued_at.date()) == ("committed", 4_800, story.working_day(1))
    first = Event.objects.order_by("id").exclude(type=load.DONE).first()
    assert first and first.at.date() == story.working_day(story.FOUNDED) < clock.today()
    returned = Case.objects.get(procedure="entry_review", state="returned")
    assert returned.opened_at.date() == story.working_day(7)
    days = [e.at.astimezone(clock.ZONE).date() for e in Event.objects.exclude(type=load.DONE).order_by("id")]
    assert days == sorted(days)
