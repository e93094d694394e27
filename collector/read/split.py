"""Normalised blocks to chunks of whole lines, chunks to lines, within a bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from collector.model import Line
from collector.read.encoding import text_of


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines one after another. `number` is the first one's, `next_number` that of the line after them."""

    number: int
    data: bytes
    next_number: int

    @property
    def lines(self) -> int:
        return self.next_number - self.number + (not self.data.endswith(b"\n"))

    def from_byte(self, begin: int) -> Chunk:
        """The lines from a place on that begins a line and is near the end."""
        rest = self.data[begin:]
        return Chunk(self.next_number - rest.count(b"\n"), rest, self.next_number)

    def up_to(self, end: int) -> Chunk:
        """The lines before a place that begins a line and is near the beginning."""
        return chunk_of(self.number, self.data[:end])


def chunk_of(number: int, data: bytes) -> Chunk:
    return Chunk(number, data, number + data.count(b"\n"))


class WholeLines:
    """Feed it normalised blocks. Of a line far above the limit the rest is dropped as it comes."""

    def __init__(self, line_limit: int, number: int) -> None:
        """`line_limit` in characters, of which UTF-8 needs four bytes at most."""
        self._most = line_limit * 4 + 8
        self._number = number
        self._parts: list[bytes] = []
        self._length = 0  # bytes of the unfinished line that are kept
        self._dropping = False

    def feed(self, block: bytes) -> Chunk | None:
        """The lines that the block completes."""
        end = block.rfind(b"\n") + 1
        if not end:
            self._hold(block)
            return None
        if self._dropping:
            block, end = block[block.find(b"\n") :], end - block.find(b"\n")
        chunk = chunk_of(self._number, b"".join([*self._parts, block[:end]]))
        self._number = chunk.next_number
        self._parts.clear()
        self._length, self._dropping = 0, False
        self._hold(block[end:])
        return chunk

    def close(self) -> Chunk | None:
        """The last line, if it has no line end."""
        data = b"".join(self._parts)
        self._parts.clear()
        if not data:
            return None
        chunk = Chunk(self._number, data, self._number)
        self._number += 1
        return chunk

    def _hold(self, piece: bytes) -> None:
        room = self._most - self._length
        if len(piece) > room:
            piece = without_half(piece[:room])
            self._dropping = True
        if piece:
            self._parts.append(piece)
        self._length = self._most if self._dropping else self._length + len(piece)


def without_half(piece: bytes) -> bytes:
    """Without the beginning of a character of UTF-8 whose rest is missing."""
    for length in (1, 2, 3):
        if len(piece) < length or piece[-length] < 0x80:
            break
        if piece[-length] >= 0xC0:  # of two bytes from C0, three from E0, four from F0 on
            needed = 2 + (piece[-length] >= 0xE0) + (piece[-length] >= 0xF0)
            return piece[:-length] if needed > length else piece
    return piece


class LineMaker:
    """Chunks to lines of at most `line_limit` characters."""

    def __init__(self, line_limit: int) -> None:
        self.cut = 0  # lines that were cut
        self.legacy = False  # whether some were no UTF-8
        self._limit = line_limit

    def lines(self, chunk: Chunk) -> Iterator[Line]:
        text, legacy = text_of(chunk.data)
        self.legacy = self.legacy or legacy
        pieces = text.split("\n")
        if not pieces[-1]:
            pieces.pop()
        for number, piece in enumerate(pieces, start=chunk.number):
            piece = piece.rstrip("\r")
            if len(piece) > self._limit:
                self.cut += 1
                yield Line(number, piece[: self._limit], cut=True)
            else:
                yield Line(number, piece)
