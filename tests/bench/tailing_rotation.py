"""A day of logs that are rotated every minute, in compressed time; a process of its own, so that what it holds can be told.

Four logs: two are renamed, two copied and emptied; of each of these two one is packed at the next rotation but one. Lines
are written before and after the looks, so that each rotation finds some that were not read. A minute is a step of the
tailer's clock.

usage: python -m tests.bench.tailing_rotation ROOT STATE ROTATIONS
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TextIO

import psutil

from collector.discover.scan import scan, system_of
from collector.model import System
from collector.read.tailing.tail import Tails
from tests.bench.tailing_agent import arrived
from tests.bench.tailing_process import used
from tests.bench.tailing_stream import Arrived, Tally, numbered, read_trace, tally, trace_line

_FOLDER = "var/log/azure/Contoso.Agents.Probe"
_KEPT = 5
_LINES = 20
#: Numbers of each log's first line; together these are fewer than what lies between.
_APART = 10_000_000
_MINUTE = 60.0
_MOST_BYTES = 1 << 20
#: Parts of the day after which it is told what is held.
MARKS = (0.1, 0.5, 1.0)


@dataclass(slots=True)
class RotatedLog:
    file: Path
    is_copied: bool
    is_packed: bool
    base: int  # of the numbers of its lines
    kept: int  # rotated files
    written: int = 0

    def write(self, lines: int) -> None:
        with self.file.open("ab") as stream:
            stream.write(b"".join(numbered(self.base + self.written + it) for it in range(lines)))
        self.written += lines

    def rotate(self) -> None:
        """As logrotate does it, with `delaycompress` where it packs."""
        names = [self.file.with_name(f"{self.file.name}.{it}") for it in range(1, self.kept + 1)]
        packed = [name.with_name(name.name + ".gz") for name in names]
        for files in (names, packed):
            files[-1].unlink(missing_ok=True)
            for place in range(self.kept - 1, 0, -1):
                if files[place - 1].exists():
                    files[place - 1].rename(files[place])
        if self.is_packed and names[1].exists():
            subprocess.run(["gzip", "-1", names[1]], check=True)
        if self.is_copied:
            shutil.copyfile(self.file, names[0])
            self.file.open("wb").close()
        else:
            self.file.rename(names[0])
            self.file.touch()


def rotated_logs(root: Path, kept: int = _KEPT) -> list[RotatedLog]:
    folder = root / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    kinds = [("renamed", False, False), ("packed", False, True), ("copied", True, False), ("copied-packed", True, True)]
    logs = [
        RotatedLog(folder / f"{name}.log", is_copied, is_packed, _APART * place, kept)
        for place, (name, is_copied, is_packed) in enumerate(kinds)
    ]
    for log in logs:
        log.file.touch()
    return logs


@dataclass(slots=True)
class _Day:
    root: Path
    state: Path
    now: float = 0.0
    trace: TextIO = field(init=False)  # on the disk, so that what came is not held here
    tails: Tails = field(init=False)
    system: System = field(init=False)

    def __post_init__(self) -> None:
        began = time.time()
        self.tails = Tails(self.state / "tails.json", clock=lambda: self.now, wall=lambda: began + self.now)
        self.system = system_of(self.root)
        self.trace = (self.state / "trace").open("w", encoding="ascii")

    def look(self) -> None:
        for _ in range(2):  # what the first look meets may ask for another one
            self.tails.see(scan(self.root, self.system).sources)
            self.tails.touch(None)
            self._read()
            if not self.tails.needs_scan:
                break
        self.tails.save()

    def _read(self) -> None:
        while True:
            for piece in self.tails.read(_MOST_BYTES):
                self.trace.write(trace_line(arrived(piece, time.monotonic())))
                self.tails.done(piece.stream, piece.end)
            if not self.tails.is_behind:
                return


def main() -> None:
    root, state, rotations = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    logs = rotated_logs(root)
    day = _Day(root, state)
    day.look()
    marks = {round(share * rotations): share for share in MARKS}
    held = []
    for number in range(1, rotations + 1):
        for log in logs:
            log.write(_LINES)  # not read before it is rotated
            log.rotate()
            log.write(_LINES)
        day.now += _MINUTE
        day.look()
        if number in marks:
            held.append({**asdict(used(psutil.Process())), "state": (state / "tails.json").stat().st_size})
            held[-1]["streams"] = len(day.tails.followed())
    day.trace.close()
    came = read_trace(state / "trace")
    tallies = {log.file.name: asdict(of_log(log, came)) for log in logs}
    json.dump({"held": held, "tallies": tallies}, sys.stdout)


def of_log(log: RotatedLog, pieces: list[Arrived]) -> Tally:
    """What came of one of the logs."""
    own = [
        replace(it, first=it.first - log.base, last=it.last - log.base)
        for it in pieces
        if log.base <= it.first < log.base + _APART
    ]
    return tally(own, log.written)


if __name__ == "__main__":
    main()
