"""Costs of whole processes, and the rows that compare them with a peer or with a bound."""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

_LAUNCHER = Path(__file__).with_name("launcher.py")
#: Where the environment's programs lie; not resolved, since a virtual environment's interpreter is a link.
_BIN = Path(sys.executable).parent

_SWITCHES = ("VMEXT_", "COV_", "COVERAGE_", "PYTHON")

Command = Sequence[str | Path]


class Unmeasured(Exception):
    """A benchmark can't be run here; its text says what is missing."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process, with all its children, took."""

    wall: float
    cpu: float
    rss_mb: float
    out: str = ""


@dataclass(frozen=True, slots=True)
class Result:
    """One row: `ours` against `peer` by their ratio, or, without a peer, `ours` against the bound itself."""

    what: str
    ours: float
    unit: str
    bound: float
    peer: float | None = None
    peer_name: str = ""
    at_least: bool = False
    note: str = ""

    @property
    def ratio(self) -> float | None:
        if self.peer is None:
            return None
        return self.ours / self.peer if self.peer else math.inf

    @property
    def met(self) -> bool:
        """False as well where nothing was measured: a claim that can't be checked here isn't met here."""
        value = self.ours if self.ratio is None else self.ratio
        return value >= self.bound if self.at_least else value <= self.bound


def unmeasured(what: str, reason: object) -> Result:
    return Result(what, math.nan, "", math.nan, note=f"not measured: {reason}")


def vmext(*arguments: str | Path) -> list[str | Path]:
    """Our command, as it is installed beside this interpreter."""
    return [_BIN / "vmext", *arguments]


def collect(root: Path, state: Path, *more: str) -> list[str | Path]:
    """`vmext collect` on a disk; nothing leaves the machine."""
    return vmext("collect", "--root", root, "--state-dir", state, "--no-upload", "--format", "json", *more)


def measure(command: Command, *, expect: Collection[int] = (0,)) -> Cost:
    """Runs a command as a whole process; RuntimeError where it ends with another code than `expect`."""
    with tempfile.TemporaryDirectory(prefix="vmext-bench-") as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        launch = [sys.executable, "-I", "-S", _LAUNCHER, out, err, *command]
        told = subprocess.run(launch, capture_output=True, text=True, env=plain_environ(), check=False)
        if told.returncode:
            raise RuntimeError(f"{command[0]}: {told.stderr.strip()}")
        wall, cpu, rss, code = told.stdout.split()
        if int(code) not in expect:
            tail = err.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise RuntimeError(f"{' '.join(map(str, command))} ended with {code}: {tail}")
        return Cost(float(wall), float(cpu), int(rss) * 1024 / 1e6, out.read_text(encoding="utf-8", errors="replace"))


def plain_environ() -> dict[str, str]:
    """The environment without what changes a program's costs: our settings, coverage, Python's switches.

    Among these is the one that forbids to keep compiled modules: what is installed is compiled.
    """
    return {key: value for key, value in os.environ.items() if key == "PYTHONPATH" or not key.startswith(_SWITCHES)}


def median(costs: Sequence[Cost]) -> Cost:
    """The medians, each for itself, and the output of the last run."""
    return Cost(
        statistics.median(cost.wall for cost in costs),
        statistics.median(cost.cpu for cost in costs),
        statistics.median(cost.rss_mb for cost in costs),
        costs[-1].out,
    )


def several(run: Callable[[], Cost], runs: int) -> Cost:
    return median([run() for _ in range(runs)])


def pair(ours: Callable[[], Cost], peer: Callable[[], Cost], runs: int) -> tuple[Cost, Cost]:
    """Medians of both; they take turns, so that a slow minute of the machine meets both, after one run that warms up."""
    ours(), peer()
    costs: tuple[list[Cost], list[Cost]] = ([], [])
    for number in range(runs):
        for which in (0, 1) if number % 2 else (1, 0):
            costs[which].append((ours, peer)[which]())
    return median(costs[0]), median(costs[1])
