"""Target: the bytes of a file to lines, whole, in a window, by words, within limits; and to a state's text.

The first byte chooses what is asked for. Windows are found by bisection in files of any size here.
"""

from __future__ import annotations

import gzip
import os
import tempfile
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import pairwise
from pathlib import Path

from collector.model import Line, Outcome, Source
from collector.parse.registry import bounds_of
from collector.read.gaps import Effort
from collector.read.lines import LineReader, Selection
from collector.read.state import read_state
from collector.read.words import Words

_BOUNDS = bounds_of("generic", timezone.utc)
_WORDS = Words(("error", "failed", "a"))
_MOMENTS = [datetime(2024, 2, 9, tzinfo=timezone.utc) + timedelta(days=it * 61) for it in range(16)]
#: A line is cut here, so that long lines can be met.
_LINE_LIMIT = 200
#: Files of a few hundred bytes are searched here as large ones are.
_BLOCK = 256
_EFFORT = Effort(small=64, grain=32, most_scanned=1_000, looks=8, most_probes=32)
_CHOICES: tuple[Selection | None, ...] = (
    None,
    Selection(_BOUNDS, words=_WORDS),
    Selection(_BOUNDS, words=_WORDS, whole_bytes=50),
    Selection(_BOUNDS, tail_bytes=100),
    *(Selection(_BOUNDS, start, start + timedelta(minutes=10)) for start in _MOMENTS),
    Selection(_BOUNDS, start=_MOMENTS[3]),
    Selection(_BOUNDS, end=_MOMENTS[3], words=_WORDS),
)
_OUTCOMES: frozenset[Outcome] = frozenset({"read", "empty", "truncated", "undecodable"})


def check(data: bytes) -> None:
    if data:
        _check(data[1:], data[0] % len(_CHOICES), 1 << 30 if data[0] < 128 else 300)


def check_all(data: bytes) -> None:
    for choice in range(len(_CHOICES)):
        for limit in (1 << 30, 300):
            _check(data[1:], choice, limit)


def seeds(files: list[Path]) -> Iterator[bytes]:
    edges = [f"{year}-{day}T00:00:00Z a\n".encode() for year in ("0001", "2024", "9999") for day in ("01-01", "12-31")]
    for number in range(len(_CHOICES)):
        yield bytes([number]) + b"more\n".join(edges)
    for number, file in enumerate(files):
        yield bytes([number % 256]) + file.read_bytes()[:3_000]
    yield (
        b"\1"
        + gzip.compress(b"2024-01-01T00:00:00Z error\n" * 9, mtime=0)
        + gzip.compress(b"more", mtime=0)
        + b"\0" * 9
    )
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"", "utf-16-le")):
        text = "".join(f"{moment.isoformat()} ERROR failed\r\n more\r\n" for moment in _MOMENTS)
        yield from (bytes([number]) + mark + text.encode(encoding) for number in range(8))


def _check(data: bytes, choice: int, limit: int) -> None:
    file = _scratch()
    file.write_bytes(data)
    source = Source("x.log", file, "log", size=len(data))
    text, entry = read_state(source)
    assert "\0" not in text
    assert entry.outcome in _OUTCOMES
    whole, part = _read(source, None, 1 << 30), _read(source, _CHOICES[choice], limit)
    if limit > len(data) and not data.startswith(b"\x1f\x8b"):
        if (chosen := _CHOICES[choice]) is not None and chosen.tail_bytes is not None:
            part = part[1:]  # where no line ends in the tail, it begins inside one
        remaining = iter(line.text for line in whole)
        assert all(line.text in remaining for line in part), "a part holds lines of the whole, in their order"


def _read(source: Source, selection: Selection | None, limit: int) -> list[Line]:
    choose = (lambda first: selection) if selection else None
    reader = LineReader(source, choose=choose, limit_bytes=limit, line_limit=_LINE_LIMIT, block=_BLOCK, effort=_EFFORT)
    lines = list(reader)
    assert reader.outcome in _OUTCOMES
    for line, following in pairwise(lines):
        assert line.number < following.number, "numbers grow"
    for line in lines:
        assert "\0" not in line.text
        assert "\n" not in line.text
        assert len(line.text) <= _LINE_LIMIT
    return lines


@cache
def _scratch() -> Path:
    memory = Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="vmext-fuzz-", dir=memory if os.access(memory, os.W_OK) else None)
    return Path(folder, "x.log")
