"""The matrix clause x code x test x screen: what carries each clause of the regulations out, and what is
still open.

Code is found by reading the sources for clause ids and for keys of the packs; tests by their marks
``@pytest.mark.clause("ZY-24.2")``, which are read without running anything.
"""

from __future__ import annotations

import ast
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gongshu.packs.check import keys
from gongshu.packs.loader import clauses, packs
from gongshu.packs.model import Clause
from gongshu.packs.regulation import DONE, ORGANISATIONAL, STATUSES, Status, keys_of, statuses

_DOTTED = re.compile(r"\b(?=([a-z_]+)\.([a-z_]+)\b)")
_ID = re.compile(r"\b(?:PJ|PT|ZY|XC|CM)-[A-Z]?[\d.]+\d?[a-z]?\b")
_SOURCES = (".py", ".sql", ".html", ".js")
_OURSELVES = ("check.py", "matrix.py", "regulation.py", "show.py")


@dataclass(frozen=True, slots=True)
class Row:
    """One clause: the files that name it or a pack key resting on it, the tests that carry its mark, its
    status.
    """

    clause: Clause
    keys: tuple[str, ...]
    code: tuple[str, ...]
    tests: tuple[str, ...]
    status: Status


def code_uses(source: Path) -> dict[str, set[str]]:
    """Clause id or pack key -> files below ``source`` that use it; the packs' own data and readers do not
    count.
    """
    found: dict[str, set[str]] = {}
    known = set(keys())
    for path in sorted(each for each in source.rglob("*") if each.suffix in _SOURCES):
        relative = path.relative_to(source).as_posix()
        if "/migrations/" in relative or "/static/" in relative:
            continue
        if relative.startswith("packs/") and path.name in _OURSELVES:
            continue
        text = path.read_text(encoding="utf-8")
        used = {f"{a}.{b}" for a, b in _DOTTED.findall(text)} & known
        for name in used | set(_ID.findall(text)):
            found.setdefault(name, set()).add(relative)
    return found


