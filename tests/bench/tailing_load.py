"""A tailer under load: a log that a process of its own writes while it is followed, and one that is there at once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench.logs import MB
from tests.bench.measuring import Command, plain_environ
from tests.bench.tailing_process import Tailer, Used
from tests.bench.tailing_writer import read_times

#: Bytes a second.
RATE = 50 * MB
#: How long (seconds) a tailer may take to come to its first line, and to the last one when nothing more is written.
_START_SECONDS, _REST_SECONDS = 30.0, 240.0
_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Load:
    """What a tailer did while a log grew, and until it was through."""

    lines: int  # that were written while it ran
    all_lines: int  # with those that were there before
    bytes: int
    seconds: float  # of writing
    behind_bytes: int  # at the end of writing
    rest_seconds: float  # from there until it was through; infinite where it did not get through
    looks: tuple[Used, ...]  # while it was written
    last: Used  # when it was through
    writes: tuple[tuple[int, float], ...]  # as tailing_writer tells them

    @property
    def rate(self) -> float:
        """Bytes a second that were really written."""
        return self.bytes / self.seconds

    @property
    def cpu(self) -> float:
        return self.last.cpu - self.looks[0].cpu

    @property
    def lines_per_cpu(self) -> float:
        return self.lines / self.cpu


def grow(tailer: Tailer, rate: float, seconds: float, rest_seconds: float = _REST_SECONDS) -> Load:
    """The tailer is running already, and its log is not there yet or empty."""
    times = tailer.folder.with_name(tailer.folder.name + "-times")
    program = [sys.executable, "-m", "tests.bench.tailing_writer"]
    command: Command = [*program, tailer.log, times, str(rate), str(seconds)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=plain_environ(), text=True
    ) as writer:
        try:
            assert writer.stdin is not None
            assert writer.stdout is not None
            if not tailer.wait(lambda: 0 < size(tailer.log) == tailer.processed(), _START_SECONDS):
                raise RuntimeError(f"{tailer.name} did not come to the log's first lines")
            looks = [tailer.used()]
            writer.stdin.write("go\n")
            writer.stdin.flush()
            while writer.poll() is None:
                time.sleep(_LOOK_SECONDS)
                looks.append(tailer.used())
            told = json.loads(writer.stdout.read())
        finally:
            writer.kill()
    behind = size(tailer.log) - tailer.processed()
    through = tailer.wait(lambda: tailer.processed() >= size(tailer.log), rest_seconds)
    rest = max(0.0, tailer.used().at - told["end"]) if through else float("inf")
    return Load(
        int(told["lines"]),
        int(told["all_lines"]),
        int(told["bytes"]),
        told["end"] - told["begin"],
        behind,
        rest,
        tuple(looks),
        tailer.used(),
        tuple(read_times(times)),
    )


def backlog(tailer: Tailer) -> Used:
    """What a tailer that is running took, from its start, to get through the log that lies there."""
    if not tailer.wait(lambda: tailer.processed() >= size(tailer.log), _REST_SECONDS):
        raise RuntimeError(f"{tailer.name} came to {tailer.processed()} of {size(tailer.log)} bytes")
    return tailer.used()


def most_rss(looks: Sequence[Used], since: float, until: float = float("inf")) -> float:
    """The most memory (MB) from so many seconds after the first look on."""
    begin = looks[0].at
    return max(it.rss_mb for it in looks if since <= it.at - begin < until)


def size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
