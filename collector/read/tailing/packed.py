"""Reads a gzip file on and on, and finds out what it holds of streams that were read before it was packed."""

from __future__ import annotations

import io
from collections.abc import Iterator

from collector.read.archive import MAGIC, Members
from collector.read.tailing.identity import BEGINNING, SEAM, digest

_BLOCK = 65_536


def is_packed(beginning: bytes) -> bool:
    return beginning.startswith(MAGIC)


class PackedReader:
    """The unpacked bytes in order. Raises OSError for what is wrong with the file; what is wrong with the archive ends
    it and is told by `problem`."""

    def __init__(self, file: io.FileIO) -> None:
        """Closes the file in the end."""
        self.at = 0  # unpacked offset of `held`
        self.held = b""
        self.ended = False
        self._file = file
        self._members = Members()
        self._pieces = self._unpacked()

    @property
    def problem(self) -> str:
        return self._members.problem

    @property
    def end(self) -> int:
        """Unpacked bytes so far."""
        return self.at + len(self.held)

    def fill(self, length: int) -> None:
        """Until so many bytes are held, or it ends."""
        parts, size = [self.held], len(self.held)
        while size < length and not self.ended:
            piece = next(self._pieces, None)
            if piece is None:
                self.ended = True
            else:
                parts.append(piece)
                size += len(piece)
        self.held = b"".join(parts)

    def drop_to(self, offset: int) -> None:
        """What is before is not needed any more. Held bytes only."""
        self.held = self.held[offset - self.at :]
        self.at = offset

    def close(self) -> None:
        self._file.close()

    def _unpacked(self) -> Iterator[bytes]:
        self._file.seek(0)
        while block := self._file.read(_BLOCK):
            yield from self._members.feed(block)
            if self._members.problem:
                return
        self._members.close()


class Inspection:
    """Goes through a gzip file once, some bytes at a time; keeps its size, its beginning and hashes before places."""

    def __init__(self, reader: PackedReader, offsets: frozenset[int]) -> None:
        self.offsets = offsets
        self.beginning = b""
        self.seams: dict[int, str] = {}
        self.size = 0  # unpacked bytes
        self._left = sorted(offsets)
        self._reader = reader

    @property
    def problem(self) -> str:
        return self._reader.problem

    def close(self) -> None:
        self._reader.close()

    def step(self, most_bytes: int) -> bool:
        """Whether it is done. The file is closed then."""
        reader = self._reader
        until = reader.end + most_bytes
        while not reader.ended and reader.end < until:
            reader.fill(len(reader.held) + _BLOCK)
            self.beginning = self.beginning or reader.held[:BEGINNING]
            while self._left and self._left[0] <= reader.end:
                place = self._left.pop(0) - reader.at
                self.seams[place + reader.at] = digest(reader.held[max(0, place - SEAM) : place])
            reader.drop_to(max(reader.at, reader.end - SEAM))
        self.size = reader.end
        if reader.ended:
            self.seams[self.size] = digest(reader.held[-SEAM:])
            reader.close()
        return reader.ended

    def seam(self, offset: int) -> str:
        return self.seams.get(offset, "")
