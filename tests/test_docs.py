"""The documentation keeps up with the code: settings, commands, links, diagrams."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SETTING = re.compile(r"\b(?:GONGSHU|DATABASE)_[A-Z_]*[A-Z]\b")
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")])


def test_every_setting_is_documented() -> None:
    read = re.compile(r"""environ(?:\.get\(|\[|\.setdefault\()\s*f?["']([A-Z_]+)["']""")
    used = {
        name
        for path in (ROOT / "src").rglob("*.py")
        for name in read.findall(path.read_text(encoding="utf-8"))
        if SETTING.fullmatch(name)
    }
    assert len(used) > 15
    documented = set(SETTING.findall((ROOT / "docs" / "settings.md").read_text(encoding="utf-8")))
    assert used - documented == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_refusal_of_the_gateway_is_documented() -> None:
    from gongshu.gateway.problems import PROBLEMS

    page = (ROOT / "docs" / "gateway.md").read_text(encoding="utf-8")
    assert {kind for kind in PROBLEMS if f"`{kind}`" not in page} == set()


def test_commands_of_the_pages_exist() -> None:
    """Every `gongshu ...` in a code span or block is a command the parser knows."""
    from gongshu.runner import cli

    parser = cli.build(["catalog"])
    groups = next(a for a in parser._actions if a.dest == "group").choices
    for page in PAGES:
        for line in re.findall(
            r"(?:`|^\s*)gongshu ([a-z][a-z_]*)(?: ([a-z][a-z_]+))?", page.read_text(encoding="utf-8"), re.M
        ):
            group, command = line
            assert group in groups, f"{page.name}: gongshu {group}"
            below = [a for a in groups[group]._actions if getattr(a, "choices", None) and a.dest == "command"]
            if command and below:
                assert command in below[0].choices, f"{page.name}: gongshu {group} {command}"


def test_diagrams_are_those_of_the_procedures() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gongshu.runner.cli", "procedures", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_makefile_lists_its_verbs() -> None:
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True)
    for verb in ("run", "test", "lint", "clauses", "bench"):
        assert re.search(rf"^{verb}\b", done.stdout, re.M), verb
