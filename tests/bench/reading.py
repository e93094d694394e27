"""The reader against ripgrep on the same logs, and the whole command on the largest.

Both sides find the page cache warm: the logs were just written, or were read once before the clock starts. ripgrep is
taken as a whole process, a few milliseconds of start among it; of ours the stage alone, in a fresh process each time
(`tests.bench.stage`), and, in the note, that whole process.
"""

from __future__ import annotations

import hashlib
import json
import shlex
import shutil
import statistics
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from tests.bench.disks import with_agent_log
from tests.bench.logs import MB, Errors, Log, agent_log, utf16_twin
from tests.bench.measuring import Command, Cost, Result, collect, measure, median, pair, several, unmeasured
from tests.bench.stage import common_prefix

#: What both look for, whatever the case.
WORDS = "error|failed|timeout|fatal|exception"
_RUNS, _QUICK_RUNS = 9, 3
#: Megabytes of the logs with a window; the last is made only where there is room, and removed.
_SIZES, _QUICK_SIZES = (100, 1_000, 10_000), (10, 30, 100)
_WHOLE, _QUICK_WHOLE = (100, 1_000), (10, 30)
#: So much is left free on the disk.
_SPARE = 5_000 * MB
#: From so many megabytes on the window is to be found `_FASTER` times as fast; in smaller logs as fast.
_LARGE = 1_000
_FASTER, _FLAT, _WHOLE_BOUND, _COLLECT_BOUND = 50, 2, 3, 1
#: Healthy, a failure, a hang: what is found isn't asked here.
_ENDS = (0, 10, 11, 12)


@dataclass(frozen=True, slots=True)
class Stage:
    """Medians of several processes."""

    seconds: float
    process: Cost
    count: int
    digest: str


def run(data: Path, quick: bool) -> list[Result]:
    runs = _QUICK_RUNS if quick else _RUNS
    return [*_windows(data, quick, runs), *_wholes(data, quick, runs)]


# ---- ten minutes of a large log ---------------------------------------------------------------------------------


def _windows(data: Path, quick: bool, runs: int) -> list[Result]:
    small, middle, large = _QUICK_SIZES if quick else _SIZES
    first, rows = _in_window(data, small, runs)
    second, more = _in_window(data, middle, runs)
    rows += [*more, _flat(middle, second, small, first)]
    room = shutil.disk_usage(data).free
    if room < large * MB + _SPARE:
        why = f"{large} MB of log need {(large * MB + _SPARE) / 1e9:.0f} GB of disk, {room / 1e9:.0f} are free"
        return [*rows, unmeasured(f"read stage, 10 minutes of {large} MB: time", why)]
    try:
        third, more = _in_window(data, large, runs)
        rows += [*more, _flat(large, third, small, first), _collected(data, large, runs)]
    finally:
        if not quick:
            _remove(data, large)
    return rows


