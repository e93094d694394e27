"""Cases 33, N2 and N7: clocks that are wrong, go back, or repeat an hour."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from tests.read.tail.driver import Tail, assert_same, lines, text

TIMES = {"1970": 0, "yesterday": 1_700_000_000, "2100": 4_102_444_800}


@pytest.mark.parametrize("modified", TIMES.values(), ids=TIMES)
def test_33_a_file_whose_time_was_set(tail: Tail, modified: int):
    """Old or not: what is there and what comes is read, whether its time changes or is the same each time."""
    for number in range(1, 5):
        tail.write("a.log", f"line {number}\n")
        os.utime(tail.file("a.log"), (modified, modified))
        assert tail.look(seconds=1) == [f"line {number}"]
    tail.restart()
    tail.write("a.log", "line 5\n")
    os.utime(tail.file("a.log"), (modified, modified))
    assert tail.look() == ["line 5"]


@pytest.mark.parametrize("modified", TIMES.values(), ids=TIMES)
def test_33_filled_anew_to_the_same_size_and_time(tail: Tail, modified: int):
    tail.write("a.log", text(1, 9, "old"))
    os.utime(tail.file("a.log"), (modified, modified))
    tail.look()
    tail.truncate("a.log")
    tail.write("a.log", text(1, 9, "new"))
    os.utime(tail.file("a.log"), (modified, modified))
    tail.looks(0, 1)
    tail.write("a.log", "new 10\n")
    tail.looks(0, 1)
    assert tail.all_lines == [*lines(1, 9, "old"), *lines(1, 10, "new")]


@pytest.mark.skipif(sys.platform == "win32", reason="links are others on Windows")
def test_33_an_old_link_to_a_new_file(tail: Tail):
    target = tail.folder.parent / "target"
    target.write_text("line 1\n")
    tail.file("a.log").symlink_to(target)
    os.utime(tail.file("a.log"), (0, 0), follow_symlinks=False)
    assert tail.look() == ["line 1"]
    with target.open("a") as stream:
        stream.write("line 2\n")
    assert tail.look() == ["line 2"]


@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted"])
def test_33_rotated_files_whose_times_are_in_the_wrong_order(tail: Tail, restarts: bool):
    names = [f"file {number}, of a service that says much" for number in range(4)]
    tail.write("a.log", names[0] + ", line 1\n")
    tail.look()
    if restarts:
        tail.stop()
    tail.write("a.log", names[0] + ", line 2\n")
    for number in range(1, 4):
        tail.rotate("a.log", keep=9)
        tail.write("a.log", names[number] + "\n")
    for number in range(1, 4):
        os.utime(tail.file(f"a.log.{number}"), (number * 1_000, number * 1_000))
    if restarts:
        tail.start()
    got = tail.looks(0, 10)
    assert got[0] == names[0] + ", line 2"
    assert_same(got[1:], names[1:])


def test_n2_the_hour_that_comes_twice_in_local_time(tail: Tail):
    """Lines that are alike to the last letter are not the same: the log of a Windows service in local time repeats an
    hour in autumn, here over a rotation and a restart, and lacks one in spring."""
    zone = ZoneInfo("Europe/Berlin")
    changes = (datetime(2025, 10, 25, 23, tzinfo=timezone.utc), datetime(2026, 3, 29, 0, tzinfo=timezone.utc))
    for number, begin in enumerate(changes):
        expected = []
        already = len(tail.all_lines)
        for minutes in range(0, 240, 10):
            local = (begin + timedelta(minutes=minutes)).astimezone(zone)
            record = f"[00000006] [{local:%m/%d/%Y %H:%M:%S}.00] [INFO]  heartbeat"
            expected.append(record)
            tail.write("WaAppAgent.log", record + "\r\n")
            tail.look(seconds=600)
            if minutes in (60, 130):
                tail.restart()
            if minutes == 120:
                tail.rename("WaAppAgent.log", f"WaAppAgent.{number:03}.log")
        assert tail.all_lines[already:] == expected


def test_n2_an_hour_of_the_same_lines_as_the_hour_before(tail: Tail):
    """Byte for byte, in a new file: the one before was rotated away."""
    hour = "".join(f"[00000006] [10/26/2025 02:{minute:02}:00.00] [INFO]  heartbeat\r\n" for minute in range(60))
    for number in range(3):
        tail.write("WaAppAgent.log", hour)
        assert tail.look(seconds=3_600) == hour.splitlines()
        tail.rename("WaAppAgent.log", f"WaAppAgent.{number:03}.log")


@pytest.mark.parametrize("step", [-(10**9), -3_600, -1, 3_600, 10**9])
def test_n7_the_clock_is_set_during_boot(tail: Tail, step: int):
    """Times of files jump with it; the tailer's own clock does not, or stands still."""
    now = 1_777_000_000
    for number in range(1, 7):
        now += step if number == 4 else 1
        tail.write("a.log", f"line {number}\n")
        os.utime(tail.file("a.log"), (max(now, 0), max(now, 0)))
        if number == 5:
            tail.rotate("a.log", keep=2)
        tail.look()
    assert tail.all_lines == lines(1, 6)


def test_n7_its_own_clock_begins_anew_with_each_boot(tail: Tail):
    """A state file that was written in the tenth hour is read in the first second."""
    tail.now = 36_000.0
    tail.write("a.log", text(1, 3))
    tail.look()
    tail.stop()
    tail.now = 1.0
    tail.write("a.log", "line 4\nunfinished")
    tail.start()
    assert tail.look() == ["line 4"]
    tail.look(seconds=6)
    assert [piece.chunk.data for piece in tail.tails.partial()] == [b"unfinished"]
