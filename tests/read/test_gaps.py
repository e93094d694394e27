"""The search for a frame by a few stamps, in imagined logs of any size: it leaves nothing of the frame out."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from collector.model import FIRST, LAST
from collector.read.gaps import DEFAULT, Found, Mark, find

BEGIN = datetime(2026, 1, 1, tzinfo=timezone.utc)
LINE = 100
MB, GB = 1_000_000, 1_000_000_000
#: Half of the disorder that a log may have: a record is early or late by as much.
JITTER = 150
ZONE = timedelta(hours=14)


@dataclass(frozen=True)
class Imagined:
    """A log of lines of 100 bytes that are `pace` seconds apart; at some lines the clock is set by so many seconds."""

    size: int
    pace: float
    steps: tuple[tuple[int, float], ...] = ()  # line, seconds
    jitter: int = JITTER
    is_local: bool = False  # of an unknown zone

    def seconds(self, line: int) -> float:
        """After `BEGIN`, without the jitter."""
        at = bisect_right(self.steps, (line, float("inf")))
        return line * self.pace + sum(by for _, by in self.steps[:at])

    def mark(self, offset: int, stop: int) -> Mark | None:
        line = -(-offset // LINE)
        if line * LINE >= min(stop, self.size):
            return None
        early = (line * 2_654_435_761 >> 7) % (2 * self.jitter + 1) - self.jitter
        moment = BEGIN + timedelta(seconds=self.seconds(line) + early)
        return Mark(line * LINE, moment - ZONE, moment + ZONE) if self.is_local else Mark(line * LINE, moment, moment)

    def missing(self, found: Found, start: float, end: float) -> list[tuple[int, int]]:
        """Lines of the frame that the ranges leave out."""
        spare = self.jitter + (ZONE.total_seconds() if self.is_local else 0)
        edges = [0, *(line for line, _ in self.steps), self.size // LINE]
        out = []
        for begin, stop in pairwise(edges):
            if stop <= begin:
                continue
            at = self.seconds(begin)
            first = max(begin, begin + int((start - spare - at) // self.pace) + 1)
            last = min(stop - 1, begin + int((end + spare - at) // self.pace))
            if first <= last and not _covers(found, first * LINE, (last + 1) * LINE):
                out.append((first, last))
        return out

    def find(self, start: float, end: float) -> Found:
        edges = (BEGIN + timedelta(seconds=start), BEGIN + timedelta(seconds=end))
        return find(self.mark, 0, self.size - self.size % LINE, *edges)


def _covers(found: Found, begin: int, end: int) -> bool:
    for first, stop in found.ranges:
        if first <= begin and (stop is None or begin < stop):
            begin = end if stop is None else stop
    return begin >= end


PACES = st.sampled_from([0.01, 0.1, 0.7, 2.0])
FRACTIONS = st.floats(0, 1, exclude_max=True)
SMALL_SIZES = st.integers(5 * MB, 150 * MB)
SIZES = st.one_of(SMALL_SIZES, st.integers(150 * MB, 10 * GB))
LENGTHS = st.sampled_from([0, 60, 600, 7_200, 200_000])
MANY = settings(max_examples=300, deadline=None)


def _frame(log: Imagined, where: float, length: float) -> tuple[float, float]:
    """A frame somewhere in the time of the log, or a little beyond it."""
    latest = log.size / LINE * log.pace
    start = (where * 1.2 - 0.1) * latest
    return start, start + length


@MANY
@given(SIZES, PACES, FRACTIONS, LENGTHS, st.booleans())
def test_without_steps_everything_is_found_by_few_looks(size, pace, where, length, is_local):
    log = Imagined(size, pace, is_local=is_local)
    start, end = _frame(log, where, length)
    found = log.find(start, end)
    assert log.missing(found, start, end) == []
    assert not found.stepped
    assert found.probes <= 330 + (DEFAULT.looks if size - size % LINE <= DEFAULT.most_scanned else 0)
    spare = 2 * (3_600 + 900) + (2 * ZONE.total_seconds() if is_local else 0)
    read = sum((size if stop is None else stop) - begin for begin, stop in found.ranges)
    assert read <= (length + spare) / pace * LINE + 10 * DEFAULT.grain


@MANY
@given(SIZES, PACES, FRACTIONS, LENGTHS, FRACTIONS, st.floats(1, 300_000), st.booleans(), st.booleans())
def test_a_clock_set_once_forward_or_back_hides_nothing(size, pace, where, length, place, by, is_back, is_local):
    log = Imagined(size, pace, ((int(place * size / LINE), -by if is_back else by),), is_local=is_local)
    start, end = _frame(log, where, length)
    assert log.missing(log.find(start, end), start, end) == []


@MANY
@given(SIZES, PACES, LENGTHS, FRACTIONS, st.floats(1, 300_000), FRACTIONS, st.booleans())
def test_what_was_written_just_before_and_after_a_step_back_is_found(size, pace, length, place, by, where, is_local):
    line = int(place * size / LINE)
    log = Imagined(size, pace, ((line, -by),), is_local=is_local)
    start = line * pace - by + where * by * 1.1
    found = log.find(start, start + length)
    assert log.missing(found, start, start + length) == []


@MANY
@given(
    SMALL_SIZES,
    PACES,
    FRACTIONS,
    LENGTHS,
    st.lists(st.tuples(FRACTIONS, st.floats(-90_000, 90_000)), max_size=4),
)
def test_the_guarantee_holds_with_several_steps(size, pace, where, length, steps):
    """Whatever was met or not: a frame of which something is missing is only ever behind a step that no look met."""
    chosen = tuple(sorted({int(place * size / LINE): by for place, by in steps}.items()))
    log = Imagined(size, pace, chosen)
    start, end = _frame(log, where, length)
    found = log.find(start, end)
    assert found.whole or not found.stepped
    if found.stepped:
        assert log.missing(found, start, end) == []


@MANY
@given(SMALL_SIZES, PACES, FRACTIONS, st.floats(0, 0.9), st.floats(1.01, 4), st.floats(-1, 1), LENGTHS)
def test_a_wrong_clock_for_longer_than_the_distance_of_looks_is_met(size, pace, where, place, long, by, length):
    """The clock is wrong by more than the distance, and then right again."""
    distance = max(DEFAULT.nearest, size / DEFAULT.looks)
    wrong = (distance / LINE * pace * 2 + 2_000 + 1e6 * abs(by)) * (1 if by >= 0 else -1)
    begin, stop = int(place * size / LINE), int((place * size + long * distance) / LINE)
    assume(2 * distance < begin * LINE and stop * LINE < size - 2 * distance)
    log = Imagined(size, pace, ((begin, wrong), (stop, -wrong)))
    start, end = _frame(log, where, length)
    found = log.find(start, end)
    assert found.stepped
    assert log.missing(found, start, end) == []


@pytest.mark.parametrize("size", [1 * GB, 10 * GB])
def test_a_step_in_a_large_file_is_met_and_only_its_surroundings_are_read(size):
    line = size // LINE // 2
    log = Imagined(size, 0.7, ((line, -7_200),))
    start = line * 0.7 - 5_000
    found = log.find(start, start + 600)
    assert found.stepped
    assert not found.whole
    assert len(found.ranges) >= 2
    assert log.missing(found, start, start + 600) == []
    assert sum((size if stop is None else stop) - begin for begin, stop in found.ranges) < 2 * MB


def test_stamps_at_the_ends_of_the_calendar_end_nothing():
    first, last = FIRST, LAST

    def mark(offset: int, stop: int) -> Mark | None:
        at = -(-offset // LINE) * LINE
        moment = first if at < 5_000_000 else last
        return Mark(at, moment, moment) if at < stop else None

    assert find(mark, 0, 10_000_000, first, first).ranges
    assert find(mark, 0, 10_000_000, last, None).ranges
