"""A folder, also one of another machine: a temporary file, synced, renamed, and read back."""

from __future__ import annotations

import errno
import hashlib
import os
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import BinaryIO

from collector.errors import DeliveryError
from collector.model import BundleInfo, Delivery

_BLOCK = 1 << 20
#: What is gone after a while, or on a share that comes back.
_PASSING = frozenset({errno.EIO, errno.ETIMEDOUT, errno.EAGAIN, errno.EBUSY, errno.ESTALE, errno.EHOSTDOWN})
_HINTS = {
    errno.ENOSPC: "Make room there; the bundle stays in the spool.",
    errno.EDQUOT: "Make room there; the bundle stays in the spool.",
    errno.EROFS: "Mount it for writing, or give another folder.",
    errno.EACCES: "Let the user that vmext runs as write there.",
    errno.EPERM: "Let the user that vmext runs as write there.",
}


class FolderTarget:
    """The folder must be there: one that is made where a share is not mounted would hide what was delivered."""

    def __init__(self, folder: str) -> None:
        self.name = folder
        self._folder = Path(folder)

    def put(self, bundle: BundleInfo, timeout: float) -> Delivery:
        """The system decides how long it waits for a share; whoever sends does not wait longer than `timeout`."""
        file = self._folder / f"{bundle.id}.zip"
        try:
            if not self._folder.is_dir():
                raise DeliveryError(f"there is no folder {self._folder}", "Make or mount it.", retry=False)
            if not file.exists():
                self._write(bundle, file)
            return self._receipt(bundle, file)
        except OSError as error:
            raise DeliveryError(
                f"the bundle can't be put into {self._folder}: {error.strerror or error}",
                _HINTS.get(error.errno or 0, ""),
                retry=error.errno in _PASSING,
            ) from None

    def _write(self, bundle: BundleInfo, file: Path) -> None:
        """Beside its place, so on the same volume. Each bundle has its own name: what a kill leaves is replaced."""
        temporary = self._folder / f".{bundle.id}.partial"
        temporary.unlink(missing_ok=True)
        digest = hashlib.sha256()
        try:
            with bundle.path.open("rb") as source, _private(temporary) as copy:
                while block := source.read(_BLOCK):
                    copy.write(block)
                    digest.update(block)
                copy.flush()
                os.fsync(copy.fileno())
            if digest.hexdigest() != bundle.sha256:
                raise DeliveryError(f"{bundle.path} has changed since it was written", retry=False)
            temporary.replace(file)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        _sync(self._folder)

    def _receipt(self, bundle: BundleInfo, file: Path) -> Delivery:
        """What lies there now decides, whoever wrote it."""
        digest = hashlib.sha256()
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
            written = os.fstat(stream.fileno()).st_mtime
        if digest.hexdigest() != bundle.sha256:
            raise DeliveryError(
                f"{file} is not this bundle: its hash is another", "Move that file away, then send again.", retry=False
            )
        return Delivery("delivered", self.name, received=datetime.fromtimestamp(written, timezone.utc))


def _private(file: Path) -> BinaryIO:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(file, flags, 0o640), "wb")


def _sync(folder: Path) -> None:
    """The name must survive a power cut too; some systems and shares can't sync a folder."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