def marks_in(tests: Path) -> dict[str, set[str]]:
    """Clause id -> tests that carry its mark, as ``path::name``."""
    found: dict[str, set[str]] = {}
    for path in sorted(tests.rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
        for clause, name in _marked(tree, path.relative_to(tests.parent).as_posix(), ()):
            found.setdefault(clause, set()).add(name)
    return found


def _marked(scope: ast.AST, path: str, inherited: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Marks of a module or class and of what is in it, decorators, ``pytestmark`` and ``pytest.param``
    included.
    """
    body = getattr(scope, "body", [])
    for node in body:
        if isinstance(node, ast.Assign) and any(
            getattr(each, "id", "") == "pytestmark" for each in node.targets
        ):
            inherited += tuple(_ids(node.value))
    for node in body:
        if isinstance(node, ast.ClassDef):
            above = inherited + tuple(each for mark in node.decorator_list for each in _ids(mark))
            yield from _marked(node, f"{path}::{node.name}", above)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            own = (each for mark in node.decorator_list for each in _ids(mark))
            for clause in (*inherited, *own):
                yield clause, f"{path}::{node.name}"


def _ids(node: ast.AST) -> Iterator[str]:
    """The ids in every ``pytest.mark.clause(...)`` below a node, and in ``under(pack=[...])``, which makes such marks
    for a test that runs under several packs."""
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        given = call.args if name == "clause" else [k.value for k in call.keywords] if name == "under" else []
        for part in given:
            for each in ast.walk(part):
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    yield each.value


def matrix(root: Path) -> list[Row]:
    """A row for every clause, in the order of the texts. ``root``: the project, with ``src/gongshu`` and
    ``tests``.
    """
    uses, marks = code_uses(root / "src" / "gongshu"), marks_in(root / "tests")
    carried: dict[str, list[str]] = {}
    for pack in packs().values():
        carried.update(keys_of(pack))
    rows = []
    for clause in clauses().values():
        own = tuple(carried.get(clause.id, ()))
        code = {path for name in (clause.id, *own) for path in uses.get(name, ())}
        status = statuses().get(clause.id, Status(clause.id, "", "", ""))
        rows.append(Row(clause, own, tuple(sorted(code)), tuple(sorted(marks.get(clause.id, ()))), status))
    return rows


def faults(root: Path, rows: list[Row]) -> list[str]:
    """What keeps the matrix from being true; empty if nothing does."""
    found = []
    known = clauses()
    for clause, names in sorted(marks_in(root / "tests").items()):
        if clause not in known:
            found.append(f"{', '.join(sorted(names))}: marks the unknown clause {clause}")
    for name, paths in sorted(code_uses(root / "src" / "gongshu").items()):
        # A comment may name a whole article or paragraph: PJ-26, XC-4.2.
        if _ID.fullmatch(name) and not any(re.fullmatch(rf"{name}([.a-z].*)?", each) for each in known):
            found.append(f"{', '.join(sorted(paths))}: names the unknown clause {name}")
    found += [f"status.csv: unknown clause {name}" for name in statuses() if name not in known]
    for row in rows:
        name, status = row.clause.id, row.status.status
        if status not in STATUSES:
            found.append(f"status.csv: {name}: status {status!r} is none of {', '.join(STATUSES)}")
        elif status == DONE and not row.tests:
            found.append(f"status.csv: {name} is marked done, and no test carries its mark")
        elif status == ORGANISATIONAL and row.clause.kind == "enforce":
            found.append(f"status.csv: {name} is for the platform to enforce, so it cannot be organisational")
    return found


def write(root: Path, rows: list[Row]) -> list[Path]:
    """Write ``docs/clauses``: an overview, a page for each text, and all of it as CSV."""
    folder = root / "docs" / "clauses"
    folder.mkdir(parents=True, exist_ok=True)
    pages = {folder / "README.md": _overview(rows), folder / "matrix.csv": _csv(rows)}
    for pack in packs().values():
        own = [row for row in rows if row.clause.prefix == pack.prefix]
        pages[folder / f"{pack.id}.md"] = _page(pack.title, own)
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
    return list(pages)


def counts(rows: list[Row]) -> Mapping[str, int]:
    """Number of clauses by status."""
    return Counter(row.status.status for row in rows)


def _overview(rows: list[Row]) -> str:
    head = ["text", "clauses", *STATUSES, "with a test"]
    lines = [
        "# Clauses",
        "",
        "Written by `make clauses` from the packs, the sources and the marks of the tests; not by hand.",
        "`done`: a test exercises the acceptance sentence of the clause. `in part` and `open` are what is left to do.",
        "`organisational`: an act of people or bodies that no software can carry out.",
        "",
        _table_line(head),
        _table_line(["---"] * len(head)),
    ]
    groups = [(pack.title, pack.id, pack.prefix) for pack in packs().values()]
    for title, name, prefix in groups:
        own = [row for row in rows if row.clause.prefix == prefix]
        lines.append(_table_line([f"[{title}]({name}.md)", *_numbers(own)]))
    lines.append(_table_line(["all", *_numbers(rows)]))
    return "\n".join(lines) + "\n"


def _numbers(rows: list[Row]) -> list[str]:
    told = counts(rows)
    tested = sum(bool(row.tests) for row in rows)
    return [str(len(rows)), *(str(told.get(status, 0)) for status in STATUSES), str(tested)]


def _page(title: str, rows: list[Row]) -> str:
    head = ["clause", "article", "what it says", "status", "pack keys and code", "tests", "screen"]
    lines = [f"# {title}", "", _table_line(head), _table_line(["---"] * len(head))]
    for row in rows:
        status = STATUSES.get(row.status.status, ("", row.status.status, ""))[1]
        note = f" ({row.status.note})" if row.status.note else ""
        carried = "<br>".join([*(f"`{key}`" for key in row.keys), *row.code])
        tests = "<br>".join(row.tests)
        cells = [
            row.clause.id,
            row.clause.article,
            row.clause.zh,
            status + note,
            carried,
            tests,
            row.status.screen,
        ]
        lines.append(_table_line(cells))
    return "\n".join(lines) + "\n"


def _table_line(cells: list[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _csv(rows: list[Row]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(
        ["clause", "article", "kind", "capability", "status", "keys", "code", "tests", "screen", "note"]
    )
    for row in rows:
        clause, told = row.clause, row.status
        lists = (" ".join(each) for each in (row.keys, row.code, row.tests))
        writer.writerow(
            [
                clause.id,
                clause.article,
                clause.kind,
                clause.capability,
                told.status,
                *lists,
                told.screen,
                told.note,
            ]
        )
    return out.getvalue()
