"""Files that change while they are read, by other processes: nothing escapes, and the ledger says what happened."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from collector.model import Source
from collector.parse.registry import bounds_of
from collector.read.gaps import Effort
from collector.read.lines import LineReader, Selection
from collector.read.source import ByteSource
from collector.read.state import read_state

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes and sockets in folders")
FIRST = datetime(2026, 1, 1, tzinfo=timezone.utc)
BOUNDS = bounds_of("waagent", None)


def record(number: int) -> bytes:
    return f"{FIRST + timedelta(seconds=number):%Y-%m-%dT%H:%M:%S.%fZ} INFO ExtHandler record {number}\n".encode()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "x.log"
    file.write_bytes(b"".join(map(record, range(20_000))))  # 1 MB, several blocks
    return file


def reader(file: Path, **options) -> LineReader:
    return LineReader(Source("x.log", file, "log"), block=4_096, **options)


def run(code: str, *arguments: object) -> None:
    """Another process does it."""
    subprocess.run([sys.executable, "-c", "import os, sys\n" + code, *map(str, arguments)], check=True)


GROW = "open(sys.argv[1], 'ab').write(b'appended\\n' * 1000)"
TRUNCATE = "os.truncate(sys.argv[1], 100)"
ROTATE = "os.rename(sys.argv[1], sys.argv[1] + '.1'); open(sys.argv[1], 'wb').write(b'new\\n')"
UNLINK = "os.unlink(sys.argv[1])"
FIFO = "os.unlink(sys.argv[1]); os.mkfifo(sys.argv[1])"
LOOP = "os.unlink(sys.argv[1]); os.symlink(sys.argv[1], sys.argv[1])"
FOLDER = "os.unlink(sys.argv[1]); os.mkdir(sys.argv[1])"
DANGLING = "os.unlink(sys.argv[1]); os.symlink('/nowhere/at/all', sys.argv[1])"
PARENT = "os.unlink(sys.argv[1]); d = os.path.dirname(sys.argv[1]); os.rmdir(d); open(d, 'w').close()"


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        (UNLINK, "vanished"),
        pytest.param(FIFO, "not-a-file", marks=posix),
        (LOOP, "not-a-file"),
        (FOLDER, "not-a-file"),
        (DANGLING, "vanished"),
        (PARENT, "vanished"),
    ],
)
def test_changed_between_listing_and_opening(tmp_path: Path, change: str, outcome: str):
    (tmp_path / "logs").mkdir()
    file = tmp_path / "logs" / "x.log"
    file.write_bytes(record(1))
    lines = reader(file)
    run(change, file)
    assert (list(lines), lines.outcome) == ([], outcome)
    assert lines.note
    text, entry = read_state(Source("x", file, "status"))
    assert (text, entry.outcome) == ("", outcome)
    lines.numbers()


@posix
def test_replaced_by_a_socket(tmp_path: Path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "x.log"))
        lines = reader(tmp_path / "x.log")
        assert (list(lines), lines.outcome) == ([], "not-a-file")


@pytest.mark.parametrize(
    ("change", "outcome", "count"),
    [
        (GROW, "read", 21_000),
        (TRUNCATE, "truncated", None),
        (ROTATE, "read", 20_000),
        (UNLINK, "read", 20_000),
        pytest.param(FIFO, "read", 20_000, marks=posix),
        (LOOP, "read", 20_000),
        (FOLDER, "read", 20_000),
    ],
)
def test_changed_after_the_first_line(log: Path, change: str, outcome: str, count: int | None):
    lines = reader(log)
    each = iter(lines)
    found = [next(each).text]
    run(change, log)
    found += [line.text for line in each]
    assert lines.outcome == outcome, lines.note
    if count is None:
        assert 0 < len(found) < 20_000
        assert "shrank" in lines.note
    else:
        assert len(found) == count
    lines.numbers()


@pytest.mark.parametrize("change", [GROW, TRUNCATE, ROTATE, UNLINK, pytest.param(FIFO, marks=posix), LOOP, FOLDER])
def test_changed_during_the_search_for_a_frame(log: Path, change: str):
    """Before any stamp is looked at: it is changed when the format is told."""
    start = FIRST + timedelta(seconds=15_000)

    def choose(first: object) -> Selection:
        run(change, log)
        return Selection(BOUNDS, start, start + timedelta(seconds=60))

    lines = reader(log, choose=choose, effort=Effort(small=0))
    found = [line.text for line in lines]
    assert lines.outcome in ("read", "truncated")
    if change == TRUNCATE:
        assert lines.outcome == "truncated"
        assert "shrank" in lines.note
    else:
        assert f"record {15_000}" in found[0]
    numbers = lines.numbers()
    assert isinstance(numbers(5), int)


def test_changed_before_any_of_the_reads(log: Path):
    """The file is cut before the n-th stamp that is looked at, whichever that is."""
    data = log.read_bytes()
    start = FIRST + timedelta(seconds=15_000)
    for nth in (1, 2, 3, 5, 9, 20, 60, 200, 1_000):
        log.write_bytes(data)
        lines = reader(
            log, choose=lambda first, nth=nth: Selection(_cutting(log, nth), start, None), effort=Effort(small=0)
        )
        list(lines)
        assert lines.outcome in ("read", "truncated")
        assert lines.outcome == "read" or lines.note


def _cutting(file: Path, nth: int) -> Callable[[str], tuple[datetime, datetime] | None]:
    seen = iter(range(10**9))

    def bounds(text: str) -> tuple[datetime, datetime] | None:
        if next(seen) == nth:
            os.truncate(file, 5_000)
        return BOUNDS(text)

    return bounds


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Path]:
    """A file to which a process appends as fast as it can."""
    file = tmp_path / "fast.log"
    file.write_bytes(record(0))
    code = "f = open(sys.argv[1], 'ab', 0)\nfor _ in range(3000): f.write((b'x' * 99 + b'\\n') * 2000)"
    with subprocess.Popen([sys.executable, "-c", "import sys\n" + code, str(file)]) as process:
        while file.stat().st_size < 1_000_000:
            time.sleep(0.001)
        yield file
        process.kill()


def test_a_file_that_grows_faster_than_it_is_read_ends(writer: Path):
    before = writer.stat().st_size
    lines = reader(writer, limit_bytes=2_000_000)
    began = time.monotonic()
    for count, _ in enumerate(lines):
        if count % 100 == 0:
            time.sleep(0.001)
    assert time.monotonic() - began < 20
    assert lines.bytes_read <= max(before, lines.size) + 2_000_000
    assert lines.outcome == "truncated"
    assert "grew" in lines.note or "only the last" in lines.note


class Locked(ByteSource):
    """A file of which another program locks what comes after some bytes, as Windows does it: reading is refused."""

    free = 0

    def at(self, offset: int, length: int) -> bytes:
        if offset + length > self.free:
            raise PermissionError(errno.EACCES, "Permission denied")
        return super().at(offset, length)


@pytest.mark.parametrize(("free", "outcome"), [(0, "denied"), (50_000, "truncated")])
def test_a_part_that_another_program_has_locked(log: Path, free: int, outcome: str):
    locked = Locked(Source("x.log", log, "log"), block=4_096)
    locked.free = free
    read = b""
    with locked.opened() as is_open:
        assert is_open
        for block in locked.blocks(0, locked.size):
            read += block
    assert read == log.read_bytes()[: free // 4_096 * 4_096]
    assert (locked.outcome, locked.note) == (outcome, "another program has locked it, or a part of it")


@pytest.mark.skipif(os.name == "nt" or os.getuid() == 0, reason="the superuser may read everything")
def test_permission_lost(log: Path):
    log.chmod(0)
    lines = reader(log)
    assert (list(lines), lines.outcome) == ([], "denied")


@pytest.mark.skipif(not hasattr(os, "fork") or not Path("/etc/passwd").exists(), reason="needs another user")
def test_permission_lost_as_another_user(log: Path):
    if os.getuid() != 0:
        pytest.skip("only the superuser can become another one")
    for folder in (log.parent, *log.parents):
        folder.chmod(folder.stat().st_mode | 0o011)
    code = (
        "import os; from pathlib import Path; from collector.model import Source\n"
        "from collector.read.lines import LineReader\n"
        f"os.chmod({str(log)!r}, 0); os.setuid(65534)\n"
        f"r = LineReader(Source('x', Path({str(log)!r}), 'log')); print(len(list(r)), r.outcome, r.note)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[:2] == ["0", "denied"]


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_read_errors():
    lines = LineReader(Source("x", Path("/proc/self/mem"), "log"))
    assert (list(lines), lines.outcome) == ([], "truncated")
    assert "reading stopped" in lines.note
    lines = LineReader(Source("x", Path("/proc/self/status"), "log"))
    assert len(list(lines)) > 10


@pytest.mark.parametrize("name", ["", ".", "x\0y", "n" * 300, "/"])
def test_names_that_are_none(tmp_path: Path, name: str):
    lines = LineReader(Source("x", tmp_path / name, "log"))
    assert list(lines) == []
    assert lines.outcome in ("not-a-file", "vanished", "denied")
    assert lines.note


def test_rotated_again_and_again_while_it_is_read(tmp_path: Path):
    file = tmp_path / "x.log"
    file.write_bytes(record(0) * 3_000)
    stop = threading.Event()

    def rotate() -> None:
        while not stop.is_set():
            file.replace(tmp_path / "x.log.1")
            file.write_bytes(record(0) * 3_000)
            os.truncate(file, 1_000)

    thread = threading.Thread(target=rotate)
    thread.start()
    try:
        for _ in range(100):
            lines = reader(file, choose=lambda first: Selection(BOUNDS, FIRST, FIRST), effort=Effort(small=0))
            list(lines)
            assert lines.outcome in ("read", "truncated", "vanished", "empty")
    finally:
        stop.set()
        thread.join()
