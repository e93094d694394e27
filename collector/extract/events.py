"""The extracted records that go into a bundle, within bounds: of each log the newest, and as many of each."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from collector.model import Record

#: Records and characters (of their lines) that are kept of one log, and of all of them.
_MOST_OF_LOG, _TEXT_OF_LOG = 1_000, 500_000
_MOST, _TEXT = 2_000, 1_000_000


class EventKeeper:
    """Feed it the records of one log in order."""

    def __init__(self) -> None:
        self.seen = 0  # records
        self._records: deque[Record] = deque()
        self._text = 0

    def add(self, record: Record) -> None:
        self.seen += 1
        self._records.append(record)
        self._text += text_of(record)
        while len(self._records) > _MOST_OF_LOG or (self._text > _TEXT_OF_LOG and len(self._records) > 1):
            self._text -= text_of(self._records.popleft())

    def records(self) -> list[Record]:
        return list(self._records)


def text_of(record: Record) -> int:
    """Characters of its lines."""
    return sum(len(line) for line in record.raw)


def fair(logs: Sequence[Sequence[Record]], most: int = _MOST, text: int = _TEXT) -> list[Record]:
    """The newest of each log, so that all together keep to `most` records and `text` characters; what a quiet log
    does not need goes to the others."""
    shares: dict[int, Sequence[Record]] = {}
    for left, index in enumerate(sorted(range(len(logs)), key=lambda index: len(logs[index]))):
        sharing = len(logs) - left
        shares[index] = _newest(logs[index], most // sharing, text // sharing)
        most -= len(shares[index])
        text -= sum(text_of(record) for record in shares[index])
    return [record for index in range(len(logs)) for record in shares[index]]


def _newest(records: Iterable[Record], most: int, text: int) -> list[Record]:
    kept: list[Record] = []
    for record in reversed(list(records)):
        text -= text_of(record)
        if len(kept) == most or text < 0:
            break
        kept.append(record)
    return kept[::-1]
