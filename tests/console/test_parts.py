"""Charts, icons, wording: parts that every page leans on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gongshu.casework.registry import procedure_of
from gongshu.console import panels, wording
from gongshu.console.charts import Chart, Series, brief, nice
from gongshu.console.timeline import way_ahead
from gongshu.kernel.clause import Basis
from gongshu.packs import load, packs

from . import trial

SOURCE = Path(__file__).parent.parent.parent / "src" / "gongshu"
STATIC = SOURCE / "console" / "static" / "console"


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 4), (1, 1), (7, 8), (23, 40), (99, 100), (101, 200), (0.3, 0.4), (450_000, 500_000)],
)
def test_scales_end_with_round_numbers(value: float, top: float) -> None:
    assert nice(value) == pytest.approx(top)


def test_bars_are_stacked_to_scale() -> None:
    chart = Chart(
        "图",
        ["一", "二"],
        [Series("甲", [10, 0]), Series("乙", [30, None]), Series("分", [99, 97], line=True)],
    )
    first, second = chart.bars
    assert first["y"] + first["h"] == 212 and second["y"] + second["h"] == first["y"]  # type: ignore[operator]
    assert second["h"] == pytest.approx(3 * first["h"], abs=0.2)  # type: ignore[operator]
    assert [len(line["dots"]) for line in chart.points] == [2]  # type: ignore[arg-type]
    assert chart.rows == [["一", "10", "30", "99"], ["二", "0", "", "97"]]


def test_a_chart_of_nothing_is_drawn() -> None:
    empty = Chart("图", [], [Series("甲", [])])
    assert empty.bars == [] and len(empty.grid) == 5
    assert Chart("图", ["一"], [Series("甲", [0])]).bars == []


def test_figures_are_brief() -> None:
    assert [brief(v) for v in (0, 1234.6, 99.25, 3.0)] == ["0", "1,235", "99.2", "3"]


def test_every_icon_is_in_the_sprite() -> None:
    have = set(re.findall(r'id="([\w-]+)"', (STATIC / "vendor" / "tabler" / "icons.svg").read_text()))
    used = {m for p in SOURCE.rglob("*.html") for m in re.findall(r'{% icon "([\w-]+)"', p.read_text())}
    assert used - have == set()


def test_every_event_has_a_name() -> None:
    """Types written out in the code; those put together from parts are seen in the sample county's audit page."""
    written = {
        m
        for p in SOURCE.rglob("*.py")
        for m in re.findall(r'type="([a-z_]+(?:\.[a-z_]+)+)"', p.read_text(encoding="utf-8"))
        if not m.startswith("gongshu.")
    }
    assert len(written) > 20
    assert {t for t in written if panels.event_text(t) == t} == set()


def test_no_new_css_that_old_kernels_lack() -> None:
    for path in STATIC.glob("*.css"):
        text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.S)
        found = re.findall(
            r"oklch\(|color-mix\(|light-dark\(|:has\(|:is\(|:where\(|@layer|@container|aspect-ratio|\binset:",
            text,
        )
        assert not found, f"{path.name}: {found}"


def test_nothing_is_fetched_from_elsewhere() -> None:
    for path in [*STATIC.rglob("*.css"), *SOURCE.rglob("templates/**/*.html")]:
        assert not re.findall(r"""(?:src|href|url)\s*[=(]\s*["']?(?:https?:)?//""", path.read_text()), path


def test_vendored_files_keep_their_licences() -> None:
    for folder in (STATIC / "vendor").iterdir():
        assert (folder / "LICENSE").exists(), folder.name


@pytest.mark.parametrize("pack", list(packs()))
def test_articles_are_cited_in_both_languages(pack: str) -> None:
    from django.utils import translation

    from gongshu.packs import clauses

    for clause in clauses().values():
        if clause.prefix == load(pack).prefix:
            with translation.override("en"):
                assert re.fullmatch(r"(Art\. |Annex |Sec\. )[\w.()]+", wording.article(clause.id)), clause.id
            assert wording.article(clause.id) == clause.article


def test_silence_is_said() -> None:
    assert (
        wording.basis_text(Basis(gap=True, source="national-2025"))
        == "本地制度未规定，按《政务数据共享条例》执行"
    )
    assert wording.basis_text(Basis(("ZY-24.2", "ZY-24.3"))) == "第二十四条"
    assert wording.basis_text(None) == ""


def test_the_usual_way_leads_to_the_end() -> None:
    way = [m.name for m in way_ahead(procedure_of("trial_change", load("pujiang")), "review")]
    assert way == ["sign"] and trial.KINDS
