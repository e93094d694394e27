"""What following costs where files come and go all the time: writes of the checkpoint and its size."""

from __future__ import annotations

import gzip
import os
import shutil
from pathlib import Path

import pytest

from collector.platforms import durable
from tests.read.tail.disk import Folder

_LOGS = 4
_KEPT = 3
_LINE = "{} of {}, with what else a line of a log says\n"


def _rotate(folder: Path, name: str, way: str) -> None:
    """As logrotate does: by renaming or by copying and emptying, the ones before packed."""
    for number in range(_KEPT, 0, -1):
        packed = folder / f"{name}.{number}.gz"
        if packed.exists():
            packed.rename(folder / f"{name}.{number + 1}.gz")
    (folder / f"{name}.{_KEPT + 1}.gz").unlink(missing_ok=True)
    log, plain = folder / name, folder / f"{name}.1"
    if plain.exists():
        (folder / f"{name}.2.gz").write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    if way == "renamed":
        log.rename(plain)
    else:
        shutil.copyfile(log, plain)
        os.truncate(log, 0)


def _live(logs: Folder, minutes: int) -> tuple[list[int], list[str]]:
    """Rotates each log every minute; the checkpoint's sizes and what was written."""
    sizes, written = [], []
    for minute in range(minutes):
        for number in range(_LOGS):
            name, way = f"{number}.log", ("renamed", "copied")[number % 2]
            before, after = _LINE.format(f"{minute} before", name), _LINE.format(f"{minute} after", name)
            logs.write(name, before)
            _rotate(logs.folder, name, way)
            logs.write(name, after)
            written += [before.strip(), after.strip()]
        logs.clock.now += 60
        logs.look()
        logs.agent.save()
        sizes.append(logs.checkpoint.stat().st_size)
    logs.clock.now += 10
    logs.look()
    return sizes, written


def test_a_checkpoint_does_not_grow_with_the_rotations(tmp_path: Path) -> None:
    logs = Folder(tmp_path)
    sizes, written = _live(logs, 90)
    assert sorted(line for piece in logs.pieces for line in piece.chunk.data.decode().splitlines()) == sorted(written)
    assert max(sizes) < 200_000
    assert max(sizes[30:]) < 1.2 * max(sizes[15:30])


@pytest.mark.slow
def test_a_day_of_rotations(tmp_path: Path) -> None:
    logs = Folder(tmp_path)
    sizes, written = _live(logs, 24 * 60)
    assert sorted(line for piece in logs.pieces for line in piece.chunk.data.decode().splitlines()) == sorted(written)
    assert max(sizes) < 200_000


def test_what_was_not_read_is_kept_longer(tmp_path: Path) -> None:
    """Of two logs that are gone the one whose rest was not processed is still known after an hour, also after a
    restart."""
    logs = Folder(tmp_path)
    for name in ("read.log", "unread.log"):
        logs.write(name, f"first line of {name}, long enough to be told from others\n")
    logs.look()
    rest = "the rest that was not read\n" * 10
    logs.write("unread.log", rest)
    logs.agent.touch(None)
    logs.read(30, turns=2)
    numbers = {state.path: state.stream for state in logs.agent.followed()}
    content = (logs.folder / "unread.log").read_bytes()
    logs.restart()
    for name in ("read.log", "unread.log"):
        (logs.folder / name).unlink()
    logs.see()
    logs.clock.now += 3_600
    logs.restart()
    logs.see()
    kept = set(logs.agent._follow.streams)
    assert kept == {numbers["var/log/unread.log"]}
    logs.write("unread.log.1", content)
    logs.look()
    assert b"".join(piece.chunk.data for piece in logs.pieces if piece.stream in kept) == content


def test_many_new_files_are_one_write_of_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """... before the first of their lines is given; and the number that a line was given with holds after a kill."""
    logs = Folder(tmp_path)
    for number in range(20):
        logs.write(f"{number}.log", _LINE.format("one", number))
    writes: list[int] = []
    write = durable.write

    def counted(file: Path, data: bytes) -> None:
        writes.append(len(data))
        write(file, data)

    monkeypatch.setattr(durable, "write", counted)
    logs.see()
    pieces = logs.agent.read(1 << 20)
    first = next(pieces)
    assert len(writes) == 1
    rest = list(pieces)
    assert (len(rest), len(writes)) == (19, 1)
    logs.restart(save=False)
    logs.look()
    known = {piece.source.path: piece.stream for piece in (first, *rest)}
    assert {piece.source.path: piece.stream for piece in logs.pieces} == known


def test_what_is_not_fetched_comes_with_the_next_turn(tmp_path: Path) -> None:
    logs = Folder(tmp_path)
    for number in range(3):
        logs.write(f"{number}.log", _LINE.format("one", number))
    logs.see()
    pieces = logs.agent.read(1 << 20)
    first = next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert logs.agent.is_behind
    assert first.chunk.data.decode() == _LINE.format("one", 0)
    assert logs.read() == [_LINE.format("one", number).strip() for number in (1, 2)]
