"""Making ``gongshu-verify.pyz``: the verifier in one file that any machine with Python 3.7 or later can
run.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

MODULES = ("canonical", "ed25519", "merkle", "note", "proof", "verifier")
_START = "import sys\nfrom gongshu.kernel.verifier import main\nsys.exit(main())\n"
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever and wherever it is built


def build_verifier(path: Path | str) -> Path:
    """Write the verifier to ``path`` and return it. Building twice gives identical files."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    here = Path(__file__).parent
    files = {"__main__.py": _START, "gongshu/__init__.py": "", "gongshu/kernel/__init__.py": ""}
    files.update({f"gongshu/kernel/{name}.py": (here / f"{name}.py").read_text("utf-8") for name in MODULES})
    aside = path.with_suffix(f"{path.suffix}.new")
    with aside.open("wb") as out:
        out.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(out, "w") as archive:
            for name, text in files.items():
                archive.writestr(zipfile.ZipInfo(name, _EPOCH), text)
    aside.chmod(0o755)
    aside.replace(path)
    return path


if __name__ == "__main__":
    import sys

    sys.stdout.write(f"{build_verifier(sys.argv[1] if len(sys.argv) > 1 else 'gongshu-verify.pyz')}\n")
