"""Cases 10, 12-16 and the property of growth: which file is which."""

from __future__ import annotations

import gzip
import random

import pytest

from tests.read.tail.driver import HOLDS_OPEN, Tail, assert_same, lines, text

#: Bytes of a beginning that a fingerprint covers at most, and of the seam before the place that was reached.
PREFIX, SEAM = 1_024, 256
SIZES = sorted({edge + more for edge in (SEAM, PREFIX, PREFIX + SEAM) for more in (-2, -1, 0, 1, 2)})


def of_size(size: int) -> str:
    """Lines of so many bytes in all."""
    return (text(1, size // 7 + 1)[: size - 1] + "\n") if size else ""


@pytest.mark.parametrize("is_open", [True, False], ids=["running", "restarted"])
@pytest.mark.parametrize("times", [1, 5])
def test_10_replaced_by_a_file_with_the_same_and_more(tail: Tail, is_open: bool, times: int):
    """As an editor, or a program that writes its log anew each time, does it."""
    content = text(1, 50)
    tail.write("a.log", content)
    assert tail.look() == lines(1, 50)
    for time in range(times):
        if not is_open:
            tail.restart()
        more = text(1, 3, f"more {time}")
        content += more
        tail.replace("a.log", content)
        assert tail.looks(0, 10) == more.splitlines()
    assert len({piece.stream for piece in tail.pieces}) == 1


def test_10_replaced_with_more_before_all_was_read(tail: Tail):
    tail.write("a.log", text(1, 50))
    tail.look()
    tail.write("a.log", text(51, 55))
    tail.replace("a.log", text(1, 60))
    assert tail.looks(0, 10, 100) == lines(51, 60)


@pytest.mark.parametrize("new", [text(1, 3, "new"), text(1, 400, "new"), "line 1\n" + text(1, 400, "new")], ids=len)
def test_10_replaced_by_other_content(tail: Tail, new: str):
    """What of the old file was not read yet still comes, before the new; Windows has lost it."""
    tail.write("a.log", text(1, 50))
    tail.look()
    tail.write("a.log", text(51, 55))
    tail.replace("a.log", new)
    assert tail.looks(0, 10, 100) == [*(lines(51, 55) if HOLDS_OPEN else []), *new.splitlines()]


@pytest.mark.parametrize("size", [10, 300, 5_000])
def test_12_the_number_of_a_deleted_file_is_used_again(tail: Tail, size: int):
    """The same file on the disk, other content, another name: what stood in the state of its number counts no more."""
    tail.write("a.log", of_size(size))
    tail.look()
    stream = tail.state["a.log"].stream
    tail.stop()
    tail.truncate("a.log")
    tail.write("a.log", text(1, 1_000, "other"))
    tail.rename("a.log", "other.log")
    tail.start()
    assert tail.looks(0, 10) == lines(1, 1_000, "other")
    assert tail.state["other.log"].stream != stream
    tail.looks(100, 1_000)
    assert list(tail.state) == ["other.log"]


def test_12_the_number_is_used_again_by_the_disk_itself(tail: Tail):
    tail.write("a.log", text(1, 20))
    tail.look()
    tail.stop()
    number = tail.file("a.log").stat().st_ino
    tail.file("a.log").unlink()
    for attempt in range(200):
        name = f"{attempt}.log"
        tail.write(name, text(1, 30, "other"))
        if tail.file(name).stat().st_ino == number:
            break
        tail.rename(name, f"{name}.tmp")
    else:
        pytest.skip("this file system does not use numbers again at once")
    tail.start()
    assert tail.looks(0, 10, 1_000) == lines(1, 30, "other")
    assert list(tail.state) == [name]


@pytest.mark.parametrize("often", [1, 2, 5])
@pytest.mark.parametrize("kind", ["short", "long", "alike"])
def test_12_the_newest_file_gets_the_number_of_the_oldest(tail: Tail, kind: str, often: int):
    """The oldest of five files is deleted, the newest made at once: on ext4 it is the same number each time. `often`:
    lines between two looks; the files that came and went meanwhile are not more than are kept."""
    header = {"short": "", "long": text(1, 300, "header"), "alike": "started\n"}[kind]
    for number in range(1, 41):
        if number % 2 == 0:
            tail.rotate("a.log", keep=5)
            tail.write("a.log", header)
        tail.write("a.log", f"line {number}\n")
        if number % often == 0:
            tail.looks(0, 1, 6)  # what may be a copy waits for a moment
    tail.looks(0, 10, 100)
    got = tail.all_lines
    assert_same([line for line in got if line.startswith("line")], lines(1, 40))
    assert len(got) == 40 + 20 * header.count("\n")
    assert len(tail.state) == 6


def test_12_what_is_gone_for_long_is_forgotten(tail: Tail):
    for number in range(20):
        tail.write(f"{number}.log", text(1, 3, str(number)))
    tail.look()
    for number in range(19):
        tail.file(f"{number}.log").unlink()
    tail.looks(1, 100, 100_000)
    tail.restart()
    tail.look()
    assert list(tail.state) == ["19.log"]
    assert len(tail.checkpoint.read_bytes()) < 2_000


@pytest.mark.parametrize("restarts", [True, False], ids=["restarted", "running"])
def test_13_from_nothing_to_more_than_a_fingerprint_by_a_few_bytes(tail: Tail, restarts: bool):
    """Too small to be known by its content at first. It is one stream all the time, and has one entry."""
    content = text(1, 250)
    tail.write("a.log", "")
    tail.look()
    at, chance = 0, random.Random(1)
    while at < len(content):
        step = chance.choice([1, 1, 2, 3, 5, 40])
        tail.write("a.log", content[at : at + step])
        at += step
        if restarts:
            tail.restart()
        tail.look()
        assert len(tail.state) == 1
    assert tail.lines(tail.pieces) == lines(1, 250)
    assert len({piece.stream for piece in tail.pieces}) == 1


@pytest.mark.parametrize("size", [0, 1, 2, *SIZES])
def test_13_any_earlier_length_is_the_same_file(tail: Tail, size: int):
    """Whatever its length was when the state was saved: the grown file goes on there, and a file of which nothing was
    seen is like no other."""
    content = text(1, 400)
    tail.write("a.log", content[:size])
    tail.write("empty.log", "")
    tail.look()
    tail.restart()
    tail.write("a.log", content[size:])
    tail.write("empty.log", text(1, 3, "was empty"))
    tail.looks(0, 10)
    assert sorted(tail.lines(tail.pieces)) == sorted([*lines(1, 400), *lines(1, 3, "was empty")])
    assert len({piece.stream for piece in tail.pieces}) == 2


@pytest.mark.parametrize("content", ["", "line 1\n", text(1, 500)], ids=len)
def test_14_two_files_with_equal_content(tail: Tail, content: str):
    tail.write("a.log", content)
    tail.write("b.log", content)
    assert tail.look() == content.splitlines() * 2
    tail.write("b.log", "b goes on\n")
    assert tail.look() == ["b goes on"]
    tail.restart()
    tail.write("a.log", "a goes on\n")
    assert tail.look() == ["a goes on"]
    assert len(tail.state) == 2


@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted"])
@pytest.mark.parametrize("content", ["line 1\n", text(1, 500)], ids=len)
def test_14_the_next_file_of_a_log_begins_with_the_same(tail: Tail, content: str, restarts: bool):
    """Such as a service that says the same whenever it starts. The file before it still lies there."""
    for number in range(4):
        tail.write("a.log", content)
        if restarts:
            tail.restart()
        assert tail.look(seconds=10) == content.splitlines()
        if restarts:
            tail.stop()
        tail.rotate("a.log", keep=9)
        if restarts:
            tail.start()
        assert len(tail.state) <= number + 2


@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted"])
@pytest.mark.parametrize("count", [1, 1_000])
def test_14_packed_after_its_rotation(tail: Tail, count: int, restarts: bool):
    """For a moment both forms lie there."""
    tail.write("a.log", text(1, count))
    tail.look()
    tail.rotate("a.log", keep=3)
    tail.write("a.log", "new 1\n")
    assert tail.look() == ["new 1"]
    if restarts:
        tail.stop()
    tail.write("a.log.1.gz", gzip.compress(tail.file("a.log.1").read_bytes()))
    if restarts:
        tail.start()
    assert tail.look(seconds=1) == []
    tail.file("a.log.1").unlink()
    assert tail.looks(1, 10, 100) == []
    tail.rename("a.log.1.gz", "a.log.2.gz")
    assert tail.looks(1, 10, 100) == []
    tail.restart()
    assert tail.looks(1, 10, 100) == []


def test_14_rotated_and_packed_before_the_rest_was_read(tail: Tail):
    tail.write("a.log", text(1, 300))
    tail.look()
    tail.stop()
    tail.write("a.log", text(301, 310))
    tail.write("a.log.1.gz", gzip.compress(tail.file("a.log").read_bytes()))
    tail.file("a.log").unlink()
    tail.write("a.log", "new 1\n")
    tail.start()
    assert_same(tail.looks(0, 10, 100), [*lines(301, 310), "new 1"])


def test_14_a_packed_file_and_its_plain_form_seen_first_together(tail: Tail):
    tail.write("a.log.1", text(1, 300))
    tail.write("a.log.1.gz", gzip.compress(tail.file("a.log.1").read_bytes()))
    assert tail.looks(0, 10, 100) == lines(1, 300)


HEADER = text(1, 300, "this is the header of every file")


@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted"])
def test_15_files_that_share_a_header_longer_than_a_fingerprint(tail: Tail, restarts: bool):
    names = ["a.log", "b.log", "sub/a.log"]
    for name in names:
        tail.write(name, HEADER)
    assert tail.look() == HEADER.splitlines() * 3
    for turn in range(3):
        for name in names:
            tail.write(name, f"{name} {turn}\n")
        if restarts:
            tail.restart()
        assert tail.look() == [f"{name} {turn}" for name in names]


def test_15_every_rotated_file_begins_with_the_header(tail: Tail):
    for number in range(5):
        tail.write("a.log", HEADER + f"file {number}, line 1\n")
        assert tail.look() == [*HEADER.splitlines(), f"file {number}, line 1"]
        tail.write("a.log", f"file {number}, line 2\n")
        tail.rotate("a.log", keep=9)
        tail.write("a.log", HEADER)
        assert tail.look() == [f"file {number}, line 2", *HEADER.splitlines()]
        tail.rotate("a.log", keep=9)


@pytest.mark.parametrize("size", SIZES)
def test_16_one_byte_differs_at_the_edge_of_what_is_compared(tail: Tail, size: int):
    """A new file in its place that differs only in the last byte that was read, and goes on."""
    content = of_size(size)
    assert len(content) == size
    tail.write("a.log", content)
    assert tail.look() == content.splitlines()
    other = content[:-2] + "#\n" + text(1, 5, "more")
    tail.replace("a.log", other)
    assert tail.looks(0, 10) == other.splitlines()


@pytest.mark.parametrize("size", SIZES)
def test_16_cut_and_filled_with_one_byte_that_differs(tail: Tail, size: int):
    content = of_size(size)
    tail.write("a.log", content)
    tail.look()
    tail.truncate("a.log")
    other = content[:-2] + "#\n" + text(1, 5, "more")
    tail.write("a.log", other)
    tail.restart()
    assert tail.looks(0, 10) == other.splitlines()


@pytest.mark.parametrize("length", [PREFIX - 1, PREFIX, PREFIX + 1, 5 * PREFIX])
def test_16_a_first_line_about_as_long_as_a_fingerprint(tail: Tail, length: int):
    first = "x" * (length - 1)
    for name in ("a.log", "b.log"):
        tail.write(name, first + "\n")
    assert tail.look() == [first, first]
    tail.restart()
    tail.write("b.log", "b\n")
    tail.write("a.log", "a\n")
    assert sorted(tail.look()) == ["a", "b"]
