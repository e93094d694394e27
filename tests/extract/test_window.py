"""The incident window: asked for, from evidence, or the last hours."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from collector.errors import ConfigError
from collector.extract.window import asked, contains, last_hours, moment, span
from collector.model import Window

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
MARGIN = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("90m", NOW - timedelta(minutes=90)),
        ("2h", NOW - timedelta(hours=2)),
        ("3d", NOW - timedelta(days=3)),
        ("2026-11-23T10:02:11Z", datetime(2026, 11, 23, 10, 2, 11, tzinfo=timezone.utc)),
        ("2026-11-23T10:02:11+05:30", datetime(2026, 11, 23, 4, 32, 11, tzinfo=timezone.utc)),
        ("2026-11-23 10:02", datetime(2026, 11, 23, 10, 2, tzinfo=timezone.utc)),
    ],
)
def test_a_time_as_people_write_it(text: str, expected: datetime):
    assert moment(text, NOW, "--since") == expected


@pytest.mark.parametrize("text", ["yesterday", "", "12:00", "-5m", "99999999999999999999d"])
def test_what_is_no_time_names_the_option(text: str):
    with pytest.raises(ConfigError, match="--since"):
        moment(text, NOW, "--since")


def test_what_is_no_length_names_the_option():
    assert span("15m", "--margin") == MARGIN
    with pytest.raises(ConfigError, match="--margin"):
        span("a while", "--margin")


def test_around_is_widened_by_its_margin():
    window = asked(None, None, NOW, MARGIN)
    assert window is not None
    assert (window.start, window.end) == (NOW - MARGIN, NOW + MARGIN)
    assert asked(None, None, None, MARGIN) is None


def test_a_disk_without_evidence_ends_at_its_newest_stamp():
    year_ago = NOW - timedelta(days=365)
    assert last_hours(year_ago, NOW, live=False).end == year_ago
    live = last_hours(year_ago, NOW, live=True)
    assert live.start == NOW - timedelta(hours=2)


@pytest.mark.parametrize(
    ("when", "inside"),
    [
        (None, True),
        (NOW, True),
        (NOW - MARGIN, True),
        (NOW - MARGIN - timedelta(microseconds=1), False),
        (NOW.replace(tzinfo=None), True),
    ],
)
def test_what_lies_inside(when: datetime | None, inside: bool):
    assert contains(Window(NOW - MARGIN, NOW, "x"), when) is inside
