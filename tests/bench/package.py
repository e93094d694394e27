"""The self-contained Linux package: how fast it starts against the same command in a virtual environment, and its size."""

from __future__ import annotations

import platform
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from tests.bench.measuring import Result, measure, pair, vmext

_RUNS, _QUICK_RUNS = 31, 9
#: Times as long; megabytes (10^6 bytes).
_START_BOUND, _SIZE_BOUND = 1.3, 12
_SCRIPTS = Path(__file__).parents[2] / "scripts"


def run(data: Path, quick: bool) -> list[Result]:
    """Builds the package for this machine's processor; minutes where no interpreter of this recipe is in the cache."""
    with tempfile.TemporaryDirectory(prefix="vmext-bench-", dir=data) as folder:
        subprocess.run([_SCRIPTS / "build-linux", platform.machine(), "--out", folder], check=True, capture_output=True)
        (archive,) = Path(folder).glob("*.tar.gz")
        subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
        program = next(Path(folder).glob("vmext-*/bin/vmext"))
        start = partial(measure, [program, "--version"])
        ours, peer = pair(start, partial(measure, vmext("--version")), _QUICK_RUNS if quick else _RUNS)
        size = archive.stat().st_size / 1e6
    return [
        Result(
            "vmext --version, Linux package: wall time",
            *(ours.wall * 1000, "ms", _START_BOUND, peer.wall * 1000),
            peer_name="vmext --version in a virtual environment",
        ),
        Result("Linux package, .tar.gz", size, "MB", _SIZE_BOUND, note="Python, all dependencies and encryption in it"),
    ]
