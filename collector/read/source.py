"""Opens a discovered file and gives its bytes in blocks, whatever state the file is in.

Nothing raises out of here: what went wrong becomes an `Outcome` and a note for the ledger. Only regular
files are opened, so that a named pipe or a device can't hold the run up.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from collector.model import Outcome, Source
from collector.read.archive import MAGIC, Members

#: Bytes asked for in one read.
BLOCK = 65_536

#: A named pipe put in the file's place after it was listed must not block the open.
_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class ByteSource:
    """The bytes of one source, plain or unpacked, in blocks of about `BLOCK` bytes.

    After the blocks are taken: `outcome`, `note`, `bytes_read` (of the file, packed if it is packed),
    `size` (bytes, when opened) and `start` (offset of the first byte given, 0 unless `tail` cut it).
    """

    def __init__(self, source: Source, *, limit_bytes: int, tail: bool) -> None:
        """`tail`: of a file above the limit the last `limit_bytes` are read, not the first."""
        self.outcome: Outcome = "read"
        self.size = 0
        self.start = 0
        self.bytes_read = 0
        self.packed = False
        self._notes: list[str] = []
        self._source = source
        self._limit = limit_bytes
        self._tail = tail

    @property
    def note(self) -> str:
        return "; ".join(self._notes)

    def remark(self, note: str, outcome: Outcome | None = None) -> None:
        """Adds to the note; an outcome worse than "read" is never taken back."""
        if note and note not in self._notes:
            self._notes.append(note)
        if outcome is not None:
            self.outcome = outcome

    def blocks(self) -> Iterator[bytes]:
        """The file's blocks; ends early where the file does, for whatever reason."""
        stream = self._open()
        if stream is None:
            return
        with stream:
            try:
                yield from self._read(stream)
            except FileNotFoundError:
                self.remark("the file vanished while it was read", "vanished")
            except OSError as error:
                if getattr(error, "errno", None) == getattr(os, "ESTALE", -1):
                    self.remark("the file vanished while it was read", "vanished")
                else:
                    self.remark(f"reading stopped: {error.strerror or error}", "truncated")
        if self.outcome == "read" and self.bytes_read == 0:
            self.remark("", "empty")

    def beginning(self, length: int) -> bytes:
        """The first bytes of a plain file whose beginning was skipped: they tell its encoding."""
        try:
            with Path(self._source.file).open("rb") as stream:
                return stream.read(length)
        except OSError:
            return b""

    def _open(self) -> BinaryIO | None:
        if self._source.problem is not None:
            self.remark(self._source.note, self._source.problem)
            return None
        try:
            return self._open_regular()
        except FileNotFoundError:
            self.remark("listed, but gone when it was opened", "vanished")
        except PermissionError as error:
            self.remark(error.strerror or "no permission", "denied")
        except (OSError, ValueError) as error:
            self.remark(f"can't be opened: {getattr(error, 'strerror', None) or error}", "denied")
        return None

    def _open_regular(self) -> BinaryIO | None:
        file = self._source.file
        if not stat.S_ISREG(file.stat().st_mode):
            self.remark("not a regular file", "not-a-file")
            return None
        descriptor = os.open(file, _FLAGS)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            self.remark("not a regular file", "not-a-file")
            return None
        self.size = status.st_size
        return io.FileIO(descriptor, "rb")

    def _read(self, stream: BinaryIO) -> Iterator[bytes]:
        first = stream.read(BLOCK)
        if first.startswith(MAGIC):
            self.packed = True
            yield from self._unpack(first, stream)
            return
        if self._tail and self.size > self._limit:
            self.start = self.size - self._limit
            self.start -= self.start % 4  # whole characters of the wide encodings
            stream.seek(self.start)
            first = stream.read(BLOCK)
            self.remark(
                f"only the last {self._limit} of {self.size} bytes were read; lines are counted from there",
                "truncated",
            )
        yield from self._count(first, stream)

    def _count(self, first: bytes, stream: BinaryIO) -> Iterator[bytes]:
        """Plain blocks up to the limit (a file that grows faster than it is read ends there too)."""
        allowed = self._limit + 3 if self.start else self._limit
        block = first
        while block:
            if self.bytes_read + len(block) > allowed:
                block = block[: allowed - self.bytes_read]
                self.bytes_read += len(block)
                self.remark(f"only {self.bytes_read} bytes were read", "truncated")
                yield block
                return
            self.bytes_read += len(block)
            yield block
            block = stream.read(BLOCK)
        if self.start + self.bytes_read < self.size:
            self.remark("the file shrank while it was read", "truncated")

    def _unpack(self, first: bytes, stream: BinaryIO) -> Iterator[bytes]:
        members = Members()
        unpacked = 0
        block = first
        while block:
            self.bytes_read += len(block)
            for piece in members.feed(block):
                unpacked += len(piece)
                yield piece
                if unpacked >= self._limit:
                    self.remark(f"only the first {unpacked} unpacked bytes were read", "truncated")
                    return
            if members.problem:
                break
            block = stream.read(BLOCK)
        members.close()
        if members.problem:
            self.remark(members.problem, "truncated")
