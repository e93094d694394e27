"""Unpacks gzip piece by piece: several members, padding, and what can be had of a broken one."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

MAGIC = b"\x1f\x8b"

#: Bytes unpacked at a time: a small packed block may hold gigabytes of the same letter.
PIECE = 65_536


class Members:
    """A gzip stream of one or more members (RFC 1952), fed in blocks. `problem` tells what is broken."""

    def __init__(self) -> None:
        self.problem = ""
        self._unpacker: zlib._Decompress | None = zlib.decompressobj(wbits=31)
        self._held = b""  # bytes between members, until they can be told from padding

    def feed(self, block: bytes) -> Iterator[bytes]:
        """Unpacked pieces of at most `PIECE` bytes. After a problem there are none."""
        data = block
        while data and not self.problem:
            if self._unpacker is None:
                data = self._next_member(self._held + data)
                continue
            before = self._unpacker.copy()
            try:
                piece = self._unpacker.decompress(data, PIECE)
            except zlib.error:
                self.problem = "the archive is damaged; what could be unpacked was read"
                yield from _salvage(before, data)
                return
            if piece:
                yield piece
            if self._unpacker.eof:
                data = self._unpacker.unused_data
                self._unpacker = None
            else:
                data = self._unpacker.unconsumed_tail

    def close(self) -> None:
        """To be called at the end of the file: an unfinished member is a problem."""
        if self.problem:
            return
        if self._unpacker is not None:
            self.problem = "the archive ends before its end mark; what could be unpacked was read"
        elif self._held:
            self.problem = "bytes after the archive's end were not read"

    def _next_member(self, data: bytes) -> bytes:
        data = data.lstrip(b"\0")
        self._held = b""
        if data.startswith(MAGIC):
            self._unpacker = zlib.decompressobj(wbits=31)
            return data
        if MAGIC.startswith(data):
            self._held = data
        elif data:
            self.problem = "bytes after the archive's end were not read"
        return b""


def _salvage(unpacker: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """What the block holds before the damage, byte by byte: an error throws away the output of its whole call."""
    got: list[bytes] = []
    size = 0
    for offset in range(len(data)):
        rest = data[offset : offset + 1]
        while rest:
            try:
                piece = unpacker.decompress(rest, PIECE)
            except zlib.error:
                yield b"".join(got)
                return
            got.append(piece)
            size += len(piece)
            rest = unpacker.unconsumed_tail
            if size >= PIECE:
                yield b"".join(got)
                got.clear()
                size = 0
    yield b"".join(got)
