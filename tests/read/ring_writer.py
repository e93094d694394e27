"""A process that keeps lines in a ring as fast as it can, and says after each flush what has to be there."""

from __future__ import annotations

import sys
from pathlib import Path

from collector.read.keeping.recent import Recent
from collector.read.keeping.ring import Ring
from tests.read.pieces import log, piece, redactor


def line(stream: int, number: int) -> str:
    return f"2026-05-04T03:12:14Z {stream} {number:07d} INFO a line of the log AccountKey=hidden{number:07d}==\n"


def main(folder: Path, streams: int, total: int) -> None:
    ring = Ring(folder, "/", bytes_per_stream=20_000, bytes_total=total)
    recent, seal = Recent(20_000), redactor()
    size = len(line(1, 0))
    for turn in range(1_000_000):
        for stream in range(1, streams + 1):
            first = turn * (10 * stream)
            data = "".join(line(stream, number) for number in range(first, first + 10 * stream)).encode()
            recent.add(piece(data, first * size, stream, log(f"var/log/{stream}.log")), turn)
        ring.flush(recent, seal, turn, everything=turn % 3 == 0)
        told = [recent.begin(stream) for stream in range(1, streams + 1)]
        ends = [(turn + 1) * 10 * stream * size if at is None else at for stream, at in enumerate(told, start=1)]
        print(*ends, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
