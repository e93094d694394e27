"""Runs in the peers' environment: pygtail over a growing log, until SIGTERM; prints how many lines it gave.

It is used as cheaply as it can be: one object that goes on where it stopped, whole lines only, and the offset is
written where it comes to the end of the log, not after each line. Where that is stands in the file OFFSET.

usage: tailing_pygtail.py LOG OFFSET
"""

from __future__ import annotations

import signal
import sys
import time

_PAUSE = 0.05


def main() -> None:
    from pygtail import Pygtail  # type: ignore[import-not-found]

    log, offset = sys.argv[1:]
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopped.append(number))
    tail = Pygtail(log, offset_file=offset, full_lines=True)
    lines = 0
    while not stopped:
        for _ in tail:
            lines += 1
        time.sleep(_PAUSE)
    print(lines)


if __name__ == "__main__":
    main()
