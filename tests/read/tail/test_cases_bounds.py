"""Cases 29, 31 and 32, and lines that live too short: looking in turns, fairness, few open files."""

from __future__ import annotations

import random
import sys
import threading
import time
from pathlib import Path

import pytest

from collector.read.tailing.tail import TailLimits
from tests.read.tail.driver import HOLDS_OPEN, Tail, assert_arrived, assert_same, lines, text, writer

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells what is open")


def held(folder: Path) -> list[str]:
    """Files below the folder that this process has open."""
    found = []
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            target = str(descriptor.readlink())
        except OSError:
            continue
        if target.startswith(str(folder)):
            found.append(target)
    return found


@pytest.mark.parametrize("scan", [True, False], ids=["with a scan", "without"])
def test_29_found_by_looking_alone(tail: Tail, scan: bool):
    """No one says which files changed: `touch(None)`. Whatever the file system tells of times, sizes are enough."""
    tail.write("a.log", "line 1\n")
    tail.write("b.log", "b 1\n")
    assert tail.look() == ["line 1", "b 1"]
    for number in range(2, 6):
        tail.write("a.log", f"line {number}\n")
        tail.write("b.log", f"b {number}\n")
        assert sorted(tail.look(scan=scan, seconds=1)) == [f"b {number}", f"line {number}"]
    tail.truncate("b.log")
    tail.write("b.log", "new\n")
    assert tail.look(scan=scan) == ["new"]


def test_29_only_what_was_named_is_read(tail: Tail):
    for name in ("a.log", "b.log"):
        tail.write(name, text(1, 1, name))
    tail.look()
    for name in ("a.log", "b.log"):
        tail.write(name, text(2, 2, name))
    tail.tails.touch(["b.log", "no such file.log"])
    assert tail.lines(tail.turn()) == ["b.log 2"]
    tail.tails.touch(["a.log"])
    assert tail.lines(tail.turn()) == ["a.log 2"]
    assert tail.turn() == []


def test_29_a_change_that_no_one_told_of_is_found_by_the_next_full_look(tail: Tail):
    """As when the queue of notifications ran over, or was paused."""
    with writer(tail.file("a.log")) as old:
        old.write(b"line 1\n")
        tail.look()
        old.write(b"line 2\n")
        tail.rotate("a.log", keep=3)
        tail.write("a.log", text(1, 9, "second file"))
        tail.rotate("a.log", keep=3)
        tail.write("a.log", text(1, 9, "third file"))
        old.write(b"line 3\n")
    got = tail.looks(0, 1, 10)
    assert got[:2] == ["line 2", "line 3"]
    assert_same(got[2:], [*lines(1, 9, "second file"), *lines(1, 9, "third file")])


@linux
def test_29_a_deleted_file_is_let_go_of_without_further_events(tail: Tail):
    """Else its room on the disk would not come back."""
    for name in ("a.log", "b.log"):
        tail.write(name, text(1, 5))
    tail.look()
    tail.file("a.log").unlink()
    tail.look()
    for _ in range(5):
        tail.look(seconds=30)
    assert not [one for one in held(tail.folder) if "a.log" in one]
    tail.write("b.log", "line 6\n")
    assert tail.look() == ["line 6"]


@linux
def test_29_nothing_is_held_of_files_that_rest(tail: Tail):
    for number in range(30):
        tail.write(f"{number}.log", "line\n")
    tail.look()
    tail.looks(60, 600, 3_600)
    assert held(tail.folder) == []
    tail.write("7.log", "line 2\n")
    assert tail.look() == ["line 2"]


def test_31_a_noisy_file_does_not_starve_the_others(tail: Tail):
    most = 65_536
    tail.write("a noisy one.log", text(1, 200_000))
    for number in range(5):
        tail.write(f"quiet {number}.log", text(1, 2, f"quiet {number}"))
    tail.tails.see(tail.sources())
    tail.tails.touch(None)
    first = tail.turn(most=most)
    assert {piece.source.path for piece in first} == {
        "a noisy one.log",
        *(f"quiet {number}.log" for number in range(5)),
    }
    noisy = [piece for piece in first if piece.source.path == "a noisy one.log"]
    assert 0 < sum(piece.end - piece.offset for piece in noisy) <= most
    assert tail.tails.is_behind
    tail.write("quiet 3.log", "quiet 3 3\n")
    tail.tails.touch(["quiet 3.log"])
    assert "quiet 3 3" in tail.lines(tail.turn(most=most))
    tail.look()
    assert [line for line in tail.all_lines if line.startswith("line")] == lines(1, 200_000)


