"""Reads one stamp somewhere in a plain file."""

from __future__ import annotations

import re

from collector.read.encoding import width
from collector.read.gaps import Mark
from collector.read.normal import NUL_RUN
from collector.read.source import ByteSource
from collector.read.window import Bounds

#: Characters of the first look, then eight times as many, and so on up to the last.
_FIRST, _LARGEST = 1_024, 65_536
#: Bytes that are gone through for one stamp: longer records are passed over in one piece.
_MOST = 4_194_304
#: The stamp stands near the beginning of a line; of a longer one so many characters are enough.
_HEAD = 1_024


class StampProbe:
    """Finds a line with a stamp at or shortly after an offset. Errors of the file come through as OSError."""

    def __init__(self, source: ByteSource, encoding: str, begin: int, bounds: Bounds, carriage: bool = False) -> None:
        """`begin`: the offset of the first line, after a byte-order mark. `carriage`: CR alone ends lines."""
        self._source = source
        self._begin = begin
        self._bounds = bounds
        self._width = width(encoding)
        self._encoding = encoding if self._width > 1 else "utf-8"
        self._feed = "\n".encode(self._encoding)
        self._newline = "\r".encode(self._encoding) if carriage else self._feed
        self._carriage = carriage
        self._barren: list[tuple[int, int]] = []  # stretches without a stamp that were gone through already
        self._nuls = re.compile(b"\\0{%d,}" % (NUL_RUN * self._width))

    def __call__(self, offset: int, stop: int) -> Mark | None:
        at = offset - (offset - self._begin) % self._width
        is_begin = at <= self._begin  # whether it is known that a line begins here
        if (behind := self._behind_barren(at)) != at:
            at, is_begin = behind, False
        begin = at
        length = _FIRST * self._width
        looked = 0
        while at < stop and looked < _MOST:
            data = self._source.at(at, length)
            looked += len(data)
            is_last = len(data) < length
            mark, rest = self._first_mark(data, at, self._line_begin(data, 0) if is_begin else -1, is_last)
            if mark is not None:
                return mark if mark.offset < stop else None
            if is_last:
                return None
            is_begin = rest >= 0
            at += rest if is_begin else len(data)
            length = min(length * 8, _LARGEST * self._width)
        if looked:
            self._barren.append((begin, at))
        return None

    def _behind_barren(self, at: int) -> int:
        """The next place of which it is not known that no stamp stands there."""
        for begin, end in sorted(self._barren):
            if begin <= at < end:
                at = end
        return at

    def _first_mark(self, data: bytes, at: int, begin: int, is_last: bool) -> tuple[Mark | None, int]:
        """The first mark of a piece at offset `at` whose first line begins at `begin` (below 0: unknown); and where
        a line begins of which too little is here."""
        if begin < 0:
            begin = self._after(data, self._find(data, 0))
        while begin >= 0:
            end = self._find(data, begin)
            if end < 0 and not is_last and len(data) - begin < _HEAD * self._width:
                return None, begin
            mark = self._mark(at + begin, data[begin : end if end >= 0 else len(data)])
            if mark is not None:
                return mark, -1
            begin = self._after(data, end)
        return None, -1

    def _after(self, data: bytes, end: int) -> int:
        """Where the line after the line end at `end` begins, -1 if there is none."""
        return -1 if end < 0 else self._line_begin(data, end + self._width)

    def _line_begin(self, data: bytes, begin: int) -> int:
        """After a CR an LF still belongs to the line end."""
        is_rest = self._carriage and data.startswith(self._feed, begin)
        return begin + self._width if is_rest else begin

    def _find(self, data: bytes, begin: int) -> int:
        at = data.find(self._newline, begin)
        while at >= 0 and at % self._width:
            at = data.find(self._newline, at + 1)
        return at

    def _mark(self, offset: int, raw: bytes) -> Mark | None:
        if b"\0" not in raw:
            return self._read(offset, raw)
        begin = 0  # a run of NULs ends a line: another begins behind it
        for run in self._nuls.finditer(raw):
            first, last = run.start() + -run.start() % self._width, run.end() - run.end() % self._width
            if last - first < NUL_RUN * self._width:
                continue
            if (mark := self._read(offset + begin, raw[begin:first])) is not None:
                return mark
            begin = last
        return self._read(offset + begin, raw[begin:])

    def _read(self, offset: int, raw: bytes) -> Mark | None:
        text = raw[: _HEAD * self._width].decode(self._encoding, "replace").replace("\0", "").rstrip("\r")
        found = self._bounds(text) if text else None
        return Mark(offset, *found) if found else None
