"""A writer of bundles that is killed: for every line on its standard input a process that writes until it is killed.

The processes are forked, so that hundreds of them cost no start. Says ``PID`` when one begins, ``gone`` when one ended.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from collector.bundle.encryption import Recipients, recipients
from collector.bundle.writer import write
from tests.bundle.samples import REPORT, seal


def endless(folder: Path, to: Recipients | None) -> None:
    """One bundle after another, each another one."""
    while True:
        report = replace(REPORT, created=REPORT.created + timedelta(microseconds=time.time_ns() // 1_000 % 10**12))
        write(report, seal=seal, audit=dict, folder=folder, recipients=to)


def main(folder: Path, keys: list[str]) -> None:
    to = recipients(keys) if keys else None
    endless_once = write(REPORT, seal=seal, audit=dict, folder=folder / "warm", recipients=to)
    endless_once.path.unlink()
    endless_once.path.parent.rmdir()
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            try:
                endless(folder, to)
            finally:
                os._exit(1)
        print(child, flush=True)
        _, status = os.waitpid(child, 0)
        print("gone" if os.WIFSIGNALED(status) else f"ended by itself: {status}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
