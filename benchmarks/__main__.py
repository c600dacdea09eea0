"""Run the benchmarks: `python -m benchmarks [--size smoke|full] [NAME ...]`.

smoke: small and short, to see that they run. full: the sizes of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
SMOKE: dict[str, list[str]] = {
    "collection": ["--rows", "20000"],
    "gateway": ["--seconds", "1", "--rounds", "1", "--rows", "2000", "--concurrency", "8", "--clients", "1"],
}


def main() -> int:
    """Run each, in its own process; the exit code tells whether all ran."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SMOKE))
    parser.add_argument("--size", choices=("smoke", "full"), default="full")
    args = parser.parse_args()
    failed: list[str] = []
    for name in args.names or SMOKE:
        print(f"--- {name}", flush=True)
        given = SMOKE[name] if args.size == "smoke" else []
        if subprocess.run([sys.executable, HERE / f"{name}.py", *given], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
