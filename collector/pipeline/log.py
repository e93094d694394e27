"""One log, from its bytes to its records: finds its format, then has only what is wanted read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from itertools import chain

from collector.extract import agentlog
from collector.extract.rules import SignalKind, words_of
from collector.model import Line, Record, Source
from collector.parse.registry import FORMATS, begins_of, bounds_of, detect, parse
from collector.parse.stamps import before_fold
from collector.read.lines import LineReader, Selection
from collector.read.words import Words

#: Formats of the guest agent's own logs: they are read first, to find the window.
AGENT_LOGS = frozenset({"waagent", "waapp"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which part of a log. With `whole_bytes`, only that much of it is handed on whole, and then only the records
    that may tell of an operation."""

    start: datetime | None = None
    end: datetime | None = None
    tail_bytes: int | None = None
    whole_bytes: int | None = None
    kinds: tuple[SignalKind, ...] = ()  # only records that may give such signals; empty: all


class Log:
    """Iterate once over its records. Afterwards `format`, the `first` moment and what `reader` tells are known."""

    def __init__(self, source: Source, zone: tzinfo | None, wanted: Wanted, limit_bytes: int) -> None:
        self.format = ""
        self.first: datetime | None = None
        self.reader = LineReader(source, choose=self._choose, limit_bytes=limit_bytes)
        self._source = source
        self._zone = zone
        self._wanted = wanted

    def __iter__(self) -> Iterator[Record]:
        lines = iter(self.reader)
        first = next(lines, None)  # now the format is known
        if first is not None:
            for record in parse(chain((first,), lines), self._source, self.format, self._zone):
                self.first = self.first or record.time
                yield record

    def real_number(self) -> Callable[[int], int] | None:
        """From the numbers of the lines that came to those in the file; None where they are the same."""
        return self.reader.numbers() if self.reader.is_partial else None

    def _choose(self, first: Sequence[Line]) -> Selection:
        self.format = detect(self._source, first)
        wanted = self._wanted
        words = words_of(self.format, *wanted.kinds) if wanted.whole_bytes is not None else None
        selection = Selection(
            begins_of(self.format) or bounds_of(self.format, self._zone),
            words=Words(words if wanted.kinds else (*words, *agentlog.WORDS)) if words is not None else None,
            whole_bytes=wanted.whole_bytes or 0,
            tail_bytes=wanted.tail_bytes,
        )
        if FORMATS[self.format].stampless:  # no frame can be found in it: it is searched from end to end
            return replace(selection, whole_bytes=0)
        start = before_fold(wanted.start, self._zone) if wanted.start else None
        return replace(selection, start=start, end=wanted.end)


def first_moment(source: Source, zone: tzinfo | None) -> tuple[datetime, datetime] | None:
    """The earliest and the latest moment (UTC) that the first stamp of a log can mean; only its first block is read."""
    seen: list[Line] = []

    def choose(first: Sequence[Line]) -> Selection:
        seen.extend(first)
        return Selection(lambda text: None, tail_bytes=0)

    next(iter(LineReader(source, choose=choose)), None)
    bounds = bounds_of(detect(source, seen), zone)
    return next((found for line in seen if (found := bounds(line.text)) is not None), None)
