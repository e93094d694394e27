"""Clocks that were set, in real files: found exactly where it is promised, and said where it is not."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.model import Source
from collector.parse.registry import bounds_of
from collector.read.gaps import Effort
from collector.read.lines import LineReader, Selection

FIRST = datetime(2026, 1, 1, tzinfo=timezone.utc)
LINES = 6_000
#: Ten seconds between lines of about 50 bytes: as many minutes in a grain as in a log of the usual pace.
PACE = 10
SCANNED = Effort(small=0, grain=256, most_scanned=10**9)
NOT_SCANNED = Effort(small=0, grain=256, most_scanned=0)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("steps") / "x.log"


def stamps(steps: dict[int, int]) -> list[datetime]:
    now, out = FIRST, []
    for line in range(LINES):
        now += timedelta(seconds=PACE + steps.get(line, 0))
        out.append(now)
    return out


def read(file: Path, moments: list[datetime], is_local: bool, start: datetime, end: datetime, effort: Effort):
    form = "%Y/%m/%d %H:%M:%S.000000 INFO some text" if is_local else "%Y-%m-%dT%H:%M:%S.000000Z INFO some text"
    file.write_text("".join(f"{moment:{form}} {number}\n" for number, moment in enumerate(moments, start=1)))
    reader = LineReader(
        Source("x", file, "log"),
        choose=lambda first: Selection(bounds_of("waagent", None), start, end),
        block=1_000,
        effort=effort,
    )
    numbers = [int(line.text.rsplit(" ", 1)[1]) for line in reader]
    return numbers, reader


def inside(moments: list[datetime], is_local: bool, start: datetime, end: datetime) -> list[int]:
    spare = timedelta(hours=14 if is_local else 0)
    return [number for number, moment in enumerate(moments, 1) if moment + spare >= start and moment - spare <= end]


@settings(max_examples=120, deadline=None)
@given(
    st.integers(1, LINES),
    st.integers(-60_000, 60_000),
    st.integers(-70_000, 130_000),
    st.integers(0, 3_000),
    st.booleans(),
    st.sampled_from([SCANNED, NOT_SCANNED]),
)
def test_a_clock_set_once_hides_nothing(file, line, by, since, length, is_local, effort):
    moments = stamps({line: by})
    start = FIRST + timedelta(seconds=since)
    end = start + timedelta(seconds=length)
    numbers, reader = read(file, moments, is_local, start, end, effort)
    assert numbers == inside(moments, is_local, start, end), reader.guarantee


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(st.integers(1, LINES), st.integers(-90_000, 90_000), max_size=4),
    st.integers(0, 60_000),
    st.booleans(),
)
def test_the_guarantee_is_true(file, steps, since, is_local):
    """With any steps: exact where one was met; else no more than the guarantee says is missing."""
    moments = stamps(steps)
    start = FIRST + timedelta(seconds=since)
    end = start + timedelta(seconds=600)
    numbers, reader = read(file, moments, is_local, start, end, SCANNED)
    expected = inside(moments, is_local, start, end)
    assert set(numbers) <= set(expected)
    if numbers != expected:
        assert "no stamp that was read showed that" in reader.guarantee


def test_what_the_guarantee_says(file: Path):
    calm, stepped = stamps({}), stamps({3_000: -7_200})
    start = calm[2_500]
    numbers, reader = read(file, calm, False, start, start, SCANNED)
    assert numbers == [2_501]
    assert reader.guarantee.startswith("the window was found by reading ")
    assert "nothing is missed where stamps are at most 5 minutes out of order" in reader.guarantee
    assert "bytes beside the window were read" in reader.guarantee
    numbers, reader = read(file, stepped, False, start, start, SCANNED)
    assert numbers == inside(stepped, False, start, start)
    assert len(numbers) == 2
    assert reader.guarantee == f"the clock was set back in this log, so all {file.stat().st_size} bytes were searched"
    numbers, reader = read(file, stepped, False, start, start, NOT_SCANNED)
    assert len(numbers) == 2
    assert "it is larger than 0 bytes" in reader.guarantee
    numbers, reader = read(file, calm, False, start, start, Effort(small=10_000_000))
    assert reader.guarantee == "every record was looked at"


def test_a_step_of_less_than_28_hours_in_a_log_of_an_unknown_zone_is_a_step(file: Path):
    moments = stamps({5_000: -20_000})
    start = FIRST + timedelta(hours=29)
    _, reader = read(file, moments, True, start, start, SCANNED)
    assert "the clock was set back in this log" in reader.guarantee


def test_a_repeated_hour_is_no_step(file: Path):
    zone = ZoneInfo("Europe/Berlin")
    began = datetime(2025, 10, 25, 18, tzinfo=timezone.utc)
    moments = [(began + timedelta(seconds=PACE * n)).astimezone(zone) for n in range(LINES)]
    start = began + timedelta(hours=3)
    numbers, reader = read(file, moments, True, start, start, SCANNED)
    assert numbers == inside([moment.replace(tzinfo=timezone.utc) for moment in moments], True, start, start)
    assert "no stamp that was read showed that" in reader.guarantee
