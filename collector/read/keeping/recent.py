"""The newest lines of every stream in memory, until they are redacted and kept. Pure.

Lines are redacted together with those before them, so that a key over several lines, or a line that was wrapped, is
known as what it is although its lines came at different times. Of what has come last some lines wait until nothing
comes after them for a while. Under a flood only the newest are held, so that only what would be kept is redacted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Protocol

from collector.model import RedactedText, Source
from collector.read.encoding import text_of
from collector.read.tailing.piece import Piece

#: Bytes held of one stream and of all.
OF_STREAM, OF_ALL = 262_144, 4_194_304
#: Seconds without a new line after which the last lines do not wait for more.
SETTLED_SECONDS = 2.0
#: Characters before a line that may make it a secret: no pattern of a key reaches further.
_CONTEXT = 24_576
#: Seconds after which nothing goes on with what came before.
_CONTEXT_SECONDS = 900.0
#: Characters of all streams of which nothing else is held, each counted with what it costs to know it.
_CONTEXT_OF_ALL, _CONTEXT_COST = 2_097_152, 1_024
#: Bytes at the end of a stretch by which it is known again in the file.
_MARK_BYTES = 1_024


class Redacting(Protocol):
    """What is asked of a redactor."""

    def text(self, text: str) -> RedactedText: ...

    def following(self, before: str, text: str, *, whole: bool) -> tuple[RedactedText, int, str]: ...


@dataclass(frozen=True, slots=True)
class Stretch:
    """Redacted lines of one stream that stood one after another in its file.

    `lengths`: bytes of each line in the file, its line end included; empty where lines were lost to redaction.
    `mark`: bytes near the end as they stand in the file up to `mark_end`, empty where only their normalised form is
    known.
    """

    stream: int
    source: Source
    offset: int
    end: int
    lines: RedactedText
    lengths: tuple[int, ...]
    mark: bytes = b""
    mark_end: int = 0


@dataclass(frozen=True, slots=True)
class _Part:
    """Whole lines; the last one has a line end here even where it has none in the file."""

    offset: int
    end: int
    data: bytes

    @property
    def is_exact(self) -> bool:
        """Whether the data stands in the file as it is."""
        return len(self.data) - (self.end - self.offset) in (0, 1)

    def lengths(self) -> list[int]:
        """Bytes of each line in the file: exact where the data stands there as it is, else in proportion."""
        own = [len(line) + 1 for line in self.data.split(b"\n")[:-1]]
        total, there = len(self.data), self.end - self.offset
        if self.is_exact:
            own[-1] -= total - there
            return own
        ends, so_far = [0], 0
        for length in own:
            so_far += length
            ends.append(so_far * there // total)
        return [after - before for before, after in pairwise(ends)]

    def split(self, place: int) -> tuple[_Part, _Part]:
        """Two parts, the second from a place in the data on that begins a line."""
        if self.is_exact and place < len(self.data):
            middle = self.offset + place
        else:
            middle = self.offset + sum(self.lengths()[: self.data.count(b"\n", 0, place)])
        return _Part(self.offset, middle, self.data[:place]), _Part(middle, self.end, self.data[place:])


@dataclass(slots=True)
class _Held:
    """One stream. `before`: text that was told, or dropped, before the first part. `end`: of the last part."""

    source: Source
    added: float
    before: str = ""
    parts: deque[_Part] = field(default_factory=deque)
    size: int = 0
    final: bool = False
    end: int = 0

    def cut(self, offset: int) -> int:
        """Forgets the lines of the last part that begin at an offset or behind it; how many bytes went."""
        last = self.parts.pop()
        place = there = 0
        for line, length in zip(last.data.split(b"\n"), last.lengths(), strict=False):
            if last.offset + there >= offset:
                break
            place += len(line) + 1
            there += length
        if place:
            first = last.split(place)[0] if place < len(last.data) else last
            self.parts.append(_Part(first.offset, min(first.end, offset), first.data))
        self.end = self.parts[-1].end if self.parts else 0
        self.size -= len(last.data) - place
        return len(last.data) - place

    def shrink(self, most: int) -> int:
        """Drops the oldest lines above so many bytes; how many bytes went. What was dropped is context."""
        dropped: list[bytes] = []
        gone = 0
        while self.size > most:
            first = self.parts.popleft()
            place = first.data.find(b"\n", self.size - most - 1) + 1
            if 0 < place < len(first.data):
                first, rest = first.split(place)
                self.parts.appendleft(rest)
            self.size -= len(first.data)
            gone += len(first.data)
            dropped.append(first.data[-_CONTEXT:])
        context, length = deque[bytes](), 0
        while dropped and length < _CONTEXT:
            context.appendleft(dropped.pop())
            length += len(context[0])
        text = text_of(b"".join(context))[0]
        self.before = (text if gone >= _CONTEXT else self.before + text)[-_CONTEXT:]
        return gone


class Recent:
    """Lines that were read and are not kept yet. Memory: `bytes_total`, and the context of the streams."""

    def __init__(self, bytes_per_stream: int = OF_STREAM, bytes_total: int = OF_ALL) -> None:
        self._most, self._most_total = bytes_per_stream, max(bytes_total, bytes_per_stream)
        self._streams: dict[int, _Held] = {}
        self._size = 0

    @property
    def size(self) -> int:
        return self._size

    def add(self, piece: Piece, at: float) -> None:
        """`at`: monotonic seconds. A piece that is given again, or partly, is taken only as far as it is new."""
        held = self._streams.get(piece.stream)
        if held is None:
            held = self._streams[piece.stream] = _Held(piece.source, at)
        held.source, held.final = piece.source, held.final or piece.final
        data = piece.chunk.data
        if data and not data.endswith(b"\n"):
            data += b"\n"  # the last line of what is over
        part = _Part(piece.offset, piece.end, data)
        if part.end <= held.end and held.parts:
            return
        while held.parts and part.offset < held.end:  # the same lines again; the last one may be whole only now
            self._size -= held.cut(part.offset)
        if not part.data:
            return
        held.parts.append(part)
        held.added, held.end = at, part.end
        held.size += len(part.data)
        self._size += len(part.data)
        if held.size > self._most * 5 // 4:  # not with each piece: what is dropped is looked at
            self._size -= held.shrink(self._most)
        while self._size > self._most_total:
            most = max(self._streams.values(), key=lambda one: one.size)
            self._size -= most.shrink(most.size // 2)

    def begin(self, stream: int) -> int | None:
        """The offset of the first line of a stream that is not kept yet; None where all are."""
        held = self._streams.get(stream)
        return held.parts[0].offset if held is not None and held.parts else None

    def take(
        self, redactor: Redacting, at: float, *, everything: bool = False, most_bytes: int | None = None
    ) -> Iterator[Stretch]:
        """What can be told now, redacted; it is not held any longer. `everything`: also what should wait for more.
        Of more than `most_bytes`, what was looked at least lately; the rest comes with the next call."""
        size = self._size
        for stream, held in list(self._streams.items()):
            if most_bytes is not None and size - self._size >= most_bytes:
                return
            self._streams[stream] = self._streams.pop(stream)  # it is the next one's turn
            settled = everything or held.final or at - held.added >= SETTLED_SECONDS
            yield from self._told(stream, held, redactor, settled=settled)
            if not held.parts and (held.final or at - held.added > _CONTEXT_SECONDS):
                del self._streams[stream]
        self._forget()

    def forget(self, is_followed: Callable[[int], bool]) -> None:
        """Lets go of the context of streams that can't go on any more."""
        for stream in [stream for stream, held in self._streams.items() if not held.parts and not is_followed(stream)]:
            del self._streams[stream]

    def _forget(self) -> None:
        """Of too much context, that of the streams to which nothing was added for longest."""
        idle = [(held.added, stream) for stream, held in self._streams.items() if not held.parts]
        too_much = sum(_CONTEXT_COST + len(self._streams[stream].before) for _, stream in idle) - _CONTEXT_OF_ALL
        for _, stream in sorted(idle):
            if too_much <= 0:
                return
            too_much -= _CONTEXT_COST + len(self._streams.pop(stream).before)

    def _told(self, stream: int, held: _Held, redactor: Redacting, *, settled: bool) -> Iterator[Stretch]:
        while held.parts:
            run = [held.parts.popleft()]
            while held.parts and held.parts[0].offset == run[-1].end:
                run.append(held.parts.popleft())
            data = b"".join(part.data for part in run)
            held.size -= len(data)
            self._size -= len(data)
            text = text_of(data)[0]
            lines, told, held.before = redactor.following(held.before, text, whole=settled or bool(held.parts))
            held.before = held.before[-_CONTEXT:]
            lengths = [length for part in run for length in part.lengths()]
            number = text.count("\n", 0, told)
            middle = run[0].offset + sum(lengths[:number])
            rest = data.split(b"\n", number)[number]
            if number:
                kept = tuple(lengths[:number]) if lines.count("\n") == number else ()
                mark = _mark(data[: len(data) - len(rest)], run, middle, is_all=not rest)
                yield Stretch(stream, held.source, run[0].offset, middle, lines, kept, *mark)
            if rest:
                held.parts.appendleft(_Part(middle, run[-1].end, rest))
                held.size += len(rest)
                self._size += len(rest)
                return


def _mark(data: bytes, run: list[_Part], end: int, *, is_all: bool) -> tuple[bytes, int]:
    """The last bytes of a run, without the line end that the file may not have, and where they end there."""
    if not all(part.is_exact for part in run):
        return b"", end
    surplus = len(run[-1].data) - (run[-1].end - run[-1].offset) if is_all else 0
    return data[:-1][-_MARK_BYTES:], end - 1 + surplus
