"""A lock between processes that the system takes back when its holder dies."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collector.platforms.own_files import open_own


@contextmanager
def held(file: Path) -> Iterator[bool]:
    """Tries to take the lock; the value says whether it is held. Raises OSError if the file can't be made, or is no
    plain file of ours."""
    with os.fdopen(open_own(file, os.O_RDWR | os.O_CREAT | os.O_APPEND), "a+b") as stream:
        yield _take(stream.fileno())


if sys.platform == "win32":
    import msvcrt

    def _take(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _take(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
