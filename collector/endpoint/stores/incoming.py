"""A body that is being received onto this host's disk."""

from __future__ import annotations

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO


class Incoming:
    """Its hash is known as soon as it is whole."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError."""
        self.path = folder / f"{secrets.token_hex(16)}.partial"
        self._stream: BinaryIO = self.path.open("xb")
        self._hash = hashlib.sha256()
        self.size = 0

    def write(self, block: bytes) -> None:
        """Raises OSError, for one when the disk is full."""
        self._stream.write(block)
        self._hash.update(block)
        self.size += len(block)

    def finish(self) -> str:
        """Everything is on the disk; gives the SHA-256 in hexadecimal."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        return self._hash.hexdigest()

    def discard(self) -> None:
        """Raises OSError."""
        with suppress(OSError):  # closing writes what is still buffered, which a full disk refuses
            self._stream.close()
        self.path.unlink(missing_ok=True)


def clear(folder: Path, *, older_than: float | None = None) -> int:
    """Removes what killed processes left half received; tells how many files.

    `older_than`, a moment in seconds since 1970: only what nobody has written to since, where others receive as well.
    """
    left = 0
    for file in folder.glob("*.partial"):
        with suppress(FileNotFoundError):
            if older_than is None or file.stat().st_mtime < older_than:
                file.unlink()
                left += 1
    return left
