"""What a long life met: numbers of files that go to other logs, files that go before they are read, memory of what is
gone."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Any

import pytest

from collector.read.tailing import turns
from collector.read.tailing.tail import TailLimits
from tests.read.tail.disk import Folder

_POSIX = pytest.mark.skipif(os.name != "posix", reason="there a file that is deleted can't be read on")
_DAY = 86_400.0


def _lines(first: int, last: int, name: str) -> list[str]:
    return [f"line {number} of {name}, long enough to be told from others" for number in range(first, last)]


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _replaced(file: Path, text: str) -> None:
    """Another file takes the name, with another number."""
    new = file.parent.parent / "new"
    new.write_text(text)
    new.replace(file)


def _given_to(file: Path, other: Path, content: str | bytes) -> None:
    """As if the file had been deleted and its number given to another one that is new."""
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    file.rename(other)


@pytest.mark.parametrize("beginning", ["", _text(_lines(0, 3, "b.log"))], ids=["empty", "written"])
def test_the_number_of_a_packed_file_goes_to_another_log(tmp_path: Path, beginning: str) -> None:
    """... between two looks, and the packed file is known all the same."""
    logs = Folder(tmp_path)
    logs.write("a.log.1", _text(_lines(0, 4, "a.log")))
    logs.look()
    logs.clock.now += 300
    assert logs.look() == []  # nothing is held open
    logs.write("a.log.2.gz", gzip.compress((logs.folder / "a.log.1").read_bytes()))
    _given_to(logs.folder / "a.log.1", logs.folder / "b.log", beginning)
    assert _text(logs.look()) == beginning
    logs.write("b.log", _text(_lines(3, 5, "b.log")))
    assert logs.look() == _lines(3, 5, "b.log")


def test_a_file_of_another_number_goes_on_where_a_deleted_one_gave_its_number(tmp_path: Path) -> None:
    """The log is replaced by a file with the same and more, whose number is that of another log's."""
    logs = Folder(tmp_path)
    logs.write("a.log", _text(_lines(0, 4, "a.log")))
    logs.write("b.log.1", _text(_lines(0, 4, "b.log")))
    logs.look()
    logs.clock.now += 300
    logs.look()
    _given_to(logs.folder / "b.log.1", logs.folder / "new", _text(_lines(0, 6, "a.log")))
    (logs.folder / "new").replace(logs.folder / "a.log")
    assert logs.look() == _lines(4, 6, "a.log")


def test_replaced_after_a_restart_that_met_an_empty_file(tmp_path: Path) -> None:
    logs = Folder(tmp_path)
    logs.write("a.log", "")
    logs.look()
    _replaced(logs.folder / "a.log", _text(_lines(0, 2, "a.log")))
    assert logs.look() == _lines(0, 2, "a.log")
    logs.restart()
    logs.see()
    _replaced(logs.folder / "a.log", _text(_lines(0, 3, "a.log")))
    assert logs.look() == _lines(2, 3, "a.log")


def test_a_packed_file_begins_as_another_that_was_read_on_meanwhile(tmp_path: Path) -> None:
    """All files begin with the same kilobyte, and only that was read when the packed file was looked into."""
    header = "# " + "=" * 1_100
    logs = Folder(tmp_path)
    logs.write("a.log", f"{header}\nhalf a li")
    logs.write("a.log.1", (logs.folder / "a.log").read_bytes())
    logs.look(acknowledge=False)
    os.truncate(logs.folder / "a.log", 0)
    logs.see()
    logs.restart()
    (logs.folder / "a.log.1").rename(logs.folder / "a.log.2")
    _given_to(
        logs.folder / "a.log",
        logs.folder / "a.log.1.gz",
        gzip.compress(_text([header, *_lines(0, 1, "packed")]).encode()),
    )
    _replaced(logs.folder / "a.log", _text([header, *_lines(0, 1, "a.log")]))
    given = logs.look()
    for _ in range(3):
        logs.clock.now += 2
        given += logs.look()
    assert sorted(line for line in given if line != header) == sorted(
        ["half a li", *_lines(0, 1, "packed"), *_lines(0, 1, "a.log")]
    )


@_POSIX
@pytest.mark.parametrize("name", ["a.log", "a.log.1"])
def test_a_file_goes_between_the_look_and_the_turn(tmp_path: Path, name: str) -> None:
    logs = Folder(tmp_path)
    logs.see()
    logs.write(name, _text(_lines(0, 4, name)))
    logs.see()
    (logs.folder / name).unlink()
    assert logs.read() == _lines(0, 4, name)


