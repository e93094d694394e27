"""Cases 21-23, N3, N8 and N9: lines, however they come."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.read.tail.driver import Tail, lines, text, writer

WRITTEN = {
    "plain": ("one\ntwo\n", ["one", "two"]),
    "no end at the last": ("one\ntwo", ["one"]),
    "only blank ones": ("\n\n\n", ["", "", ""]),
    "blank ones first": ("\n\none\n", ["", "", "one"]),
    "blank ones between": ("one\n\n\ntwo\n", ["one", "", "", "two"]),
    "of Windows": ("one\r\n\r\n\r\ntwo\r\n", ["one", "", "", "two"]),
    "of Windows, only blank ones": ("\r\n\r\n", ["", ""]),
    "mixed": ("one\r\ntwo\nthree\r\n", ["one", "two", "three"]),
    "a progress meter": ("0 %\r50 %\r100 %\ndone\n", ["0 %\r50 %\r100 %", "done"]),
    "only blanks": ("  \n\t\n", ["  ", "\t"]),
    "characters of several bytes": ("größer\n日本語\n🙂🙂\n", ["größer", "日本語", "🙂🙂"]),
    "separators that end no line": ("a\u2028b\x0bc\x0cd\x85e\n", ["a\u2028b\x0bc\x0cd\x85e"]),
}


@pytest.mark.parametrize(("content", "expected"), WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("step", [1, 2, 3, 1_000])
def test_21_a_line_split_over_several_writes(tail: Tail, content: str, expected: list[str], step: int):
    data = content.encode()
    for begin in range(0, len(data), step):
        tail.write("a.log", data[begin : begin + step])
        tail.look()
    assert tail.lines(tail.pieces) == expected
    tail.restart()
    assert tail.look() == []


@pytest.mark.parametrize(("content", "expected"), WRITTEN.values(), ids=WRITTEN)
@pytest.mark.parametrize("most", [1, 2, 3, 7])
def test_21_read_by_a_few_bytes(tail: Tail, content: str, expected: list[str], most: int):
    """However little a turn may read, it gets on, and never gives half a line."""
    tail.write("a.log", content)
    assert tail.look(most=most) == expected


def test_21_the_last_line_without_an_end_comes_when_the_file_is_over(tail: Tail):
    tail.write("a.log", "one\ntwo")
    assert tail.looks(0, 1, 100) == ["one"]
    tail.rotate("a.log", keep=1)
    assert tail.looks(0, 1, 10, 100) == ["two"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("most", range(1, 12))
def test_22_a_line_end_of_four_bytes_across_the_edge_of_what_is_read(tail: Tail, encoding: str, most: int):
    expected = ["first line", "", "x", "größer \u0a0d\u0d0a\u0d00\u000b", "last"]
    tail.write("a.log", "".join(f"{line}\r\n" for line in ["\ufefffirst line", *expected[1:]]).encode(encoding))
    assert tail.look(most=most) == expected


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("step", [1, 2, 3, 5])
def test_22_a_line_end_of_four_bytes_across_two_writes(tail: Tail, encoding: str, step: int):
    """With a restart between any two."""
    expected = ["first line", "", "x", "größer \u0a0d\u0d0a\u0d00\u000b", "last"]
    tail.write("a.log", "\ufefffirst line\r\n".encode(encoding))
    got = tail.look()
    data = "".join(f"{line}\r\n" for line in expected[1:]).encode(encoding)
    for begin in range(0, len(data), step):
        tail.write("a.log", data[begin : begin + step])
        got += tail.look()
        tail.restart()
    assert got == expected


@pytest.mark.parametrize("length", [4_095, 4_096, 4_097, 65_535, 65_536, 65_537, 131_072, 400_000, 2_000_000])
@pytest.mark.parametrize("most", [4_096, 1 << 20])
def test_23_a_long_line_and_its_neighbours(tail: Tail, length: int, most: int):
    """A line of up to 65,536 characters comes whole; of a longer one its beginning, once; the next lines come."""
    tail.write("a.log", "before\n" + "x" * length + "\nafter\n")
    got = tail.look(most=most)
    assert (got[0], got[-1], len(got)) == ("before", "after", 3)
    assert got[1] == "x" * len(got[1])
    assert len(got[1]) == length or 65_536 <= len(got[1]) < length
    assert tail.state["a.log"].offset == len("before\n") + length + len("\nafter\n")
    tail.restart()
    tail.write("a.log", "last\n")
    assert tail.look() == ["last"]


@pytest.mark.parametrize("character", ["ü", "語", "🙂"])
@pytest.mark.parametrize("shift", range(4))
def test_23_a_long_line_is_not_cut_inside_a_character(tail: Tail, character: str, shift: int):
    tail.write("a.log", "before\n" + "x" * shift + character * 600_000 + "\nafter\n")
    got = tail.look(most=65_536)
    assert (got[0], got[-1], len(got)) == ("before", "after", 3)
    assert got[1] == "x" * shift + character * (len(got[1]) - shift)
    assert len(got[1]) >= 65_536


@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted"])
def test_23_a_long_line_that_comes_bit_by_bit(tail: Tail, restarts: bool):
    """Its end may come much later; what is dropped of it never looks like a line of its own."""
    tail.write("a.log", "before\n")
    got = tail.look()
    for _ in range(20):
        tail.write("a.log", "x" * 50_000)
        got += tail.look(seconds=1)
        if restarts:
            tail.restart()
    tail.write("a.log", "y\nafter\n")
    got += tail.look()
    assert (got[0], got[-1]) == ("before", "after")
    assert len(got) == 3
    assert set(got[1]) == {"x"}
    assert len(got[1]) >= 65_536


@pytest.mark.parametrize("nuls", [1, 3, 500, 5_000, 300_000])
def test_n3_a_log_padded_with_nuls_by_a_power_cut(tail: Tail, nuls: int):
    """The size was on the disk, the bytes were not. A writer goes on behind the padding; a few stray NULs are none."""
    tail.write("a.log", text(1, 50))
    assert tail.look() == lines(1, 50)
    tail.crash()
    tail.write("a.log", b"\0" * nuls)
    tail.start()
    assert tail.look() == []
    tail.write("a.log", text(51, 53))
    assert tail.look() == lines(51, 53)
    assert b"\0" not in b"".join(piece.chunk.data for piece in tail.pieces)


def test_n3_padded_amid_a_line(tail: Tail):
    tail.write("a.log", text(1, 50) + "cut o")
    tail.look()
    tail.crash()
    tail.write("a.log", b"\0" * 5_000)
    tail.start()
    tail.look()
    tail.write("a.log", text(51, 53))
    assert tail.looks(0, 10) == ["cut o", *lines(51, 53)]


def test_n3_padded_in_utf_16(tail: Tail):
    tail.write("a.log", ("\ufeff" + text(1, 50)).encode("utf-16-le"))
    assert tail.look() == lines(1, 50)
    tail.crash()
    tail.write("a.log", b"\0" * 4_096)
    tail.start()
    tail.look()
    tail.write("a.log", text(51, 53).encode("utf-16-le"))
    assert tail.looks(0, 10) == lines(51, 53)


def test_n3_the_last_bytes_that_were_read_are_nuls_after_a_power_cut(tail: Tail):
    """What was read was never on the disk. The file counts as another then, from its beginning: nothing is missing of
    what is there."""
    tail.write("a.log", text(1, 50))
    tail.look()
    tail.crash()
    tail.truncate("a.log", 300)
    tail.write("a.log", b"\0" * 91)
    tail.write("a.log", text(51, 53))
    tail.start()
    assert tail.looks(0, 10) == [*text(1, 50)[:300].splitlines(), *lines(51, 53)]


def test_n8_stamps_out_of_order(tail: Tail):
    """The order is that of the file; no line is held back or left out for its stamp."""
    seconds = [10, 12, 11, 9, 30, 5, 5, 31, 0, 59, 58]
    for second in seconds:
        tail.write("a.log", f"2026-05-04T03:12:{second:02}.000000Z INFO ExtHandler record\n")
        tail.look()
    assert [line[17:19] for line in tail.all_lines] == [f"{second:02}" for second in seconds]


WRITER = """
import os, sys
descriptor = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
for number in range(1, 1_501):
    os.write(descriptor, f"{sys.argv[2]} {number}\\n".encode())
