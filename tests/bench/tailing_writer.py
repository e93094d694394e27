"""Appends numbered lines to a log at a steady rate; a process of its own. What it wrote, and when, stands in a file.

The first lines are there at once; the others follow when a line came in on standard input, so that who reads the log
has started by then.

usage: python -m tests.bench.tailing_writer LOG TIMES BYTES-PER-SECOND SECONDS
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path

from tests.bench.tailing_stream import Blocks

_ROW = struct.Struct("<qd")


def write(log: Path, times: Path, rate: float, seconds: float, go: Callable[[], object]) -> dict[str, float]:
    """Waits before each write until it is due, and never longer: what comes late is made up for."""
    slices = _endless(Blocks())
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    first, data = next(slices)
    os.write(descriptor, data)
    go()
    written, lines = 0, first
    with times.open("wb") as told:
        begin, busy = time.monotonic(), time.process_time()
        for after, data in slices:
            due = begin + written / rate
            if due - begin >= seconds:
                break
            if (rest := due - time.monotonic()) > 0:
                time.sleep(rest)
            os.write(descriptor, data)
            told.write(_ROW.pack(after, time.monotonic()))
            written, lines = written + len(data), after
        end, busy = time.monotonic(), time.process_time() - busy
    os.close(descriptor)
    return {"bytes": written, "lines": lines - first, "all_lines": lines, "begin": begin, "end": end, "cpu": busy}


def read_times(file: Path) -> list[tuple[int, float]]:
    """Of each write the number of the line after it, and when it ended."""
    return list(_ROW.iter_unpack(file.read_bytes()))


def _endless(blocks: Blocks) -> Iterator[tuple[int, bytes]]:
    number = 0
    while True:
        yield from blocks.slices(number, datetime.now(timezone.utc))
        number += 1


def main() -> None:
    log, times, rate, seconds = sys.argv[1:]
    sys.stdout.write(json.dumps(write(Path(log), Path(times), float(rate), float(seconds), sys.stdin.readline)))


if __name__ == "__main__":
    main()
