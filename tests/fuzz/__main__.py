"""Fuzzes the targets one after another, each for some seconds; ends with 1 where a crash was found."""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.targets import CRASHES, NAMES, target

_SECONDS = 60


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("seconds", nargs="?", type=int, default=_SECONDS, help="for each target (60)")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(NAMES)}; all if none is given")
    options = parser.parse_args()
    if unknown := set(options.targets) - set(NAMES):
        parser.error(f"there is no target {', '.join(sorted(unknown))}")
    before = set(CRASHES.rglob("*"))
    broken = [name for name in options.targets or NAMES if not _fuzz(name, options.seconds)]
    found = sorted(path for path in set(CRASHES.rglob("*")) - before if path.is_file())
    for path in found:
        sys.stdout.write(f"found: {path.relative_to(CRASHES.parent)}\n")
    for name in broken:
        sys.stdout.write(f"{name}: the fuzzer itself ended with an error\n")
    sys.stdout.write("" if found or broken else "no crash found\n")
    return 1 if found or broken else 0


def _fuzz(name: str, seconds: int) -> bool:
    sys.stdout.write(f"{name}: {seconds} s\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory(prefix="vmext-fuzz-") as folder:
        for seed in target(name).seeds():
            Path(folder, hashlib.sha256(seed).hexdigest()[:20]).write_bytes(seed)
        command = [sys.executable, "-m", "tests.fuzz.guided", name, str(seconds), folder]
        return subprocess.call(command) == 0


if __name__ == "__main__":
    sys.exit(main())
