"""Files that other programs hold, rename and delete while we read them; long names; names in another case."""

from __future__ import annotations

import ctypes
import importlib
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from collector.deliver.lock import held
from collector.discover.scan import scan
from collector.discover.tree import Tree
from collector.model import Source
from collector.read.lines import LineReader
from collector.read.source import ByteSource
from collector.read.state import read_state

pytestmark = pytest.mark.skipif(sys.platform != "win32", reason="needs Windows: scripts/test-windows")

LINES = [f"2026-05-04 03:12:{number % 60:02} line {number}" for number in range(20_000)]
TEXT = "\r\n".join(LINES) + "\r\n"


def source(file: Path) -> Source:
    return Source(file.name, file, "log", size=file.stat().st_size)


@contextmanager
def writer(file: Path, *, share: int) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the file open for writing, as an agent does; `share` as for CreateFileW."""
    script = textwrap.dedent(
        f"""
        import ctypes, sys
        create = ctypes.WinDLL("kernel32").CreateFileW
        create.restype = ctypes.c_void_p
        handle = create({str(file)!r}, 0x40000000, {share}, None, 3, 0, None)
        print("held" if handle != ctypes.c_void_p(-1).value else "not held", flush=True)
        sys.stdin.read()
        """
    )
    command = [sys.executable, "-c", script]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "Extension.log"
    file.write_bytes(TEXT.encode())
    return file


def begun(file: Path) -> tuple[LineReader, Iterator[str]]:
    """A reader in the middle of its file."""
    reader = LineReader(source(file))
    texts = (line.text for line in reader)
    assert next(texts) == LINES[0]
    return reader, texts


def test_a_log_can_be_rotated_while_we_read_it(log: Path):
    reader, texts = begun(log)
    log.rename(log.with_suffix(".1.log"))
    log.write_bytes(b"a new file in its place\r\n")
    assert list(texts) == LINES[1:]
    assert (reader.outcome, reader.lines) == ("read", len(LINES))


def test_a_log_can_be_deleted_while_we_read_it(log: Path):
    """Its name goes at once or when we close it, as the version of Windows has it; the deletion never fails."""
    reader, texts = begun(log)
    log.unlink()
    assert list(texts) == LINES[1:]
    assert reader.outcome == "read"
    assert not log.exists()


@pytest.mark.parametrize("share", [1, 3, 7], ids=["read", "read and write", "all"])
def test_a_log_that_another_process_holds_open_for_writing(log: Path, share: int):
    with writer(log, share=share):
        reader = LineReader(source(log))
        assert len(list(reader)) == len(LINES)
        assert reader.outcome == "read"


def test_a_log_that_another_process_lets_no_one_read_is_denied_and_says_why(log: Path):
    here = source(log)
    with writer(log, share=0):
        reader = LineReader(here)
        assert list(reader) == []
        text, entry = read_state(here)
    assert (reader.outcome, text, entry.outcome) == ("denied", "", "denied")
    assert reader.note


class Held(ByteSource):
    """A file that another program has for itself the first times that it is opened."""

    times = 1

    def _open_regular(self) -> BinaryIO | None:
        self.times -= 1
        if self.times >= 0:
            raise getattr(ctypes, "WinError")(32)  # noqa: B009 - only Windows has it
        return super()._open_regular()


@pytest.mark.parametrize(("times", "outcome"), [(1, "read"), (2, "denied")])
def test_a_file_that_is_held_for_a_moment_is_tried_once_more(log: Path, times: int, outcome: str):
    held = Held(source(log))
    held.times = times
    with held.opened() as is_open:
        assert is_open is (outcome == "read")
    assert held.outcome == outcome


@contextmanager
def locked(file: Path, offset: int, length: int) -> Iterator[None]:
    """Another process locks a range of bytes, which no one else may read then (LockFile)."""
    script = (
        "import msvcrt, sys\nstream = open(sys.argv[1], 'r+b')\nstream.seek(int(sys.argv[2]))\n"
        "msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, int(sys.argv[3]))\nprint('locked', flush=True)\nsys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(file), str(offset), str(length)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "locked\n"
        try:
            yield
        finally:
            process.kill()


def test_a_log_whose_beginning_is_locked_is_denied(log: Path):
    with locked(log, 0, 100):
        reader = LineReader(source(log))
        assert list(reader) == []
    assert (reader.outcome, "locked" in reader.note) == ("denied", True)


def test_a_log_with_a_locked_part_is_read_up_to_it(log: Path):
    with locked(log, len(TEXT) - 1_000, 100):
        reader = LineReader(source(log))
        assert 0 < len(list(reader)) < len(LINES)
    assert (reader.outcome, "locked" in reader.note) == ("truncated", True)


def test_no_handle_is_left(log: Path):
    for _ in range(3):
        list(LineReader(source(log)))
        reader, texts = begun(log)
        del reader, texts
    with writer(log, share=0):
        pass


def test_what_is_gone_and_what_is_a_folder(tmp_path: Path, log: Path):
    here = source(log)
    log.unlink()
    reader = LineReader(here)
    assert (list(reader), reader.outcome) == ([], "vanished")
    folder = LineReader(Source("x", tmp_path, "log"))
    assert (list(folder), folder.outcome) == ([], "not-a-file")


def test_utf_16_with_crlf(log: Path):
    log.write_bytes(b"\xff\xfe" + "größer\r\nzweite\r\n".encode("utf-16-le"))
    reader = LineReader(source(log))
    assert [line.text for line in reader] == ["größer", "zweite"]
    assert reader.encoding == "utf-16-le"


@pytest.mark.parametrize("spelled", ["windowsazure/LOGS", "WINDOWSAZURE/logs"])
def test_names_are_found_in_any_case(tmp_path: Path, spelled: str):
    folder = tmp_path / spelled
    folder.mkdir(parents=True)
    (folder / "WAAPPAGENT.LOG").write_bytes(b"x\r\n")
    assert [one.path for one in scan(tmp_path, "windows").sources] == [f"{spelled}/WAAPPAGENT.LOG"]
    assert Tree(tmp_path, fold=True).read("WindowsAzure/Logs/WaAppAgent.log") == b"x\r\n"


@pytest.mark.parametrize("inside", [True, False])
def test_a_junction_leads_where_the_disks_own_machine_would_go(tmp_path: Path, inside: bool):
    """It names a folder of drive C as that machine saw it: out of the disk only if the disk isn't drive C here."""
    outside = tmp_path / "outside"
    disk = tmp_path / "disk"
    for folder in (outside, disk / "data", disk / "WindowsAzure/Logs/Plugins"):
        folder.mkdir(parents=True)
    (outside / "x.log").write_bytes(b"x")
    (disk / "data/x.log").write_bytes(b"x")
    importlib.import_module("_winapi").CreateJunction(
        "C:\\data" if inside else str(outside), str(disk / "WindowsAzure/Logs/Plugins/P.T")
    )
    sources = scan(disk, "windows").sources
    if inside:
        assert [one.file for one in sources] == [disk / "data/x.log"]
    assert not [one for one in sources if one.file.is_relative_to(outside)]


