"""Where in a big file the records of a time frame can lie, found by looking at a few stamps only.

The stamps that were looked at cut the file into gaps. A gap is left out when no record in it can lie in the
frame: because its end is still too early or its beginning already too late, by more than records are allowed
to be out of order. What remains and crosses an edge of the frame is halved again.

A clock that was set back breaks that order: the frame may come twice. To lie in the frame again the clock
must have been set back by more than the time since, so the repeated part of the file is about as long as the
way back to the frame. Looks at ever larger distances from what was found, each a quarter further than the last,
therefore fall into it, unless the log grew many times slower there. A clock that was wrong for a short time
(until it was set at boot) is not found like that: files of up to `Effort.most_scanned` bytes are therefore
looked at in even distances too, of 1/256 of the file or 32 KB. That costs a few milliseconds, and shows every wrong
stretch that is longer than that distance; a shorter one may stay unseen.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from collector.model import FIRST, LAST, moved

#: Stamps may be out of order by so much (several writers) and everything is found.
DISORDER = timedelta(minutes=5)
#: Local stamps of an unknown zone may moreover hide an hour that came twice.
_REPEATED = timedelta(hours=1)
#: Twice as much is read beside the frame, so that looks in the distance of a few minutes of log tell the larger steps.
_HOLD = 2 * DISORDER
#: A stamp that can mean moments further apart than this is of an unknown zone; in a repeated hour it is one hour.
_WIDE = timedelta(hours=2)
_FURTHER = 1.25


@dataclass(frozen=True, slots=True)
class Effort:
    """What a search may cost. Sizes in bytes."""

    small: int = 262_144  # smaller files are looked through without a search
    grain: int = 8_192  # gaps are not cut below
    most_scanned: int = 150_000_000  # files up to this are looked through when a larger step is met
    looks: int = 256  # in even distances, in files up to `most_scanned` ...
    nearest: int = 32_768  # ... but not nearer to each other
    most_probes: int = 256  # that are spent on steps in larger files
    much: int = 1_000_000  # of more text that is to be searched, words are looked for before stamps


DEFAULT = Effort()


class Mark(NamedTuple):
    """A line with a stamp: where it begins, and the earliest and latest moment (UTC) that its stamp can mean."""

    offset: int
    low: datetime
    high: datetime

    @property
    def is_wide(self) -> bool:
        return self.high - self.low > _WIDE


#: Gives a mark at or shortly after an offset and before another, None if there is none.
Probe = Callable[[int, int], "Mark | None"]


@dataclass(frozen=True, slots=True)
class Found:
    """Byte ranges (None: to the end), in order; how many stamps were looked at; whether a step was met."""

    ranges: tuple[tuple[int, int | None], ...]
    probes: int = 0
    stepped: bool = False
    whole: bool = False  # everything has to be looked through


def find(
    probe: Probe, begin: int, size: int, start: datetime | None, end: datetime | None, effort: Effort = DEFAULT
) -> Found:
    """The parts of a file from byte `begin` to `size` that can hold records of the frame.

    What stands before the first stamp has no time and always belongs to them; what stands after the last one that
    was looked at is a few KB, and is read in case the clock was set there.
    """
    whole: tuple[tuple[int, int | None], ...] = ((begin, None),)
    is_large = size > effort.most_scanned
    search = _Search(probe, _Frame(start, end), effort, stops_at_step=not is_large)
    first = search.look(begin, size)
    last = search.last(first, size) if first else None
    if first is None or last is None:
        return Found(whole, search.probes, whole=True)
    search.add(first)
    search.add(last)
    search.refine()
    search.look_around()
    if not is_large:
        search.look_evenly()
    if search.stepped and not is_large:
        return Found(whole, search.probes, stepped=True, whole=True)
    if search.stepped:
        search.refine()
    ranges = list(search.ranges())
    if first.offset > begin:
        ranges.insert(0, (begin, first.offset))
    return Found(tuple(_merged(ranges)), search.probes, search.stepped)


class _Frame:
    """The edges of a time frame, with what is read beside them. No sum of moments runs over the calendar's ends."""

    def __init__(self, start: datetime | None, end: datetime | None) -> None:
        self._starts = [moved(start or FIRST, -_HOLD - more) for more in (timedelta(0), _REPEATED)]
        self._ends = [moved(end or LAST, _HOLD + more) for more in (timedelta(0), _REPEATED)]

    def is_early(self, mark: Mark) -> bool:
        """Whether nothing before this mark can lie in the frame."""
        return mark.high < self._starts[mark.is_wide]

    def is_late(self, mark: Mark) -> bool:
        """Whether nothing after this mark can lie in the frame."""
        return mark.low > self._ends[mark.is_wide]

    def may_hold(self, left: Mark, right: Mark) -> bool:
        if is_step(left, right):  # on from the left, or up to the right
            return not self.is_late(left) or not self.is_early(right)
        return not self.is_late(left) and not self.is_early(right)

    def is_cut_useful(self, left: Mark, right: Mark) -> bool:
        """Whether a part of the gap may turn out to be outside."""
        return self.may_hold(left, right) and (self.is_early(left) or self.is_late(right) or is_step(left, right))


