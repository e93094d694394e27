"""Many error records of one source within a short time. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from collector.model import iso, moment_of
from collector.watch.incident import Notice
from collector.watch.runs import Placed

_MOST_SOURCES = 1_000
#: A failure that was told for this long explains the errors beside it.
_EXPLAINED = timedelta(minutes=10)
_ERRORS = frozenset({"failure", "hang", "mention"})
#: Rules of state files, which hold no records.
_OF_STATES = frozenset({"status-file", "substatus", "handler-status", "status-not-json"})
#: A number that any line may name; where the record is an error, another signal says so.
_NO_ERROR = frozenset({"plain-exit"})


@dataclass(slots=True)
class _Source:
    times: deque[datetime] = field(default_factory=deque)
    told: datetime | None = None
    is_calm: bool = True  # fewer than half as many errors were seen since it was told


class Bursts:
    """`most` error records of one file within `seconds` are a burst; one with the same text counts like any other.
    Of a file that goes on so, nothing is told again before it was calm and `again` seconds are over."""

    def __init__(self, most: int = 20, seconds: float = 60.0, again: float = 3_600.0) -> None:
        self._most = most
        self._length = timedelta(seconds=seconds)
        self._again = timedelta(seconds=again)
        self._sources: dict[str, _Source] = {}
        self._failed: dict[str, datetime] = {}  # extensions of which a failure was told

    def failed(self, extension: str, now: datetime) -> None:
        self._failed.pop(extension, None)
        self._failed[extension] = now
        if len(self._failed) > _MOST_SOURCES:
            del self._failed[next(iter(self._failed))]

    def dump(self) -> dict[str, Any]:
        """Plain JSON values: of which files a burst was told, and when."""
        return {path: iso(source.told) for path, source in self._sources.items() if source.told is not None}

    def load(self, state: Mapping[str, Any]) -> None:
        """What was dumped before a restart; values that make no sense are left out."""
        for path, told in list(state.items())[:_MOST_SOURCES]:
            if (moment := moment_of(told)) is not None:
                self._sources[path] = _Source(told=moment)

    def feed(self, placed: Iterable[Placed]) -> list[Notice]:
        """Several signals of one record count once."""
        if self._most <= 0:
            return []
        found: list[Notice] = []
        seen: set[tuple[str, int]] = set()
        for one in placed:
            signal = one.signal
            if (
                signal.kind not in _ERRORS
                or signal.rule in _OF_STATES | _NO_ERROR
                or (signal.path, signal.line) in seen
            ):
                continue
            seen.add((signal.path, signal.line))
            if (notice := self._error(one)) is not None:
                found.append(notice)
        return found

    def _error(self, one: Placed) -> Notice | None:
        path, when = one.signal.path, one.when
        if path not in self._sources and len(self._sources) >= _MOST_SOURCES:
            del self._sources[next(iter(self._sources))]
        source = self._sources.setdefault(path, _Source())
        source.times.append(when)
        newest = max(source.times)
        while source.times and source.times[0] < newest - self._length:
            source.times.popleft()
        while len(source.times) > self._most:
            source.times.popleft()
        count = len(source.times)
        source.is_calm = source.is_calm or count <= self._most // 2
        if count < self._most or not source.is_calm:
            return None
        if source.told is not None and newest - source.told < self._again:
            return None
        source.told, source.is_calm = newest, False
        extension = one.run.extension if one.run else one.signal.extension
        failed = self._failed.get(extension or "")
        if failed is not None and abs(newest - failed) < _EXPLAINED:
            return None
        seconds = f"{self._length.total_seconds():g}"
        text = f"{count} error records within {seconds} s, the last: {one.signal.text[:200]}"
        key = ("burst", path, iso(newest) or "")
        return Notice("burst", key, text, newest, source.times[0], extension, path)
