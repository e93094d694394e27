"""Of lines that go by, keeps the records in which a word stands."""

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

    def __init__(self, words: Words, bounds: Bounds, most_held: int = _MOST_HELD) -> None:
        """`most_held`: bytes of a record that are held until its end comes."""
        self._words = words
        self._most_held = most_held
        self._bounds = bounds
        self._held = Chunk(0, b"", 0)  # the last record, which may go on
        self._through: tuple[object] | None = None  # the stamp of a record whose beginning has been handed on already

    @property
    def held(self) -> Chunk:
        """The last record, which may go on and has not come out yet."""
        return self._held

    def feed(self, chunk: Chunk) -> Iterator[Chunk]:
        if self._held.data and self._held.next_number != chunk.number:
            yield from self._sifted(self._held, Records(self._held.data, self._bounds), len(self._held.data))
            self._forget()
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
        yield from self._sifted(chunk, records, last)
        self._held = chunk.from_byte(last)
        if len(chunk.data) - last > self._most_held:
            yield self._held
            self._forget()
            self._through = (stamp,)

    def begin_inside(self) -> None:
        """To be called first where the beginning of the record that comes has been handed on already."""
        self._through = (None,)

    def close(self) -> Iterator[Chunk]:
        if self._held.data:
            yield self._held
        self._forget()

    def _forget(self) -> None:
        self._held = Chunk(0, b"", 0)
        self._through = None

    def _sifted(self, chunk: Chunk, records: Records, stop: int) -> Iterator[Chunk]:
        """The records before `stop` that hold a word; those that follow each other in one piece."""
        data = chunk.data
        begin = end = 0  # what is kept but not yet handed on
        number, counted = chunk.number, 0
        for found in self._words.lines(data, 0, stop):
            if found < end:
                continue
            first, stamp = records.begin(found)
            if first > end:
                if end > begin:
                    part = chunk_of(number + data.count(b"\n", counted, begin), data[begin:end])
                    number, counted = part.next_number, end
                    yield part
                begin = first
            end = records.next_begin(found + 1, stamp, stop)
        if end > begin:
            yield chunk_of(number + data.count(b"\n", counted, begin), data[begin:end])
