"""Copies of bundles that lie elsewhere, on this host's disk, bounded: what was just fetched is mostly read again."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from collector.endpoint.stores.incoming import Incoming, clear

#: Bytes of all copies together.
MOST_BYTES = 256_000_000
#: What is half fetched for so many seconds nobody fetches any more.
_OLDEST_PARTIAL = 3_600.0


class ChangedError(OSError):
    """What was fetched does not have the hash by which it was asked for."""


class Cache:
    """Any number of processes may share the folder. A copy that goes while it is read stays readable."""

    def __init__(self, folder: Path, most_bytes: int = MOST_BYTES) -> None:
        """Raises OSError if the folder can't be made."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        clear(folder, older_than=time.time() - _OLDEST_PARTIAL)
        self._folder = folder
        self._most = most_bytes
        self._lock = threading.Lock()
        self._added = most_bytes  # so that the first one looks what processes before have left

    def find(self, sha256: str) -> BinaryIO | None:
        """An open copy. Raises OSError."""
        file = self._file(sha256)
        try:
            stream = file.open("rb")
        except FileNotFoundError:
            return None
        with suppress(OSError):
            os.utime(file)
        return stream

    def fetch(self, sha256: str, pieces: Iterable[bytes]) -> BinaryIO:
        """An open copy of what `pieces` give. Raises ChangedError, OSError."""
        incoming = Incoming(self._folder)
        try:
            for piece in pieces:
                incoming.write(piece)
            if incoming.finish() != sha256:
                raise ChangedError(f"what is stored is not the bundle of the hash {sha256[:16]}...")
            stream = incoming.path.open("rb")
            self.take(incoming.path, sha256)
            return stream
        finally:
            incoming.discard()

    @contextmanager
    def fetched(self, pieces: Iterable[bytes]) -> Iterator[tuple[BinaryIO, str]]:
        """What `pieces` give as an open file, and its hash; kept unless something goes wrong meanwhile."""
        incoming = Incoming(self._folder)
        try:
            for piece in pieces:
                incoming.write(piece)
            sha256 = incoming.finish()
            with incoming.path.open("rb") as stream:
                yield stream, sha256
            self.take(incoming.path, sha256)
        finally:
            incoming.discard()

    def take(self, file: Path, sha256: str) -> None:
        """Moves a whole file of that hash here. Raises OSError."""
        size = file.stat().st_size
        with suppress(PermissionError):  # Windows: another thread reads the copy that is there
            file.replace(self._file(sha256))
        with self._lock:
            self._added += size
            if self._added > self._most // 16:
                self._make_room()

    def drop(self, hashes: Collection[str]) -> None:
        """Copies of what is not to be read any more."""
        for sha256 in hashes:
            with suppress(OSError):  # Windows: it is being read
                self._file(sha256).unlink(missing_ok=True)

    def _file(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.zip"

    def _make_room(self) -> None:
        """What was not read for the longest goes first. Other processes add to the folder, so it is counted anew."""
        self._added = 0
        kept = sorted(self._kept())
        total = sum(size for _, size, _ in kept)
        for _, size, file in kept:
            if total <= self._most * 15 // 16:
                break
            with suppress(OSError):  # Windows: it is being read
                file.unlink(missing_ok=True)
                total -= size

    def _kept(self) -> list[tuple[float, int, Path]]:
        found = []
        for file in self._folder.glob("*.zip"):
            with suppress(FileNotFoundError):
                told = file.stat()
                found.append((told.st_mtime, told.st_size, file))
        return found
