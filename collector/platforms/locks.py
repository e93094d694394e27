"""Whether another process holds the lock on a file, without standing in its way."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from collector.platforms.own_files import open_own
from collector.platforms.proc import file_locks


def is_locked(file: Path) -> bool:
    """False where there is no such file. Raises OSError where this user may not ask.

    On Linux the kernel's list is asked first. Where that does not tell it (other containers' locks are left out), the
    lock is taken for a moment: whoever starts meanwhile has to try twice.
    """
    try:
        status = file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    if sys.platform == "linux":
        device = (os.major(status.st_dev), os.minor(status.st_dev))
        held = ((lock.device, lock.inode) for lock in file_locks() if not lock.waits)
        if (device, status.st_ino) in held:
            return True
    with os.fdopen(open_own(file, os.O_RDONLY), "rb") as stream:
        return not _can_take(stream.fileno())


if sys.platform == "win32":
    import msvcrt

    def _can_take(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
            msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _can_take(descriptor: int) -> bool:
        """Shared, for which it is enough to be allowed to read; closing the file gives it back."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
