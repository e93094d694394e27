"""Where the processes of a host count together. To be said before anything that counts is imported.

In memory where the system has a folder for that: counters are mapped files, and to write to one on a disk that has
become full would end the process.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import psutil

#: Read by prometheus-client as soon as it is imported.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "vmext-metrics-"
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it, with a name that nobody can guess


def begin() -> None:
    """Counts begin at nothing. Raises OSError."""
    place = _MEMORY if _MEMORY.is_dir() and os.access(_MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    clear(place)
    os.environ[FOLDER] = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=place)


def end() -> None:
    """Nothing is left of it."""
    if folder := os.environ.pop(FOLDER, None):
        shutil.rmtree(folder, ignore_errors=True)


def clear(place: Path) -> None:
    """Removes what killed ones left in it, unless one of them still counts."""
    for folder in place.glob(f"{_PREFIX}*"):
        number = folder.name[len(_PREFIX) :].partition("-")[0]
        with suppress(OSError):
            if number.isdigit() and not any(psutil.pid_exists(pid) for pid in (int(number), *_counting(folder))):
                shutil.rmtree(folder)


def _counting(folder: Path) -> list[int]:
    """The processes that count there: for a moment one may outlive the one that started it. Files are KIND_PID.db."""
    numbers = (file.stem.rpartition("_")[2] for file in folder.glob("*.db"))
    return [int(number) for number in numbers if number.isdigit()]
