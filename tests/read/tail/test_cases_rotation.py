"""Cases 1-3, 8, 9, 11 and N1: files that are renamed, moved, deleted and made again."""

from __future__ import annotations

import shutil
import threading
import time
from pathlib import Path

import pytest

from collector.platforms.files import KEEPS_OPEN
from tests.read.tail.driver import HOLDS_OPEN, Tail, assert_arrived, assert_same, lines, text, writer

_LONGEST = 60.0


@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted"])
def test_01_a_writer_keeps_the_old_file_after_its_rotation(tail: Tail, restarts: bool):
    with writer(tail.file("a.log")) as old:
        old.write(b"old 1\n")
        assert tail.look() == ["old 1"]
        tail.rename("a.log", "a.log.1")
        tail.write("a.log", "new 1\n")
        old.write(b"old 2\n")
        if restarts:
            tail.restart()
        assert tail.look() == ["old 2", "new 1"]
        old.write(b"old 3\n")
        tail.write("a.log", "new 2\n")
        assert sorted(tail.look()) == ["new 2", "old 3"]
        assert tail.looks(1, 10, 100) == []
        old.write(b"old 4\n")
        assert tail.look() == ["old 4"]
    old_stream, new_stream = tail.pieces[0].stream, tail.state["a.log"].stream
    assert old_stream != new_stream
    assert tail.state["a.log.1"].stream == old_stream


def test_01_the_source_of_what_comes_late_is_the_rotated_file(tail: Tail):
    with writer(tail.file("a.log")) as old:
        old.write(b"old 1\n")
        tail.look()
        tail.rename("a.log", "a.log.1")
        old.write(b"old 2\n")
        tail.look()
    assert [(piece.source.path, piece.offset) for piece in tail.pieces] == [("a.log", 0), ("a.log.1", 6)]
    assert tail.pieces[0].stream == tail.pieces[1].stream


def numbered(file: int, *numbers: int) -> list[str]:
    """Lines long enough that the files are known apart by their beginning."""
    return [f"file {file}, line {number}, of a service that says much" for number in numbers]


def written(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)


@pytest.mark.parametrize("rotations", [2, 5])
def test_02_several_rotations_between_two_looks(tail: Tail, rotations: int):
    tail.write("a.log", written(numbered(0, 1)))
    assert tail.look() == numbered(0, 1)
    tail.write("a.log", written(numbered(0, 2)))
    for number in range(1, rotations + 1):
        tail.rotate("a.log", keep=10)
        tail.write("a.log", written(numbered(number, 1, 2)))
    expected = [line for number in range(1, rotations + 1) for line in numbered(number, 1, 2)]
    got = tail.looks(0, 1, 10, 100)
    assert got[:1] == numbered(0, 2)
    assert_same(got[1:], expected)
    for number in range(1, rotations + 1):
        assert [line for line in got if line.startswith(f"file {number}")] == numbered(number, 1, 2)


def test_02_rotated_out_of_the_folder_between_two_looks(tail: Tail):
    """Nobody can have what was made and deleted between two looks: here the files 1 and 2. Of the file 0, which was
    known, only Windows lets go."""
    tail.write("a.log", written(numbered(0, 1)))
    tail.look()
    tail.write("a.log", written(numbered(0, 2)))
    for number in range(1, 6):
        tail.rotate("a.log", keep=2)
        tail.write("a.log", written(numbered(number, 1)))
    held = numbered(0, 2) if HOLDS_OPEN else []
    assert_same(tail.looks(0, 1, 10, 100), [*held, *numbered(3, 1), *numbered(4, 1), *numbered(5, 1)])


def test_02_rotated_again_and_again_while_it_is_read(tail: Tail):
    """By another thread and without a pause; no file is deleted, so that nothing may be lost."""
    files, each = 30, 40

    def write() -> None:
        for number in range(files):
            tail.write("a.log", text(number * each + 1, (number + 1) * each))
            if number < files - 1:
                tail.rotate("a.log", keep=files)

    tail.saves = False
    thread = threading.Thread(target=write)
    thread.start()
    got: list[str] = []
    while thread.is_alive():
        got += tail.look(most=100)
    thread.join()
    got += tail.looks(0, 1, 10, 100, 1, 1)
    assert len(set(got)) == len(got)
    assert sorted(got) == sorted(lines(1, files * each))


