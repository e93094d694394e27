"""Files that are renamed once more between the look at the folders and the opening: names of rotated files move on."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from tests.read.tail.disk import Folder

_ROUNDS = 4
_LINES = 6
_MOST = 20  # packed files; none is deleted


def _lines(round_: int) -> list[str]:
    return [f"line {number} of round {round_}, long enough to be told from others" for number in range(_LINES)]


def _rotate(logs: Folder, kept: int) -> None:
    """By copying, packing and emptying, as logrotate does: all that were packed before move on by one."""
    folder = logs.folder
    for number in range(kept, 0, -1):
        packed = folder / f"a.log.{number}.gz"
        if packed.exists():
            packed.rename(folder / f"a.log.{number + 1}.gz")
    log = folder / "a.log"
    (folder / "a.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    os.truncate(log, 0)


@pytest.mark.parametrize("turns", [0, 1, 2, 3], ids="{} turns between".format)
@pytest.mark.parametrize("most", [16, 64, 1 << 20], ids="{} bytes a turn".format)
def test_the_rest_is_read_where_it_lies_by_then(tmp_path: Path, turns: int, most: int) -> None:
    """Each round leaves a rest unread; names move on after the look at the folders and some turns of reading."""
    logs = Folder(tmp_path)
    written: list[str] = []
    for round_ in range(_ROUNDS):
        first, *rest = _lines(round_)
        written += [first, *rest]
        logs.write("a.log", first + "\n")
        logs.look()
        logs.write("a.log", "".join(f"{line}\n" for line in rest))
        _rotate(logs, _MOST)
        logs.see()
        logs.agent.touch(None)
        logs.read(most, turns=turns)
        between = [f"{line}, after it" for line in _lines(round_)]
        written += between
        logs.write("a.log", "".join(f"{line}\n" for line in between))
        _rotate(logs, _MOST)
        logs.read(most)
    for _ in range(4):
        logs.clock.now += 2
        logs.look()
    given = [line for piece in logs.pieces for line in piece.chunk.data.decode().splitlines()]
    assert sorted(given) == sorted(written)
    rounds = {(piece.stream, line[line.index("round") :]) for piece in logs.pieces for line in _of(piece.chunk.data)}
    assert len(rounds) == len({stream for stream, _ in rounds}), "a stream gave lines of another"


def _of(data: bytes) -> list[str]:
    return data.decode().splitlines()
