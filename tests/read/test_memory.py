"""Whatever the size of a file or of its lines, reading it needs little memory: measured in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="measured in /proc")]
MB = 1_000_000
CODE = """
import resource, sys
from pathlib import Path
import click, psutil
from collector.model import Source
from collector.parse.registry import bounds_of, parse
from collector.read.lines import LineReader, Selection
from collector.read.words import Words
def peak(): return int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0]) * 1024
def warm():
    small = Path(sys.argv[1] + '.small')
    small.write_bytes(b'2026-01-01T00:00:00.000000Z INFO x\\n' * 9)
    list(LineReader(Source('x', small, 'log')))
warm()
before = peak()
bounds = bounds_of('waagent', None)
from datetime import datetime, timezone
start = datetime(2026, 1, 1, tzinfo=timezone.utc)
selection = {
    'all': None,
    'words': Selection(bounds, words=Words(['error', 'failed'])),
    'frame': Selection(bounds, start, start),
}[sys.argv[2]]
reader = LineReader(Source('x', Path(sys.argv[1]), 'log'), choose=lambda first: selection, limit_bytes=10**10)
count = longest = 0
for line in reader:
    count += 1
    longest = max(longest, len(line.text))
print(reader.outcome, count, longest, peak() - before, peak())
"""


def zeros(file: Path, size: int) -> None:
    with file.open("wb") as stream:
        stream.write(b"2026-01-01T00:00:00.000000Z INFO x\n")
        stream.truncate(size)


def one_line(piece: bytes) -> Callable[[Path, int], None]:
    def write(file: Path, size: int) -> None:
        with file.open("wb") as stream:
            for _ in range(size // MB):
                stream.write(piece * (MB // len(piece)))

    return write


def long_records(file: Path, size: int) -> None:
    """One record of many short lines."""
    with file.open("wb") as stream:
        stream.write(b"2026-01-01T00:00:00.000000Z INFO x\n")
        for _ in range(size // MB):
            stream.write(b"  an error, and a frame\n" * (MB // 24))


def bomb(piece: bytes) -> Callable[[Path, int], None]:
    def write(file: Path, size: int) -> None:
        packer = zlib.compressobj(9, wbits=31)
        with file.open("wb") as stream:
            for _ in range(size // MB):
                stream.write(packer.compress(piece * MB))
            stream.write(packer.flush())

    return write


FILES: dict[str, Callable[[Path, int], None]] = {
    "zeros": zeros,
    "a line of letters": one_line(b"x"),
    "a line of CJK": one_line("漢字".encode() * 10),
    "a line of bytes above 127": one_line(b"\xe4"),
    "a line in UTF-16": one_line("x".encode("utf-16-le")),
    "short lines of one byte": one_line(b"\n"),
    "lines of two bytes": one_line(b"x\n"),
    "CR alone": one_line(b"abcdefg\r"),
    "one record": long_records,
    "packed zeros": bomb(b"\0"),
    "packed letters": bomb(b"a"),
    "packed line ends": bomb(b"\n"),
}


SHORT_LINES = {"short lines of one byte", "lines of two bytes", "CR alone", "one record", "packed line ends"}


@pytest.mark.parametrize("wanted", ["all", "words", "frame"])
@pytest.mark.parametrize("content", FILES)
def test_memory_stays_small(tmp_path: Path, content: str, wanted: str):
    file = tmp_path / "x.log"
    FILES[content](file, (6 if content in SHORT_LINES else 200) * MB)
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(file), wanted], capture_output=True, text=True, check=True, timeout=300
    )
    outcome, _, longest, growth, peak = done.stdout.split()
    assert outcome == "read"
    assert int(longest) <= 65_536
    assert int(growth) < 24 * MB, done.stdout
    assert int(peak) < 64 * MB, done.stdout
