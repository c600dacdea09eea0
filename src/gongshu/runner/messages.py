"""Translations: every `django.po` of the platform compiled to the `.mo` Django reads. Done at install."""

from __future__ import annotations

import os
from pathlib import Path

import polib

PACKAGE = Path(__file__).resolve().parent.parent


def compile_all(root: Path = PACKAGE) -> list[Path]:
    """Compile each catalogue that is newer than its `.mo`; return those compiled. Fuzzy entries are left out."""
    made: list[Path] = []
    for source in sorted(root.glob("**/locale/*/LC_MESSAGES/*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime >= source.stat().st_mtime:
            continue
        aside = target.with_suffix(f".{os.getpid()}")
        polib.pofile(str(source)).save_as_mofile(str(aside))
        aside.replace(target)
        made.append(target)
    return made


if __name__ == "__main__":
    compile_all()
