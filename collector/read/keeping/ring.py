"""The ring on disk: the newest redacted lines of every stream, so that they can be read when their file is gone.

Lines of all streams are appended to one file, the newest segment; one write and one sync for each flush. Whole
segments go, the oldest first: what of them is still among the newest of its stream is copied to the end before. A
segment is never changed once another has begun, and a new process begins a new one, so that whatever a kill or a
power cut leaves can be read up to where it ends.

What `flush` has written is on the disk when it returns: a checkpoint may then go on. Lines that could not be written
are dropped and `problem` says why; nothing raises out of here for what is wrong with the disk.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from collector.platforms import current
from collector.platforms.folders import sync_folder
from collector.read.keeping import segments
from collector.read.keeping.recent import OF_STREAM, Recent, Redacting, Stretch

log = logging.getLogger(__name__)

OF_ALL, DAYS = 33_554_432, 2.0
_DAY_SECONDS = 86_400.0
#: A ring has about so many segments; more small ones, as restarts leave them, are put together.
_SEGMENTS, _MOST_SEGMENTS = 64, 96
_LEAST_SEGMENT = 65_536
#: Streams are counted in each segment that has lines of them, some 300 bytes of memory each time. Logs that are rotated
#: every minute with a line in each would make five times as many; then less than what may be kept is kept.
_MOST_COUNTED = 16_384
#: Of what is still wanted so much of the whole is kept, so that there is room to put it together.
_LIVE_PART = 0.75
#: Segments that are freed with one flush at most: it must not take long.
_MOST_FREED = 4


@dataclass(slots=True)
class _Share:
    """Of one stream in one segment: bytes that were new when they came, bytes that are copies of older ones, and when
    the last of them were kept."""

    fresh: int = 0
    copied: int = 0
    newest: float = 0.0


@dataclass(slots=True)
class _Segment:
    file: Path
    size: int
    newest: float = 0.0
    streams: dict[int, _Share] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Lines of a stream as they stand in a segment, with what is told of their stream before."""

    stream: int
    end: int
    at: float
    about: bytes
    lines: bytes


