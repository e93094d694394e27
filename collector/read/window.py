"""Of lines that go by, keeps the records of a time frame, at little more than the cost of a look at each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from collector.read.moments import FIRST, LAST, moved
from collector.read.split import Chunk, chunk_of

#: Earliest and latest moment (UTC) that the stamp of a line can mean, None for a line that begins no record.
Bounds = Callable[[str], "tuple[datetime, datetime] | None"]

#: Date, hour and minute near a line's beginning, and what tells how they are meant. Lines that agree in these
#: are less than a minute apart, so that most stamps need not be read. A date with the year first is what every
#: parser takes; another may only be written before the one that counts.
_MINUTE = re.compile(
    rb"([^\n]{0,60}?(?:\d{4}-\d\d-\d\d|\d{1,4}/\d\d?/\d{2,4}(?![^\n]{8,60}?\d{4}[-/]\d\d[-/]\d\d[T ]))[T ]\d\d?:\d\d:)"
    rb"\d\d(?:[.,]\d+)?( ?[AP]M|Z|[+-]\d\d:?\d\d)?"
)
_SLACK = timedelta(minutes=1)
#: Minutes that are remembered at a time.
_MOST_SEEN = 4_096
#: The stamp stands near the beginning of a line; of a longer one this many bytes are enough.
_HEAD = 1_024


def head_text(data: bytes, begin: int, end: int) -> str:
    """The beginning of a line, which holds its stamp."""
    return data[begin : min(end, begin + _HEAD)].decode("utf-8", "replace").rstrip("\r\n")


class WindowFilter:
    """Feed it chunks in order. Lines before the first stamp have no time and are kept."""

    def __init__(self, bounds: Bounds, start: datetime | None, end: datetime | None) -> None:
        self._bounds = bounds
        self._start = start or FIRST
        self._end = end or LAST
        self._inside = True
        self._seen: dict[object, bool | None] = {}  # all inside, all outside, or None: to be read
        #: Of lines that lie less than `_SLACK` from one beyond these, all or none are inside.
        self._within = (moved(self._start, _SLACK) if start else FIRST, moved(self._end, -_SLACK) if end else LAST)
        self._without = (moved(self._start, -_SLACK), moved(self._end, _SLACK))

    def feed(self, chunk: Chunk) -> Iterator[Chunk]:
        """The parts of the chunk that hold records of the frame."""
        data = chunk.data
        begin = kept_from = 0
        number = chunk.number
        size = len(data)
        while begin < size:
            end = data.find(b"\n", begin)
            after = size if end < 0 else end + 1
            is_inside = self._look(data, begin, after)
            if is_inside != self._inside:
                part = chunk_of(number, data[kept_from:begin])
                if self._inside and part.data:
                    yield part
                number, kept_from = part.next_number, begin
                self._inside = is_inside
            begin = after
        if self._inside and size > kept_from:
            yield Chunk(number, data[kept_from:], chunk.next_number) if kept_from else chunk

    def _look(self, data: bytes, begin: int, end: int) -> bool:
        """Whether the line at `begin` belongs to a record of the frame; without a stamp, to what is before it."""
        if end - begin == 1:
            return self._inside
        found = _MINUTE.match(data, begin)
        if found is not None:
            key = found.groups()
            seen = self._seen.get(key, key)
            if seen is key:
                seen = self._learn(key, data, begin, end)
            if seen is self._inside:
                return self._inside
        bounds = self._bounds(head_text(data, begin, end))
        return self._inside if bounds is None else self._touches(*bounds)

    def _learn(self, key: object, data: bytes, begin: int, end: int) -> bool | None:
        bounds = self._bounds(head_text(data, begin, end))
        if bounds is None:
            return None
        low, high = bounds
        answer: bool | None = None
        if low >= self._within[0] and high <= self._within[1]:
            answer = True
        elif high < self._without[0] or low > self._without[1]:
            answer = False
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        self._seen[key] = answer
        return answer

    def _touches(self, low: datetime, high: datetime) -> bool:
        return high >= self._start and low <= self._end
