"""Fuzzes the targets one after another, each for some seconds; ends with 1 where a crash was found.

usage: python -m tests.fuzz [SECONDS [TARGET...]]
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.targets import CRASHES, NAMES, target

_SECONDS = 60


def main() -> int:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else _SECONDS
    before = set(CRASHES.rglob("*"))
    broken = [name for name in sys.argv[2:] or NAMES if not _fuzz(name, seconds)]
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
