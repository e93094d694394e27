"""Of lines that go by, keeps the records in which a word stands, with the records around them."""

from __future__ import annotations

from collections.abc import Iterator

from collector.read.records import Records
from collector.read.split import Chunk, chunk_of
from collector.read.window import Bounds
from collector.read.words import Words

#: A record of more bytes is handed on without a look into it; whoever reads records cuts them there too.
_MOST_HELD = 262_144


class Sift:
    """Feed it chunks in order, then `close`. Whole records come out, and always the last one.

    A record reaches from a line with a stamp to before the next one with another stamp.
    """

    def __init__(self, words: Words, bounds: Bounds, before: int = 0, after: int = 0) -> None:
        """`before`, `after`: so many lines before and after a record with a word are kept, with their records."""
        self._words = words
        self._bounds = bounds
        self._before = before
        self._after = after
        self._held = Chunk(0, b"", 0)  # the last record, which may go on, and what may be kept before it
        self._searched = 0  # bytes of what is held in which words were looked for
        self._given = 0  # bytes of what is held that came out
        self._owed = 0  # lines that are to be kept from there on
        self._through: tuple[object] | None = None  # the stamp of a record whose beginning has been handed on already

    def feed(self, chunk: Chunk) -> Iterator[Chunk]:
        if self._held.data and self._held.next_number != chunk.number:
            yield from self._finished(keeps_last=False)
        if self._through is not None:
            begin = Records(chunk.data, self._bounds).next_begin(0, self._through[0])
            if begin:
                yield chunk.up_to(begin)
                chunk = Chunk(chunk.up_to(begin).next_number, chunk.data[begin:], chunk.next_number)
            if not chunk.data:
                return
            self._through = None
        if self._held.data:
            chunk = Chunk(self._held.number, self._held.data + chunk.data, chunk.next_number)
        records = Records(chunk.data, self._bounds)
        last, stamp = records.begin(len(chunk.data) - chunk.data.endswith(b"\n"))
        last = max(last, self._searched)
        yield from self._sifted(chunk, records, last)
        if len(chunk.data) - last > _MOST_HELD:
            yield chunk.from_byte(max(last, self._given))
            self._forget()
            self._through = (stamp,)
            return
        self._hold(chunk, records, last)

    def begin_inside(self) -> None:
        """To be called first where the beginning of the record that comes has been handed on already."""
        self._through = (None,)

    def close(self) -> Iterator[Chunk]:
        if self._held.data:
            yield from self._finished(keeps_last=True)

    def _finished(self, keeps_last: bool) -> Iterator[Chunk]:
        """What is held, to its end: nothing follows on it."""
        held = self._held
        last, size = self._searched, len(held.data)
        yield from self._sifted(held, Records(held.data, self._bounds), size)
        if keeps_last and self._given < size:
            yield held.from_byte(max(self._given, last))
        self._forget()

    def _forget(self) -> None:
        self._held = Chunk(0, b"", 0)
        self._searched = self._given = self._owed = 0
        self._through = None

    def _hold(self, chunk: Chunk, records: Records, last: int) -> None:
        begin = last
        if self._before:
            begin, _ = records.begin(records.moved_back(last, self._before))
        self._held = chunk.from_byte(begin)
        self._searched = last - begin
        self._given = max(0, self._given - begin)

    def _sifted(self, chunk: Chunk, records: Records, stop: int) -> Iterator[Chunk]:
        """What is kept of the records up to `stop`."""
        data = chunk.data
        begin = end = self._given  # what is kept but not yet handed on
        if self._owed:
            begin = max(self._given, self._searched)
            end, self._owed = records.after_lines(self._searched, self._owed, stop)
        number, counted = chunk.number, 0
        for found in self._words.lines(data, self._searched, stop):
            if found < end and not self._after:
                continue
            first, stamp = records.begin(found)
            behind = records.next_begin(found + 1, stamp, stop)
            if self._before and first > end:
                first = records.begin(records.moved_back(first, self._before))[0]
            if self._after:
                behind, self._owed = records.after_lines(behind, self._after, stop)
            if first > end:
                if end > begin:
                    part = chunk_of(number + data.count(b"\n", counted, begin), data[begin:end])
                    number, counted = part.next_number, end
                    yield part
                begin = first
            end = max(end, behind)
        if end > begin:
            yield chunk_of(number + data.count(b"\n", counted, begin), data[begin:end])
        self._given = end