@_POSIX
def test_what_was_read_makes_room_for_what_was_not(tmp_path: Path) -> None:
    """More deleted files than may be open: those with unread lines are kept."""
    logs = Folder(tmp_path, TailLimits(most_open=4))
    for number in range(4):
        logs.write(f"{number}.log", _text(_lines(0, 2, str(number))))
    logs.look()
    logs.write("0.log", _text(_lines(2, 4, "0")))
    logs.agent.touch(["var/log/0.log"])
    (logs.folder / "0.log").unlink()
    for number in range(4, 7):
        logs.write(f"{number}.log", _text(_lines(0, 2, str(number))))
    logs.see()
    assert _lines(2, 4, "0") == [line for line in logs.read() if " of 0," in line]


@_POSIX
def test_a_deleted_file_that_had_to_be_closed_is_not_opened_by_its_name(tmp_path: Path) -> None:
    """By then another file has that name."""
    logs = Folder(tmp_path, TailLimits(most_open=1))
    logs.write("x.log", _text(_lines(0, 2, "x")))
    logs.look()
    file = logs.write("a.log.1", _text(_lines(0, 2, "a")))
    logs.look()
    with file.open("ab") as writer:
        file.unlink()
        logs.look()
        writer.write(b"late\n")
    logs.write("a.log.1", _text(_lines(0, 4, "another")))
    logs.write("x.log", _text(_lines(2, 4, "x")))
    logs.agent.touch(["var/log/x.log"])
    assert logs.read() == _lines(2, 4, "x")
    assert logs.look() == _lines(0, 4, "another")
    (logs.folder / "a.log.1").rename(logs.folder / "a.log.2")
    logs.write("a.log.2", _text(_lines(4, 5, "another")))
    assert logs.look() == _lines(4, 5, "another")


def test_a_copy_that_is_gone_before_it_was_told_is_forgotten(tmp_path: Path) -> None:
    logs = Folder(tmp_path)
    logs.write("a.log", _text(_lines(0, 4, "a.log")))
    logs.look()
    logs.write("a.log.1", (logs.folder / "a.log").read_bytes())
    assert logs.look() == []
    (logs.folder / "a.log.1").unlink()
    for _ in range(3):
        logs.clock.now += 2 * _DAY
        assert logs.look() == []
    assert len(logs.agent._follow.streams) == 1


def test_what_is_gone_is_remembered_as_far_as_there_is_room(tmp_path: Path) -> None:
    """Nothing of it was acknowledged, so that it is worth a day; the newest are known, and those that went just now."""
    logs = Folder(tmp_path, TailLimits(most_gone=10))
    for number in range(40):
        logs.write(f"{number}.log", _text(_lines(0, 2, str(number))))
        logs.look(acknowledge=False)
        logs.clock.now += 1
        (logs.folder / f"{number}.log").unlink()
    logs.look()
    assert len(logs.agent._follow.streams) == 40
    for _ in range(2):
        logs.clock.now += 120
        logs.look()
    assert [stream.path for stream in logs.agent._follow.streams.values()] == [
        f"var/log/{number}.log" for number in range(30, 40)
    ]


def test_forgotten_only_when_its_copy_could_be_met(tmp_path: Path) -> None:
    """The machine was halted, or its clock set, between the emptying and the next look at the folders."""
    logs = Folder(tmp_path)
    file = logs.write("a.log", _text(_lines(0, 4, "a.log")))
    logs.look()
    logs.write("a.log.1.gz", gzip.compress(file.read_bytes()))
    file.write_text(_text(_lines(4, 6, "a.log")))
    logs.agent.touch(["var/log/a.log"])
    assert logs.read() == _lines(4, 6, "a.log")
    logs.clock.now += 2 * _DAY
    assert logs.look() == []
    assert logs.look() == []


@_POSIX
@pytest.mark.parametrize("lines", [2, 6], ids="{} new lines".format)
def test_emptied_and_written_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: int) -> None:
    """Between the look at its size and the reading: its new lines are given once, and the old ones are in a copy."""
    logs = Folder(tmp_path)
    file = logs.write("a.log", _text(_lines(0, 4, "a.log")))
    logs.see()
    opened = turns.Turns._may_be_read

    def emptied(*arguments: Any) -> bool:
        monkeypatch.undo()
        logs.write("a.log.1", file.read_bytes())
        file.write_text(_text(_lines(10, 10 + lines, "a.log")))
        return opened(*arguments)

    monkeypatch.setattr(turns.Turns, "_may_be_read", emptied)
    given = logs.read()
    for _ in range(3):
        given += logs.look()
        logs.clock.now += 2
    assert sorted(given) == sorted([*_lines(0, 4, "a.log"), *_lines(10, 10 + lines, "a.log")])
