"""One log that grows, from its pieces to its signals: words are searched in whole pieces, and only records that hold
one are parsed, as the survey of a disk does it.

The last record of what came may go on, so it is held back until the next one begins or `idle` says that nothing more
came for a while. `safe` is the raw offset before which everything is processed; a checkpoint there never lies inside a
record of which only a part was seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from functools import cache
from itertools import islice

from collector.data.noise import is_noise
from collector.extract.rules import SignalKind, words_of
from collector.extract.signals import AGENT_FORMATS, Signal, of_record
from collector.model import Line, Record, Source
from collector.parse.registry import FORMATS, begins_of, bounds_of, detect, is_sure, parse
from collector.read.lines import FIRST_LINES, LineReader, Selection
from collector.read.sift import Sift
from collector.read.split import Chunk, LineMaker, chunk_of
from collector.read.tailing.piece import Piece
from collector.read.words import Words

#: Bytes of one record that are held back; what is longer is looked at in parts.
_MOST_HELD = 65_536
#: Characters of a line that are kept.
_LINE_LIMIT = 65_536
#: Bytes of a piece that help to tell the format.
_SAMPLE = 16_384
#: Characters of a line that are kept to tell the format.
_LONGEST_FIRST = 300
#: Parts of what is held back whose raw offsets are known one by one.
_MOST_SPANS = 32
#: Of a log, so much before the place from which on it is followed tells what was running.
_HISTORY_BYTES = 1_000_000
#: A line that the Linux agent writes every half hour (Azure/WALinuxAgent:azurelinuxagent/ga/update.py).
_HEARTBEAT = "[HEARTBEAT]"
HEARTBEAT_RULE = "agent-heartbeat"
ERROR_RULE = "error-line"
#: The kinds that `judging` makes something of. What the agent repeats of all handlers at once, and that it begins to
#: look for work, it writes most often of all: records that tell no more are not parsed.
JUDGED: tuple[SignalKind, ...] = ("failure", "hang", "mention", "start", "end", "settings", "goal-end")
#: A form in which a word may stand in two lines: each of its records has a stamp, and so a digit.
_DIGITS = tuple("0123456789")


@cache
def _words_for(format_name: str) -> Words:
    """The same for all logs of a form: there may be hundreds."""
    words = words_of(format_name, *JUDGED)
    more = (_HEARTBEAT.lower(),) if format_name == "waagent" else ()
    return Words((*words, *more) if words is not None else _DIGITS)


@dataclass(slots=True)
class _Span:
    """Raw bytes and the normalised ones that they became. `exact`: as many, byte for byte."""

    offset: int
    end: int
    size: int

    @property
    def exact(self) -> bool:
        return self.end - self.offset == self.size


class StreamNotices:
    """`zone`: of stamps without one. `state`: what `state` told before a restart."""

    def __init__(self, zone: tzinfo | None, state: Mapping[str, str | int] | None = None) -> None:
        known = str((state or {}).get("format", ""))
        self.format = known if known in FORMATS else ""
        self._is_settled = bool(self.format)
        self._zone = zone
        self._first: list[Line] = []
        self._source: Source | None = None
        self._words = Words(())
        self._sift: Sift | None = None
        self._waiting: Chunk | None = None  # came out, but may hold what follows as a quotation
        self._spans: list[_Span] = []
        self._next_number = 1
        self._end = -1  # raw offset after what came last
        self._safe = 0

    @property
    def safe(self) -> int:
        """The raw offset before which every record is processed."""
        return self._safe

    @property
    def state(self) -> Mapping[str, str | int]:
        """The format, once enough lines have told it."""
        return {"format": self.format} if self._is_settled else {}

    @property
    def is_holding(self) -> bool:
        """Whether a record is held back, so that `idle` would tell more."""
        return bool(self._spans)

    def feed(self, piece: Piece) -> list[Signal]:
        """What the records say that the piece completes."""
        self._source = piece.source
        if piece.source.kind == "output":  # a script prints what it likes; its handler tells how it ended
            self._safe = self._end = piece.end
            return []
        chunk = piece.chunk
        follows = piece.offset == self._end
        found = [] if follows else self.idle()  # else something was lost or left out
        if not self._is_settled:
            found += self._signals(self._complete(self._learn_format(piece)))
        if follows and chunk.number != self._next_number:  # its numbers are not those of an editor
            chunk = Chunk(self._next_number, chunk.data, self._next_number + chunk.next_number - chunk.number)
        self._next_number, self._end = chunk.next_number, piece.end
        self._remember(_Span(piece.offset, piece.end, len(chunk.data)))
        sift = self._sifting()
        found += self._signals(self._complete(sift.feed(chunk)), is_sifted=True)
        self._move_on(len(sift.held.data) + (len(self._waiting.data) if self._waiting else 0))
        if piece.final:
            found += self.idle()
        return found

    def idle(self) -> list[Signal]:
        """What the record says that was held back, since nothing more came or will come."""
        if self._sift is None or not self._spans:
            return []
        found = self._signals(self._complete(self._sift.close()))
        self._move_on(0)
        return found

    # ---- format ----------------------------------------------------------------------------------------

    def _learn_format(self, piece: Piece) -> list[Chunk]:
        """What was held back and is complete by the form that was found."""
        if piece.offset > 0 and not self._first:
            self._first = first_lines(piece.source)
        end = piece.chunk.data.rfind(b"\n", 0, _SAMPLE) + 1 or _SAMPLE
        lines = LineMaker(_LINE_LIMIT).lines(chunk_of(1, piece.chunk.data[:end]))
        new = islice(lines, max(0, FIRST_LINES - len(self._first)))
        self._first += (Line(line.number, line.text[:_LONGEST_FIRST]) for line in new)
        name = detect(piece.source, self._first)
        self._is_settled = len(self._first) >= FIRST_LINES or is_sure(piece.source, self._first)
        if self._is_settled:
            self._first = []
        if name == self.format:
            return []
        self.format = name
        held = list(self._sift.close()) if self._sift is not None else []
        self._sift = None
        return [part for chunk in held for part in self._sifting().feed(chunk)]

    def _sifting(self) -> Sift:
        if self._sift is None:
            self._words = _words_for(self.format)
            bounds = begins_of(self.format) or bounds_of(self.format, self._zone)
            self._sift = Sift(self._words, bounds, _MOST_HELD)
        return self._sift

    # ---- offsets ---------------------------------------------------------------------------------------

    def _remember(self, span: _Span) -> None:
        spans = self._spans
        if spans and (len(spans) >= _MOST_SPANS or (spans[-1].exact and span.exact)):
            last = spans[-1]
            spans[-1] = _Span(last.offset, span.end, last.size + span.size)
        else:
            spans.append(span)

    def _move_on(self, held: int) -> None:
        """Forgets what is processed. Where raw and normalised bytes differ, a held record counts from the beginning
        of its piece."""
        spans = self._spans
        total = sum(span.size for span in spans)
        while spans and total - spans[0].size >= held:
            total -= spans[0].size
            self._safe = spans.pop(0).end
        if spans:
            first = spans[0]
            if first.exact:
                done = total - held
                spans[0] = first = _Span(first.offset + done, first.end, first.size - done)
            self._safe = first.offset

    def _complete(self, chunks: Iterable[Chunk]) -> list[Chunk]:
        """The chunks to parse. The agent prints what a command printed, and that may look like records of its own: what
        follows a record directly stays together with it, so that the parser can tell."""
        done: list[Chunk] = []
        waiting = self._waiting
        for chunk in chunks:
            if waiting is not None and waiting.next_number == chunk.number:
                waiting = Chunk(waiting.number, waiting.data + chunk.data, chunk.next_number)
            else:
                done += [waiting] if waiting is not None else []
                waiting = chunk
            if len(waiting.data) > _MOST_HELD:
                done.append(waiting)
                waiting = None
        held = self._sift.held if self._sift is not None else Chunk(0, b"", 0)
        may_quote = FORMATS[self.format].belongs is not None
        if waiting is not None and not (may_quote and held.data and waiting.next_number == held.number):
            done.append(waiting)
            waiting = None
        self._waiting = waiting
        return done

    # ---- records ---------------------------------------------------------------------------------------

    def _signals(self, chunks: Iterable[Chunk], *, is_sifted: bool = False) -> list[Signal]:
        """`is_sifted`: a word was found in them, but for a record that was too long to be held."""
        found: list[Signal] = []
        for chunk in chunks:
            if self._source is not None and (is_sifted or self._words.lines(chunk.data)):
                lines = LineMaker(_LINE_LIMIT).lines(chunk)
                for record in parse(lines, self._source, self.format, self._zone):
                    found += signals_of(record)
        return found


def signals_of(record: Record) -> list[Signal]:
    """Its signals; heart beats of the agent, and errors that say nothing of an operation, which are only counted."""
    found = of_record(record)
    if record.format in AGENT_FORMATS and record.message.startswith(_HEARTBEAT):
        found.append(_bare(HEARTBEAT_RULE, "end", record))
    elif record.level == "ERROR" and not found and not is_noise(record.message.split("\n", 1)[0]):
        found.append(_bare(ERROR_RULE, "mention", record))
    return found


def _bare(rule: str, kind: str, record: Record) -> Signal:
    text = record.message.split("\n", 1)[0]
    return Signal(rule, kind, 0, record.path, record.line, record.time, text, by_agent=True)  # type: ignore[arg-type]


def first_lines(source: Source) -> list[Line]:
    """The lines of a file's beginning, none where it can't be read."""
    seen: list[Line] = []

    def choose(first: Iterable[Line]) -> Selection:
        seen.extend(first)
        return Selection(lambda text: None, tail_bytes=0)

    next(iter(LineReader(source, choose=choose)), None)
    return seen


def history(source: Source, zone: tzinfo | None, most_bytes: int = _HISTORY_BYTES) -> Iterator[Signal]:
    """What the end of a log says that is not followed from its beginning on: for `Judge.remember`."""
    name = ""

    def choose(first: list[Line]) -> Selection:
        nonlocal name
        name = detect(source, first)
        words = words_of(name, *JUDGED)
        bounds = begins_of(name) or bounds_of(name, zone)
        return Selection(bounds, words=Words(words) if words else None, whole_bytes=0, tail_bytes=most_bytes)

    lines = iter(LineReader(source, choose=choose))  # type: ignore[arg-type]
    first = next(lines, None)
    if first is None:
        return
    for record in parse(_with(first, lines), source, name, zone):
        yield from signals_of(record)


def heartbeats(signals: Iterable[Signal], now: datetime) -> Iterator[datetime]:
    """The moments of the agent's heart beats."""
    for signal in signals:
        if signal.rule == HEARTBEAT_RULE:
            yield signal.time if signal.time is not None and signal.time.tzinfo is not None else now


def _with(first: Line, rest: Iterable[Line]) -> Iterator[Line]:
    yield first
    yield from rest
