"""What a ring holds of each stream, put together: for a run that finds the stream's own file gone."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

from collector.model import Source
from collector.read.keeping import segments
from collector.read.keeping.recent import OF_STREAM
from collector.read.keeping.segments import About, Entry
from collector.read.source import ByteSource

log = logging.getLogger(__name__)

#: Of a packed file at most so many unpacked bytes are gone through to find lines in it.
_MOST_UNPACKED = 150_000_000
#: So often what the agent moved meanwhile is looked for.
_TRIES = 5


@dataclass(frozen=True, slots=True)
class KeptStream:
    """One file as the ring knew it: `entries` in the order of its bytes, none over another as far as that is known."""

    root: str
    about: About
    entries: tuple[Entry, ...]

    @property
    def key(self) -> tuple[int, str]:
        return key_of(self.about)

    @property
    def offset(self) -> int:
        return self.entries[0].offset

    @property
    def end(self) -> int:
        return max(entry.end for entry in self.entries)

    @property
    def since(self) -> float:
        """When the first of its lines was kept, seconds since the epoch."""
        return min(entry.at for entry in self.entries)

    @property
    def until(self) -> float:
        return max(entry.at for entry in self.entries)

    @property
    def missing(self) -> int:
        """Bytes of the file between its lines that were not kept."""
        gaps, at = 0, self.offset
        for entry in self.entries:
            gaps += max(0, entry.offset - at)
            at = max(at, entry.end)
        return gaps


@dataclass(frozen=True, slots=True)
class Kept:
    """All streams of a ring, and what of it could not be read."""

    streams: tuple[KeptStream, ...]
    problems: tuple[str, ...]


@dataclass(slots=True)
class _Found:
    entries: dict[tuple[int, str], list[Entry]] = field(default_factory=dict)
    about: dict[tuple[int, str], About] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    is_moved: bool = False  # the agent let a segment go meanwhile; what was wanted of it lies in another


def key_of(about: About) -> tuple[int, str]:
    """A stream's number, and the folder of its file: should a number come again, it is most likely elsewhere."""
    return about.stream, about.path.rpartition("/")[0].lower()


def kept(folder: Path, root: Path | str, bytes_per_stream: int = OF_STREAM) -> Kept:
    """What the ring of a folder holds of a root's files, of each stream the newest so many bytes. Never raises."""
    root = segments.name_of(root)
    for _ in range(_TRIES):
        found = _Found()
        for file in sorted(folder.glob(f"*{segments.ENDING}")):
            _learn(file, root, found)
        if not found.is_moved:
            break
    streams = (
        KeptStream(root, found.about[key], _newest(found.entries[key], bytes_per_stream)) for key in found.entries
    )
    return Kept(tuple(sorted(streams, key=lambda one: one.about.stream)), tuple(found.problems))


def _learn(file: Path, root: str, found: _Found) -> None:
    set_of: dict[int, tuple[int, str]] = {}
    try:
        if (whose := segments.root_of(file)) != root:
            found.problems += () if whose is not None else (f"{file.name}: it is of no form that is known",)
            return
        for one in segments.read(file):
            if isinstance(one, str):
                found.problems.append(f"{file.name}: {one}")
            elif isinstance(one, About):
                key = set_of[one.stream] = key_of(one)
                found.about[key] = one
            elif one.stream in set_of:
                found.entries.setdefault(set_of[one.stream], []).append(one)
    except FileNotFoundError:
        found.is_moved = True
    except OSError as error:
        found.problems.append(f"{file.name}: {error.strerror}")


def _newest(entries: Sequence[Entry], most: int) -> tuple[Entry, ...]:
    """In the order of the file and each line once, as far back as so many bytes of lines go."""
    chosen: list[Entry] = []
    covered = -1
    for entry in sorted(entries, key=lambda one: (one.offset, -one.end, one.at)):
        if entry.end > covered:
            chosen.append(entry)
            covered = entry.end
    size = 0
    for number in reversed(range(len(chosen))):
        size += chosen[number].size
        if size >= most:
            return tuple(chosen[number:])
    return tuple(chosen)


def lines_of(stream: KeptStream) -> bytes:
    """The redacted lines of a stream, each once. What is damaged is left out."""
    for _ in range(_TRIES):
        try:
            return b"".join(_lines(stream))
        except FileNotFoundError:  # the agent has put segments together since they were looked at
            folder = stream.entries[0].segment.parent
            fresh = (one for one in kept(folder, stream.root).streams if one.key == stream.key)
            stream = next(fresh, stream)
    return b""


def _lines(stream: KeptStream) -> Iterator[bytes]:
    """Raises FileNotFoundError where a segment is not there any more."""
    for entry, following in zip_longest(stream.entries, stream.entries[1:]):
        try:
            data = segments.lines_of(entry)
        except FileNotFoundError:
            raise
        except OSError:
            data = None
        if data is None:
            log.warning("%s: the lines from byte %d on are damaged", entry.segment, entry.place)
        else:
            yield data if following is None else _before(entry, data, following.offset)


def _before(entry: Entry, data: bytes, offset: int) -> bytes:
    """The lines that begin before an offset of the file; all where that is not known. The same line may have come
    again, and be whole only then."""
    if offset >= entry.end or not entry.lengths:
        return data
    begin, lines = entry.offset, 0
    for length in entry.lengths:
        if begin >= offset:
            break
        begin += length
        lines += 1
    return b"".join(line + b"\n" for line in data.split(b"\n")[:lines])


def is_in(stream: KeptStream, source: Source) -> bool:
    """Whether a file on the disk holds the stream's newest lines where the stream had them.

    By the bytes themselves: whatever became of the file's name, and whatever else has its number now.
    """
    entry = max(stream.entries, key=lambda one: one.end)
    if entry.mark is None:  # only its decoded form is known: the file that lies there and is long enough counts as it
        return source.path == stream.about.path and source.size >= stream.end
    begin, end, checksum = entry.mark
    reader = ByteSource(source)
    data = b""
    with reader.opened() as is_open:
        if is_open and reader.packed and end <= _MOST_UNPACKED:
            data = _unpacked(reader, begin, end)
        elif is_open and not reader.packed:
            data = reader.at(begin, end - begin)
    return len(data) == end - begin and zlib.crc32(data) == checksum


def _unpacked(reader: ByteSource, begin: int, end: int) -> bytes:
    at, wanted = 0, b""
    for piece in reader.unpacked(end):
        wanted += piece[max(0, begin - at) : max(0, end - at)]
        at += len(piece)
        if at >= end:
            break
    return wanted
