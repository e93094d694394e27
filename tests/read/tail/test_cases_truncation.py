"""Cases 4-7, 30 and 34: files that are cut to nothing while they go on.

What can't be had: bytes that were written and cut off between two looks without a copy of them; and where a file is
filled anew with the very bytes that were read already, no one can tell.
"""

from __future__ import annotations

import gzip
from itertools import chain

import pytest

from tests.read.tail.driver import Tail, assert_arrived, assert_same, lines, text, writer

GIB = 1 << 30


@pytest.mark.parametrize("unread", [0, 2])
def test_04_copied_and_cut_under_a_writer_that_keeps_its_place(tail: Tail, unread: int):
    """The cut file then begins with a hole, which reads as NULs."""
    with writer(tail.file("a.log"), append=False) as stale:
        stale.write(text(1, 8).encode())
        assert tail.look() == lines(1, 8)
        stale.write(text(9, 8 + unread).encode())
        tail.copytruncate("a.log", "a.log.1")
        stale.write(b"after the cut\n")
        assert tail.file("a.log").read_bytes().startswith(b"\0\0\0\0")
        assert_same(tail.looks(0, 1), [*lines(9, 8 + unread), "after the cut"])
        stale.write(b"last\n")
        assert tail.look() == ["last"]
    tail.restart()
    assert tail.looks(0, 10, 100) == []
    assert not any(b"\0" in piece.chunk.data for piece in tail.pieces)


def test_04_what_is_written_between_the_copy_and_the_cut_is_in_neither(tail: Tail):
    with writer(tail.file("a.log")) as stream:
        stream.write(text(1, 8).encode())
        tail.look()
        stream.write(b"line 9\n")
        tail.copytruncate("a.log", "a.log.1", between=lambda: stream.write(b"in neither\n"))
        stream.write(b"line 10\n")
        assert_arrived(sorted(tail.looks(0, 10, 100)), ["line 10", "line 9"], may=["in neither"])


def test_04_a_hole_of_many_megabytes(tail: Tail):
    with writer(tail.file("a.log"), append=False) as stale:
        stale.write(b"line 1\n")
        stale.seek(40 << 20)
        stale.write(b"\nline 2\n")
        tail.truncate("a.log")
        stale.write(b"line 3\n")
        assert tail.look() == ["line 3"]


def test_04_seen_after_the_copy_and_before_the_cut(tail: Tail):
    tail.write("a.log", text(1, 200))
    assert tail.look() == lines(1, 200)
    tail.write("a.log", "line 201\n")
    tail.copytruncate("a.log", "a.log.1", between=lambda: tail.look())
    tail.write("a.log", "line 202\n")
    tail.looks(0, 10, 100)
    assert tail.all_lines == lines(1, 202)


def test_04_a_copy_that_is_still_being_written_when_it_is_seen(tail: Tail):
    tail.write("a.log", text(1, 300))
    tail.look()
    tail.write("a.log", text(301, 400))
    whole = tail.file("a.log").read_bytes()
    tail.write("a.log.1", whole[:1_500])
    assert tail.look() == lines(301, 400)
    tail.write("a.log.1", whole[1_500:])
    tail.truncate("a.log")
    tail.write("a.log", "new\n")
    assert tail.looks(0, 10, 100) == ["new"]


def test_04_copied_and_cut_again_and_again(tail: Tail):
    """Between two looks twice, too: the first copy has then a higher number than when the file was last seen."""
    expected = []
    for number in range(1, 30):
        tail.write("a.log", text(number * 10, number * 10 + 9))
        expected += lines(number * 10, number * 10 + 9)
        if number % 3:
            tail.look()
            tail.write("a.log", f"unread {number}\n")
            expected.append(f"unread {number}")
        for older in range(8, 0, -1):
            if tail.file(f"a.log.{older}").exists():
                tail.rename(f"a.log.{older}", f"a.log.{older + 1}")
        tail.copytruncate("a.log", "a.log.1")
    tail.looks(0, 10, 100)
    assert_same(tail.all_lines, expected)


@pytest.mark.parametrize("packed", [False, True], ids=["plain copy", "gzip copy"])
@pytest.mark.parametrize("unread", [0, 3])
def test_05_copied_and_cut_while_down(tail: Tail, unread: int, packed: bool):
    tail.write("a.log", text(1, 50))
    tail.look()
    tail.stop()
    tail.write("a.log", text(51, 50 + unread))
    tail.copytruncate("a.log", "a.log.1")
    if packed:
        tail.write("a.log.1.gz", gzip.compress(tail.file("a.log.1").read_bytes()))
        tail.file("a.log.1").unlink()
    tail.write("a.log", "new 1\n")
    tail.start()
    assert_same(tail.looks(0, 10, 100), [*lines(51, 50 + unread), "new 1"])


def test_05_cut_while_down_without_a_copy(tail: Tail):
    """What was written while it was down and cut off before it came back is nowhere."""
    tail.write("a.log", text(1, 50))
    tail.look()
    tail.stop()
    tail.write("a.log", "cut off\n")
    tail.truncate("a.log")
    tail.write("a.log", "new 1\n")
    tail.start()
    assert tail.looks(0, 10, 100) == ["new 1"]