def test_paths_in_the_ledger_have_slashes(tmp_path: Path):
    file = tmp_path / "WindowsAzure/Logs/Plugins/Pub.Type/1.0/handler.log"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x\r\n")
    found = scan(tmp_path, "windows")
    assert [one.path for one in found.sources] == ["WindowsAzure/Logs/Plugins/Pub.Type/1.0/handler.log"]
    assert not [entry.path for entry in found.unfound if "\\" in entry.path]


def test_a_path_longer_than_260_signs(tmp_path: Path):
    """A machine without LongPathsEnabled refuses it, and then the ledger must say so."""
    name = "Pub.Type" + "x" * 100
    folder = tmp_path / "WindowsAzure/Logs/Plugins" / name / ("1.0." + "1" * 100)
    try:
        folder.mkdir(parents=True)
        (folder / "handler.log").write_bytes(b"x\r\n")
    except OSError:
        pytest.skip("LongPathsEnabled is off on this machine")
    (one,) = scan(tmp_path, "windows").sources
    assert len(str(one.file)) > 260
    assert [line.text for line in LineReader(one)] == ["x"]


def test_a_lock_is_between_processes_and_ends_with_its_holder(tmp_path: Path):
    lock = tmp_path / ".lock"
    script = (
        "import sys, time; from pathlib import Path; from collector.deliver.lock import held\n"
        "with held(Path(sys.argv[1])) as mine:\n    print(mine, flush=True)\n    time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(lock)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        with held(lock) as mine:
            assert not mine
        process.kill()
        process.wait()
    with held(lock) as mine:
        assert mine


def test_the_handle_is_not_inherited_by_programs_we_start(log: Path):
    reader, texts = begun(log)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, close_fds=False) as process:
        assert len(list(texts)) == len(LINES) - 1
        with writer(log, share=0):
            assert reader.outcome == "read"
        process.kill()


def test_this_python_is_of_windows():
    assert ctypes.sizeof(ctypes.c_long) == 4
