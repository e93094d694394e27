"""Our own tailers as a process that tells in a file what was processed, and when.

`tails` is the part that follows files, alone: what it gives is acknowledged and thrown away. It looks at its log a
hundred times a second, and saves once a second. `watch` is the whole agent, made as `vmext watch` makes it. SPEED
times as fast goes the time by which it forgets files that are gone.

usage: python -m tests.bench.tailing_agent tails|watch ROOT STATE TRACE READY CPU-PERCENT SPEED
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from collector.deliver.lock import held
from collector.discover.scan import scan, system_of
from collector.platforms import current
from collector.platforms.state import redaction_key
from collector.read.tailing.tail import Piece, Tails
from collector.redact.redactor import Redactor
from collector.service.configuration import settings
from collector.watch.notify import Notifier
from collector.watch.order import Order
from collector.watch.parts import assemble
from collector.watch.run import SystemClock, Wishes
from collector.watch.status import FOLDER, LOCK
from collector.watch.telling import Teller
from tests.bench.tailing_stream import Arrived, first_number, last_number, trace_line

_MOST_BYTES = 1 << 20
_PAUSE, _SAVE_SECONDS = 0.01, 1.0


@dataclass(frozen=True, slots=True)
class Options:
    cpu_percent: float  # of one core; 0: no limit
    speed: float


class TracedTails(Tails):
    """Writes down each piece when whoever took it comes back for the next one: it has been processed by then."""

    def __init__(self, *arguments: Any, trace: TextIO, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._trace = trace

    def read(self, most_bytes: int) -> Iterator[Piece]:
        for piece in super().read(most_bytes):
            yield piece
            self._trace.write(trace_line(arrived(piece, time.monotonic())))


def arrived(piece: Piece, at: float) -> Arrived:
    data = piece.chunk.data
    return Arrived(at, piece.stream, piece.offset, piece.end, first_number(data), last_number(data), piece.chunk.lines)


def follow(root: Path, state: Path, trace: TextIO, ready: Path, wishes: Wishes) -> None:
    """The tailer alone."""
    tails = TracedTails(state / "tails.json", trace=trace)
    tails.see(scan(root, system_of(root)).sources, from_end=tails.start == "first")
    ready.touch()
    saved = time.monotonic()
    while not wishes.stop:
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


def watch(root: Path, state: Path, trace: TextIO, ready: Path, wishes: Wishes, options: Options) -> None:
    """The whole agent, but for its own log."""
    host = current()
    host.lower_priority()
    host.lower_io_priority()
    host.make_private(state)
    config = settings({"state_dir": state, "watch.cpu_percent": options.cpu_percent}, {}, None)
    began = time.time()
    order, redactor = Order(root), Redactor(redaction_key(state))
    (state / FOLDER).mkdir(exist_ok=True)
    with held(state / FOLDER / LOCK):
        traced = partial(
            TracedTails,
            trace=trace,
            clock=lambda: options.speed * time.monotonic(),
            wall=lambda: began + options.speed * (time.time() - began),
        )
        loop = assemble(order, config, redactor, SystemClock(), traced)
        teller = Teller(loop, order, config, Notifier(os.environ), redactor)
        loop.start()
        teller.ready()
        ready.touch()
        while not wishes.stop:
            loop.turn()
            teller.turn()
        loop.stop()
        teller.stop()


def main() -> None:
    what, *paths, percent, speed = sys.argv[1:]
    root, state, trace, ready = map(Path, paths)
    wishes = Wishes()
    with trace.open("a", buffering=1, encoding="ascii") as stream, wishes.heard():
        if what == "tails":
            follow(root, state, stream, ready, wishes)
        else:
            watch(root, state, stream, ready, wishes, Options(float(percent), float(speed)))


if __name__ == "__main__":
    main()
