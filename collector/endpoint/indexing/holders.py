"""Who holds a claim: a process of a host, and whether it still runs."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable

import psutil

#: The system tells when it began in whole seconds, rounded now this way, now that; in seconds.
_SAME_START = 5.0


def holder() -> str:
    """This process, as the queue keeps it: the host's name, the process number, and its start."""
    return f"{_host()} {os.getpid()} {_start(psutil.Process()):.0f}"


def dead(holders: Iterable[str]) -> list[str]:
    """Those of this host that do not run any more; of other hosts nothing is known here.

    Where two hosts have one name, a claim of a process that runs may be among them: its bundle is read twice then.
    """
    host = _host()
    return [one for one in holders if one.rsplit(" ", 2)[0] == host and not _runs(one)]


def _runs(holder: str) -> bool:
    _, pid, start = holder.rsplit(" ", 2)
    try:
        process = psutil.Process(int(pid))
        # one that ended and whose end nobody has asked for yet does nothing any more
        return process.status() != psutil.STATUS_ZOMBIE and abs(_start(process) - float(start)) <= _SAME_START
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True  # it belongs to somebody else


def _start(process: psutil.Process) -> float:
    """In seconds since the system's own start, which stays the same when the host's clock is set."""
    return process.create_time() - psutil.boot_time()


def _host() -> str:
    return socket.gethostname()[:64]
