"""The lines around failures, kept while the records of a source go by, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from collector.model import Excerpt, Line, Record

#: Lines before and after a telling record that are kept with it.
BEFORE, AFTER = 40, 25
#: Lines of one source at most: the first ones, which show how it began, and the newest. What is between is counted.
FIRST_LINES, LAST_LINES = 300, 1_200
_LONGEST = 8_192  # characters of a line


class ExcerptKeeper:
    """Feed it the records of one source in order; ask for the excerpt at the end."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._before: deque[Line] = deque(maxlen=BEFORE)
        self._first: list[Line] = []
        self._last: deque[Line] = deque(maxlen=LAST_LINES)
        self._after = 0
        self._seen = 0  # lines

    def add(self, record: Record, *, tells: bool) -> None:
        """`tells`: whether the record says something of an operation."""
        lines = [
            Line(record.line + number, text[:_LONGEST], len(text) > _LONGEST) for number, text in enumerate(record.raw)
        ]
        self._seen += len(lines)
        if tells:
            self._take([*self._before, *lines])
            self._before.clear()
            self._after = AFTER
            return
        self._take(lines[: self._after])
        self._before.extend(lines[self._after :])
        self._after = max(0, self._after - len(lines))

    def _take(self, lines: list[Line]) -> None:
        room = max(0, FIRST_LINES - len(self._first))
        self._first.extend(lines[:room])
        self._last.extend(lines[room:])

    def excerpt(self) -> Excerpt | None:
        """Without marks, which only the findings tell."""
        kept = (*self._first, *self._last)
        return Excerpt(self._path, kept, frozenset(), self._seen - len(kept)) if kept else None


def renumbered(excerpt: Excerpt, number: Callable[[int], int]) -> Excerpt:
    """The same lines under other numbers."""
    lines = tuple(replace(line, number=number(line.number)) for line in excerpt.lines)
    return replace(excerpt, lines=lines)
