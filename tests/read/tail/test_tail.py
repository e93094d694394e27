"""The tailer on real files: growth, rotation in all its ways, restarts."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest

from collector.read.tailing.tail import TailLimits
from tests.read.tail.disk import Folder


def test_lines_are_given_as_they_are_written(tmp_path: Path) -> None:
    logs = Folder(tmp_path)
    logs.write("a.log", "one\ntw")
    assert logs.look() == ["one"]
    logs.write("a.log", "o\nthree\n")
    logs.agent.touch(["var/log/a.log"])
    assert logs.read() == ["two", "three"]
    assert [(piece.offset, piece.end, piece.chunk.number) for piece in logs.pieces] == [(0, 4, 1), (4, 14, 2)]


def test_what_is_there_at_the_first_start_counts_as_read(tmp_path: Path) -> None:
    logs = Folder(tmp_path)
    logs.write("a.log", "old\nhal")
    logs.write("b.log.1.gz", gzip.compress(b"old\n"))
    assert logs.agent.start == "first"
    logs.see(from_end=True)
    assert logs.read() == []
    logs.write("a.log", "f\nnew\n")
    logs.write("c.log", "all of it\n")
    assert logs.look() == ["half", "new", "all of it"]
    assert not logs.pieces[0].numbered


def test_rotation_by_renaming(tmp_path: Path) -> None:
    logs = Folder(tmp_path)
    file = logs.write("a.log", "one\n")
    assert logs.look() == ["one"]
    logs.write("a.log", "two\nthr")
    file.rename(logs.folder / "a.log.1")
    logs.write("a.log", "new\n")
    assert logs.look() == ["two"]
    logs.clock.now += 2
    assert logs.read() == ["thr", "new"]
    assert [piece.final for piece in logs.pieces] == [False, False, True, False]
    assert logs.pieces[2].source.path == "var/log/a.log.1"
    logs.write("a.log.1", "ee\n")
    assert logs.look() == ["ee"]


@pytest.mark.parametrize("looks_between", [False, True])
@pytest.mark.parametrize("restarts", [False, True])
def test_rotation_by_copying_and_emptying(tmp_path: Path, looks_between: bool, restarts: bool) -> None:
    logs = Folder(tmp_path)
    file = logs.write("a.log", "one is long enough to be told from others\n")
    logs.look()
    logs.write("a.log", "two\n")
    shutil.copy(file, logs.folder / "a.log.1")
    got = logs.look() if looks_between else []
    if restarts:
        logs.restart()
    os.truncate(file, 0)
    logs.write("a.log", "three\n")
    got += logs.look()
    got += logs.look()
    assert sorted(got) == ["three", "two"]


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("is_read", [False, True])
def test_packing_after_rotation(tmp_path: Path, restarts: bool, is_read: bool) -> None:
    logs = Folder(tmp_path)
    file = logs.write("a.log", "one is long enough to be told from others\n")
    logs.look()
    logs.write("a.log", "two\n")
    got = logs.look() if is_read else []
    if restarts:
        logs.restart()
    logs.write("a.log.1.gz", gzip.compress(file.read_bytes()))
    file.unlink()
    logs.write("a.log", "three\n")
    got += logs.look() + logs.look()
    logs.clock.now += 100
    got += logs.look() + logs.look()
    assert sorted(got) == ["three", "two"]


def test_a_packed_file_that_came_while_the_agent_was_down_is_given(tmp_path: Path) -> None:
    logs = Folder(tmp_path)
    logs.write("a.log", "one\n")
    logs.look()
    logs.restart()
    logs.write("a.log.1.gz", gzip.compress(b"other\nlines"))
    assert logs.look() == ["other", "lines"]
    (logs.folder / "a.log.1.gz").rename(logs.folder / "a.log.2.gz")
    assert logs.look() == []


def test_a_packed_file_that_is_being_written(tmp_path: Path) -> None:
    logs = Folder(tmp_path)
    packed = gzip.compress(os.urandom(3000).hex().encode() + b"\nlast\n")
    logs.write("a.log.1.gz", packed[:1000])
    assert logs.look() == []
    logs.write("a.log.1.gz", packed[1000:])
    assert logs.look()[1:] == ["last"]


@pytest.mark.skipif(os.name != "posix", reason="what is open can not be deleted there")
def test_deleted_while_open(tmp_path: Path) -> None:
    logs = Folder(tmp_path)
    file = logs.write("a.log", "one\n")
    logs.look()
    with file.open("ab") as stream:
        file.unlink()
        stream.write(b"two\n")
        stream.flush()
        assert logs.look() == ["two"]
        stream.write(b"three")
        stream.flush()
        assert logs.read() == []
        logs.clock.now += 2
        assert logs.read() == ["three"]
    assert len(logs.agent._follow.handles) == 1
    logs.clock.now += 61
    assert logs.read() == []
    assert len(logs.agent._follow.handles) == 0


def test_written_anew_with_more(tmp_path: Path) -> None:
    logs = Folder(tmp_path)
    file = logs.write("a.log", "one\n")
    logs.look()
    logs.write("new", "one\ntwo\n").replace(file)
    assert logs.look() == ["two"]
    logs.write("new", "other\n").replace(file)
    assert logs.look() == ["other"]


@pytest.mark.parametrize("saved", [False, True])
def test_the_unacknowledged_is_given_again_with_the_same_offsets(tmp_path: Path, saved: bool) -> None:
    logs = Folder(tmp_path)
    logs.write("a.log", "one\n")
    logs.look()
    logs.agent.save()
    logs.write("a.log", "two\nthree\n")
    logs.agent.touch(None)
    assert logs.read(acknowledge=False) == ["two", "three"]
    if saved:
        logs.agent.done(logs.pieces[-1].stream, 8)
        logs.agent.save()
    logs.restart(save=False)
    assert logs.look() == ["two", "three"][saved:]
    assert logs.pieces[-1].stream == logs.pieces[-2].stream
    assert logs.pieces[-1].offset == (8 if saved else 4)


def test_a_line_that_is_too_long(tmp_path: Path) -> None:
    logs = Folder(tmp_path, TailLimits(line_limit=10))
    logs.write("a.log", "first\n" + "x" * 1000)
    assert logs.look() == ["first", "x" * 48]
    logs.restart()
    logs.write("a.log", "x" * 1000 + "\nlast\n")
    assert logs.look() == ["last"]


def test_unfinished_lines_are_shown_and_come_again(tmp_path: Path) -> None:
    logs = Folder(tmp_path)
    logs.write("a.log", "one\ntwo")
    assert logs.look() == ["one"]
    assert list(logs.agent.partial()) == []
    logs.clock.now += 6
    assert [piece.chunk.data for piece in logs.agent.partial()] == [b"two"]
    assert list(logs.agent.partial()) == []
    logs.write("a.log", "!\n")
    logs.agent.touch(["var/log/a.log"])
    assert logs.read() == ["two!"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig"])
def test_encodings_byte_by_byte(tmp_path: Path, encoding: str) -> None:
    logs = Folder(tmp_path)
    data = "one line\r\nzwölf Ċ \u0a0a Zeilen\r\n\r\n🙂 last\r\n".encode(encoding)
    got = []
    for byte in data:
        logs.write("a.log", bytes([byte]))
        got += logs.look()
    assert got == ["one line", "zwölf Ċ \u0a0a Zeilen", "", "🙂 last"]


def test_a_writer_that_does_not_notice_the_emptying_leaves_a_hole(tmp_path: Path) -> None:
    logs = Folder(tmp_path)
    file = logs.folder / "a.log"
    with file.open("wb") as stream:
        stream.write(b"first line\n" * 100_000)
        stream.flush()
        assert len(logs.look()) == 100_000
        os.truncate(file, 0)
        stream.write(b"after\n")
        stream.flush()
        assert logs.look() == ["after"]
