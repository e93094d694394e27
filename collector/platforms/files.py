"""Opens files that other programs still write, rename and delete."""

from __future__ import annotations

import os
import sys
from pathlib import Path

#: Whether a file that is held open can be deleted and made anew by others. Windows keeps its name until it is closed.
KEEPS_OPEN = sys.platform != "win32"

if sys.platform == "win32":
    from collector.platforms.windows import open_shared as open_to_read
else:
    #: A named pipe put in the file's place after it was listed must not block the open.
    _FLAGS = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC

    def open_to_read(file: Path) -> int:
        """A descriptor of the file that stands in no one's way. Raises OSError."""
        return os.open(file, _FLAGS)


__all__ = ["KEEPS_OPEN", "open_to_read"]
