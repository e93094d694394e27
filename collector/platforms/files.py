"""Opens files that other programs still write, rename and delete."""

from __future__ import annotations

import os
import sys
from pathlib import Path

#: Whether a file that is held open can be deleted and made anew by others. Windows keeps its name until it is closed.
KEEPS_OPEN = sys.platform != "win32"
#: Of Windows: another program has the file, or a part of it, for itself (Microsoft, system error codes).
_HELD = (32, 33)  # ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION

if sys.platform == "win32":
    from collector.platforms.windows import long_name
    from collector.platforms.windows import open_shared as open_to_read
else:
    #: A named pipe put in the file's place after it was listed must not block the open.
    _FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC

    def open_to_read(file: Path) -> int:
        """A descriptor of the file that stands in no one's way. Raises OSError."""
        return os.open(file, _FLAGS)

    def long_name(path: Path) -> str:
        """The last name of a path as the folder lists it. Only Windows has short forms of names."""
        return path.name


def is_held(error: OSError) -> bool:
    """Whether another program has the file, or the part that was to be read, for itself; it may give that up soon.

    What opens a file tells Windows' own number; what reads from one tells that there is no permission, no more.
    """
    number = getattr(error, "winerror", None)
    return not KEEPS_OPEN and isinstance(error, PermissionError) and number in (None, *_HELD)


__all__ = ["KEEPS_OPEN", "is_held", "long_name", "open_to_read"]
