"""Of lines that go by, keeps the records of a time frame, at little more than the cost of a look at each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from collector.model import FIRST, LAST, moved
from collector.read.split import Chunk, chunk_of

#: Earliest and latest moment (UTC) that the stamp of a line can mean, None for a line that begins no record.
Bounds = Callable[[str], "tuple[datetime, datetime] | None"]

#: Date and hour, minute, and what tells how they are meant, near a line's beginning. Lines that agree in these are
#: less than an hour or a minute apart, so that most stamps need not be read. A date with the year first is what every
#: parser takes; another may only be written before the one that counts.
_STAMP = re.compile(
    rb"([^\n]{0,60}?(?:\d{4}-\d\d-\d\d|\d{1,4}/\d\d?/\d{2,4}(?![^\n]{8,60}?\d{4}[-/]\d\d[-/]\d\d[T ]))"
    rb",?[T ]\d\d?:)(\d\d:)"
    rb"(\d\d)(?:[.,](\d{1,6})\d*)?((?: |\xe2\x80\xaf)?[AaPp][Mm]|[Zz]| ?[+-]\d\d(?::?\d\d)?| ?(?:UTC|GMT)|)"
)
#: The colon after the hour stands within so many bytes of a line's beginning.
_COLON = 88
#: Bytes of a line from its zone on: longer than the mark of any.
_ZONE = 8
#: An hour on the wall may hold a change of the clock.
_HOUR = timedelta(hours=2)
_MINUTE = timedelta(seconds=59, microseconds=999_999)
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
        #: The same by what stands in a line up to its minute and from its zone on, where the last stamp had these.
        self._alike: dict[tuple[bytes, bytes], bool] = {}
        self._minute_at = self._zone_at = 0

    def feed(self, chunk: Chunk) -> Iterator[Chunk]:
        """The parts of the chunk that hold records of the frame."""
        data, find, alike = chunk.data, chunk.data.find, self._alike.get
        number, size = chunk.number, len(chunk.data)
        begin = kept_from = 0
        while begin < size:
            end = find(b"\n", begin) + 1 or size
            zone_at = begin + self._zone_at
            seen = alike((data[begin : begin + self._minute_at], data[zone_at : zone_at + _ZONE]))
            if seen is not self._inside and self._look(data, begin, end) != self._inside:
                part = chunk_of(number, data[kept_from:begin])
                if self._inside and part.data:
                    yield part
                number, kept_from = part.next_number, begin
                self._inside = not self._inside
            begin = end
        if self._inside and size > kept_from:
            yield Chunk(number, data[kept_from:], chunk.next_number) if kept_from else chunk

    def _look(self, data: bytes, begin: int, end: int) -> bool:
        """Whether the line at `begin` belongs to a record of the frame; without a stamp, to what is before it."""
        if data.find(b":", begin, min(end, begin + _COLON)) < 0:
            return self._inside
        found = _STAMP.match(data, begin)
        if found is not None:
            hour, minute, second, fraction, zone = found.groups()
            seen = self._told((hour, zone), _HOUR, _HOUR, data, begin, end)
            if seen is None:
                since = timedelta(seconds=int(second), microseconds=int((fraction or b"0").ljust(6, b"0")))
                since = min(since, _MINUTE)  # a leap second
                seen = self._told((hour, minute, zone), since, _MINUTE - since, data, begin, end)
            if seen is not None and b"/" not in hour:  # whoever writes the date so may write another after it
                self._learn(seen, data, begin, found.end(2), found.start(5))
            if seen is self._inside:
                return self._inside
        bounds = self._bounds(head_text(data, begin, end))
        return self._inside if bounds is None else self._touches(*bounds)

    def _learn(self, seen: bool, data: bytes, begin: int, minute_end: int, zone: int) -> None:
        self._minute_at, self._zone_at = minute_end - begin, zone - begin
        if len(self._alike) >= _MOST_SEEN:
            self._alike.clear()
        self._alike[data[begin:minute_end], data[zone : zone + _ZONE]] = seen

    def _told(self, key: object, before: timedelta, after: timedelta, data: bytes, begin: int, end: int) -> bool | None:
        """Whether all lines with this key are inside or outside; None where each has to be read. They lie from
        `before` the line at `begin` to `after` it."""
        seen = self._seen.get(key, key)
        if seen is not key:
            return seen  # type: ignore[return-value]
        bounds = self._bounds(head_text(data, begin, end))
        if bounds is None:
            return None
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        answer = self._seen[key] = self._all_touch(moved(bounds[0], -before), moved(bounds[1], after))
        return answer

    def _all_touch(self, low: datetime, high: datetime) -> bool | None:
        if low >= self._start and high <= self._end:
            return True
        return None if self._touches(low, high) else False

    def _touches(self, low: datetime, high: datetime) -> bool:
        return high >= self._start and low <= self._end
