"""Bundles that arrive in blocks: what is here of each, bounded in number, size and age.

    <data>/uploads/SHA256/about.json          id and size, as announced
    <data>/uploads/SHA256/000000262144.block  a whole block that had its hash, by its offset

A block is renamed into place, so that a kill at any instant leaves whole blocks and the offset is their sum.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from collector.endpoint.stores.folder import Incoming

log = logging.getLogger(__name__)

_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sizes in bytes, times in seconds. A full house makes room by dropping whom nobody heard of for `idle`."""

    least_block: int = 64 << 10  # but for a bundle's last one
    most_block: int = 1 << 20
    most_open: int = 1_000
    most_open_bytes: int = 4_000_000_000
    idle: float = 3_600.0
    oldest: float = 86_400.0


class FullError(Exception):
    """There are too many open uploads."""


class OtherError(Exception):
    """An upload of the same hash is open under another id or size."""


class OffsetError(Exception):
    """A block does not begin where the next one is wanted."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the next block begins at {offset}")
        self.offset = offset


@dataclass(slots=True)
class Upload:
    """An open one: `offset` bytes are here."""

    bundle_id: str
    sha256: str
    bytes: int
    offset: int
    touched: float


class Uploads:
    def __init__(self, data: Path, bounds: Bounds | None = None, now: Callable[[], float] = time.time) -> None:
        """Takes up what a process before left. Raises OSError if the folder can't be used."""
        self.bounds = bounds or Bounds()
        self._folder = data / "uploads"
        self._now = now
        self._lock = threading.Lock()
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._open: dict[str, Upload] = {}
        for folder in sorted(self._folder.iterdir()):
            found = _found(folder)
            if found is None:
                shutil.rmtree(folder, ignore_errors=True)
            else:
                self._open[folder.name] = found
        self._expire()

    def begin(self, bundle_id: str, sha256: str, size: int) -> Upload:
        """A new upload, or the one that is open. Raises FullError, OtherError, OSError."""
        with self._lock:
            self._expire()
            upload = self._open.get(sha256)
            if upload is None:
                self._make_room(size)
                folder = self._folder / sha256
                try:
                    folder.mkdir(mode=0o700, exist_ok=True)
                    _write(folder / "about.json", {"id": bundle_id, "bytes": size})
                except OSError:
                    shutil.rmtree(folder, ignore_errors=True)
                    raise
                upload = self._open[sha256] = Upload(bundle_id, sha256, size, 0, self._now())
            if (upload.bundle_id, upload.bytes) != (bundle_id, size):
                raise OtherError(f"an upload of this hash is open as {upload.bundle_id}, {upload.bytes} bytes")
            upload.touched = self._now()
            return upload

    def find(self, sha256: str) -> Upload | None:
        with self._lock:
            return self._open.get(sha256)

    def all(self) -> list[Upload]:
        with self._lock:
            return list(self._open.values())

    def add(self, upload: Upload, start: int, block: Incoming) -> int:
        """A whole checked block; one that is here already is passed over. Gives the next offset.

        Raises OffsetError where another one is wanted, OSError.
        """
        with self._lock:
            if self._open.get(upload.sha256) is not upload:
                raise OffsetError(0)
            if start + block.size > upload.offset:
                if start != upload.offset:
                    raise OffsetError(upload.offset)
                block.path.replace(self._folder / upload.sha256 / f"{start:012d}.block")
                upload.offset += block.size
            upload.touched = self._now()
            return upload.offset

    def join(self, upload: Upload, whole: Incoming) -> None:
        """Writes all blocks into `whole`. Raises OSError, FileNotFoundError where another one has taken them."""
        for file in sorted((self._folder / upload.sha256).glob("*.block")):
            with file.open("rb") as stream:
                while piece := stream.read(_PIECE):
                    whole.write(piece)

    def drop(self, upload: Upload) -> None:
        with self._lock:
            self._drop(upload)

    def _drop(self, upload: Upload) -> None:
        if self._open.get(upload.sha256) is upload:
            del self._open[upload.sha256]
            shutil.rmtree(self._folder / upload.sha256, ignore_errors=True)

    def _expire(self) -> None:
        for upload in [one for one in self._open.values() if self._now() - one.touched > self.bounds.oldest]:
            log.warning("the upload of %s stood at %s bytes for too long", upload.bundle_id, upload.offset)
            self._drop(upload)

    def _make_room(self, size: int) -> None:
        idle = sorted(
            (one for one in self._open.values() if self._now() - one.touched > self.bounds.idle),
            key=lambda one: one.touched,
        )
        while (
            len(self._open) >= self.bounds.most_open
            or size + sum(one.bytes for one in self._open.values()) > self.bounds.most_open_bytes
        ):
            if not idle:
                raise FullError("there are too many open uploads")
            self._drop(idle.pop(0))


def _found(folder: Path) -> Upload | None:
    """What lies in a folder; None if it is of no use."""
    try:
        about = json.loads((folder / "about.json").read_bytes())
        offset = 0
        for file in sorted(folder.glob("*.block")):
            if file.name == f"{offset:012d}.block":
                offset += file.stat().st_size
            else:
                file.unlink()
        return Upload(str(about["id"]), folder.name, int(about["bytes"]), offset, folder.stat().st_mtime)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(file: Path, document: object) -> None:
    partial = file.with_suffix(".partial")
    with partial.open("wb") as stream:
        stream.write(json.dumps(document).encode())
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)