"""


def test_n9_two_processes_write_to_one_log(tail: Tail):
    tail.write("a.log", "")
    tail.saves = False
    command = [sys.executable, "-c", WRITER, str(tail.file("a.log"))]
    writers = [subprocess.Popen([*command, name]) for name in ("first", "second")]
    end = time.monotonic() + 60
    while any(one.poll() is None for one in writers) and time.monotonic() < end:
        tail.look()
    assert [one.wait(60) for one in writers] == [0, 0]
    tail.look()
    for name in ("first", "second"):
        assert [line for line in tail.all_lines if line.startswith(name)] == lines(1, 1_500, name)


def test_n9_the_halves_of_their_lines_between_each_other(tail: Tail):
    """That is then what stands in the file: it is given byte by byte as it is."""
    with writer(tail.file("a.log")) as first, writer(tail.file("a.log")) as second:
        first.write(b"first: be")
        tail.look()
        second.write(b"second: whole\n")
        tail.look()
        first.write(b"gun\n")
        tail.look()
    assert tail.all_lines == ["first: besecond: whole", "gun"]


def test_n9_one_of_them_keeps_its_own_place(tail: Tail):
    """It writes over what the other has appended: the file is another then, and comes from its beginning."""
    with writer(tail.file("a.log"), append=False) as stale, writer(tail.file("a.log")) as other:
        stale.write(b"stale 1\n")
        other.write(b"other 1\nother 2\n")
        assert tail.look() == ["stale 1", "other 1", "other 2"]
        stale.write(b"stale 2\n")  # over "other 1"
        other.write(b"other 3\n")
        assert tail.looks(0, 10) == ["stale 1", "stale 2", "other 2", "other 3"]
