"""Cases 29, 31 and 32 with what wakes the tailer in earnest: the system's notifications, and looking in turns."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.watch.waking import Waker
from tests.read.tail.driver import Tail, lines, text

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="how Windows tells is watchdog's own business")
_LONGEST = 30.0


@pytest.fixture(params=[False, True], ids=["notified", "in turns"])
def waker(request: pytest.FixtureRequest, tail: Tail) -> Iterator[Waker]:
    made = Waker(poll=request.param, poll_seconds=0.05)
    made.follow({tail.folder: True})
    yield made
    made.close()


class Loop:
    """Reads what it is told of, and nothing else: only names that are told, and a scan where something came or went."""

    def __init__(self, tail: Tail, waker: Waker) -> None:
        self.tail = tail
        self.waker = waker
        tail.saves = False
        tail.tails.see(tail.sources())

    def turn(self) -> None:
        changes = self.waker.wait(0.2)
        if changes.came or changes.folders or changes.files is None:
            self.tail.tails.see(self.tail.sources())
            self.waker.follow({self.tail.folder: True})
        folder = self.tail.folder
        names = None if changes.files is None else [Path(one).relative_to(folder).as_posix() for one in changes.files]
        self.tail.tails.touch(names)
        self.tail.turn()
        while self.tail.tails.is_behind:
            self.tail.turn()

    def until(self, wanted: Callable[[], bool]) -> None:
        end = time.monotonic() + _LONGEST
        while not wanted() and time.monotonic() < end:
            self.turn()
        assert wanted(), f"not in {_LONGEST:.0f} s"


def test_29_each_line_is_found_by_what_is_told(tail: Tail, waker: Waker):
    tail.write("a.log", "line 1\n")
    loop = Loop(tail, waker)
    loop.until(lambda: tail.all_lines == lines(1, 1))
    for number in range(2, 7):
        tail.write("a.log", f"line {number}\n")
        loop.until(lambda: tail.all_lines == lines(1, number))  # noqa: B023
        if number == 3:
            tail.rotate("a.log", keep=2)
    assert tail.state["a.log"].offset == 21


def test_29_a_pause_of_the_waker_loses_nothing(tail: Tail, waker: Waker):
    """Nobody listens for a while, meanwhile files come, grow, are rotated and go."""
    loop = Loop(tail, waker)
    tail.write("a.log", text(1, 5))
    loop.until(lambda: len(tail.all_lines) == 5)
    tail.write("a.log", text(6, 7))
    tail.rotate("a.log", keep=3)
    tail.write("a.log", text(8, 9))
    tail.write("new/b.log", "line 10\n")
    loop.until(lambda: len(tail.all_lines) == 10)
    assert sorted(tail.all_lines) == sorted(lines(1, 10))


def test_31_quiet_files_beside_one_that_is_written_without_a_pause(tail: Tail, waker: Waker):
    stop = threading.Event()

    def flood() -> None:
        with tail.file("noisy.log").open("ab", buffering=0) as stream:
            while not stop.is_set():
                stream.write(b"noise\n" * 200)
                time.sleep(0.0005)

    loop = Loop(tail, waker)
    thread = threading.Thread(target=flood)
    thread.start()
    try:
        quiet = 0
        for number in range(1, 6):
            tail.write("quiet.log", f"quiet {number}\n")
            end = time.monotonic() + _LONGEST
            while quiet < number and time.monotonic() < end:
                loop.turn()
                quiet += sum(piece.source.path == "quiet.log" for piece in tail.pieces)
                tail.pieces.clear()
            assert quiet == number
    finally:
        stop.set()
        thread.join()


def test_32_a_line_after_a_long_rest(tail: Tail, waker: Waker):
    """The file is closed by then; its next line is told and read, just when it is closed, too."""
    loop = Loop(tail, waker)
    expected: list[str] = []
    for number in range(1, 8):
        tail.write("a.log", f"line {number}\n")
        expected.append(f"line {number}")
        loop.until(lambda: tail.all_lines == expected)
        tail.now += 3_600
        if number % 2:
            loop.turn()
