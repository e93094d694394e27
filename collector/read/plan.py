"""Which bytes of a plain file a selection needs, and how far it is certain that they are all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from collector.model import FIRST, Line
from collector.read import gaps
from collector.read.encoding import width
from collector.read.probe import StampProbe
from collector.read.source import ByteSource
from collector.read.window import Bounds
from collector.read.words import Words

#: Byte ranges in order; None: to where the file ends.
Ranges = tuple[tuple[int, "int | None"], ...]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which records of a log are wanted. `bounds` is all that is known here of its format."""

    bounds: Bounds
    start: datetime | None = None
    end: datetime | None = None
    words: Words | None = None  # only records with one of them ...
    whole_bytes: int = 0  # ... after so many bytes that are handed on whole
    tail_bytes: int | None = None  # only so much of the end of a plain file


#: Is given the first lines and says what is wanted; None for everything.
Choose = Callable[[Sequence[Line]], "Selection | None"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What to read. `guarantee`: how sure it is that nothing of the frame lies elsewhere, "" where that is no
    question; `found` where the frame was searched for."""

    ranges: Ranges
    guarantee: str = ""
    found: gaps.Found | None = None


class Planner:
    """Chooses the bytes of one open plain file. Remarks at the source where a budget leaves something out."""

    def __init__(
        self, source: ByteSource, encoding: str, begin: int, carriage: bool, limit_bytes: int, effort: gaps.Effort
    ) -> None:
        """`begin`: after a byte-order mark. `carriage`: CR alone ends lines."""
        self._source = source
        self._encoding = encoding
        self._begin = begin
        self._carriage = carriage
        self._limit = limit_bytes
        self._effort = effort

    def plan(self, selection: Selection | None) -> Plan:
        size = self._source.size
        if selection is not None and selection.tail_bytes is not None and size - self._begin > selection.tail_bytes:
            begin = self._record_begin(size - selection.tail_bytes, selection)
            return Plan(((begin, None),), f"only the last {selection.tail_bytes} bytes were looked through")
        if selection is None or (selection.start is None and selection.end is None):
            return Plan(self._limited(((self._begin, None),), selection))
        if size - self._begin <= self._effort.small:
            return Plan(self._limited(((self._begin, None),), selection), "every record was looked at")
        found = gaps.find(
            self._probe(selection), self._begin, size, selection.start, selection.end, effort=self._effort
        )
        return Plan(self._limited(found.ranges, selection), _guarantee(found, size, self._effort), found)

    def _limited(self, ranges: Ranges, selection: Selection | None) -> Ranges:
        """The last bytes of the ranges that the limit allows."""
        size = self._source.size
        spans = [(begin, size if end is None else end, end) for begin, end in ranges]
        total = sum(max(0, stop - begin) for begin, stop, _ in spans)
        if total <= self._limit:
            return ranges
        kept: list[tuple[int, int | None]] = []
        room = self._limit
        for begin, stop, end in reversed(spans):
            if room <= 0:
                break
            if stop - begin > room:
                begin = self._record_begin(stop - room, selection, stop)
                room = 0
            room -= stop - begin
            kept.insert(0, (begin, end))
        given = sum((size if end is None else end) - begin for begin, end in kept)
        self._source.remark(f"only the last {given} of {total} bytes were read", "truncated")
        return tuple(kept)

    def _record_begin(self, offset: int, selection: Selection | None, stop: int | None = None) -> int:
        """Where a record begins (a line, if the format isn't known) at or after the offset; else the offset."""
        stop = self._source.size if stop is None else stop
        mark = (self._probe(selection)(offset, stop) if selection else None) or self._probe(None)(offset, stop)
        return mark.offset if mark else offset - (offset - self._begin) % width(self._encoding)

    def _probe(self, selection: Selection | None) -> StampProbe:
        bounds = selection.bounds if selection else _any_line
        return StampProbe(self._source, self._encoding, self._begin, bounds, self._carriage)


def _any_line(text: str) -> tuple[datetime, datetime]:
    return FIRST, FIRST


def _guarantee(found: gaps.Found, size: int, effort: gaps.Effort) -> str:
    minutes = round(gaps.DISORDER.total_seconds() / 60)
    if found.whole and found.stepped:
        return f"the clock was set back in this log, so all {size} bytes were searched"
    if found.whole:
        return "no time stamp was found to go by, so every record was looked at"
    sure = (
        f"the window was found by reading {found.probes} time stamps; nothing is missed where stamps are at most"
        f" {minutes} minutes out of order"
    )
    if found.stepped:
        return (
            f"{sure}; the clock was set back in this log and it is larger than {effort.most_scanned} bytes, so records"
            " near that place may be missing"
        )
    return f"{sure} and the clock was not set back further (no stamp that was read showed that)"
