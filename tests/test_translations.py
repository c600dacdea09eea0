"""Every Chinese string of the interface has an English translation, and no translation breaks its placeholders."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from django.utils.translation.template import templatize

SOURCE = Path(__file__).parent.parent / "src" / "gongshu"
CHINESE = re.compile(r"[\u4e00-\u9fff]")
PLACE = re.compile(r"%\((\w+)\)[sd]|%[sd]|\{(\w*)\}")


def in_python(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call) or not node.args:
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        if name in ("_", "gettext", "gettext_lazy", "_lazy", "ngettext", "pgettext"):
            first = node.args[-1 if name == "pgettext" else 0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


def in_template(path: Path) -> Iterator[str]:
    code = templatize(path.read_text(encoding="utf-8"), origin=str(path))
    for match in re.finditer(
        r"""(?:_|gettext|ngettext)\(u?((?:'(?:[^'\\]|\\.)*')|(?:"(?:[^"\\]|\\.)*"))""", code
    ):
        yield ast.literal_eval(match[1])


def used() -> dict[str, str]:
    found: dict[str, str] = {}
    for path in SOURCE.rglob("*.py"):
        found.update({text: str(path.relative_to(SOURCE)) for text in in_python(path)})
    for path in SOURCE.rglob("templates/**/*.html"):
        found.update({text: str(path.relative_to(SOURCE)) for text in in_template(path)})
    return {text: place for text, place in found.items() if CHINESE.search(text)}


def catalogs() -> dict[str, polib.POEntry]:
    entries: dict[str, polib.POEntry] = {}
    for path in SOURCE.rglob("locale/en/LC_MESSAGES/*.po"):
        entries.update({e.msgid: e for e in polib.pofile(str(path)) if not e.obsolete})
    return entries


def test_english_is_complete() -> None:
    known = catalogs()
    lacking = {
        t: p for t, p in used().items() if t not in known or not (known[t].msgstr or known[t].msgstr_plural)
    }
    assert not lacking, "\n".join(
        f"{place}: {text!r}" for text, place in sorted(lacking.items(), key=lambda x: x[1])
    )


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("locale/en/LC_MESSAGES/*.po")), ids=lambda p: p.parts[-5]
)
def test_placeholders_survive(path: Path) -> None:
    for entry in polib.pofile(str(path)):
        for text in [entry.msgstr, *entry.msgstr_plural.values()]:
            if text:
                assert set(PLACE.findall(entry.msgid)) == set(PLACE.findall(text)), entry.msgid
                assert "fuzzy" not in entry.flags, entry.msgid
