"""Where records begin in a block of whole lines."""

from __future__ import annotations

from datetime import datetime

from collector.read.window import Bounds, head_text

#: Lines that are remembered at a time.
_MOST_KNOWN = 4_096


class Records:
    """A record reaches from a line with a stamp to before the next one with another stamp."""

    def __init__(self, data: bytes, bounds: Bounds) -> None:
        """`data`: no NULs, lines that end in LF."""
        self._data = data
        self._bounds = bounds
        self._known: dict[int, tuple[datetime, datetime] | None] = {}

    def begin(self, end: int) -> tuple[int, object]:
        """Where the record of the line that ends at `end` begins, and its stamp."""
        data = self._data
        stamp: object = None
        begin = 0
        while True:
            line = data.rfind(b"\n", 0, end) + 1
            found = self._stamp(line, end)
            if found is not None:
                if stamp is not None and found != stamp:
                    return begin, stamp
                stamp, begin = found, line
            if line == 0:
                return (0 if stamp is None else begin), stamp
            end = line - 1

    def next_begin(self, begin: int, stamp: object, stop: int | None = None) -> int:
        """Where the first record with another stamp begins at or after `begin`, which begins a line."""
        stop = len(self._data) if stop is None else stop
        while begin < stop:
            end = self._data.find(b"\n", begin)
            end = len(self._data) if end < 0 else end
            found = self._stamp(begin, end)
            if found is not None and found != stamp:
                return begin
            begin = end + 1
        return stop

    def _stamp(self, begin: int, end: int) -> tuple[datetime, datetime] | None:
        known = self._known
        if begin in known:
            return known[begin]
        if len(known) >= _MOST_KNOWN:
            known.clear()
        found = known[begin] = self._bounds(head_text(self._data, begin, end)) if end > begin else None
        return found
