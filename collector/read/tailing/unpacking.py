"""The turn of a stream that lies in a gzip file."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass

from collector.read.tailing.cutting import BINARY, ENOUGH, Cut, Text, cut, text_of_beginning
from collector.read.tailing.following import Following
from collector.read.tailing.handles import file_id, open_regular, stamp
from collector.read.tailing.identity import BEGINNING, SEAM, Mark, digest, grown
from collector.read.tailing.kinship import Content, is_outdated, may_be_read
from collector.read.tailing.line_ends import aligned
from collector.read.tailing.packed import Inspection, PackedReader
from collector.read.tailing.piece import Piece
from collector.read.tailing.stream import Stream

Given = Callable[[Stream, Text, bytes, int, Cut, bool], "Piece | None"]
#: Unpacked bytes that are only looked at cost less than those that are given.
_CHEAPER = 4


@dataclass(slots=True)
class _Look:
    """What was found out of a packed file as it was then."""

    inspection: Inspection
    stamp: tuple[int, int]
    done: bool = False


class Unpacking:
    def __init__(self, follow: Following, given: Given, most_line: int) -> None:
        self._follow = follow
        self._given = given
        self._most_line = most_line
        self._readers: dict[int, PackedReader] = {}
        self._looks: dict[int, _Look] = {}

    def is_busy(self, stream: Stream) -> bool:
        return stream.number in self._readers

    def close(self) -> None:
        for reader in self._readers.values():
            reader.close()
        for look in self._looks.values():
            look.inspection.close()
        self._readers.clear()
        self._looks.clear()

    def turn(self, stream: Stream, most_bytes: int) -> Piece | None:
        """Raises OSError."""
        if stream.over:
            return None
        if stream.fresh and not self._is_own(stream, most_bytes):
            return None
        reader = self._readers.get(stream.number) or self._reader(stream)
        if reader is None:
            return None
        if not stream.heads and not reader.at:
            reader.fill(ENOUGH)
            stream.heads = grown((), reader.held[:BEGINNING])
        text = self._told(stream, reader)
        if text.encoding == BINARY:
            self._end(stream, reader)
            stream.problem = "binary content"
            return None
        if not self._go_to(stream, reader, most_bytes * _CHEAPER):
            return None
        return self._lines(stream, reader, text, most_bytes)

    def _reader(self, stream: Stream) -> PackedReader | None:
        """Of its file, as it was when it was found out what it holds; None if that lies elsewhere by now."""
        opened = self._opened(stream)
        if opened is None:
            return None
        file, status = opened
        if stamp(status) != stream.looked:
            file.close()
            self._follow.needs_scan = True
            return None
        reader = self._readers[stream.number] = PackedReader(file)
        return reader

    def _opened(self, stream: Stream) -> tuple[io.FileIO, os.stat_result] | None:
        """Its file, if the one at its path is it: names move on between a look at the folders and the opening."""
        file = self._follow.handles.take(stream.number) or open_regular(stream.source.file)
        status = os.fstat(file.fileno())
        if file_id(status, stream.source.file) == stream.file_id:
            return file, status
        file.close()
        self._follow.needs_scan = True
        stream.checked = False  # wherever it lies by then, it is read on
        return None

    def _is_own(self, stream: Stream, most_bytes: int) -> bool:
        """Whether it holds what no other stream has given."""
        follow = self._follow
        self._forget_others()
        opened = self._opened(stream)
        if opened is None:
            return False
        file, status = opened
        look = self._looks.get(stream.number)
        if look is not None and stamp(status) == look.stamp:
            file.close()
        else:
            if look is not None:
                look.inspection.close()
            offsets = frozenset(mark.offset for other in follow.of_set(stream) for mark in (*other.marks, *other.later))
            look = _Look(Inspection(PackedReader(file), offsets), stamp(status))
            self._looks[stream.number] = look
            stream.grown = follow.clock()
        if not look.done:
            look.done = look.inspection.step(max(most_bytes, SEAM) * _CHEAPER)
            if not look.done:
                follow.again(stream)
                return False
        found = look.inspection
        stream.looked = stamp(status)
        if found.problem and follow.clock() - stream.grown < follow.limits.broken:
            follow.copies[stream.number] = None  # it may be still being written
            return False
        content = Content(found.size, found.beginning, found.seam, frozenset(found.seams))
        if is_outdated(follow, stream, content):
            self._looks.pop(stream.number)
            follow.again(stream)
            return False
        if not may_be_read(follow, stream, content):
            return False
        self._looks.pop(stream.number)
        return True

    def _forget_others(self) -> None:
        for number in tuple(self._looks):
            stream = self._follow.streams.get(number)
            if stream is None or not stream.fresh or stream.file_id is None:
                self._looks.pop(number).inspection.close()

    def _told(self, stream: Stream, reader: PackedReader) -> Text:
        if stream.encoding:
            return Text(stream.encoding, 0, stream.carriage)
        reader.fill(ENOUGH)
        text = text_of_beginning(reader.held[:ENOUGH], final=True) or Text(BINARY, 0, False)
        if text.encoding != BINARY:
            stream.encoding, stream.carriage = text.encoding, text.carriage
            if text.mark and not stream.offset:
                stream.advance(text.mark, digest(reader.held[: text.mark]), 1, silent=True)
        return text

    def _go_to(self, stream: Stream, reader: PackedReader, most_bytes: int) -> bool:
        """Unpacks up to the stream's offset; False if that takes another turn, or if there is no such place."""
        until = reader.end + max(most_bytes, ENOUGH)
        while reader.end < stream.offset and not reader.ended:
            reader.fill(len(reader.held) + 1)
            reader.drop_to(min(reader.end, max(reader.at, min(reader.end, stream.offset) - SEAM)))
            if reader.end >= until and reader.end < stream.offset:
                self._follow.again(stream)
                return False
        if reader.end < stream.offset:
            self._end(stream, reader)
            return False
        mark = stream.marks[-1] if stream.marks else None
        if mark is not None and mark.offset == stream.offset and not self._fits(mark, reader):
            reader.close()
            self._readers.pop(stream.number)
            self._follow.leave(stream)  # another one's: its own is looked for among those that are there
            self._follow.needs_scan = True
            return False
        return True

    @staticmethod
    def _fits(mark: Mark, reader: PackedReader) -> bool:
        end = mark.offset - reader.at
        return digest(reader.held[max(0, end - SEAM) : end]) == mark.seam

    def _lines(self, stream: Stream, reader: PackedReader, text: Text, most_bytes: int) -> Piece | None:
        offset = stream.offset
        before = min(SEAM, offset)
        wanted = max(most_bytes, SEAM)
        while True:
            reader.fill(offset - reader.at + wanted)
            begin = offset - before - reader.at
            data = reader.held[begin : begin + before + wanted]
            at_end = reader.ended and begin + len(data) >= len(reader.held)
            found = cut(
                data[before:], text, offset, before=data[:before], inside=stream.inside, at_end=at_end, final=at_end,
                most_line=self._most_line,
            )  # fmt: skip
            if not found.more:
                break
            wanted = max(wanted * 2, found.begin + self._most_line + SEAM)
        if found.nuls and not at_end:
            place = aligned(len(data) - before, text.encoding, 0)
            found = Cut(place, place, place)
        stream.size, stream.is_final = reader.end, at_end
        piece = self._given(stream, text, data, before, found, at_end)
        reader.drop_to(max(reader.at, stream.offset - SEAM))
        if at_end:
            self._end(stream, reader)
        return piece

    def _end(self, stream: Stream, reader: PackedReader) -> None:
        stream.problem = reader.problem
        reader.close()
        self._readers.pop(stream.number, None)
        self._follow.finish(stream)
