"""The ring while it is written by another process: killed at any instant, or read meanwhile."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from collector.read.keeping.kept import kept, lines_of
from tests.read.ring_writer import line

STREAMS = 3
SIZE = len(line(1, 0))


@contextmanager
def writing(folder: Path, total: int = 400_000, out: int = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.read.ring_writer", str(folder), str(STREAMS), str(total)]
    process = subprocess.Popen(command, stdout=out, text=True, cwd=Path(__file__).parents[2])
    try:
        yield process
    finally:
        process.kill()
        process.communicate(timeout=60)


def numbers(data: bytes, stream: int) -> list[int]:
    found = []
    for text in data.decode().splitlines():
        assert text.split()[1] == str(stream), text
        assert "AccountKey=[" in text
        assert "hidden" not in text
        found.append(int(text.split()[2]))
    return found


@pytest.mark.parametrize("seed", range(3 if sys.platform == "win32" else 12))
def test_a_kill_at_any_instant_leaves_what_was_promised(tmp_path: Path, seed: int):
    folder = tmp_path / "ring"
    with writing(folder) as process:
        assert process.stdout is not None
        promised = [int(word) for word in process.stdout.readline().split()]
        time.sleep(Random(seed).uniform(0.0, 0.6))
        process.kill()
        rest, _ = process.communicate(timeout=60)
    for told in rest.splitlines():
        if len(told.split()) == STREAMS:
            promised = [int(word) for word in told.split()]
    found = kept(folder, "/", 20_000)
    assert found.problems == ()
    assert [stream.about.stream for stream in found.streams] == [1, 2, 3]
    for stream, end in zip(found.streams, promised, strict=True):
        assert stream.end >= end
        there = numbers(lines_of(stream), stream.about.stream)
        assert there == list(range(stream.offset // SIZE, stream.end // SIZE))  # no gap, and none twice
        assert len(there) * SIZE >= min(20_000, end) * 0.9
    assert sum(file.stat().st_size for file in folder.iterdir()) < 700_000


def test_who_reads_while_segments_come_and_go_sees_whole_streams(tmp_path: Path):
    folder = tmp_path / "ring"
    seen: set[str] = set()
    with writing(folder, 150_000, subprocess.DEVNULL) as process:
        end = time.monotonic() + 90  # running away
        while len(seen) < 9 and time.monotonic() < end:
            found = kept(folder, "/", 20_000)
            assert found.problems == ()
            assert process.poll() is None
            for stream in found.streams:
                there = numbers(lines_of(stream), stream.about.stream)
                assert there == list(range(there[0], there[-1] + 1))
            seen |= {file.name for file in folder.glob("*.ring")} if len(found.streams) == STREAMS else set()
    assert len(seen) >= 9  # segments went meanwhile
