"""What the agent itself uses of the machine."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from dataclasses import dataclass

import psutil

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Usage:
    """Of this process; 0 where the system does not tell it."""

    cpu_seconds: float = 0.0  # own threads, since the start
    children_seconds: float = 0.0  # children that have ended and were waited for; Windows does not tell it
    resident_bytes: int = 0
    open_files: int = 0  # descriptors; on Windows handles
    threads: int = 0


def cpu_seconds() -> tuple[float, float]:
    """Of own threads and of ended children, since the start: what `CpuShare.pause` is given. Cheap."""
    times = os.times()
    return time.process_time(), times.children_user + times.children_system


def own_usage() -> Usage:
    """As now. To be asked every few seconds, not in each turn."""
    own, children = cpu_seconds()
    resident = open_files = 0
    try:
        process = psutil.Process()
        resident = process.memory_info().rss
        open_files = getattr(process, "num_handles" if sys.platform == "win32" else "num_fds")()
    except (psutil.Error, OSError) as error:  # of a full table of files, of no /proc
        log.info("own usage can't be told: %s", error)
    return Usage(own, children, resident, open_files, threading.active_count())
