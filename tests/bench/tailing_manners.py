"""The resident agent as a guest: idle, with its limit on under a load that is too much for it, and over a day of
rotations."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collector.watch.limits import CpuShare
from tests.bench.disks import put
from tests.bench.logs import MB
from tests.bench.measuring import Command, Result, measure, plain_environ, vmext
from tests.bench.tailing_load import RATE, grow, size
from tests.bench.tailing_own import Own, Watch
from tests.bench.tailing_process import Used
from tests.bench.tailing_rotation import MARKS, of_log, rotated_logs

#: Sources of the disk on which nothing happens, and in how many folders they lie.
SOURCES, _FOLDERS = 200, 40
_IDLE_RUNS, _IDLE_SECONDS, _IDLE_SETTLE = 2, 60.0, 8.0
_IDLE_BOUND, _MEMORY_BOUND = 0.2, 45  # percent of a core, MB
#: Under the limit: how long is written, how long it is watched after that, and the limit (percent).
_LIMITED_SECONDS, _OVER_SECONDS, LIMIT = 10.0, 30.0, 5.0
#: A pause is asked for when something was done already.
_LIMIT_BOUND = LIMIT * 1.1
_CATCH_UP_SECONDS = 120.0
#: A day of minutes; for the whole agent so many a second, and rotated files are kept for some seconds.
ROTATIONS, _A_SECOND, _KEPT = 1_440, 2, 24
#: Seconds in which nothing is read any more before it is told what is held: what is open is closed when nothing happens
#: in it. On a machine that is busy otherwise the agent may be behind by then.
_REST, _LONGEST_REST = 5.0, 60.0
#: The clock by which the tailer closes and forgets what is gone.
_SPEED = 60 * _A_SECOND
_GROWN_HANDLES, _GROWN_RATIO = 2, 1.05


def idle(folder: Path, quick: bool) -> list[Result]:
    """Runs side by side: the disks are their own, and each counts its own seconds."""
    seconds, settle = (3.0, 1.0) if quick else (_IDLE_SECONDS, _IDLE_SETTLE)
    shares, memory, followed = [], [], []
    with ExitStack() as stack:
        agents = []
        for number in range(_IDLE_RUNS):
            disk = quiet_disk(folder / f"disk-{number}")
            agents.append(Watch(disk, folder / f"own-{number}"))
            stack.enter_context(agents[-1])
        time.sleep(settle)
        before = [agent.used() for agent in agents]
        time.sleep(seconds)
        for agent, first in zip(agents, before, strict=True):
            now = agent.used()
            shares.append(100 * (now.cpu + now.children - first.cpu - first.children) / (now.at - first.at))
            memory.append(now.rss_mb)
            followed.append(int(status(agent.state)["totals"]["followed"]))
    if min(followed) < SOURCES:
        raise RuntimeError(f"only {min(followed)} of {SOURCES} sources were followed")
    what = f"vmext watch, idle, {SOURCES} sources"
    runs = f"{len(shares)} runs of {seconds:.0f} s: " + ", ".join(f"{share:.2f}" for share in shares)
    return [
        Result(f"{what}: share of one core", statistics.fmean(shares), "%", _IDLE_BOUND, note=runs),
        Result(f"{what}: resident memory", max(memory), "MB", _MEMORY_BOUND),
    ]


def quiet_disk(disk: Path) -> Path:
    """Logs of extensions that were written an hour ago."""
    (disk / "etc").mkdir(parents=True)
    then = time.time() - 3_600
    for number in range(SOURCES):
        name = f"Contoso.Agents.Probe{number % _FOLDERS:02d}"
        text = "".join(f"2026-05-31T10:{it:02d}:00.000000Z INFO probe {it} of {number} answered\n" for it in range(40))
        os.utime(put(disk, f"var/log/azure/{name}/run-{number // _FOLDERS}.log", text), (then, then))
    return disk


def status(state: Path) -> dict[str, Any]:
    """What `vmext status` tells of an agent that runs."""
    told: dict[str, Any] = json.loads(measure(vmext("status", "--json", "--state-dir", state)).out)["status"]
    return told


def limited(folder: Path, quick: bool) -> list[Result]:
    """Much more is written than the limit lets it read; later it is started without a limit, and reads the rest."""
    seconds, over = (3.0, 5.0) if quick else (_LIMITED_SECONDS, _OVER_SECONDS)
    agent = Own(folder / "disk", folder / "own", LIMIT)
    agent.log.touch()
    with agent:
        load = grow(agent, RATE, seconds, rest_seconds=0)
        first = agent.used()
        time.sleep(over)
        last = agent.used()
        told = int(status(agent.state)["totals"]["lag"])
        behind = size(agent.log) - agent.processed()
    agent.ready.unlink()
    agent.cpu_percent = 0
    with agent:
        through = agent.wait(lambda: agent.processed() >= size(agent.log), _CATCH_UP_SECONDS)
    tally = agent.tally(load.all_lines)
    begin = load.looks[0]
    share = 100 * (last.cpu - begin.cpu - CpuShare(LIMIT).burst_seconds) / (last.at - begin.at)
    after = 100 * (last.cpu - first.cpu) / (last.at - first.at)
    what = f"vmext watch, limit of {LIMIT:g} %, {RATE // MB} MB/s for {seconds:.0f} s"
    note = f"in {last.at - begin.at:.0f} s, without the burst at the beginning; {after:.1f} % in the last {over:.0f} s"
    lines = f"{tally.lines} of {tally.expected} lines after a restart without limit" + (
        "" if through else ", not through"
    )
    return [
        Result(f"{what}: share of one core", share, "%", _LIMIT_BOUND, note=note),
        Result(
            f"{what}: lag that vmext status tells", told / MB, "MB", 0.8, behind / MB, "of what was not processed", True
        ),
        Result(f"{what}: lost or given twice", tally.missing + tally.twice, "lines", 0, note=lines),
    ]


@dataclass(frozen=True, slots=True)
class _Held:
    """What is held after a part of the day. `state`: bytes of the files that are kept for a restart."""

    handles: int
    watches: int
    rss_mb: float
    state: int


def rotated(folder: Path, quick: bool) -> list[Result]:
    return _simulated(folder / "alone", quick) + _whole(folder / "whole", quick)


def _simulated(folder: Path, quick: bool) -> list[Result]:
    """The tailer alone, on a clock that is a minute further with each rotation."""
    disk, state = folder / "disk", folder / "state"
    for place in (disk / "etc", state):
        place.mkdir(parents=True)
    program = [sys.executable, "-m", "tests.bench.tailing_rotation"]
    command: Command = [*program, disk, state, str(60 if quick else ROTATIONS)]
    done = subprocess.run(command, capture_output=True, text=True, env=plain_environ(), check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    told = json.loads(done.stdout)
    held = [_Held(one["handles"], one["watches"], one["rss_mb"], one["state"]) for one in told["held"]]
    wrong = {name: one["missing"] + one["twice"] for name, one in told["tallies"].items()}
    what = f"vmext's tailer alone, {60 if quick else ROTATIONS} rotations of 4 logs"
    lines = sum(one["expected"] for one in told["tallies"].values())
    note = f"of {lines}: " + ", ".join(f"{name} {count}" for name, count in wrong.items())
    return [Result(f"{what}: lost or given twice", sum(wrong.values()), "lines", 0, note=note), *_growth(what, held)]


def _whole(folder: Path, quick: bool) -> list[Result]:
    rotations = 48 if quick else ROTATIONS
    agent = Own(folder / "disk", folder / "own", speed=_SPEED)
    logs = rotated_logs(agent.root, _KEPT)[::3]  # one that is renamed, one that is copied and packed
    marks = {round(share * rotations) for share in MARKS}
    held = []
    with agent:
        begin = time.monotonic()
        for number in range(1, rotations + 1):
            for log in logs:
                log.write(40)
                log.rotate()
                log.write(20)
            time.sleep(max(0.0, begin + number / _A_SECOND - time.monotonic()))
            if number in marks:
                rested = time.monotonic()
                agent.wait(lambda: time.time() - agent.trace.stat().st_mtime > _REST, _LONGEST_REST)
                held.append(_held(agent.used(), agent.state / "watch"))
                begin += time.monotonic() - rested
    arrived = agent.arrived()
    tallies = [of_log(log, arrived) for log in logs]
    what = f"vmext watch, {rotations} rotations of 2 logs, {_A_SECOND} a second"
    came, all_lines = sum(one.lines - one.twice for one in tallies), sum(one.expected for one in tallies)
    note = f"{came} of {all_lines} lines came; files are there for {_KEPT / _A_SECOND:.1f} s"
    return [
        Result(f"{what}: given twice", sum(one.twice for one in tallies), "lines", 0, note=note),
        *_growth(what, held),
    ]


def _held(now: Used, state: Path) -> _Held:
    return _Held(now.handles, now.watches, now.rss_mb, sum(file.stat().st_size for file in state.glob("*.json")))


def _growth(what: str, held: list[_Held]) -> list[Result]:
    """From a tenth of the day to its end."""

    def told(of: Callable[[_Held], float]) -> str:
        return ", ".join(f"{of(one):.1f}".removesuffix(".0") for one in held) + " after 10, 50, 100 %"

    first, last = held[0], held[-1]
    return [
        Result(
            f"{what}: file handles that were added", last.handles - first.handles, "", _GROWN_HANDLES,
            note=told(lambda it: it.handles),
        ),
        Result(
            f"{what}: inotify watches that were added", last.watches - first.watches, "", 0,
            note=told(lambda it: it.watches),
        ),
        Result(f"{what}: memory", last.rss_mb, "MB", _GROWN_RATIO, first.rss_mb, "after 10 %", note=told(lambda it: it.rss_mb)),
        Result(
            f"{what}: state files", last.state / 1000, "kB", _GROWN_RATIO, first.state / 1000, "after 10 %",
            note=told(lambda it: it.state),
        ),
    ]  # fmt: skip
