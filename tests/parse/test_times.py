"""Stamps to moments: zones, fractions, halves of a day, clocks put forward and back, dates that no calendar has."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from collector.model import Record
from collector.parse.registry import FORMATS, bounds_of, parse
from collector.parse.stamps import before_fold, iso_stamp, slashed_stamp, us_stamp
from tests.parse.making import lines, records, source, utc

BERLIN, LORD_HOWE, TOKYO = ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Tokyo")
UTC = timezone.utc

ISO = [
    ("2021-09-14T10:52:10Z", utc(2021, 9, 14, 10, 52, 10), "utc"),
    ("2021-09-14 10:52:10Z", utc(2021, 9, 14, 10, 52, 10), "utc"),
    ("2021-09-14T10:52:10.12Z", utc(2021, 9, 14, 10, 52, 10, 120000), "utc"),
    ("2021-09-14T10:52:10.123Z", utc(2021, 9, 14, 10, 52, 10, 123000), "utc"),
    ("2021-09-14T10:52:10.123456Z", utc(2021, 9, 14, 10, 52, 10, 123456), "utc"),
    ("2021-09-14T10:52:10.1234567Z", utc(2021, 9, 14, 10, 52, 10, 123456), "utc"),
    ("2021-09-14T10:52:10.123456789Z", utc(2021, 9, 14, 10, 52, 10, 123456), "utc"),
    ("2021-09-14T10:52:10.999999999+00:00", utc(2021, 9, 14, 10, 52, 10, 999999), "utc"),
    ("2021-09-14 10:52:10,123", datetime(2021, 9, 14, 10, 52, 10, 123000), "local"),
    ("2021-09-14 10:52:10 UTC", utc(2021, 9, 14, 10, 52, 10), "utc"),
    ("2021-09-14T10:52:10+05:30", utc(2021, 9, 14, 5, 22, 10), "offset"),
    ("2021-09-14T10:52:10+0530", utc(2021, 9, 14, 5, 22, 10), "offset"),
    ("2021-09-14T10:52:10 +0530", utc(2021, 9, 14, 5, 22, 10), "offset"),
    ("2021-09-14T10:52:10+05", utc(2021, 9, 14, 5, 52, 10), "offset"),
    ("2021-09-14T10:52:10.5-03:30", utc(2021, 9, 14, 14, 22, 10, 500000), "offset"),
    ("2021-09-14T23:52:10-08", utc(2021, 9, 15, 7, 52, 10), "offset"),
    ("2020-02-29T00:00:00+14:00", utc(2020, 2, 28, 10), "offset"),
    ("2016-12-31T23:59:60Z", utc(2016, 12, 31, 23, 59, 59, 999999), "utc"),  # a leap second
    ("2016-12-31T23:59:60.123456Z", utc(2016, 12, 31, 23, 59, 59, 999999), "utc"),
    ("2017-01-01T05:29:60+05:30", utc(2016, 12, 31, 23, 59, 59, 999999), "offset"),
    ("2026-02-30T00:00:00Z", None, ""),
    ("2026-02-30T00:00:00.000000Z", None, ""),
    ("2025-02-29T00:00:00Z", None, ""),
    ("2026-13-01T00:00:00Z", None, ""),
    ("2026-00-10T00:00:00Z", None, ""),
    ("2026-01-01T25:00:00Z", None, ""),
    ("2026-01-01T00:61:00Z", None, ""),
    ("2026-01-01T00:00:61Z", None, ""),
    ("2026-01-01T00:00:00+24:00", None, ""),
    ("2026-01-01T00:00:00+05:75", None, ""),
    ("0001-01-01T00:00:00Z", None, ""),  # Go's and .NET's "no time"
    ("0001-01-01T00:00:00.000000Z", None, ""),
    ("9999-12-31T23:59:59.9999999-14:00", None, ""),
    ("2026-01-01", None, ""),
    ("٢٠٢٦-٠١-٠١T00:00:00Z", None, ""),  # digits of another script
    ("", None, ""),
]
SLASHED = [
    ("2018/02/21 08:01:21", datetime(2018, 2, 21, 8, 1, 21)),
    ("2018/02/21 08:01:21.912345", datetime(2018, 2, 21, 8, 1, 21, 912345)),
    ("2013/11/13, 17:46:30.447", datetime(2013, 11, 13, 17, 46, 30, 447000)),
    ("2016/12/31 23:59:60.5", datetime(2016, 12, 31, 23, 59, 59, 999999)),
    ("2018/13/41 08:01:21.9", None),
    ("2018/02/30 08:01:21", None),
    ("0000/00/00 00:00:00", None),
]
US = [
    ("11/14/2019 05:52:13.44", datetime(2019, 11, 14, 5, 52, 13, 440000)),
    ("4/16/2016 6:24:15 AM", datetime(2016, 4, 16, 6, 24, 15)),
    ("4/16/2016 6:24:15 PM", datetime(2016, 4, 16, 18, 24, 15)),
    ("4/16/2016 12:00:00 AM", datetime(2016, 4, 16)),
    ("4/16/2016 12:00:00 PM", datetime(2016, 4, 16, 12)),
    ("4/16/2016 12:59:59 am", datetime(2016, 4, 16, 0, 59, 59)),
    ("4/16/2016 6:24:15\u202fpm", datetime(2016, 4, 16, 18, 24, 15)),
    ("04/16/2016, 18:24:15.1234567", datetime(2016, 4, 16, 18, 24, 15, 123456)),
    ("12/31/2016 11:59:60 PM", datetime(2016, 12, 31, 23, 59, 59, 999999)),
    ("4/16/2016 13:00:00 PM", None),
    ("16/4/2016 06:24:15", None),
    ("2/30/2016 06:24:15", None),
    ("1/1/0001 12:00:00 AM", None),
]


@pytest.mark.parametrize(("text", "moment", "basis"), ISO)
def test_iso_stamps(text: str, moment: datetime | None, basis: str):
    stamp = iso_stamp(text)
    assert (stamp and stamp.moment, stamp.basis if stamp else "") == (moment, basis)


@pytest.mark.parametrize(("text", "moment"), SLASHED)
def test_stamps_with_the_year_first(text: str, moment: datetime | None):
    stamp = slashed_stamp(text)
    assert (stamp.moment if stamp else None) == moment


@pytest.mark.parametrize(("text", "moment"), US)
def test_stamps_with_the_month_first(text: str, moment: datetime | None):
    stamp = us_stamp(text)
    assert (stamp.moment if stamp else None) == moment


#: format, a head whose date no calendar has
IMPOSSIBLE = [
    ("waagent", "2026-02-30T08:01:21.912345Z INFO ExtHandler x"),
    ("waagent", "2018/13/41 08:01:21.912345 INFO x"),
    ("logfmt", "time=2026-13-01T00:00:00Z event=x"),
    ("python-extension", "2021/02/30 05:28:23 ERROR:x"),
    ("vmbackup", "2021-02-30 05:28:23.123456 [Pub.Type-1.0] x"),
    ("go-platform", "Error 2024/02/30 09:12:07 x"),
    ("windows-event", "2026-02-30T03:12:25Z [ERROR] x 9: x"),
    ("waapp", "[00000006] [13/14/2019 05:52:13.44] [INFO]  x"),
    ("waapp", "[00000010] 2021-02-29T16:35:45Z [ERROR] x"),
    ("domain-join", "2020-02-30T12:35:31.7449047Z\t[Error]:\tx"),
    ("dsc", "VERBOSE: [2019-02-29 06:52:17Z] x"),
    ("wad", "x.exe Error: 0 : [2/30/2016 6:24:15 AM] x"),
    ("msi", "[MSIXTN-HANDLER-0.9.0]2017/02/29 23:24:30 ERROR: x"),
    ("iso", "2026-02-30T02:13:01.7712093+00:00: x"),
    ("generic", "2026-02-30 02:13:01 ERROR x"),
    ("generic", "13/45/2021 04:35:45 PM x"),
    ("xml-events", '<Event time="2019-02-30T12:49:05.163Z" category="ERROR" source="x">x</Event>'),
]


@pytest.mark.parametrize(("name", "line"), IMPOSSIBLE)
def test_a_line_whose_date_is_impossible_begins_no_record(name: str, line: str):
    (record,) = parse(lines(line), source(), name, BERLIN)
    assert (record.time, record.basis, record.sure, record.raw) == (None, "none", "low", (line,))
    assert bounds_of(name, BERLIN)(line) is None


def told(record: Record) -> tuple[datetime | None, str, str]:
    return record.time, record.basis, record.sure


def agent(*stamps: str) -> str:
    """Lines of the old agent in local time."""
    return "\n".join(f"{stamp} INFO Daemon x" for stamp in stamps)


def test_how_sure_a_time_is():
    text = (
        "from the file that was rotated away\n"
        "2026-07-01T10:00:00.000001Z INFO ExtHandler ExtHandler utc\n"
        "2026/07/01 12:00:01.000000 INFO Daemon zone\n"
        "2026/03/29 02:30:00.000000 INFO Daemon skipped\n"
        "2026/10/25 02:30:00.000000 INFO Daemon repeated\n"
        "2026/10/25 12:00:00.000000 INFO Daemon zone"
    )
    assert [told(record) for record in records(text, "waagent", BERLIN, modified=9e8)] == [
        (None, "none", "low"),
        (utc(2026, 7, 1, 10, 0, 0, 1), "utc", "high"),
        (utc(2026, 7, 1, 10, 0, 1), "zone", "high"),
        (utc(2026, 3, 29, 1, 30), "zone", "medium"),
        (utc(2026, 10, 25, 0, 30), "zone", "medium"),
        (utc(2026, 10, 25, 11), "zone", "high"),
    ]
    assert [record.sure for record in records(text, "waagent", None)] == ["low", "high", "low", "low", "low", "low"]


@pytest.mark.parametrize(
    ("stamp", "zone", "expected"),
    [
        ("time=2026-07-01T10:00:00Z event=x", None, (utc(2026, 7, 1, 10), "inherited", "medium")),
        ("time=2026-07-01T10:00:00+02:00 event=x", None, (utc(2026, 7, 1, 8), "inherited", "medium")),
        ("time=2026-07-01T10:00:00 event=x", None, (datetime(2026, 7, 1, 10), "inherited", "low")),
        ("time=2026-10-25T02:30:00 event=x", BERLIN, (utc(2026, 10, 25, 0, 30), "inherited", "medium")),
    ],
)
def test_an_inherited_time_is_never_surer_than_medium(stamp, zone, expected):
    _, panic, trace = records(f"{stamp}\npanic: x\n+ exit 2", "logfmt", zone)
    assert told(panic) == told(trace) == expected


FILE_TIME = utc(2026, 3, 2, 4, 5, 6)


@pytest.mark.parametrize(
    ("name", "modified", "expected"),
    [
        ("plain", FILE_TIME.timestamp(), (FILE_TIME, "file", "low")),
        ("shell-trace", FILE_TIME.timestamp(), (FILE_TIME, "file", "low")),
        ("plain", 0.0, (None, "none", "low")),
        ("plain", -1.0, (None, "none", "low")),
        ("plain", 1e300, (None, "none", "low")),
        ("plain", float("nan"), (None, "none", "low")),
        ("shell-trace", 0.0, (None, "none", "low")),
        ("waagent", FILE_TIME.timestamp(), (None, "none", "low")),  # what precedes its stamps may be any age
        ("logfmt", FILE_TIME.timestamp(), (None, "none", "low")),
        ("generic", FILE_TIME.timestamp(), (None, "none", "low")),
    ],
)
def test_only_a_format_without_stamps_gets_the_time_of_the_file(name, modified, expected):
    found = list(parse(lines("+ a\nb\n+ exit 1"), source(modified=modified), name, BERLIN))
    assert {told(record) for record in found} == {expected}


@pytest.mark.parametrize("name", FORMATS)
def test_the_bounds_of_a_format_without_stamps_are_unknown(name: str):
    stampless = {"plain", "shell-trace"}
    assert FORMATS[name].stampless == (name in stampless)
    if name in stampless:
        assert bounds_of(name, BERLIN)("2026-07-01T10:00:00Z x") is None


# ---- clocks put forward and back -----------------------------------------------------------------------


def test_the_repeated_hour_is_told_apart_by_the_order_of_the_file():
    text = agent(
        "2018/10/28 01:59:00.0", "2018/10/28 02:30:00.0", "2018/10/28 02:59:22.0",
        "2018/10/28 02:00:02.0", "2018/10/28 02:30:00.0", "2018/10/28 03:00:00.0",
    )  # fmt: skip
    assert [told(record) for record in records(text, "waagent", BERLIN)] == [
        (utc(2018, 10, 27, 23, 59), "zone", "high"),
        (utc(2018, 10, 28, 0, 30), "zone", "high"),  # settled by what follows
        (utc(2018, 10, 28, 0, 59, 22), "zone", "high"),
        (utc(2018, 10, 28, 1, 0, 2), "zone", "high"),
        (utc(2018, 10, 28, 1, 30), "zone", "high"),
        (utc(2018, 10, 28, 2), "zone", "high"),
    ]


def test_an_hour_that_nothing_settles_says_so():
    first, second, after = records(
        agent("2018/10/28 02:10:00.0", "2018/10/28 02:50:00.0", "2018/10/28 03:00:00.0"), "waagent", BERLIN
    )
    assert [record.sure for record in (first, second, after)] == ["medium", "medium", "high"]
    assert [record.fields.get("ambiguous") for record in (first, second, after)] == ["1", "1", None]
    assert bounds_of("waagent", BERLIN)(first.raw[0]) == (utc(2018, 10, 28, 0, 10), utc(2018, 10, 28, 1, 10))


def test_a_small_step_back_is_disorder_and_no_second_pass():
    times = [
        record.time for record in records(agent("2018/10/28 02:10:00.5", "2018/10/28 02:10:00.1"), "waagent", BERLIN)
    ]
    assert times == [utc(2018, 10, 28, 0, 10, 0, 500000), utc(2018, 10, 28, 0, 10, 0, 100000)]


def test_half_an_hour_that_comes_twice():
    text = agent("2026/04/05 01:45:00.0", "2026/04/05 01:59:00.0", "2026/04/05 01:30:30.0", "2026/04/05 02:00:00.0")
    assert [told(record) for record in records(text, "waagent", LORD_HOWE)] == [
        (utc(2026, 4, 4, 14, 45), "zone", "high"),
        (utc(2026, 4, 4, 14, 59), "zone", "high"),
        (utc(2026, 4, 4, 15, 0, 30), "zone", "high"),
        (utc(2026, 4, 4, 15, 30), "zone", "high"),
    ]


def test_a_stamp_with_a_zone_tells_the_pass_of_the_next_one_without():
    text = "2018-10-28T01:05:00.000000Z INFO ExtHandler x\n2018/10/28 02:10:00.000000 INFO Daemon x"
    assert told(records(text, "waagent", BERLIN)[1]) == (utc(2018, 10, 28, 1, 10), "zone", "high")


def test_what_inherits_in_a_repeated_hour_stays_in_its_place():
    text = "time=2018-10-28T02:50:00 event=a\npanic: b\ntime=2018-10-28T02:10:00 event=c\n+ d"
    found = records(text, "logfmt", BERLIN)
    assert [record.message for record in found] == ["a", "panic: b", "c", "+ d"]
    assert [record.sure for record in found] == ["high", "medium", "high", "medium"]


def test_a_long_repeated_hour_is_not_held_back_without_end():
    taken = 0

    def endless():
        nonlocal taken
        for number in range(20_000):
            taken += 1
            yield lines(f"2018/10/28 02:10:00.{number:06} INFO Daemon x")[0]

    next(parse(endless(), source(), "waagent", BERLIN))
    assert taken < 5_000


def test_a_skipped_hour_is_shifted_forward():
    (record,) = records(agent("2026/03/29 02:30:00.0"), "waagent", BERLIN)
    assert told(record) == (utc(2026, 3, 29, 1, 30), "zone", "medium")
    assert bounds_of("waagent", BERLIN)(record.raw[0]) == (utc(2026, 3, 29, 1, 30), utc(2026, 3, 29, 1, 30))


@pytest.mark.parametrize("zone", [BERLIN, LORD_HOWE, ZoneInfo("America/St_Johns")])
def test_every_minute_of_a_year_with_a_zone_comes_back(zone):
    """The remembered offset of a minute is right at every change."""
    begin = utc(2026, 1, 1)
    moments = [begin + timedelta(minutes=17 * number, seconds=number % 60) for number in range(31_000)]
    text = agent(*(f"{moment.astimezone(zone):%Y/%m/%d %H:%M:%S}.0" for moment in moments))
    assert [record.time for record in records(text, "waagent", zone)] == moments


def test_before_fold_goes_back_to_where_the_clock_was_sure():
    assert before_fold(utc(2018, 10, 28, 1, 30), BERLIN) < utc(2018, 10, 28, 0)
    assert before_fold(utc(2018, 7, 1), BERLIN) == utc(2018, 7, 1)
    assert before_fold(utc(2018, 7, 1), None) == utc(2018, 7, 1)


def test_four_time_bases_in_one_file():
    text = (
        "2020/06/01 09:00:00.500000 INFO Daemon local\n"
        "2020-06-01T07:00:01.000000Z INFO ExtHandler ExtHandler utc\n"
        "2020-06-01T07:00:05.250000Z ERROR ExtHandler ExtHandler Event: name=P.T, op=Enable, message=failed\n"
        "[stdout]\n2020/06/01 09:00:03 [P.T-1.1] python\ntime=2020-06-01T09:00:04+02:00 event=go\n[stderr]\n, duration=9\n"
        "2020/06/01 09:00:06.750000 WARNING Daemon local again"
    )
    assert [told(record) for record in records(text, "waagent", BERLIN)] == [
        (utc(2020, 6, 1, 7, 0, 0, 500000), "zone", "high"),
        (utc(2020, 6, 1, 7, 0, 1), "utc", "high"),
        (utc(2020, 6, 1, 7, 0, 5, 250000), "utc", "high"),
        (utc(2020, 6, 1, 7, 0, 6, 750000), "zone", "high"),
    ]
