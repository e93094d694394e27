"""Following logs as they grow, against rsyslog's imfile and pygtail on the same lines, and against the bounds of a guest.

tailing_peers.py tells where the peers come from.
"""

from __future__ import annotations

import math
import os
import shutil
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from itertools import count
from pathlib import Path

from tests.bench.logs import MB
from tests.bench.measuring import Result, Unmeasured, unmeasured
from tests.bench.tailing_load import RATE, Load, backlog, grow, most_rss
from tests.bench.tailing_manners import idle, limited, rotated
from tests.bench.tailing_own import Own, OwnTails
from tests.bench.tailing_peers import Pygtail, Rsyslog
from tests.bench.tailing_process import Tailer
from tests.bench.tailing_stream import Blocks, delays

#: How long (seconds) is written: for the whole agent, for the others.
_SECONDS, _PEER_SECONDS = 60.0, 15.0
_QUICK_SECONDS = 4.0
_BACKLOG_RUNS = 2
_BACKLOG_BYTES, _OPERATIONS_BYTES = 200 * MB, 40 * MB
_PEERS: tuple[type[Rsyslog] | type[Pygtail], ...] = (Rsyslog, Pygtail)
_OWN: tuple[type[Own], ...] = (OwnTails, Own)
#: Lines per second of processor: as many as pygtail, and a fifth of rsyslog's.
_PYGTAIL_BOUND, _RSYSLOG_BOUND = 1.0, 1 / 5
#: Milliseconds.
_MEDIAN_BOUND, _HIGH_BOUND = 50, 250
#: A writer that had to wait for the machine wrote less than what was asked for.
_RATE_MET = 0.95
#: From the end of writing to the last line (seconds), and memory of the second half against that of the first.
_REST_BOUND, _FLAT_BOUND = 1.0, 1.05
_WARM_SECONDS = 5.0


def run(data: Path, quick: bool) -> list[Result]:
    rows: list[Result] = []
    for part in (idle, loaded, limited, rotated):
        with tempfile.TemporaryDirectory(prefix="tailing-", dir=data) as folder:
            try:
                rows += part(Path(folder), quick)
            except (Unmeasured, OSError, RuntimeError) as error:
                rows.append(unmeasured(f"following, {part.__name__}", error))
    return rows


def loaded(folder: Path, quick: bool) -> list[Result]:
    """A log that grows by 50 MB a second; then the same log, there at once."""
    rows, speeds = [], {}
    seconds, peer_seconds = (_QUICK_SECONDS, _QUICK_SECONDS) if quick else (_SECONDS, _PEER_SECONDS)
    for peer in _PEERS:
        try:
            speeds[peer.name] = _grown(peer(folder / peer.__name__, folder / "own"), peer_seconds).lines_per_cpu
        except (Unmeasured, RuntimeError) as error:
            rows.append(unmeasured(f"log growing by {RATE // MB} MB/s: {peer.name}", error))
    for own in _OWN:
        tailer = own(folder / own.what, folder / f"own-{own.what}")
        load = _grown(tailer, seconds if own is Own else peer_seconds)
        rows += _kept_up(tailer, load)
        rows += [
            _speed(own.name, load.lines_per_cpu, name, speed, f"log growing by {RATE // MB} MB/s")
            for name, speed in speeds.items()
        ]
    log = folder / "there.log"
    tailer.log.rename(log)
    rows += _caught_up(folder, log, 1 if quick else _BACKLOG_RUNS, "the same log, there at once")
    _operations(log)
    return rows + list(_caught_up(folder, log, 1, "log of operations only, there at once"))


def _operations(log: Path) -> None:
    """The log of an agent that starts and ends operations all the time, as no agent does."""
    blocks = Blocks("operations")
    with log.open("wb") as stream:
        for number in count():
            if stream.tell() >= _OPERATIONS_BYTES:
                return
            stream.writelines(data for _, data in blocks.slices(number, datetime.now(timezone.utc)))


def _grown(tailer: Tailer, seconds: float) -> Load:
    """RuntimeError where what came of it is wrong."""
    tailer.log.parent.mkdir(parents=True, exist_ok=True)
    tailer.log.touch()
    with tailer:
        load = grow(tailer, RATE, seconds)
    if wrong := tailer.check():
        raise RuntimeError(f"{tailer.name}: {wrong}")
    if not isinstance(tailer, Own):
        tailer.log.unlink()
    return load


def _kept_up(tailer: Own, load: Load) -> list[Result]:
    what = f"{tailer.name}, log growing by {RATE // MB} MB/s"
    if load.rate < _RATE_MET * RATE:  # the machine had too much else to do
        return [unmeasured(what, f"only {load.rate / MB:.0f} MB/s were written")]
    waits = [1000 * delay for delay in delays(tailer.arrived(), load.writes)]
    told = tailer.tally(load.all_lines)
    half = load.seconds / 2
    flat = most_rss(load.looks, half) / most_rss(load.looks, min(_WARM_SECONDS, half / 2), half)
    note = f"{load.behind_bytes / MB:.1f} MB behind at the end, {100 * load.cpu / load.seconds:.0f} % of a core"
    memory = f"{most_rss(load.looks, 0):.1f} MB at most"
    times = f"{len(waits)} writes, at most {max(waits, default=math.nan):.0f} ms"
    lines = f"{told.lines} of {told.expected} lines, {told.twice} twice"
    return [
        Result(f"{what}: lost or given twice", told.missing + told.twice, "lines", 0, note=lines),
        Result(f"{what}: through after its end", load.rest_seconds, "s", _REST_BOUND, note=note),
        Result(f"{what}: memory, second half against first", flat, "", _FLAT_BOUND, note=memory),
        Result(f"{what}: from written to processed, median", statistics.median(waits), "ms", _MEDIAN_BOUND, note=times),
        Result(f"{what}: the same, 99th percentile", _high(waits), "ms", _HIGH_BOUND),
    ]


def _high(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100)[98]


def _caught_up(folder: Path, log: Path, runs: int, text: str) -> Iterator[Result]:
    """A log that is there at once; all take turns, each with a process of its own that starts for it."""
    found: dict[str, list[float]] = {}
    lines = _shortened(log, _BACKLOG_BYTES)
    for _ in range(runs):
        for make in (*_PEERS, *_OWN):
            place = folder / "backlog"
            shutil.rmtree(place, ignore_errors=True)
            tailer = make(place / "disk", place / "own")
            try:
                tailer.settle()
                os.link(log, tailer.log)
                with tailer:
                    found.setdefault(tailer.name, []).append(lines / backlog(tailer).cpu)
            except Unmeasured:
                continue
    speeds = {name: statistics.median(values) for name, values in found.items()}
    for own in _OWN:
        for peer in _PEERS:
            if peer.name in speeds:
                yield _speed(own.name, speeds[own.name], peer.name, speeds[peer.name], text)


def _speed(own: str, ours: float, peer: str, other: float, text: str) -> Result:
    bound = _RSYSLOG_BOUND if peer == Rsyslog.name else _PYGTAIL_BOUND
    what = f"{own}, {text}: lines per second of processor"
    return Result(what, ours, "lines/s", bound, other, peer, at_least=True)


def _shortened(file: Path, most: int) -> int:
    """Cuts a log behind a line, so that so many bytes stay at most; how many lines these are."""
    lines = end = 0
    with file.open("rb+") as stream:
        while end < most and (block := stream.read(min(1 << 20, most - end))):
            lines += block.count(b"\n")
            last = end + block.rfind(b"\n") + 1
            end += len(block)
        stream.truncate(last)
    return lines
