"""Cases 17-20: the state file, crashes, and what was half there when it was written."""

from __future__ import annotations

import copy
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.read.tail.driver import Tail, assert_same, lines, text, writer

BROKEN = {
    "empty": b"",
    "cut": b'{"version": 1, "streams": [{"path": "a.l',
    "NULs, as after a power cut": b"\0" * 300,
    "no JSON": b"offset=12\n",
    "not UTF-8": b'{"version": "\xff\xfe\x80"}',
    "null": b"null",
    "a list": b"[]",
    "a number": b"1" * 5_000,
    "nothing in it": b"{}",
    "deep": b"[" * 100_000,
    "another version's, newer": b'{"version": 999, "streams": "of another form"}',
    "another version's, older": b'{"version": 0, "offsets": {"a.log": 12}}',
    "no version": b'{"streams": []}',
    "a version beyond all numbers": b'{"version": 1e999, "streams": []}',
    "a next number beyond all": b'{"version": 1, "next": 1e999, "streams": []}',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_17_a_broken_or_foreign_state_file(tail: Tail, content: bytes):
    """It is as if there were none: all is read again, and the next state is whole."""
    tail.write("a.log", text(1, 3))
    tail.look()
    tail.stop()
    tail.forget()
    tail.checkpoint.write_bytes(content)
    tail.start()
    assert tail.look() == lines(1, 3)
    tail.restart()
    tail.write("a.log", "line 4\n")
    assert tail.look() == ["line 4"]


def test_17_the_state_of_a_newer_version_is_kept_aside(tail: Tail):
    """So that going back to the newer version finds it."""
    newer = b'{"version": 999, "streams": "of another form"}'
    tail.write("a.log", text(1, 3))
    tail.stop()
    tail.checkpoint.write_bytes(newer)
    tail.start()
    tail.look()
    assert newer in [file.read_bytes() for file in tail.checkpoint.parent.iterdir()]
    assert tail.checkpoint.read_bytes() != newer


def test_17_a_folder_in_its_place(tail: Tail):
    """Nothing can be saved then; that is no reason to stop reading."""
    tail.stop()
    tail.checkpoint.unlink(missing_ok=True)
    (tail.checkpoint / "x").mkdir(parents=True)
    tail.start()
    tail.saves = False
    tail.write("a.log", text(1, 3))
    assert tail.look() == lines(1, 3)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The ways to all values of a JSON document."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from leaves(value[key], (*path, key))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from leaves(one, (*path, index))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    document = copy.deepcopy(document)
    place = document
    for key in path[:-1]:
        place = place[key]
    if value is KeyError:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return document


VALUES: list[Any] = [KeyError, None, "x", "", -1, 0, 7, 2**70, 1e300, True, [], {}, [[]], [1, 2, 3], {"a": 1}]


def test_17_any_value_of_the_state_file_changed(tail: Tail):
    """Never a crash, and never a loss: at worst lines come again. Made of a real state file."""
    with writer(tail.file("a.log")) as old:
        old.write(text(1, 90).encode())
        tail.look()
        tail.rename("a.log", "a.log.1")
        old.write(b"unfinished")
    tail.write("a.log", text(1, 3, "b"))
    tail.look()
    tail.acknowledge(tail.state["a.log"].stream, 8, {"sequence": 3, "head": "x"})
    tail.stop()
    document = tail.saved
    tail.write("a.log.1", " line\n")
    tail.write("a.log", "new\n")
    chance = random.Random(17)
    paths = list(leaves(document))
    assert len(paths) > 10
    for path in paths:
        for value in chance.sample(VALUES, 3):
            tail.checkpoint.write_text(json.dumps(changed(document, path, value)))
            tail.forget()
            tail.start()
            tail.saves = False
            got = tail.look()
            assert {"new", "unfinished line"} <= set(got), (path, value)
            tail.close()


def test_18_what_was_not_acknowledged_before_a_crash_is_given_again(tail: Tail):
    tail.write("a.log", text(1, 3))
    tail.look()
    tail.write("a.log", text(4, 6))
    tail.look(done=False)
    sent = tail.pieces[-1]
    tail.crash()
    tail.start()
    assert tail.look() == lines(4, 6)
    again = tail.pieces[-1]
    assert (again.stream, again.offset, again.end) == (sent.stream, sent.offset, sent.end)
    assert tail.all_lines == lines(1, 6)
    tail.crash()
    tail.start()
    assert tail.look() == []


@pytest.mark.parametrize("done", [True, False], ids=["acknowledged", "not acknowledged"])
@pytest.mark.parametrize("change", ["rotated", "cut", "gone on"])
def test_18_a_crash_and_a_rotation(tail: Tail, done: bool, change: str):
    """Where a file is copied and cut, what was not acknowledged is in the copy."""
    tail.write("a.log", text(1, 3))
    tail.look()
    tail.write("a.log", text(4, 6))
    tail.look(done=done)
    tail.crash()
    if change == "rotated":
        tail.rotate("a.log", keep=3)
    elif change == "cut":
        tail.copytruncate("a.log", "a.log.1")
    tail.write("a.log", "new 1\n")
    tail.start()
    assert_same(tail.looks(0, 10, 100), [*([] if done else lines(4, 6)), "new 1"])
    assert_same(tail.all_lines, [*lines(1, 6), "new 1"])


def test_18_acknowledged_in_part(tail: Tail):
    tail.write("a.log", text(1, 9))
    tail.look(done=False)
    tail.acknowledge(tail.pieces[0].stream, 21)
    tail.save()
    tail.crash()
    tail.start()
    assert tail.look() == lines(4, 9)


AGENT = """
import sys
from pathlib import Path
from tests.read.tail.driver import Tail
tail = Tail(Path(sys.argv[1]))
while True:
    print(*(f"{piece.stream} {piece.offset}" for piece in tail.pieces[-1:]), flush=True)
    sys.stdin.readline()
    tail.look(done=sys.argv[2] == "True")
"""


@pytest.mark.parametrize("done", [True, False], ids=["acknowledged", "not acknowledged"])
def test_18_a_process_that_is_killed(tail: Tail, done: bool):
    tail.stop()
    tail.write("a.log", text(1, 3))
    command = [sys.executable, "-c", AGENT, str(tail.folder.parent), str(done)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        assert process.stdout.readline() == "\n"
        process.stdin.write("look\n")
        process.stdin.flush()
        stream, offset = map(int, process.stdout.readline().split())
        process.kill()
    tail.write("a.log", "line 4\n")
    tail.start()
    assert tail.look() == (["line 4"] if done else lines(1, 4))
    assert (tail.pieces[0].stream, tail.pieces[0].offset) == (stream, 21 if done else offset)


@pytest.mark.parametrize("ending", ["stop", "crash"])
def test_19_an_unfinished_line_across_a_restart(tail: Tail, ending: str):
    tail.write("a.log", "line 1\nli")
    assert tail.look() == ["line 1"]
    for part in ("ne", " ", "2"):
        getattr(tail, ending)()
        tail.write("a.log", part)
        tail.start()
        assert tail.looks(0, 0.1) == []
    tail.write("a.log", "\nline 3\n")
    assert tail.look() == ["line 2", "line 3"]
    assert tail.all_lines == lines(1, 3)


def test_19_an_unfinished_line_that_was_shown_before_the_restart(tail: Tail):
    """Shown, for it may be the last word of a process that hangs; but not consumed."""
    tail.write("a.log", "line 1\nwaiting for ")
    tail.look()
    assert list(tail.tails.partial()) == []
    tail.look(seconds=6)
    shown = list(tail.tails.partial())
    assert [(piece.chunk.data, piece.offset) for piece in shown] == [(b"waiting for ", 7)]
    tail.restart()
    tail.write("a.log", "the lock\n")
    assert tail.look() == ["waiting for the lock"]
    assert list(tail.tails.partial()) == []


def test_20_a_record_of_several_lines_half_written_when_the_state_was_saved(tail: Tail):
    """The consumer acknowledges only what stands before the record that may go on, and finds its own state again."""
    tail.write("a.log", "record 1\nrecord 2\n  its second line\n")
    tail.look(done=False)
    stream = tail.pieces[0].stream
    tail.acknowledge(stream, 9, {"format": "generic", "zone": 60})
    tail.restart()
    assert tail.tails.state_of(stream) == {"format": "generic", "zone": 60}
    tail.write("a.log", "  its third line\nrecord 3\n")
    assert tail.look() == ["record 2", "  its second line", "  its third line", "record 3"]
    assert tail.pieces[-1].offset == 9
    assert tail.all_lines == ["record 1", "record 2", "  its second line", "  its third line", "record 3"]
    assert tail.tails.state_of(stream) == {"format": "generic", "zone": 60}


def test_20_half_a_record_and_a_rotation(tail: Tail):
    tail.write("a.log", "record 1\nrecord 2\n  its second line\n")
    tail.look(done=False)
    tail.acknowledge(tail.pieces[0].stream, 9)
    tail.stop()
    tail.write("a.log", "  its third line\n")
    tail.rotate("a.log", keep=2)
    tail.write("a.log", "record 3\n")
    tail.start()
    assert tail.looks(0, 10, 100) == ["record 2", "  its second line", "  its third line", "record 3"]


def test_20_half_a_record_ends_by_time(tail: Tail):
    """An unfinished line is shown each time it has grown and rested again, from its beginning."""
    tail.write("a.log", "record 1\nrecord 2: sta")
    assert tail.look() == ["record 1"]
    assert [piece.chunk.data for piece in tail.tails.partial()] == []
    tail.look(seconds=6)
    assert [piece.chunk.data for piece in tail.tails.partial()] == [b"record 2: sta"]
    tail.write("a.log", "rted")
    tail.look(seconds=1)
    assert [piece.chunk.data for piece in tail.tails.partial()] == []
    tail.look(seconds=6)
    assert [piece.chunk.data for piece in tail.tails.partial()] == [b"record 2: started"]
    tail.write("a.log", "\n")
    assert tail.look() == ["record 2: started"]
