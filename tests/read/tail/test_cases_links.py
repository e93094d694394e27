"""Cases 27, 28, 35, N4 and N5: links, permissions, odd paths, folders that go away."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.read.tail.driver import HOLDS_OPEN, Tail, lines, short_name, text, writer

posix = pytest.mark.skipif(sys.platform == "win32", reason="links and permissions are others on Windows")


def link(tail: Tail, name: str, target: str) -> None:
    """Makes it lead there from now on, at once, as `ln -sfn` and mv do."""
    new = tail.file(name + ".tmp")
    new.symlink_to(target)
    new.replace(tail.file(name))


@posix
@pytest.mark.parametrize("is_seen", [True, False], ids=["targets are logs, too", "targets are seen by the link only"])
def test_27_the_target_of_a_link_changes_again_and_again(tail: Tail, tmp_path: Path, is_seen: bool):
    folder = tail.folder if is_seen else tmp_path / "elsewhere"
    folder.mkdir(exist_ok=True)
    expected = []
    for number in range(30):
        target = folder / f"day{number}.log"
        target.write_text(text(1, 3, f"day {number}"))
        link(tail, "current.log", str(target))
        expected += lines(1, 3, f"day {number}")
        assert tail.look(seconds=0.01) == lines(1, 3, f"day {number}")
    assert tail.all_lines == expected
    tail.restart()
    assert tail.looks(0, 10) == []


@posix
def test_27_quickly_to_and_fro_between_two_files(tail: Tail, tmp_path: Path):
    files = [tmp_path / name for name in ("first", "second")]
    expected = []
    for number in range(40):
        with files[number % 2].open("a") as stream:
            stream.write(f"line {number}\n")
        expected.append(f"line {number}")
        link(tail, "current.log", str(files[number % 2]))
        tail.look(seconds=0.1)
    assert tail.all_lines == expected


@posix
def test_27_the_link_is_removed_while_its_target_grows(tail: Tail, tmp_path: Path):
    target = tmp_path / "target"
    with writer(target) as stream:
        stream.write(b"line 1\n")
        link(tail, "a.log", str(target))
        assert tail.look() == ["line 1"]
        stream.write(b"line 2\n")
        tail.file("a.log").unlink()
        got = tail.looks(0, 1)
        stream.write(b"line 3\n")
        link(tail, "a.log", str(target))
        assert got + tail.looks(1, 1) == ["line 2", "line 3"]


@posix
def test_27_many_links_to_one_file(tail: Tail):
    tail.write("a.log", text(1, 3))
    for number in range(5):
        tail.file(f"symbolic{number}.log").symlink_to(tail.file("a.log"))
    assert tail.look() == lines(1, 3)
    tail.write("symbolic3.log", "line 4\n")
    assert tail.look() == ["line 4"]
    assert list(tail.state) == ["a.log"]


def test_27_several_names_of_one_file(tail: Tail):
    """Hard links, which no path resolves: a listing has them all. The file is read once."""
    tail.write("a.log", text(1, 3))
    for number in range(5):
        os.link(tail.file("a.log"), tail.file(f"hard{number}.log"))
    assert tail.look() == lines(1, 3)
    tail.write("hard3.log", "line 4\n")
    assert tail.look() == ["line 4"]
    tail.file("a.log").unlink()
    tail.write("hard1.log", "line 5\n")
    assert tail.looks(0, 10, 100) == ["line 5"]
    tail.restart()
    assert tail.looks(0, 10, 100) == []


@posix
def test_27_a_link_to_nothing_and_one_to_itself(tail: Tail):
    tail.file("nothing.log").symlink_to("comes later")
    tail.file("itself.log").symlink_to("itself.log")
    tail.write("b.log", "b 1\n")
    assert tail.looks(0, 1) == ["b 1"]
    tail.write("comes later", text(1, 3))
    tail.write("b.log", "b 2\n")
    assert sorted(tail.looks(1, 1)) == ["b 2", *lines(1, 3)]


UNPRIVILEGED = """
import json, sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from tests.read.tail.driver import Tail
tail = Tail(Path(sys.argv[1]))
for command in sys.stdin:
    if command == "hide\\n":
        tail.file("a.log").chmod(0)
    elif command == "show\\n":
        tail.file("a.log").chmod(0o644)
    print(json.dumps([tail.looks(0, 1), {path: one.problem for path, one in tail.state.items()}]), flush=True)