@pytest.mark.parametrize("restarts", [False, True], ids=["running", "restarted"])
def test_03_an_unfinished_line_comes_before_the_lines_of_the_new_file(tail: Tail, restarts: bool):
    tail.write("a.log", "line 1\nunfinished")
    assert tail.look() == ["line 1"]
    tail.rename("a.log", "a.log.1")
    tail.write("a.log", "new 1\n")
    if restarts:
        tail.restart()
    assert tail.looks(0, 1, 10, 100) == ["unfinished", "new 1"]
    unfinished = tail.pieces[1]
    assert (unfinished.final, unfinished.offset, unfinished.end) == (True, 7, 17)


def test_03_an_unfinished_line_that_is_finished_in_the_rotated_file(tail: Tail):
    with writer(tail.file("a.log")) as old:
        old.write(b"line 1\nun")
        assert tail.look() == ["line 1"]
        tail.rename("a.log", "a.log.1")
        tail.write("a.log", "new 1\n")
        old.write(b"finished\n")
    assert tail.looks(0, 1, 10, 100) == ["unfinished", "new 1"]


def test_03_an_unfinished_line_of_a_file_that_is_deleted(tail: Tail):
    """Windows has nothing of it any more."""
    tail.write("a.log", "line 1\nunfinished")
    assert tail.look() == ["line 1"]
    tail.file("a.log").unlink()
    assert tail.looks(0, 1, 10, 100) == (["unfinished"] if HOLDS_OPEN else [])


@pytest.mark.parametrize("unread", [0, 1, 20_000])
@pytest.mark.parametrize("where", ["a.log.1", "archive/2026/a.txt"])
def test_08_moved_while_the_agent_is_down(tail: Tail, unread: int, where: str):
    read = max(unread, 1)
    tail.write("a.log", text(1, read))
    assert tail.look() == lines(1, read)
    tail.stop()
    tail.write("a.log", text(read + 1, read + unread))
    tail.rename("a.log", where)
    tail.write("a.log", "new 1\n")
    tail.start()
    assert tail.look(most=50_000) == [*lines(read + 1, read + unread), "new 1"]
    tail.write(where, "late\n")
    assert tail.look() == ["late"]


def test_08_moved_over_another_followed_file_while_down(tail: Tail):
    tail.write("a.log", text(1, 3, "a"))
    tail.write("b.log", text(1, 5, "b"))
    tail.look()
    tail.stop()
    tail.write("a.log", "a 4\n")
    tail.rename("a.log", "b.log")
    tail.start()
    assert tail.looks(0, 10, 100) == ["a 4"]


@pytest.mark.skipif(not HOLDS_OPEN, reason="on Windows a file can't be followed to where no one looks for it")
def test_09_moved_to_where_no_one_looks_and_appended(tail: Tail, tmp_path: Path):
    with writer(tail.file("a.log")) as stream:
        stream.write(b"line 1\n")
        assert tail.look() == ["line 1"]
        tail.file("a.log").rename(tmp_path / "elsewhere")
        stream.write(b"line 2\n")
        assert tail.look() == ["line 2"]
        stream.write(b"line 3\n")
        assert tail.look(seconds=5) == ["line 3"]


@pytest.mark.parametrize("seconds", [1, 1_000 if KEEPS_OPEN else 250])  # elsewhere it is forgotten after ten minutes
def test_09_moved_away_appended_and_moved_back(tail: Tail, tmp_path: Path, seconds: float):
    tail.write("a.log", "line 1\n")
    assert tail.look() == ["line 1"]
    tail.file("a.log").rename(tmp_path / "elsewhere")
    got = tail.looks(seconds, seconds)
    with (tmp_path / "elsewhere").open("a") as stream:
        stream.write("line 2\n")
    (tmp_path / "elsewhere").rename(tail.file("a.log"))
    assert got + tail.looks(seconds, seconds) == ["line 2"]


