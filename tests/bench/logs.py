"""Agent logs of any size for the benchmarks, in the guest agent's own words, with stamps that only grow.

A log is made of whole days. A day's text is written once, with a mark where the date belongs; putting the date in is
one replacement per day, so that gigabytes cost seconds. Everything follows from the seed.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from tests.bench import messages

Errors = Literal["none", "sparse", "dense"]

#: Bytes a second that an agent writes here: 90 KB in ten minutes, so that 1 GB covers 77 days.
RATE = 150
#: The stamps end here, whatever the size; no log speaks of the future.
END = datetime(2026, 6, 1, tzinfo=timezone.utc)
MB = 1_000_000

#: The part of the records that are errors.
_SHARE: dict[Errors, float] = {"none": 0.0, "sparse": 0.001, "dense": 0.2}
#: One record in so many begins a new burst; an agent writes its lines in bursts and sleeps between them.
_BURST = 8
_SECONDS = 86_400
#: Stands for the date, and is as long, so that the text never moves.
_DATE = b"\0YYYYMMDD\0"
#: Texts of different days that take turns.
_DAYS = 7
_BLOCK = 1 << 20
#: Packing makes these logs shorter by less than this.
_PACKED = 14


@dataclass(frozen=True, slots=True)
class Log:
    """A file and the time that it covers."""

    path: Path
    first: datetime
    last: datetime

    @property
    def size(self) -> int:
        return self.path.stat().st_size


def agent_log(data: Path, size: int, errors: Errors, *, seed: int = 1) -> Log:
    """A waagent.log of at most `size` bytes of whole records; made once and kept in `data`."""

    def write(file: Path) -> None:
        with file.open("wb") as out:
            for piece in pieces(size, errors, seed=seed):
                out.write(piece)

    path = kept(data, f"agent-{errors}-{size // MB}MB", ".log", {"size": size, "seed": seed}, write)
    return Log(path, *_span(path))


def utf16_twin(log: Log, data: Path) -> Log:
    """The same text in UTF-16 with a byte-order mark, as Windows tools write it."""

    def write(file: Path) -> None:
        with log.path.open(encoding="ascii", newline="") as text, file.open("wb") as out:
            out.write(b"\xff\xfe")
            while piece := text.read(_BLOCK):
                out.write(piece.encode("utf-16-le"))

    path = kept(data, log.path.name.rsplit("-", 1)[0] + "-utf16", ".log", {"of": log.path.name}, write)
    return Log(path, log.first, log.last)


def packed_log(data: Path, size: int, errors: Errors, *, seed: int = 1) -> Path:
    """A rotated log of about `size` packed bytes; unpacked it is many times as long."""

    def write(file: Path) -> None:
        packer = zlib.compressobj(6, wbits=31)
        with file.open("wb") as out:
            for piece in pieces(_PACKED * size, errors, seed=seed):
                for start in range(0, len(piece), _BLOCK):
                    out.write(packer.compress(piece[start : start + _BLOCK]))
                    if out.tell() >= size:
                        out.write(packer.flush())
                        return

    return kept(data, f"agent-{errors}-{size // MB}MB-packed", ".log.gz", {"size": size, "seed": seed}, write)


def long_line_log(data: Path, size: int, *, seed: int = 1) -> Path:
    """A log in whose middle stands one line of `size` bytes: a program's dump without a line end."""

    def write(file: Path) -> None:
        chance = random.Random(seed)
        words = json.dumps([messages.telemetry(chance) for _ in range(2000)]).encode()
        begin, end = _some_lines(seed), _some_lines(seed + 1)
        with file.open("wb") as out:
            out.write(begin + begin[begin.rindex(b"\n", 0, -1) + 1 :].split(b" ", 1)[0] + b" INFO ExtHandler Events: ")
            for _ in range(size // len(words)):
                out.write(words)
            out.write(words[: size % len(words)] + b"\n" + end)

    return kept(data, f"one-line-{size // MB}MB", ".log", {"size": size, "seed": seed}, write)


def pieces(size: int, errors: Errors, *, seed: int = 1, end: datetime = END) -> Iterator[bytes]:
    """The text of a log day by day, together at most `size` bytes, up to `end`, which is a midnight."""
    days, surplus = 0, -size
    while surplus < 0:
        surplus += len(_day(errors, seed * _DAYS + days % _DAYS))
        days += 1
    for ago in range(days, 0, -1):
        text = _day(errors, seed * _DAYS + (ago - 1) % _DAYS)
        if ago == days:
            text = _without_first(text, surplus)
        yield text.replace(_DATE, (end - timedelta(days=ago)).date().isoformat().encode())


def kept(data: Path, name: str, suffix: str, recipe: dict[str, Any], write: Callable[[Path], None]) -> Path:
    """The file or folder that the recipe makes, reused where it is there; older ones of the same name are removed."""
    made_by = "".join(Path(module).read_text(encoding="utf-8") for module in (__file__, messages.__file__))
    text = json.dumps([name, recipe, made_by], sort_keys=True)
    file = data / f"{name}-{hashlib.sha256(text.encode()).hexdigest()[:10]}{suffix}"
    if not file.exists():
        data.mkdir(parents=True, exist_ok=True)
        partial = file.with_name("." + file.name)
        for old in (partial, *data.glob(f"{name}-{'[0-9a-f]' * 10}{suffix}")):
            shutil.rmtree(old) if old.is_dir() else old.unlink(missing_ok=True)
        write(partial)
        partial.replace(file)
    return file


def _without_first(text: bytes, count: int) -> bytes:
    """A text without at least its first `count` bytes, from the next record on."""
    if count == 0:
        return text
    begin = text.find(b"\n" + _DATE, count - 1)
    return text[begin + 1 :] if begin >= 0 else b""


@lru_cache(maxsize=_DAYS)
def _day(errors: Errors, seed: int) -> bytes:
    """One day's text with a mark for the date; the n-th byte is written about n / RATE seconds after midnight."""
    chance = random.Random(f"{errors} {seed}")
    usual, wrong = messages.usual(chance), messages.wrong(chance)
    share = _SHARE[errors]
    records: list[bytes] = []
    written, now = 0, 0.0
    while True:
        text = chance.choice(wrong) if chance.random() < share else chance.choice(usual)
        now = max(now, written / RATE) if chance.randrange(_BURST) == 0 else now + chance.random() / 200
        if now >= _SECONDS:
            return b"".join(records)
        records.append(_DATE + _clock(now) + text)
        written += len(records[-1])


def _clock(seconds: float) -> bytes:
    minutes, micros = divmod(int(seconds * 1_000_000), 60_000_000)
    return b"T%02d:%02d:%02d.%06dZ " % (*divmod(minutes, 60), *divmod(micros, 1_000_000))


def _some_lines(seed: int) -> bytes:
    """The first few lines of a log."""
    text = next(pieces(MB, "sparse", seed=seed))
    return text[: text.index(b"\n", 20_000) + 1]


def _span(path: Path) -> tuple[datetime, datetime]:
    """The first and the last stamp of a log."""
    with path.open("rb") as file:
        first = file.readline()
        file.seek(max(0, path.stat().st_size - 65_536))
        lines = file.read().split(b"\n")
    return _stamp(first), _stamp(next(line for line in reversed(lines) if line[:2] == b"20"))


def _stamp(line: bytes) -> datetime:
    return datetime.fromisoformat(line[:26].decode()).replace(tzinfo=timezone.utc)
