"""A folder of files, also one that other machines write to."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path

from collector.endpoint.stores.place import Found
from collector.platforms.folders import sync_folder

_PIECE = 1 << 18
_AT_ONCE = 500


class FolderPlace:
    """What begins with a dot, and what is no plain file, is not there: agents write under such names, and a link
    could lead anywhere."""

    every = 2.0

    def __init__(self, folder: Path) -> None:
        self.name = str(folder)
        self._folder = folder

    def local(self, name: str) -> Path:
        return self._folder / name

    def listing(self, prefix: str = "") -> Iterator[Sequence[Found]]:
        start = self._folder / prefix
        if prefix and not start.is_dir():
            return
        chunk: list[Found] = []
        for found in _below(start, prefix.strip("/")):
            chunk.append(found)
            if len(chunk) == _AT_ONCE:
                yield chunk
                chunk = []
        if chunk:
            yield chunk

    def pieces(self, name: str) -> Iterator[bytes]:
        with (self._folder / name).open("rb") as stream:
            while piece := stream.read(_PIECE):
                yield piece

    def start(self, name: str, size: int) -> bytes:
        with (self._folder / name).open("rb") as stream:
            return stream.read(size)

    def put(self, name: str, file: Path) -> None:
        """By renaming: `file` must lie on the same volume."""
        target = self._folder / name
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.replace(target)
        sync_folder(target.parent)

    def remove(self, names: Collection[str]) -> None:
        for name in names:
            (self._folder / name).unlink(missing_ok=True)
        for folder in {(self._folder / name).parent for name in names} - {self._folder}:
            with suppress(OSError):  # something else is still in it
                folder.rmdir()

    def upload_address(self, name: str, seconds: int) -> None:
        return None


def _below(folder: Path, prefix: str) -> Iterator[Found]:
    """Files in the order of their names. Raises OSError where `folder` itself can't be read, or is gone."""
    with os.scandir(folder) as scanned:
        entries = sorted(scanned, key=lambda entry: entry.name)
    for entry in entries:
        if entry.name.startswith("."):
            continue
        name = f"{prefix}/{entry.name}" if prefix else entry.name
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _below(Path(entry.path), name)
            elif entry.is_file(follow_symlinks=False):
                told = os.lstat(entry.path)  # what the listing itself says may be older on Windows
                yield Found(name, told.st_size, _modified(told), mark(told))
        except (FileNotFoundError, PermissionError):  # gone meanwhile, or a folder that is another's business
            continue


def mark(told: os.stat_result) -> str:
    """Another one as soon as the file was written to."""
    return f"{told.st_mtime_ns:x}-{told.st_size:x}"


def _modified(told: os.stat_result) -> datetime:
    """A time that nobody can have meant counts as the beginning of all times."""
    try:
        return datetime.fromtimestamp(told.st_mtime, timezone.utc)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, timezone.utc)
