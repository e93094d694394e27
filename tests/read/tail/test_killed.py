"""A real agent that is killed at random instants, while another process writes and rotates."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

_AGENT = """
import sys, time
from pathlib import Path
from collector.model import Source
from collector.read.tailing.tail import Tails

folder, out = Path(sys.argv[1]), open(sys.argv[2], "ab", buffering=0)
tails = Tails(Path(sys.argv[3]))
while True:
    is_last = Path(sys.argv[4]).exists()
    tails.see([Source("var/log/" + path.name, path, "log") for path in sorted(folder.iterdir())])
    tails.touch(None)
    for piece in tails.read(4_096):
        lines, at = [], piece.offset
        for line in piece.chunk.data.splitlines(keepends=True):
            lines.append(b"%d %d %s\\n" % (piece.stream, at, line.rstrip(b"\\n")))
            at += len(line)
        out.write(b"".join(lines))
        tails.done(piece.stream, piece.end)
        if piece.end % 3 == 0:
            tails.save()
    if is_last and not tails.is_behind:
        break
    time.sleep(0.002)
tails.close()
"""
_WRITER = """
import sys, time
from pathlib import Path

log = Path(sys.argv[1]) / "a.log"
number = 0
for turn in range(int(sys.argv[2])):
    with log.open("ab", buffering=0) as stream:
        for _ in range(40):
            number += 1
            stream.write(b"line %d %s\\n" % (number, b"x" * (number % 97)))
            if number % 10 == 0:
                time.sleep(0.02)
    for old in range(60, 0, -1):
        file = log.with_name(f"a.log.{old}")
        if file.exists():
            file.rename(log.with_name(f"a.log.{old + 1}"))
    log.rename(log.with_name("a.log.1"))
"""
_TURNS = 40


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
def test_nothing_is_lost_and_nothing_is_told_twice(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    out, end = tmp_path / "out", tmp_path / "end"
    agent = [sys.executable, "-c", _AGENT, str(folder), str(out), str(tmp_path / "tail.json"), str(end)]
    draw = random.Random(7)
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(folder), str(_TURNS)])
    kills = 0
    while writer.poll() is None:
        running = subprocess.Popen(agent)
        time.sleep(draw.uniform(0.15, 0.6))
        running.kill()
        running.wait()
        kills += 1
    end.touch()
    subprocess.run(agent, check=True, timeout=60)
    assert writer.returncode == 0
    assert kills > 3
    given: dict[tuple[bytes, bytes], bytes] = {}
    for record in out.read_bytes().splitlines():
        if len(parts := record.split(b" ", 2)) == 3 and parts[2].startswith(b"line "):
            given.setdefault((parts[0], parts[1]), parts[2])
    lines = sorted(int(line.split(b" ")[1]) for line in given.values())
    assert lines == list(range(1, _TURNS * 40 + 1))
