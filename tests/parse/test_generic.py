"""Logs whose form no one documents: what the generic parser takes for a head and what for a level."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from collector.parse import generic
from tests.parse.making import records, utc

#: line -> time, level, message. Named after the log for which such a line is assumed.
HEADS = {
    "windows command execution": ("[2022-03-08T06:41:47.881Z] Executing: C:\\x\\enable.cmd", utc(2022, 3, 8, 6, 41, 47, 881000), "", "Executing: C:\\x\\enable.cmd"),
    "windows command execution, old": ("[03/08/2022 06:41:47.88] [WARN] exited", datetime(2022, 3, 8, 6, 41, 47, 880000), "WARNING", "[WARN] exited"),
    "bginfo": ("3/8/2022 6:41:47 PM BGInfo started", datetime(2022, 3, 8, 18, 41, 47), "", "BGInfo started"),
    "jsonvmaccess": ("[1234+00000001] 2022-03-08 06:41:47Z [Error] no user", utc(2022, 3, 8, 6, 41, 47), "ERROR", "[1234+00000001] [Error] no user"),
    "ama": ("2022-03-08T06:41:47.8810000+01:00 Information: launched", utc(2022, 3, 8, 5, 41, 47, 881000), "INFO", "Information: launched"),
    "ama health": ("2022-03-08 06:41:47.881 [8] FATAL key is missing", datetime(2022, 3, 8, 6, 41, 47, 881000), "ERROR", "[8] FATAL key is missing"),
    "key vault": ("<error>[2022-03-08 06:41:47 UTC] no certificate", utc(2022, 3, 8, 6, 41, 47), "ERROR", "<error> no certificate"),
    "dependency agent": ("2022/03/08 06:41:47 warning: no driver", datetime(2022, 3, 8, 6, 41, 47), "WARNING", "warning: no driver"),
    "mma": ("MMA(77) 03/08/2022 06:41:47 INFO connected", datetime(2022, 3, 8, 6, 41, 47), "INFO", "MMA(77) INFO connected"),
    "fluentd": ("2022-03-08 06:41:47 +0000 [warn]: slow", utc(2022, 3, 8, 6, 41, 47), "WARNING", "[warn]: slow"),
    "hours of an offset": ("2022-03-08T06:41:47+05 x", utc(2022, 3, 8, 1, 41, 47), "", "x"),
    "python": ("2022-03-08 06:41:47,881 - x.py[CRITICAL]: x", datetime(2022, 3, 8, 6, 41, 47, 881000), "ERROR", "- x.py[CRITICAL]: x"),
    "24 hours although a half is meant": ("1/2/2022 16:00:00 x", datetime(2022, 1, 2, 16), "", "x"),
    "guest configuration": ("[2022-03-08 06:41:47.881] [PID 4120] [TID 3112] [ext] [ERROR] [bfe0a9a3] denied", datetime(2022, 3, 8, 6, 41, 47, 881000), "ERROR", "[PID 4120] [TID 3112] [ext] [ERROR] [bfe0a9a3] denied"),
    "brackets without a level": ("[2022-03-08T06:41:47Z] [PID 4120] [TID 3112] [ext] [no error here] [x] y", utc(2022, 3, 8, 6, 41, 47), "", "[PID 4120] [TID 3112] [ext] [no error here] [x] y"),
    "no message": ("2022-03-08T06:41:47Z", utc(2022, 3, 8, 6, 41, 47), "", ""),
}  # fmt: skip

CONTINUE = {
    "nothing": "",
    "words": "Reading package lists",
    "an indented line": "    at Foo 2022-03-08T06:41:47Z",
    "a stamp far from the beginning": "x" * 41 + " 2022-03-08T06:41:47Z",
    "no seconds": "2022-03-08 06:41 x",
    "syslog, no year": "Mar  8 06:41:47 host x",
    "day first": "25/12/2021 10:00:00 x",
    "a date alone": "2022-03-08: x",
    "a time alone": "06:41:47 x",
    "a longer number": "12022-03-08T06:41:47Z x",
    "an impossible hour": "2022-03-08T26:41:47Z x",
}

#: text behind a stamp -> level
LEVELS = {
    "ERROR x": "ERROR",
    "[8] ERROR x": "ERROR",
    "no ERROR here": "ERROR",
    "[error]: x": "ERROR",
    "Error: x": "ERROR",
    "error x": "ERROR",
    "CRITICAL x": "ERROR",
    "a|warn|x": "WARNING",
    "(info) x": "INFO",
    '"level":"debug"': "DEBUG",
    "Verbose x": "DEBUG",
    "there was no error here": "",
    "0 errors": "",
    "ERRORS x": "",
    "terror": "",
    "x" * 30 + " ERROR": "",
}


@pytest.mark.parametrize(("line", "time", "level", "message"), HEADS.values(), ids=HEADS)
def test_heads(line, time, level, message):
    (record,) = records(line, "generic")
    assert (record.time, record.level, record.message) == (time, level, message)


@pytest.mark.parametrize("line", CONTINUE.values(), ids=CONTINUE)
def test_lines_that_begin_no_record(line: str):
    assert generic.head(line) is None
    (record,) = records(f"2022-03-08T06:41:47Z x\n{line}", "generic")
    assert record.message == f"x\n{line}".rstrip("\n")


@pytest.mark.parametrize(("text", "level"), LEVELS.items())
def test_levels(text: str, level: str):
    (record,) = records(f"2022-03-08T06:41:47Z {text}", "generic")
    assert record.level == level


@pytest.mark.parametrize(
    ("line", "begins"),
    [
        ("2026-11-23T02:13:01.7712093+00:00: x", True),
        ("[2026-11-23T02:13:01Z] x", True),
        ("    + CategoryInfo : 2026-11-23T02:13:01Z", False),
        ("x 2026-11-23T02:13:01Z", False),
    ],
)
def test_the_iso_form_has_its_stamp_at_the_very_beginning(line: str, begins: bool):
    assert (generic.iso_head(line) is not None) == begins


def test_a_local_stamp_is_placed_by_the_zone():
    (record,) = records("01/12/2021 04:35:45 PM x", "generic", ZoneInfo("Asia/Tokyo"))
    assert (record.time, record.basis, record.sure) == (utc(2021, 1, 12, 7, 35, 45), "zone", "high")
