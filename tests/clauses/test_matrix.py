"""The matrix is true: of this project, and of small ones that are wrong in each of the ways it looks for."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from gongshu.packs import load, matrix, packs
from gongshu.packs.regulation import OPEN, STATUSES, Status, regulation, statuses

ROOT = Path(__file__).parents[2]


def test_the_matrix_of_the_project_is_true() -> None:
    assert matrix.faults(ROOT, matrix.matrix(ROOT)) == []


def test_every_clause_has_a_status() -> None:
    from gongshu.packs import clauses

    assert list(statuses()) == list(clauses())
    assert {each.status for each in statuses().values()} <= set(STATUSES)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src" / "gongshu" / "sharing").mkdir(parents=True)
    (tmp_path / "tests").mkdir()
    return tmp_path


def test_tests_are_found_by_their_marks(project: Path) -> None:
    (project / "tests" / "test_a.py").write_text(
        "import pytest\n"
        "pytestmark = [pytest.mark.django_db, pytest.mark.clause('ZY-1')]\n"
        "@pytest.mark.clause('ZY-24.2', 'ZY-25')\n"
        "async def test_one(): ...\n"
        "@pytest.mark.parametrize('x', [pytest.param(1, marks=pytest.mark.clause('PT-22.2b'))])\n"
        "def test_two(x): ...\n"
        "@pytest.mark.clause('PJ-17')\n"
        "class TestBoth:\n"
        "    def test_three(self): ...\n"
        "@pytest.mark.clause('PJ-19')\n"
        "def helper(): ...\n",
        encoding="utf-8",
    )
    marks = matrix.marks_in(project / "tests")
    assert marks["ZY-24.2"] == {"tests/test_a.py::test_one"}
    assert marks["PT-22.2b"] == {"tests/test_a.py::test_two"}
    assert marks["PJ-17"] == {"tests/test_a.py::TestBoth::test_three"}
    assert len(marks["ZY-1"]) == 3 and "PJ-19" not in marks


def test_code_is_found_by_id_and_by_key(project: Path) -> None:
    code = project / "src" / "gongshu" / "sharing" / "services.py"
    code.write_text("# PT-22.2b: both\nlimit = pack.share.reply_within.duration\nother.share.nothing\n")
    rows = {row.clause.id: row for row in matrix.matrix(project)}
    assert rows["PT-22.2b"].code == rows["ZY-24.2"].code == rows["PJ-30.3a"].code == ("sharing/services.py",)
    assert (
        rows["ZY-25"].code == ()
        and rows["ZY-24.2"].keys == ("share.reply_within", "share.conditional_flow")[::-1]
    )


def test_what_is_not_true_is_named(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (project / "src" / "gongshu" / "sharing" / "a.py").write_text("# ZY-99.9 and all of PJ-26, XC-4.2\n")
    (project / "tests" / "test_a.py").write_text(
        "import pytest\n@pytest.mark.clause('ZY-0')\ndef test_one(): ...\n"
        "@pytest.mark.clause('ZY-25')\ndef test_two(): ...\n"
    )
    told = dict(statuses())
    told |= {"ZY-24.2": Status("ZY-24.2", "done", "", ""), "ZY-25": Status("ZY-25", "done", "/cases", "")}
    told |= {"ZY-23": Status("ZY-23", "soon", "", ""), "XX-1": Status("XX-1", OPEN, "", "")}
    told |= {"ZY-22.3": Status("ZY-22.3", "organisational", "", "")}
    del told["PJ-1"]
    monkeypatch.setattr(matrix, "statuses", lambda: told)
    found = matrix.faults(project, matrix.matrix(project))
    assert [each for each in found if "ZY-0" in each or "ZY-99.9" in each] == [
        "tests/test_a.py::test_one: marks the unknown clause ZY-0",
        "sharing/a.py: names the unknown clause ZY-99.9",
    ]
    assert "status.csv: ZY-24.2 is marked done, and no test carries its mark" in found
    assert not any("ZY-25" in each for each in found)
    for name in ("XX-1", "ZY-23", "PJ-1", "ZY-22.3"):
        assert any(name in each for each in found), name


def test_pages_are_written(project: Path) -> None:
    rows = matrix.matrix(project)
    names = {path.name for path in matrix.write(project, rows)}
    assert names == {"README.md", "matrix.csv", *(f"{each}.md" for each in packs())}
    with (project / "docs" / "clauses" / "matrix.csv").open(encoding="utf-8") as lines:
        assert len(list(csv.DictReader(lines))) == 408
    page = (project / "docs" / "clauses" / "zhangye.md").read_text("utf-8")
    assert page.count("\n| ZY-") == 103 and "`share.reply_within`" in page


@pytest.mark.parametrize("name", sorted(packs()))
def test_the_regulation_page_shows_every_clause_under_its_article(name: str) -> None:
    from gongshu.packs import clauses

    pack = load(name)
    found = regulation(pack)
    shown = [row.clause.id for article in found for row in article.clauses]
    assert sorted(shown) == sorted(each for each in clauses() if each.startswith(f"{pack.prefix}-"))
    names = [article.name for article in found]
    assert len(set(names)) == len(names)
    silent = [article.name for article in found if not article.text]
    assert silent == {"zhangye": ["第六条"], "pujiang": ["附件1", "附件2"]}.get(name, [])
    for article in found:
        assert article.clauses, article.name
    if name == "zhangye":
        assert names.index("第六条") == names.index("第五条") + 1
        article = next(each for each in found if each.name == "第二十四条")
        row = next(each for each in article.clauses if each.clause.id == "ZY-24.2")
        assert "share.reply_within" in row.keys and "5个工作日" in article.text and row.label() == "已实现"