def window_of(log: Log) -> tuple[datetime, datetime]:
    """Ten minutes, all of whose stamps and no others begin alike, at two thirds of the log."""
    middle = log.first + (log.last - log.first) * 2 / 3
    start = middle.replace(minute=middle.minute // 10 * 10, second=0, microsecond=0)
    return start, start + timedelta(minutes=10) - timedelta(microseconds=1)


def _in_window(data: Path, size: int, runs: int) -> tuple[Stage, list[Result]]:
    """The stage on a log of `size` megabytes, and its row against ripgrep."""
    log = agent_log(data, size * MB, "sparse")
    start, end = window_of(log)
    what = f"read stage, 10 minutes of {size} MB: time"
    prefix = shlex.quote(common_prefix(start, end))
    search = f"{_rg(f'-F {prefix} {shlex.quote(str(log.path))}')} | {_rg(f'-i {shlex.quote(WORDS)}')}"
    ours, theirs = _both(log.path, (start, end), ["sh", "-c", search], runs)
    if theirs is None:
        return ours, [unmeasured(what, "ripgrep is not installed")]
    lines = theirs.out.encode()
    if (lines.count(b"\n"), hashlib.sha256(lines).hexdigest()) != (ours.count, ours.digest):
        return ours, [unmeasured(what, f"ripgrep found {lines.count(10)} lines, the reader {ours.count} or others")]
    factor, whole = theirs.wall / ours.seconds, theirs.wall / ours.process.wall
    process = f"with the start of Python {_ms(ours.process.wall)}, {whole:.1f} times"
    note = f"{factor:.1f} times as fast, {process}; the same {ours.count} lines"
    bound = 1 / _FASTER if size >= _LARGE else 1
    return ours, [Result(what, ours.seconds * 1000, "ms", bound, theirs.wall * 1000, "rg, piped", note=note)]


def _flat(size: int, ours: Stage, base: int, first: Stage) -> Result:
    what = f"read stage, 10 minutes of {size} MB and of {base} MB: time"
    return Result(what, ours.seconds * 1000, "ms", _FLAT, first.seconds * 1000, f"{base} MB")


def _collected(data: Path, size: int, runs: int) -> Result:
    """The whole command with its window, the start of Python and the writing of the bundle among it."""
    log = agent_log(data, size * MB, "sparse")
    disk = with_agent_log(data, "large", log.path)
    start, _ = window_of(log)
    around = (start + timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with tempfile.TemporaryDirectory(prefix="vmext-bench-", dir=data) as state:
        command = collect(disk, Path(state), "--around", around, "--margin", "5m")
        cost = several(partial(measure, command, expect=_ENDS), runs)
    shutil.rmtree(disk)
    what = f"collect, 10 minutes of {size} MB: wall time of the process"
    return Result(what, cost.wall, "s", _COLLECT_BOUND, note=f"{cost.cpu:.2f} s of processor, {cost.rss_mb:.0f} MB")


def _remove(data: Path, size: int) -> None:
    for file in (*data.glob(f"agent-sparse-{size}MB-*.log"), *data.glob(f".agent-sparse-{size}MB-*.log")):
        file.unlink()


# ---- every line of a log with a word ----------------------------------------------------------------------------


def _wholes(data: Path, quick: bool, runs: int) -> list[Result]:
    rows = []
    for size in _QUICK_WHOLE if quick else _WHOLE:
        few = max(3, runs // 3) if size > 500 else runs
        kinds: tuple[Errors, ...] = ("sparse", "dense")
        for errors in kinds:
            log = agent_log(data, size * MB, errors)
            rows += [
                _searched(f"{size} MB, {errors} errors", log, few),
                _whole(f"{size} MB, {errors} errors", log, few),
            ]
        twin = utf16_twin(agent_log(data, size * MB // 2, "sparse"), data)
        rows.append(_whole(f"{size} MB of UTF-16, sparse errors", twin, few))
    return rows


def _searched(what: str, log: Log, runs: int) -> Result:
    """Only the lines, which is what ripgrep looks for."""
    what = f"lines with a word, all of {what}: time"
    if not shutil.which("rg"):
        return unmeasured(what, "ripgrep is not installed")
    costs: list[Cost] = []

    def timed() -> Cost:
        costs.append(measure(_stage("search", log.path, None)))
        return costs[-1]

    _, theirs = pair(timed, partial(measure, _count(log), expect=(0, 1)), runs)
    found = [json.loads(cost.out) for cost in costs[1:]]
    if int(theirs.out) != found[0]["count"]:
        return unmeasured(what, f"ripgrep counted {theirs.out.strip()} lines, the reader {found[0]['count']}")
    seconds = statistics.median(one["seconds"] for one in found)
    return Result(
        what, seconds, "s", _WHOLE_BOUND, theirs.wall, "rg -ci", note=f"both found {theirs.out.strip()} lines"
    )


def _count(log: Log) -> Command:
    return ["rg", "--no-config", "-ci", WORDS, log.path]


def _whole(what: str, log: Log, runs: int) -> Result:
    what = f"their records, all of {what}: time"
    ours, theirs = _both(log.path, None, _count(log), runs)
    if theirs is None:
        return unmeasured(what, "ripgrep is not installed")
    if int(theirs.out) != ours.count:
        return unmeasured(what, f"ripgrep counted {theirs.out.strip()} lines, the reader {ours.count}")
    return Result(what, ours.seconds, "s", _WHOLE_BOUND, theirs.wall, "rg -ci", note=f"both found {ours.count} lines")


# ---- both sides -------------------------------------------------------------------------------------------------


def _both(log: Path, window: tuple[datetime, datetime] | None, peer: Command, runs: int) -> tuple[Stage, Cost | None]:
    """Medians of both, in turns, after a run of each that warms up; without ripgrep only ours."""
    times = partial(measure, _stage("time", log, window))
    if shutil.which("rg"):
        costs: list[Cost] = []

        def timed() -> Cost:
            costs.append(times())
            return costs[-1]

        process, other = pair(timed, partial(measure, peer, expect=(0, 1)), runs)
        costs = costs[1:]
    else:
        costs = [times() for _ in range(runs)]
        process, other = median(costs), None
    found = json.loads(measure(_stage("find", log, window)).out)
    seconds = statistics.median(float(cost.out) for cost in costs)
    return Stage(seconds, process, found["count"], found["digest"]), other


def _stage(what: str, log: Path, window: tuple[datetime, datetime] | None) -> Command:
    stamps = [moment.isoformat() for moment in window or ()]
    return [sys.executable, "-m", "tests.bench.stage", what, log, WORDS, *stamps]


def _rg(arguments: str) -> str:
    return f"rg --no-config {arguments}"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
