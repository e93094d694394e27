"""Bundles as files by their hash. A file is either whole or not there."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from collector.platforms.folders import sync_folder


class Incoming:
    """A body that is being received; its hash is known as soon as it is whole."""

    def __init__(self, folder: Path) -> None:
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


class Store:
    """`<data>/objects/ab/cdef....zip`, and `<data>/incoming` for what is not whole yet."""

    def __init__(self, data: Path) -> None:
        """Raises OSError if the folders can't be made."""
        self._objects = data / "objects"
        self._incoming = data / "incoming"
        for folder in (self._objects, self._incoming):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def receive(self) -> Incoming:
        return Incoming(self._incoming)

    def path(self, sha256: str) -> Path:
        return self._objects / sha256[:2] / f"{sha256}.zip"

    def keep(self, incoming: Incoming, sha256: str) -> Path:
        """Moves a whole body to its place. Raises OSError."""
        target = self.path(sha256)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        incoming.path.replace(target)
        sync_folder(target.parent)
        return target

    def remove(self, sha256: str) -> None:
        """Raises OSError."""
        self.path(sha256).unlink(missing_ok=True)

    def clear_incoming(self) -> int:
        """Removes what a killed process left half received; tells how many files."""
        left = list(self._incoming.glob("*.partial"))
        for file in left:
            file.unlink(missing_ok=True)
        return len(left)

    def all(self) -> Iterator[tuple[str, Path]]:
        for file in sorted(self._objects.glob("??/*.zip")):
            yield file.stem, file