@pytest.mark.parametrize("new", ["new 1\n", "line 1\n", "line 1\nline 2\nline 4\nline 5\nline 6\n"], ids=len)
def test_11_deleted_and_made_again(tail: Tail, new: str):
    tail.write("a.log", text(1, 3))
    assert tail.look() == lines(1, 3)
    tail.file("a.log").unlink()
    tail.write("a.log", new)
    assert tail.look() == new.splitlines()


def test_11_made_again_with_all_that_was_read_and_more(tail: Tail):
    """That can't be told from a program that writes its log anew each time (case 10): the new lines come, once."""
    tail.write("a.log", text(1, 3))
    tail.look()
    tail.file("a.log").unlink()
    tail.write("a.log", text(1, 5))
    assert tail.looks(0, 10, 100) == lines(4, 5)


def test_11_deleted_while_half_of_it_is_read(tail: Tail):
    """On Windows the unread lines are gone with the file."""
    tail.write("a.log", text(1, 100))
    tail.tails.see(tail.sources())
    tail.tails.touch(None)
    first = tail.lines(tail.turn(most=50))
    assert 0 < len(first) < 10
    tail.file("a.log").unlink()
    tail.write("a.log", "new 1\n")
    rest = lines(len(first) + 1, 100) if HOLDS_OPEN else []
    assert tail.looks(0, 1, 10, 100) == [*rest, "new 1"]


def test_11_deleted_and_made_again_many_times(tail: Tail):
    for number in range(50):
        tail.write("a.log", f"line {number}\n")
        assert tail.look(seconds=1) == [f"line {number}"]
        tail.file("a.log").unlink()
        tail.look(seconds=1)
    tail.looks(100, 100)
    assert tail.state == {}
    tail.write("a.log", "last\n")
    assert tail.look() == ["last"]
    assert tail.pieces[-1].stream == len({piece.stream for piece in tail.pieces}) - 1 + tail.pieces[0].stream


def test_11_the_folder_is_deleted_and_made_again(tail: Tail):
    tail.write("handler/a.log", text(1, 3))
    tail.look()
    shutil.rmtree(tail.file("handler"))
    tail.look()
    tail.write("handler/a.log", text(1, 4))
    assert tail.look() == lines(1, 4)


def test_n1_rotation_in_the_same_moment_of_files_with_different_clocks(tail: Tail):
    """The tailer asks no clock: whatever the stamps say, each log's lines come whole and in their own order."""
    stamps = {
        "waagent.log": "2026-05-04T03:12:{:02}.000000Z INFO",
        "WaAppAgent.log": "[00000006] [05/03/2026 20:12:{:02}.00] [INFO]",  # local time
        "handler.log": "time=2031-05-04T03:12:{:02}Z level=info",  # a clock that is wrong
    }
    expected: dict[str, list[str]] = {name: [] for name in stamps}
    for second in range(40):
        for name, stamp in stamps.items():
            record = f"{stamp.format(second)} {name}"
            expected[name].append(record)
            tail.write(name, record + "\n")
            if second % 10 == 9:
                tail.rotate(name, keep=9)
        if second % 7 == 3:
            tail.look()
    tail.looks(0, 10)
    got = tail.all_lines
    for name, records in expected.items():
        assert_arrived([line for line in got if line.endswith(name)], records)


def test_n1_another_process_rotates_several_files_while_they_are_read(tail: Tail):
    names = ["a.log", "b.log", "c.log"]

    def write() -> None:
        for number in range(1, 301):
            for name in names:
                tail.write(name, f"{name} {number}\n")
                if number % 50 == 0:
                    tail.rotate(name, keep=20)

    thread = threading.Thread(target=write)
    tail.saves = False
    thread.start()
    end = time.monotonic() + _LONGEST
    while thread.is_alive() and time.monotonic() < end:
        tail.look()
    thread.join()
    tail.looks(0, 1, 10, 100, 1, 1)
    for name in names:
        got = [line for line in tail.all_lines if line.startswith(name)]
        assert sorted(got) == sorted(lines(1, 300, name))