def is_step(left: Mark, right: Mark) -> bool:
    """Whether the clock was set back between two marks by more than records may be out of order."""
    if left.is_wide and right.is_wide:
        return left.low - right.low > DISORDER + _REPEATED
    return left.low - right.high > DISORDER


class _Search:
    def __init__(self, probe: Probe, frame: _Frame, effort: Effort, stops_at_step: bool) -> None:
        self.probes = 0
        self.stepped = False
        self._marks: list[Mark] = []
        self._probe = probe
        self._frame = frame
        self._effort = effort
        self._stops_at_step = stops_at_step

    @property
    def _is_over(self) -> bool:
        return self.stepped and self._stops_at_step

    def look(self, offset: int, stop: int) -> Mark | None:
        self.probes += 1
        return self._probe(offset, stop)

    def last(self, first: Mark, size: int) -> Mark | None:
        """A mark near the end."""
        reach = 4_096
        stop = size
        while stop > first.offset:
            begin = max(first.offset, size - reach)
            mark = self.look(begin, stop)
            if mark is not None:
                return mark
            stop, reach = begin, reach * 8
        return None

    def add(self, mark: Mark) -> None:
        place = bisect_left(self._marks, mark.offset, key=lambda one: one.offset)
        beside = self._marks[place : place + 1]
        if beside and beside[0].offset == mark.offset:
            return
        self._marks.insert(place, mark)
        before = self._marks[place - 1 : place] if place else []
        if any(is_step(one, mark) for one in before) or any(is_step(mark, one) for one in beside):
            self.stepped = True

    def refine(self) -> None:
        """Cuts gaps that cross an edge of the frame until they are small."""
        most = self.probes + self._effort.most_probes
        work = list(self._gaps())
        while work and self.probes < most and not self._is_over:
            left, right = work.pop()
            if self._frame.is_cut_useful(left, right) and (middle := self._between(left, right)) is not None:
                self.add(middle)
                work += [(left, middle), (middle, right)]

    def look_around(self) -> None:
        """Looks for steps in growing distances before and after what may hold the frame."""
        first, last = self._marks[0].offset, self._marks[-1].offset
        held = [gap for gap in self._gaps() if self._frame.may_hold(*gap)]
        if held:
            lowest, highest = held[0][0].offset, held[-1][1].offset
        else:  # the frame lies before or after everything
            lowest = highest = last if self._frame.is_early(self._marks[-1]) else first
        distance = float(self._effort.grain)
        most = self.probes + self._effort.most_probes
        while (lowest - distance > first or highest + distance < last) and self.probes < most and not self._is_over:
            for offset in (lowest - int(distance), highest + int(distance)):
                stop = min(last, offset + self._effort.grain + int(distance * (_FURTHER - 1)))
                if first < offset < last and (mark := self.look(offset, stop)) is not None:
                    self.add(mark)
            distance *= _FURTHER

    def look_evenly(self) -> None:
        """Looks for steps all over the file, where nothing near has been looked at."""
        first, last = self._marks[0].offset, self._marks[-1].offset
        distance = max(self._effort.nearest, (last - first) // self._effort.looks)
        offset = first + distance
        while offset < last and not self._is_over:
            if (mark := self.look(offset, min(last, offset + distance))) is not None:
                self.add(mark)
            offset += distance

    def ranges(self) -> Iterator[tuple[int, int | None]]:
        for left, right in self._gaps():
            if self._frame.may_hold(left, right):
                yield left.offset, right.offset
        yield self._marks[-1].offset, None

    def _gaps(self) -> Iterator[tuple[Mark, Mark]]:
        yield from zip(self._marks, self._marks[1:], strict=False)

    def _between(self, left: Mark, right: Mark) -> Mark | None:
        low, high = left.offset, right.offset
        while high - low > self._effort.grain:
            middle = (low + high) // 2
            mark = self.look(middle, high)
            if mark is not None:
                return mark
            high = middle
        return None


def _merged(ranges: list[tuple[int, int | None]]) -> Iterator[tuple[int, int | None]]:
    begin, end = ranges[0] if ranges else (0, 0)
    for next_begin, next_end in ranges[1:]:
        if next_begin != end:
            yield begin, end
            begin = next_begin
        end = next_end
    if ranges:
        yield begin, end
