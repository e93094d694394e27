"""Bundles as files by their hash. A file is either whole or not there."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from collector.endpoint.stores.folder_place import FolderPlace
from collector.endpoint.stores.incoming import Incoming, clear
from collector.endpoint.stores.place import Place
from collector.endpoint.stores.store import GoneError
from collector.platforms.folders import sync_folder

#: What is older than this, in seconds, nobody receives any more.
_OLDEST_INCOMING = 86_400.0


class FolderStore:
    """`<data>/objects/ab/abcd....zip`, and `<data>/incoming` for what is not whole yet."""

    def __init__(self, data: Path, *, is_shared: bool = False) -> None:
        """Raises OSError if the folders can't be made."""
        self.name = str(data)
        self.is_shared = is_shared
        self.place: Place = FolderPlace(data)
        self._objects = data / "objects"
        self._incoming = data / "incoming"
        for folder in (self._objects, self._incoming):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def receive(self) -> Incoming:
        return Incoming(self._incoming)

    def path(self, sha256: str) -> Path:
        return self._objects / sha256[:2] / f"{sha256}.zip"

    def keep(self, incoming: Incoming, sha256: str) -> None:
        target = self.path(sha256)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        incoming.path.replace(target)
        sync_folder(target.parent)

    @contextmanager
    def opened(self, sha256: str, *, as_stored: bool = False) -> Iterator[BinaryIO]:
        try:
            stream = self.path(sha256).open("rb")
        except FileNotFoundError:
            raise GoneError(self.name) from None
        with stream:
            yield stream

    def holds(self, sha256: str) -> bool:
        return self.path(sha256).exists()

    def is_elsewhere(self, sha256: str) -> bool:
        return False

    def remove(self, hashes: Collection[str]) -> None:
        for sha256 in hashes:
            self.path(sha256).unlink(missing_ok=True)

    def clear_incoming(self) -> int:
        return clear(self._incoming, older_than=time.time() - _OLDEST_INCOMING if self.is_shared else None)

    def all(self) -> Iterator[str]:
        for file in sorted(self._objects.glob("??/*.zip")):
            yield file.stem