NEW = {
    "other lines": "".join(f"other {number}\n" for number in range(100)),
    "the same first line": "line 1\n" + "".join(f"other {number}\n" for number in range(100)),
    "the same first half": text(1, 25) + "".join(f"other {number}\n" for number in range(100)),
    "one byte is another": text(1, 49) + "line 5O\n" + text(51, 80),
    "of the same length": "".join(f"LINE {number}\n" for number in range(1, 51)),
}


@pytest.mark.parametrize("new", NEW.values(), ids=NEW)
@pytest.mark.parametrize("state", ["running", "restarted", "closed"])
def test_06_cut_and_filled_beyond_the_old_place(tail: Tail, new: str, state: str):
    tail.write("a.log", text(1, 50))
    tail.look()
    if state == "closed":
        tail.looks(1_000, 1_000)
    tail.truncate("a.log")
    tail.write("a.log", new)
    if state == "restarted":
        tail.restart()
    assert tail.looks(0, 10, 100) == new.splitlines()


def test_06_filled_with_the_very_bytes_that_were_read(tail: Tail):
    """Nobody can tell this from a file that only grew: the 50 lines that are the same count as read, no more."""
    tail.write("a.log", text(1, 50))
    tail.look()
    tail.truncate("a.log")
    tail.write("a.log", text(1, 60))
    assert tail.looks(0, 10, 100) == lines(51, 60)


def test_06_again_and_again_with_a_long_common_beginning(tail: Tail):
    header = text(1, 500, "header")  # longer than a fingerprint
    expected = []
    for round_ in range(1, 12):
        tail.truncate("a.log") if round_ > 1 else None
        new = header + text(1, 10 * round_, f"round {round_}")
        tail.write("a.log", new)
        assert tail.look() == new.splitlines()
        expected += new.splitlines()
    assert tail.all_lines == expected


@pytest.mark.parametrize("is_open", [True, False], ids=["open", "closed"])
@pytest.mark.parametrize("size", [0, 7, 70])
def test_07_cut_to_nothing_or_to_a_part(tail: Tail, is_open: bool, size: int):
    """Cut to a part, the file begins with bytes that were read: they do not come again, but for the line that is gone on
    with where it was cut."""
    tail.write("a.log", text(1, 50))
    tail.look()
    if not is_open:
        tail.looks(1_000, 1_000)
    tail.truncate("a.log", size)
    tail.look()
    tail.write("a.log", "new 1\n")
    expected = (text(1, 50)[:size] + "new 1\n").splitlines()
    assert tail.looks(0, 10) == expected[-1:]
    assert tail.state["a.log"].stream != tail.pieces[0].stream


def test_07_the_new_place_can_be_seen(tail: Tail):
    tail.write("a.log", text(1, 50))
    tail.look()
    before = tail.state["a.log"]
    assert (before.offset, before.size, before.acknowledged) == (391, 391, 391)
    tail.truncate("a.log")
    tail.look()
    tail.write("a.log", "new 1\n")
    tail.look()
    after = tail.state["a.log"]
    assert (after.offset, after.size, after.acknowledged) == (6, 6, 6)
    assert after.stream != before.stream
    tail.restart()
    tail.look()
    assert tail.state["a.log"].offset == 6


@pytest.mark.parametrize("edge", [2 * GIB, 4 * GIB], ids=["2 GiB", "4 GiB"])
def test_30_beyond_2_gib(tail: Tail, edge: int):
    """Its beginning is a hole, so that it takes no room; it counts as read at the first start."""
    tail.write("a.log", "first\n")
    tail.truncate("a.log", edge - 10)
    tail.tails.see(tail.sources(), from_end=True)
    assert tail.look() == []
    tail.write("a.log", "\nthis line crosses the edge\n")
    assert tail.look()[-1:] == ["this line crosses the edge"]
    assert tail.state["a.log"].offset == edge - 10 + 28
    tail.restart()
    tail.write("a.log", "behind it\n")
    assert tail.look() == ["behind it"]
    tail.truncate("a.log")
    tail.write("a.log", "new\n")
    assert tail.look() == ["new"]


@pytest.mark.parametrize("new", ["", "new 1\n", text(1, 500, "new")], ids=len)
def test_34_cut_while_the_consumer_does_not_take_more(tail: Tail, new: str):
    """Of the old lines those that were not read are nowhere else; none comes twice, and none of the new is missing."""
    tail.write("a.log", text(1, 200))
    tail.write("b.log", text(1, 200, "b"))
    tail.tails.see(tail.sources())
    tail.tails.touch(None)
    turn = tail.tails.read(100)
    tail.take(next(turn))
    tail.truncate("a.log")
    tail.truncate("b.log")
    tail.write("a.log", new)
    for piece in turn:
        tail.take(piece)
    tail.looks(0, 10)
    old = [*lines(1, 200), *lines(1, 200, "b")]
    assert_arrived(tail.all_lines, new.splitlines(), may=old)


def test_34_the_consumer_breaks_off_amid_a_turn(tail: Tail):
    names = [f"{number}.log" for number in range(5)]
    for name in names:
        tail.write(name, text(1, 40, name))
    tail.tails.see(tail.sources())
    tail.tails.touch(None)
    turn = tail.tails.read(100)
    tail.take(next(turn))
    turn.close()  # type: ignore[attr-defined]
    tail.look()
    assert sorted(tail.all_lines) == sorted(chain.from_iterable(lines(1, 40, name) for name in names))