class Ring:
    """The folder `<state>/ring`, written by one process. `root`: whose files these are."""

    def __init__(
        self,
        folder: Path,
        root: Path | str,
        *,
        bytes_per_stream: int = OF_STREAM,
        bytes_total: int = OF_ALL,
        days: float = DAYS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`clock`: seconds since the epoch."""
        self.problem = ""
        self.dropped = 0  # bytes of redacted lines that could not be written
        self._folder, self._root, self._clock = folder, segments.name_of(root), clock
        self._most, self._total, self._days = bytes_per_stream, bytes_total, days
        self._segment_bytes = max(_LEAST_SEGMENT, bytes_total // _SEGMENTS)
        self._all: list[_Segment] = []
        self._file = -1
        self._about: dict[int, bytes] = {}  # as the newest segment tells the streams
        self._ends: dict[int, int] = {}  # of each stream how far it was kept
        self._number = 0
        try:
            current().make_private(folder)
            self._learn()
        except OSError as error:
            self._failed(error)

    @property
    def size(self) -> int:
        """On the disk."""
        return sum(segment.size for segment in self._all)

    @property
    def newest_stream(self) -> int:
        """The highest number of a stream here, 0 if there is none: what follows files must not use it for another."""
        return max((stream for segment in self._all for stream in segment.streams), default=0)

    def flush(
        self,
        recent: Recent,
        redactor: Redacting,
        at: float,
        *,
        everything: bool = False,
        most_bytes: int | None = None,
    ) -> None:
        """Keeps what `recent` can tell. `at`: monotonic seconds, as for `recent.add`; the rest as for `recent.take`."""
        self.keep(recent.take(redactor, at, everything=everything, most_bytes=most_bytes), redactor)

    def keep(self, stretches: Iterable[Stretch], redactor: Redacting) -> None:
        """Writes them to the disk, then lets old segments go."""
        now = self._clock()
        self._append(
            _Kept(
                stretch.stream,
                stretch.end,
                now,
                segments.about_line(stretch.stream, stretch.source, redactor),
                segments.entry_bytes(stretch, now),
            )
            for stretch in stretches
        )
        self._make_room(now)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        self._file = -1
        self._about.clear()

    def _learn(self) -> None:
        """What lies in the folder already."""
        for file in sorted(self._folder.glob(f"*{segments.ENDING}")):
            self._number = max(self._number, int(file.stem) if file.stem.isdecimal() else 0)
            segment = _Segment(file, file.stat().st_size)
            try:
                for one in segments.read(file):
                    if isinstance(one, segments.Entry):
                        self._count(segment, one.stream, one.end, one.size, one.at)
            except OSError as error:
                log.warning("%s can't be read: %s", file, error.strerror)
            self._all.append(segment)

    def _append(self, kept: Iterable[_Kept]) -> bool:
        """One write and one sync; False where the disk did not take it."""
        kept = list(kept)
        if not kept:
            return True
        size = 0
        try:
            begun = self._begin() if self._file < 0 or self._all[-1].size >= self._segment_bytes else b""
            parts = [begun]
            for one in kept:
                if self._about.get(one.stream) != one.about:
                    self._about[one.stream] = one.about
                    parts.append(one.about)
                parts.append(one.lines)
            data = b"".join(parts)
            size = len(data)
            _write(self._file, data)
            os.fsync(self._file)
            if begun:
                sync_folder(self._folder)
        except OSError as error:
            self.dropped += size
            self._abandon()
            self._failed(error)
            return False
        newest = self._all[-1]
        newest.size += size
        for one in kept:
            self._count(newest, one.stream, one.end, len(one.lines), one.at)
        if self.problem:
            log.warning("lines can be kept in %s again", self._folder)
        self.problem = ""
        return True

    def _count(self, segment: _Segment, stream: int, end: int, size: int, at: float) -> None:
        share = segment.streams.setdefault(stream, _Share())
        if end > self._ends.get(stream, -1):
            self._ends[stream] = end
            share.fresh += size
        else:
            share.copied += size
        share.newest = max(share.newest, at)
        segment.newest = max(segment.newest, at)

    def _begin(self) -> bytes:
        """A new segment; gives what has to stand at its beginning."""
        self.close()
        self._number += 1
        file = self._folder / f"{self._number:08d}{segments.ENDING}"
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        self._all.append(_Segment(file, 0))
        return segments.head(self._root)

    def _abandon(self) -> None:
        """What was written in part is cut off, or stays as a torn end; the next flush begins another segment."""
        if self._file >= 0:
            with suppress(OSError):
                os.ftruncate(self._file, self._all[-1].size)
        self.close()

    def _make_room(self, now: float) -> None:
        """Lets the oldest segments go: those that are too old or too much, and those that hold little of use."""
        for _ in range(_MOST_FREED):
            if len(self._all) < 2:
                return
            oldest, live = self._all[0], self._live()
            is_old = oldest.newest < now - self._days * _DAY_SECONDS
            is_crowded = sum(len(segment.streams) for segment in self._all) > _MOST_COUNTED
            is_full = self.size > self._total or len(self._all) > _MOST_SEGMENTS
            if not (is_old or is_full or is_crowded or self.size > 2 * live + 4 * self._segment_bytes):
                return
            room = not is_old and not is_crowded and live <= self._total * _LIVE_PART
            if not self._free(oldest, now, keep_live=room):
                return

    def _live(self) -> int:
        """Bytes that are among the newest of their stream."""
        sizes: dict[int, int] = {}
        for segment in self._all:
            for stream, share in segment.streams.items():
                sizes[stream] = sizes.get(stream, 0) + share.fresh + share.copied
        return sum(min(size, self._most) for size in sizes.values())

    def _free(self, segment: _Segment, now: float, *, keep_live: bool) -> bool:
        """Removes a segment; what is still wanted of it is copied before."""
        limit = now - self._days * _DAY_SECONDS
        wanted = {
            stream
            for stream, share in segment.streams.items()
            if share.newest >= limit and self._newer(stream, 1) < self._most
        }
        try:
            if keep_live and wanted and not self._append(_copied(segment.file, wanted, limit)):
                return False
            segment.file.unlink(missing_ok=True)
        except OSError as error:  # another process has it open (Windows), or it can't be read
            self._failed(error)
            return False
        self._all.remove(segment)
        self._ends = {stream: end for stream, end in self._ends.items() if self._newer(stream, 0, copied=True)}
        return True

    def _newer(self, stream: int, first: int, *, copied: bool = False) -> int:
        """Bytes of a stream in the segments from one on. What was copied there is older than what came before it."""
        shares = [one.streams[stream] for one in self._all[first:] if stream in one.streams]
        return sum(share.fresh + (share.copied if copied else 0) for share in shares)

    def _failed(self, error: OSError) -> None:
        problem = f"lines can't be kept in {self._folder}: {error.strerror or error}"
        if problem != self.problem:
            log.warning("%s", problem)
        self.problem = problem


def _copied(file: Path, wanted: set[int], since: float) -> Iterator[_Kept]:
    """The lines of some streams, as they stand there. Raises OSError."""
    about: dict[int, bytes] = {}
    for one in segments.read(file):
        if isinstance(one, segments.About):
            about[one.stream] = segments.about_again(one)
        elif isinstance(one, segments.Entry) and one.stream in wanted and one.at >= since:
            lines = segments.lines_of(one)
            if lines is not None and one.stream in about:
                yield _Kept(one.stream, one.end, one.at, about[one.stream], segments.entry_again(one, lines))


def _write(descriptor: int, data: bytes) -> None:
    """All of it. Raises OSError."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