def test_31_the_oldest_change_first(tail: Tail):
    names = ["c.log", "a.log", "d.log", "b.log"]
    for name in names:
        tail.write(name, text(1, 1, name))
    tail.look()
    for name in names:
        tail.write(name, text(2, 2, name))
        tail.tails.touch([name])
    tail.tails.touch(["c.log"])  # again: that does not send it to the end
    assert [piece.source.path for piece in tail.turn()] == names


@pytest.mark.parametrize("most_open", [1, 4])
def test_31_many_more_files_than_may_be_open(tmp_path: Path, most_open: int):
    tail = Tail(tmp_path, TailLimits(most_open=most_open))
    names = [f"{number:03}.log" for number in range(80)]
    for turn in range(2):
        for name in names:
            tail.write(name, text(turn * 5 + 1, turn * 5 + 5, name))
        tail.look(most=30)
        if sys.platform.startswith("linux"):
            assert len(held(tail.folder)) <= most_open
    assert len(tail.all_lines) == 80 * 10
    assert sorted(tail.all_lines) == sorted(line for name in names for line in lines(1, 10, name))
    assert len(tail.state) == 80
    tail.close()


def test_31_rotated_while_more_files_are_followed_than_may_be_open(tmp_path: Path):
    tail = Tail(tmp_path, TailLimits(most_open=2))
    names = [f"{number}.log" for number in range(10)]
    for turn in range(4):
        for name in names:
            tail.write(name, text(turn * 2 + 1, turn * 2 + 1, name))
        tail.look()
        for name in names:
            tail.write(name, text(turn * 2 + 2, turn * 2 + 2, name))
            tail.rotate(name, keep=9)
    tail.looks(0, 10)
    for name in names:
        assert_arrived([line for line in tail.all_lines if line.startswith(name)], lines(1, 8, name))
    tail.close()


@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 61, 299, 300, 301, 3_600])
def test_32_written_just_when_the_idle_file_is_closed(tail: Tail, seconds: float):
    """Before, in and after the look that closes it; with other files beside it that keep the tailer busy."""
    tail.write("a.log", "line 1\n")
    tail.write("busy.log", "busy 1\n")
    tail.look()
    tail.write("busy.log", "busy 2\n")
    tail.look(seconds=seconds)
    tail.write("a.log", "line 2\n")
    assert "line 2" in tail.look()
    tail.now += seconds
    tail.write("a.log", "line 3\n")
    assert "line 3" in tail.look()
    tail.truncate("a.log")
    tail.write("a.log", "new 1\n")
    assert "new 1" in tail.look(seconds=seconds)


def test_32_written_by_another_thread_while_it_is_opened_and_closed(tail: Tail):
    tail.saves = False

    def write() -> None:
        for number in range(1, 1_001):
            tail.write("a.log", f"line {number}\n")

    thread = threading.Thread(target=write)
    thread.start()
    end = time.monotonic() + 60
    while thread.is_alive() and time.monotonic() < end:
        tail.look(seconds=400)
    thread.join()
    tail.look()
    assert tail.all_lines == lines(1, 1_000)


@pytest.mark.parametrize("seed", range(20))
def test_02_lines_that_live_shorter_than_the_time_between_two_looks(tail: Tail, seed: int):
    """An oracle says which lines nobody can have: those of a file that was made and deleted between two looks, and on
    Windows also those written to a known file that is deleted before the next. All others come once, none twice."""
    chance = random.Random(seed)
    keep, number = 3, 0
    contents: list[tuple[bool, list[str], list[str]]] = [(False, [], [])]  # newest first: seen, read, unread
    must: list[str] = []
    for _ in range(60):
        action = chance.choice(["write", "write", "rotate", "look", "restart"])
        if action == "write":
            number += 1
            tail.write("a.log", f"line {number}\n")
            contents[0][2].append(f"line {number}")
        elif action == "rotate" and tail.file("a.log").exists():
            tail.rotate("a.log", keep=keep)
            contents.insert(0, (False, [], []))
            if len(contents) > keep + 1:
                seen, _, unread = contents.pop()
                must += unread if seen and HOLDS_OPEN else []
        elif action in ("look", "restart"):
            if action == "restart":
                tail.look()
                tail.restart()
            tail.look()
            for _, read, unread in contents:
                must += unread
                read += unread
                unread.clear()
            contents = [(bool(read) or tail.file("a.log").exists(), read, unread) for _, read, unread in contents]
    tail.looks(0, 10, 100)
    must += [line for _, _, unread in contents for line in unread]
    got = tail.all_lines
    assert len(set(got)) == len(got)
    assert sorted(got) == sorted(must)
