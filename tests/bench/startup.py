"""How long a start takes, against an interpreter that only imports what any such program imports."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.bench.measuring import Cost, Result, collect, measure, pair, vmext

_RUNS, _QUICK_RUNS = 31, 9
_VERSION_PEER = "import click"
_COLLECT_PEER = "import click, psutil, json, zipfile, hashlib"
#: An empty disk holds nothing to collect.
_NOTHING = 12


def run(data: Path, quick: bool) -> list[Result]:
    del data  # an empty disk needs no files
    runs = _QUICK_RUNS if quick else _RUNS
    with tempfile.TemporaryDirectory(prefix="vmext-bench-") as folder:
        disk = _empty_disk(Path(folder, "disk"))
        empty = collect(disk, Path(folder, "state"))
        return [
            _row("vmext --version", partial(measure, vmext("--version")), _VERSION_PEER, 1.3, runs),
            _row("vmext collect, empty disk", partial(measure, empty, expect=(_NOTHING,)), _COLLECT_PEER, 1.5, runs),
        ]


def _row(what: str, ours: partial[Cost], peer: str, bound: float, runs: int) -> Result:
    mine, other = pair(ours, partial(measure, [sys.executable, "-c", peer]), runs)
    name = f"python -c '{peer}'"
    return Result(f"{what}: wall time", mine.wall * 1000, "ms", bound, other.wall * 1000, name)


def _empty_disk(disk: Path) -> Path:
    for name in ("etc", "var"):
        (disk / name).mkdir(parents=True)
    return disk
