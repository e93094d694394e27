"""Our own tailer as a process: it tells in a file what was processed, and when.

`tails` is the part that follows files, alone: what it gives is acknowledged and thrown away. It looks at its log a
hundred times a second, and saves once a second, as the agent does.

usage: python -m tests.bench.tailing_agent tails ROOT STATE TRACE
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from collector.discover.scan import scan, system_of
from collector.read.tail import Piece, Tails
from tests.bench.tailing_stream import Arrived, first_number, last_number, trace_line

_MOST_BYTES = 1 << 20
_PAUSE, _SAVE_SECONDS = 0.01, 1.0


class TracedTails(Tails):
    """Writes down each piece when whoever took it comes back for the next one: it has been processed by then."""

    trace: TextIO

    def read(self, most_bytes: int) -> Iterator[Piece]:
        for piece in super().read(most_bytes):
            yield piece
            self.trace.write(trace_line(arrived(piece, time.monotonic())))


def arrived(piece: Piece, at: float) -> Arrived:
    data = piece.chunk.data
    return Arrived(
        at, piece.stream, piece.offset, piece.end, first_number(data), last_number(data), piece.chunk.lines
    )


def follow(root: Path, state: Path, trace: TextIO) -> None:
    """Until SIGTERM."""
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    tails = TracedTails(state / "tails.json")
    tails.trace = trace
    tails.see(scan(root, system_of(root)).sources)
    saved = time.monotonic()
    while not stopped:
        tails.touch(None)
        for piece in tails.read(_MOST_BYTES):
            tails.done(piece.stream, piece.end)
        if time.monotonic() - saved > _SAVE_SECONDS:
            tails.save()
            saved = time.monotonic()
        if not tails.is_behind:
            time.sleep(_PAUSE)
    tails.save()
    tails.close()


def main() -> None:
    what, root, state, trace = sys.argv[1:]
    with Path(trace).open("a", buffering=1, encoding="ascii") as stream:
        {"tails": follow}[what](Path(root), Path(state), stream)


if __name__ == "__main__":
    main()
