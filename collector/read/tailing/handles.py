"""Open files of the streams, so many at most; of those that were read to the end, the ones not used for longest are
closed first."""

from __future__ import annotations

import io
import os
import stat
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path

from collector.platforms.files import KEEPS_OPEN, open_to_read
from collector.read.tailing.identity import FileId


class NotRegularError(OSError):
    """A folder, a named pipe or a device: never opened for reading."""


def file_id(status: os.stat_result, file: Path) -> FileId:
    """Some file systems of Windows have no file numbers: there the path is all that there is."""
    if status.st_ino:
        return status.st_dev, status.st_ino
    return -1, zlib.crc32(str(file).encode("utf-8", "surrogatepass"))


def stamp(status: os.stat_result) -> tuple[int, int]:
    """What differs after a change: size in bytes and time in nanoseconds."""
    return status.st_size, status.st_mtime_ns


def open_regular(file: Path) -> io.FileIO:
    """Raises OSError, ValueError for a name that can't be one."""
    if not stat.S_ISREG(file.stat().st_mode):
        raise NotRegularError("not a regular file")
    descriptor = open_to_read(file)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise NotRegularError("not a regular file")
    return io.FileIO(descriptor, "rb")


class Handles:
    """By number of the stream. Where an open file stands in the way of others, `release` closes it after each look."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: OrderedDict[int, io.FileIO] = OrderedDict()

    def __iter__(self) -> Iterator[int]:
        return iter(tuple(self._open))

    def __len__(self) -> int:
        return len(self._open)

    def held(self, number: int) -> io.FileIO | None:
        return self._open.get(number)

    def status(self, number: int) -> os.stat_result | None:
        """Of the open file. Raises nothing."""
        stream = self._open.get(number)
        try:
            return os.fstat(stream.fileno()) if stream is not None else None
        except OSError:
            return None

    def get(self, number: int, file: Path, is_spare: Callable[[int], bool]) -> io.FileIO:
        """`is_spare`: which may be closed before others. Raises OSError, ValueError."""
        stream = self._open.get(number)
        if stream is None:
            opened = open_regular(file)
            while len(self._open) >= self._most:
                self.close(next(filter(is_spare, self._open), next(iter(self._open))))
            stream = self._open[number] = opened
        else:
            self._open.move_to_end(number)
        return stream

    def take(self, number: int) -> io.FileIO | None:
        """The open file, which is the caller's from then on."""
        return self._open.pop(number, None)

    def move(self, number: int, to: int) -> None:
        """The open file becomes that of another stream."""
        stream = self._open.pop(number, None)
        if stream is not None:
            self.close(to)
            self._open[to] = stream

    def release(self, number: int) -> None:
        if not KEEPS_OPEN:
            self.close(number)

    def close(self, number: int) -> None:
        stream = self._open.pop(number, None)
        if stream is not None:
            stream.close()

    def close_all(self) -> None:
        for number in self:
            self.close(number)