"""


@posix
def test_28_unreadable_at_first_and_in_between(tail: Tail):
    """In a process to which permissions apply, also where the tests run as root. The open file is read on as long as it is
    open, so that what it is about here is what could not be opened."""
    tail.stop()
    tail.write("a.log", text(1, 3))
    tail.write("b.log", "b 1\n")
    tail.file("a.log").chmod(0)
    through = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    command = [*through, sys.executable, "-c", UNPRIVILEGED, str(tail.folder.parent)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stdin is not None and process.stdout is not None

        def tell(word: str) -> Any:
            assert process.stdout is not None
            print(word, file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        got, problems = tell("look")
        assert got == ["b 1"]
        assert problems.get("a.log") != ""  # it is not said to be followed well
        assert tell("look")[0] == []
        got, problems = tell("show")
        assert (got, problems["a.log"]) == (lines(1, 3), "")
        tail.write("a.log", "line 4\n")
        tail.write("b.log", "b 2\n")
        assert sorted(tell("hide")[0] + tell("show")[0]) == ["b 2", "line 4"]
        process.stdin.close()


def test_28_a_folder_named_like_a_log(tail: Tail):
    tail.file("a.log").mkdir()
    tail.write("a.log/inside.txt", "inside\n")
    tail.write("b.log", "b 1\n")
    assert tail.looks(0, 1) == ["inside", "b 1"]
    shutil.rmtree(tail.file("a.log"))
    tail.write("a.log", text(1, 3))
    assert tail.looks(1, 1) == lines(1, 3)
    tail.file("a.log").unlink()
    tail.file("a.log").mkdir()
    tail.write("b.log", "b 2\n")
    assert tail.looks(1, 1, 100) == ["b 2"]


@posix
def test_28_a_named_pipe_holds_nothing_up(tail: Tail):
    os.mkfifo(tail.file("a.log"))
    tail.write("b.log", "b 1\n")
    assert tail.looks(0, 1) == ["b 1"]
    tail.write("c.log", "c 1\n")
    assert tail.look() == ["c 1"]
    tail.file("c.log").unlink()
    os.mkfifo(tail.file("c.log"))
    tail.write("b.log", "b 2\n")
    assert tail.looks(1, 1, 100) == ["b 2"]


NAMES = [
    "größer é.log",
    "日本語 ログ.log",
    "🙂.log",
    "e\u0301 (not composed).log",
    "a b  c'&;$(x).log",
    "%25.log",
    "-rf.log",
]


@pytest.mark.parametrize("name", NAMES)
def test_35_names_of_any_letters(tail: Tail, name: str):
    tail.write(f"Größe/{name}", text(1, 3))
    assert tail.look() == lines(1, 3)
    tail.restart()
    tail.write(f"Größe/{name}", "line 4\n")
    assert tail.look() == ["line 4"]
    assert list(tail.state) == [f"Größe/{name}"]
    tail.rename(f"Größe/{name}", f"Größe/{name}.1")
    tail.write(f"Größe/{name}.1", "line 5\n")
    assert tail.look() == ["line 5"]


@pytest.mark.skipif(
    sys.platform == "win32" or sys.getfilesystemencoding() != "utf-8", reason="bytes in names are POSIX's"
)
def test_35_a_name_that_is_no_text(tail: Tail):
    name = os.fsdecode(b"caf\xe9.log")
    tail.write(name, text(1, 3))
    assert tail.look() == lines(1, 3)
    tail.restart()
    tail.write(name, "line 4\n")
    assert tail.look() == ["line 4"]


@pytest.mark.skipif(sys.platform != "win32", reason="needs Windows: scripts/test-windows")
def test_35_paths_with_the_prefix_for_long_ones(tmp_path: Path):
    tail = Tail(Path("\\\\?\\" + str(tmp_path)))
    tail.write("sub/a.log", text(1, 3))
    assert tail.look() == lines(1, 3)
    tail.restart()
    tail.write("sub/a.log", "line 4\n")
    assert tail.look() == ["line 4"]
    tail.close()


def test_35_a_followed_file_can_be_renamed_deleted_and_replaced_at_any_time(tail: Tail):
    """Also by a program that asks Windows for no more than it needs, and amid a turn."""
    for number in range(3):
        tail.write(f"{number}.log", text(1, 50, str(number)))
    tail.tails.see(tail.sources())
    tail.tails.touch(None)
    turn = tail.tails.read(60)
    tail.take(next(turn))
    tail.rename("0.log", "0.log.1")
    tail.file("1.log").unlink()
    tail.replace("2.log", "replaced\n")
    for piece in turn:
        tail.take(piece)
    got = [*tail.lines(tail.pieces), *tail.looks(0, 10)]
    tail.folder.rename(tail.folder.parent / "renamed")
    assert set(lines(1, 50, "0")) <= set(got)
    assert len(got) == len(set(got))
    assert "replaced" in got


def long_name(tail: Tail) -> str:
    """Of a path of more than 260 characters."""
    return "/".join(["a folder with a rather long name, as versions of extensions have"] * 5 + ["a.log"])


def test_n4_a_path_of_more_than_260_characters(tmp_path: Path):
    place = Path("\\\\?\\" + str(tmp_path)) if sys.platform == "win32" else tmp_path
    tail = Tail(place)
    name = long_name(tail)
    tail.write(name, text(1, 3))
    assert len(str(tail.file(name))) > 260
    assert tail.look() == lines(1, 3)
    tail.rotate(name, keep=2)
    tail.write(name, "new 1\n")
    tail.restart()
    assert tail.looks(0, 10) == ["new 1"]
    tail.close()


@pytest.mark.skipif(sys.platform != "win32", reason="needs Windows: scripts/test-windows")
def test_n4_the_short_name_of_a_file(tail: Tail):
    """8.3: the same file by another name is the same file."""
    tail.write("a long name of a log.log", text(1, 3))
    assert tail.look() == lines(1, 3)
    short = short_name(tail.file("a long name of a log.log"))
    tail.write("a long name of a log.log", "line 4\n")
    sources = [*tail.sources(), *(replace(one, path=short.name, file=short) for one in tail.sources())]
    tail.tails.see(sources)
    assert tail.look(scan=False) == ["line 4"]


def test_n5_the_folder_of_an_extension_is_deleted_by_an_upgrade_while_it_is_read(tail: Tail):
    """What of the old version was not read yet, Linux still has in the open file; Windows has lost it."""
    old, new = "Publisher.Type-1.0/handler.log", "Publisher.Type-1.1/handler.log"
    tail.write(old, text(1, 100, "old"))
    tail.tails.see(tail.sources())
    tail.tails.touch(None)
    read = len(tail.lines(tail.turn(most=60)))
    assert 0 < read < 20
    shutil.rmtree(tail.file("Publisher.Type-1.0"))
    tail.write(new, text(1, 3, "new"))
    rest = lines(read + 1, 100, "old") if HOLDS_OPEN else []
    got = tail.looks(0, 1, 10, 100)
    assert sorted(got) == sorted([*rest, *lines(1, 3, "new")])
    tail.looks(100, 1_000)
    assert list(tail.state) == [new]
