"""The form of the ring's files: lines of JSON, each with the redacted lines it speaks of after it.

<ring>/00000012.ring:
    {"ring": 1, "root": "/"}                                    the form, and whose files they are
    {"about": 7, "path": "var/log/a.log", "kind": "log", ...}   a stream, before its first lines here
    {"stream": 7, "offset": 0, "end": 180, "at": 1770000000.0, "bytes": 171, "sum": 2868440237,
     "lengths": [90, 90], "mark": [0, 179, 1234567890]}         then 171 bytes: these lines, redacted

A file is written from its beginning to its end and never changed. Its end may be torn: what can't be read whole there
was not promised to anyone.
"""

from __future__ import annotations

import json
import zlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from collector.model import RedactedText, Source
from collector.platforms.files import open_to_read
from collector.read.keeping.recent import Redacting, Stretch

FORM = 1
ENDING = ".ring"
#: No line of ours is longer; what is, is damage.
_MOST_HEAD = 4_194_304
#: The first line is shorter: what ends before was torn in it.
_LEAST_HEAD = 8_192
_PLACED = ("kind", "format", "extension", "version", "name", "sequence")


@dataclass(frozen=True, slots=True)
class About:
    """A stream: the path at which its file lay, and what kind of file that is."""

    stream: int
    path: str
    kind: str
    format: str
    extension: str | None
    version: str | None
    name: str | None
    sequence: int | None


@dataclass(frozen=True, slots=True)
class Entry:
    """Lines of a stream: bytes `offset` to `end` of its file, kept as `size` bytes from `place` on in `segment`.

    `at`: when they were kept, seconds since the epoch. `mark`: begin, end and checksum of bytes of its file, or none.
    """

    segment: Path
    place: int
    size: int
    sum: int
    stream: int
    offset: int
    end: int
    at: float
    lengths: array[int]
    mark: tuple[int, int, int] | None


def name_of(root: Path | str) -> str:
    """How a root is named in a ring: the same for everyone on this machine."""
    return str(Path(root).resolve())


def head(root: str) -> bytes:
    return _line({"ring": FORM, "root": root})


def about_line(stream: int, source: Source, redactor: Redacting) -> bytes:
    """Paths and names may hold what nobody may read."""
    told = {"about": stream, "path": redactor.text(source.path)}
    for name in _PLACED:
        value = getattr(source, name)
        told[name] = redactor.text(value) if isinstance(value, str) else value
    return _line(told)


def about_again(about: About) -> bytes:
    return _line({"about": about.stream, "path": about.path, **{name: getattr(about, name) for name in _PLACED}})


def entry_bytes(stretch: Stretch, at: float) -> bytes:
    """Raises TypeError for lines that no redactor made."""
    if type(stretch.lines) is not RedactedText:
        raise TypeError("only redacted lines are kept")
    data, mark = stretch.lines.encode("utf-8", "replace"), stretch.mark
    told = (stretch.mark_end - len(mark), stretch.mark_end, zlib.crc32(mark)) if mark else None
    place = stretch.stream, stretch.offset, stretch.end
    return _entry(*place, at, len(data), zlib.crc32(data), stretch.lengths, told) + data


def entry_again(entry: Entry, data: bytes) -> bytes:
    """An entry that was read, with its lines."""
    place = entry.stream, entry.offset, entry.end
    return _entry(*place, entry.at, entry.size, entry.sum, tuple(entry.lengths), entry.mark) + data


def _entry(
    stream: int,
    offset: int,
    end: int,
    at: float,
    size: int,
    checksum: int,
    lengths: tuple[int, ...],
    mark: tuple[int, int, int] | None,
) -> bytes:
    told = {"stream": stream, "offset": offset, "end": end, "at": round(at, 3), "bytes": size, "sum": checksum}
    return _line({**told, "lengths": lengths, "mark": mark})


def root_of(segment: Path) -> str | None:
    """Whose files a segment speaks of, "" where nothing was written yet; None where it is of a form we do not know.
    Raises OSError."""
    with _opened(segment) as stream:
        told = _read_line(stream)
        if told is None and not stream.read(1) and stream.tell() < _LEAST_HEAD:
            return ""
    return str(told.get("root")) if told is not None and told.get("ring") == FORM else None


def read(segment: Path) -> Iterator[About | Entry | str]:
    """What stands in a segment, without the lines; at the end a string that says what is wrong with it, if anything
    is. A torn end is nothing wrong. Raises OSError."""
    with _opened(segment) as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        told = _read_line(stream)
        if told is None or told.get("ring") != FORM:
            yield "its form is not known"
            return
        while (place := stream.tell()) < size:
            told = _read_line(stream)
            if told is None and stream.tell() >= size and not _ends_whole(stream, size):
                return
            try:
                one = _value(segment, stream.tell(), told or {})
            except (KeyError, TypeError, ValueError, OverflowError):
                yield f"what stands from byte {place} on can't be read"
                return
            if isinstance(one, Entry):
                if one.place + one.size > size:
                    return
                stream.seek(one.size, 1)
            yield one


def lines_of(entry: Entry) -> bytes | None:
    """The redacted lines; None where they are damaged. Raises OSError."""
    with _opened(entry.segment) as stream:
        stream.seek(entry.place)
        data = stream.read(entry.size)
    return data if len(data) == entry.size and zlib.crc32(data) == entry.sum else None


def _value(segment: Path, place: int, told: dict[str, Any]) -> About | Entry:
    if "about" in told:
        return About(int(told["about"]), str(told["path"]), *(told[name] for name in _PLACED))
    mark = told["mark"]
    return Entry(
        segment,
        place,
        _natural(told["bytes"]),
        int(told["sum"]),
        int(told["stream"]),
        _natural(told["offset"]),
        _natural(told["end"]),
        float(told["at"]),
        array("Q", told["lengths"]),  # a few bytes for each line of the whole ring
        (_natural(mark[0]), _natural(mark[1]), int(mark[2])) if mark else None,
    )


def _ends_whole(stream: BinaryIO, size: int) -> bool:
    stream.seek(size - 1)
    return stream.read(1) == b"\n"


def _natural(value: Any) -> int:
    if not isinstance(value, int) or value < 0:
        raise ValueError(value)
    return value


def _opened(segment: Path) -> BinaryIO:
    import io

    return io.BufferedReader(io.FileIO(open_to_read(segment), "rb"))


def _line(value: Any) -> bytes:
    return (json.dumps(value, separators=(",", ":")) + "\n").encode("ascii")


def _read_line(stream: BinaryIO) -> dict[str, Any] | None:
    line = stream.readline(_MOST_HEAD)
    try:
        value = json.loads(line) if line.endswith(b"\n") else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
