"""Bundles on disk that wait to be sent."""

from __future__ import annotations

import hashlib
import logging
import re
from contextlib import AbstractContextManager
from pathlib import Path

from collector.deliver.lock import held
from collector.errors import SpoolError
from collector.model import BundleInfo

log = logging.getLogger(__name__)

_NAME = re.compile(r"^([0-9a-f]{16})\.zip$")
_BLOCK = 1 << 20


class Spool:
    """The folder `<state>/spool`. A bundle leaves it only when a receipt names its hash, or refused for good."""

    def __init__(self, folder: Path, quota_bytes: int = 200_000_000) -> None:
        self.folder = folder
        self._quota = quota_bytes

    def pending(self) -> tuple[BundleInfo, ...]:
        """Whole bundles, oldest first; files that are still being written are left alone.

        Raises SpoolError if the folder can't be read.
        """
        found = []
        for file in self._files():
            try:
                found.append((file.stat().st_mtime, bundle_info(file)))
            except FileNotFoundError:
                continue  # another process has sent it meanwhile
            except OSError as error:
                raise SpoolError(f"{file} can't be read: {error.strerror}") from error
        return tuple(info for _, info in sorted(found, key=lambda item: item[0]))

    def sent(self, bundle: BundleInfo) -> None:
        """Takes a bundle out whose receipt has come."""
        (self.folder / f"{bundle.id}.zip").unlink(missing_ok=True)

    def reject(self, bundle: BundleInfo, reason: str) -> Path:
        """Sets a bundle aside that the receiver refuses for good, with the reason beside it."""
        aside = self.folder / "rejected"
        try:
            aside.mkdir(mode=0o700, exist_ok=True)
            (aside / f"{bundle.id}.reason.txt").write_text(reason + "\n", encoding="utf-8")
            return (self.folder / f"{bundle.id}.zip").replace(aside / f"{bundle.id}.zip")
        except OSError as error:
            raise SpoolError(f"the bundle can't be set aside in {aside}: {error.strerror}") from error

    def lock(self) -> AbstractContextManager[bool]:
        """Only one process sends from a spool at a time; the value says whether it is this one."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise SpoolError(f"the spool folder {self.folder} can't be made: {error.strerror}") from error
        return held(self.folder / ".lock")

    def keep_within_quota(self, newest: str) -> tuple[str, ...]:
        """Removes the oldest bundles above the quota, never the one whose id is `newest`; tells which."""
        files = []
        for file in self._files():
            try:
                status = file.stat()
            except OSError:
                continue
            files.append((status.st_mtime, status.st_size, file))
        total, removed = sum(size for _, size, _ in files), []
        for _, size, file in sorted(files):
            if total <= self._quota:
                break
            if file.stem == newest:
                continue
            file.unlink(missing_ok=True)
            total -= size
            removed.append(file.stem)
            log.warning("the spool is above its quota of %s bytes: bundle %s removed unsent", self._quota, file.stem)
        return tuple(removed)

    def _files(self) -> list[Path]:
        try:
            return [file for file in self.folder.iterdir() if _NAME.match(file.name)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SpoolError(f"the spool folder {self.folder} can't be read: {error.strerror}") from error


def bundle_info(file: Path) -> BundleInfo:
    """Size and hash of a bundle's file. Raises OSError."""
    digest = hashlib.sha256()
    size = 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            size += len(block)
    return BundleInfo(file.stem, file, size, digest.hexdigest())
