"""Opens a discovered file and gives its bytes, in order or from any place, whatever state the file is in.

Nothing raises out of here: what went wrong becomes an `Outcome` and a note for the ledger. Only regular
files are opened, so that a named pipe or a device can't hold the run up.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, TypeVar

from collector.model import Outcome, Source
from collector.platforms.files import is_held, open_to_read
from collector.read.archive import MAGIC, Members

Given = TypeVar("Given")

#: Bytes asked for in one read.
BLOCK = 131_072
#: Bytes of the beginning, from which encoding, line ends and format are told.
HEAD = 131_072
#: How long a file that another program has for itself is waited for.
_HELD_SECONDS = 0.2
_GONE = {errno.ENOENT, errno.ENOTDIR, getattr(errno, "ESTALE", errno.ENOENT)}
#: What opening a link to itself, a socket or a device without a driver ends with.
_NO_FILE = {errno.ELOOP, errno.ENXIO, errno.ENODEV, errno.EISDIR}


def _again(act: Callable[[], Given]) -> Given:
    """Once more after a short wait where another program has the file for itself: a virus scanner soon is done."""
    try:
        return act()
    except PermissionError as error:
        if not is_held(error):
            raise
    time.sleep(_HELD_SECONDS)
    return act()


class ByteSource:
    """The bytes of one source. Use it inside `with source.opened():`, which holds every error of the file.

    `outcome`, `note`, `bytes_read` (of the file, packed if it is packed), `size` (bytes, when opened) and
    `packed` tell what happened.
    """

    def __init__(self, source: Source, block: int = BLOCK) -> None:
        """`block`: bytes asked for in one read."""
        self.outcome: Outcome = "read"
        self.size = 0
        self.bytes_read = 0
        self.packed = False
        self.beginning = b""  # the first bytes as they stand in the file
        self._block = block
        self._notes: list[str] = []
        self._source = source
        self._stream: BinaryIO | None = None

    @property
    def note(self) -> str:
        return "; ".join(self._notes)

    def remark(self, note: str, outcome: Outcome | None = None) -> None:
        """Adds to the note; an outcome worse than "read" is never taken back."""
        if note and note not in self._notes:
            self._notes.append(note)
        if outcome is not None:
            self.outcome = outcome

    @contextmanager
    def opened(self) -> Iterator[bool]:
        """Opens the file and reads its beginning; False where nothing can be read. Closes it at the end."""
        self._stream = self._open()
        try:
            if self._stream is not None:
                self._begin(self._stream)
            yield bool(self.beginning)
        except OSError as error:
            self._failed(error)
        finally:
            if self._stream is not None:
                self._stream.close()

    def _begin(self, stream: BinaryIO) -> None:
        try:
            self.beginning = _again(lambda: stream.read(HEAD))
        except OSError as error:
            self._failed(error)
            return
        self.packed = self.beginning.startswith(MAGIC)
        if not self.beginning:
            self.remark("", "empty")

    def _failed(self, error: OSError) -> None:
        if error.errno in _GONE:
            self.remark("the file vanished while it was read", "vanished")
        elif isinstance(error, PermissionError):  # how Windows tells of a lock on a range of bytes
            note = "another program has locked it, or a part of it"
            self.remark(note, "truncated" if self.bytes_read else "denied")
        else:
            self.remark(f"reading stopped: {error.strerror or error}", "truncated")

    def at(self, offset: int, length: int) -> bytes:
        """At most `length` bytes from a place of a plain file; fewer only at its end."""
        assert self._stream is not None
        stream = self._stream

        def read() -> bytes:
            stream.seek(offset)
            return stream.read(length)

        data = _again(read)
        self.bytes_read += len(data)
        return data

    def blocks(self, begin: int, end: int) -> Iterator[bytes]:
        """The bytes of a plain file from `begin` up to `end`, or to where the file ends by then."""
        at = begin
        while at < end:
            block = self.at(at, min(self._block, end - at))
            if not block:
                if at < min(end, self.size):
                    self.remark("the file shrank while it was read", "truncated")
                return
            at += len(block)
            yield block

    def range(self, begin: int, end: int | None, limit: int) -> Iterator[bytes]:
        """Like `blocks`; without an end to where the file ends by then, but if it grows faster than it is read, only
        `limit` bytes or to where it ended when it was opened."""
        yield from self.blocks(begin, max(self.size, begin + limit) if end is None else end)
        if end is None and self._grown_to() > max(self.size, begin + limit):
            self.remark("it grew while it was read; what came after the limit was not read", "truncated")

    def forget(self) -> None:
        """Takes back what was said while its beginning was unpacked to find out what it is."""
        self.bytes_read = 0
        self._notes.clear()
        self.outcome = "read"

    def unpacked(self, limit: int) -> Iterator[bytes]:
        """The unpacked bytes of a gzip file, the first `limit` of them or a little more."""
        assert self._stream is not None
        members = Members()
        given = 0
        block = self.at(0, self._block)
        while block:
            for piece in members.feed(block):
                given += len(piece)
                yield piece
                if given >= limit:
                    self.remark(f"only the first {given} unpacked bytes were read", "truncated")
                    return
            if members.problem:
                break
            block = self.at(self._stream.tell(), self._block)
        members.close()
        if members.problem:
            self.remark(members.problem, "truncated")

    def _grown_to(self) -> int:
        """Bytes that the file has by now."""
        return os.fstat(self._stream.fileno()).st_size if isinstance(self._stream, io.FileIO) else self.size

    def _open(self) -> BinaryIO | None:
        if self._source.problem is not None:
            self.remark(self._source.note, self._source.problem)
            return None
        remains = self._source.remains
        if remains is not None:
            self.remark(remains.note, None if remains.is_whole else "truncated")
            data = remains.bytes()
            self.size = len(data)
            return io.BytesIO(data)
        try:
            return _again(self._open_regular)
        except PermissionError as error:
            self.remark(error.strerror or "no permission", "denied")
        except OSError as error:
            if error.errno in _GONE:
                self.remark("listed, but gone when it was opened", "vanished")
            elif error.errno in _NO_FILE:
                self.remark(f"not a regular file: {error.strerror}", "not-a-file")
            else:
                self.remark(f"can't be opened: {error.strerror or error}", "denied")
        except ValueError as error:  # a NUL in the name
            self.remark(f"can't be opened: {error}", "denied")
        return None

    def _open_regular(self) -> BinaryIO | None:
        file = self._source.file
        if not stat.S_ISREG(file.stat().st_mode):
            self.remark("not a regular file", "not-a-file")
            return None
        descriptor = open_to_read(file)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            self.remark("not a regular file", "not-a-file")
            return None
        self.size = status.st_size
        return io.FileIO(descriptor, "rb")
