"""The lines around failures, kept while the records of a source go by, in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import replace

from collector.model import Excerpt, Line, Record

#: Lines before and after a failing record that are kept with it.
BEFORE, AFTER = 40, 25
#: Lines of one source at most; beyond, only failing records' own lines, then none, and the number left out.
MOST_LINES = 1_500
_LONGEST = 8_192  # characters of a line


class ExcerptKeeper:
    """Feed it the records of one source in order; ask for the excerpt at the end."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._before: deque[Line] = deque(maxlen=BEFORE)
        self._kept: list[Line] = []
        self._failing: set[int] = set()
        self._after = 0
        self._left_out = 0

    def add(self, record: Record, *, failing: frozenset[int] | None) -> None:
        """`failing`: None for a record that says nothing, else the numbers of its lines to mark."""
        lines = [
            Line(record.line + number, text[:_LONGEST], len(text) > _LONGEST) for number, text in enumerate(record.raw)
        ]
        if failing is not None:
            self._take(list(self._before))
            self._before.clear()
            self._take(lines)
            self._failing |= failing
            self._after = AFTER
        elif self._after > 0:
            self._take(lines[: self._after])
            self._after -= len(lines)
        else:
            if len(self._before) == BEFORE:
                self._left_out += len(lines)
            self._before.extend(lines)

    def _take(self, lines: list[Line]) -> None:
        room = max(0, MOST_LINES - len(self._kept))
        self._kept.extend(lines[:room])
        self._left_out += max(0, len(lines) - room)

    def tail(self) -> None:
        """Keeps the last lines of a source that ends in an unfinished operation."""
        self._take(list(self._before))
        self._before.clear()

    def excerpt(self) -> Excerpt | None:
        if not self._kept:
            return None
        return Excerpt(self._path, tuple(self._kept), frozenset(self._failing), self._left_out)


def renumbered(excerpt: Excerpt, number: Callable[[int], int]) -> Excerpt:
    """The same lines under other numbers."""
    lines = tuple(replace(line, number=number(line.number)) for line in excerpt.lines)
    return replace(excerpt, lines=lines, failing=frozenset(number(one) for one in excerpt.failing))
