"""Of lines that go by, keeps the records of a time frame, at little more than the cost of a look at each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from collector.read.moments import FIRST, LAST, moved
from collector.read.split import Chunk, chunk_of

#: Earliest and latest moment (UTC) that the stamp of a line can mean, None for a line that begins no record.
Bounds = Callable[[str], "tuple[datetime, datetime] | None"]

#: Date and hour, minute, and what tells how they are meant, near a line's beginning. Lines that agree in these are
#: less than an hour or a minute apart, so that most stamps need not be read. A date with the year first is what every
#: parser takes; another may only be written before the one that counts.
_MINUTE = re.compile(
    rb"([^\n]{0,60}?(?:\d{4}-\d\d-\d\d|\d{1,4}/\d\d?/\d{2,4}(?![^\n]{8,60}?\d{4}[-/]\d\d[-/]\d\d[T ]))"
    rb",?[T ]\d\d?:)(\d\d:)"
    rb"\d\d(?:[.,]\d+)?((?: |\xe2\x80\xaf)?[AaPp][Mm]|[Zz]| ?[+-]\d\d(?::?\d\d)?| ?(?:UTC|GMT))?"
)
#: An hour on the wall may hold a change of the clock.
_HOUR_SLACK, _MINUTE_SLACK = timedelta(hours=2, minutes=1), timedelta(minutes=1)
#: Hours and minutes that are remembered at a time.
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
        self._hour = _Margins(self._start, self._end, _HOUR_SLACK)
        self._minute = _Margins(self._start, self._end, _MINUTE_SLACK)

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
            hour, minute, zone = found.groups()
            seen = self._told((hour, zone), self._hour, data, begin, end)
            if seen is None:
                seen = self._told((hour, minute, zone), self._minute, data, begin, end)
            if seen is self._inside:
                return self._inside
        bounds = self._bounds(head_text(data, begin, end))
        return self._inside if bounds is None else self._touches(*bounds)

    def _told(self, key: object, margins: _Margins, data: bytes, begin: int, end: int) -> bool | None:
        """Whether all lines with this key are inside or outside; None where each has to be read."""
        seen = self._seen.get(key, key)
        if seen is not key:
            return seen  # type: ignore[return-value]
        bounds = self._bounds(head_text(data, begin, end))
        if bounds is None:
            return None
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        answer = self._seen[key] = margins.told(*bounds)
        return answer

    def _touches(self, low: datetime, high: datetime) -> bool:
        return high >= self._start and low <= self._end


class _Margins:
    """Lines that lie less than a slack from one beyond these moments are all inside, or all outside."""

    def __init__(self, start: datetime, end: datetime, slack: timedelta) -> None:
        self._within = (start if start == FIRST else moved(start, slack), end if end == LAST else moved(end, -slack))
        self._without = (moved(start, -slack), moved(end, slack))

    def told(self, low: datetime, high: datetime) -> bool | None:
        if low >= self._within[0] and high <= self._within[1]:
            return True
        return False if high < self._without[0] or low > self._without[1] else None
