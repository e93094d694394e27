"""State files that changed, to signals: what the handlers and the agent say now.

A file is read again when its size, its time or its file id changed. What can't be parsed may be half written, so it is
looked at again before it counts as broken. What a file said is remembered, also across restarts: a failure that stands
is told once.
"""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from collector.extract.runs import version_key
from collector.extract.signals import Signal
from collector.extract.states import of_broken, of_handler_status, of_status
from collector.model import BrokenState, HandlerStatus, Source, StatusFile, iso
from collector.parse.handlers import parse_aggregate, parse_handler_status
from collector.parse.status import parse_status
from collector.read.state import read_state

_KINDS = frozenset({"status", "handler-status", "aggregate"})
#: The agent tries five times, two seconds apart (Azure/WALinuxAgent:azurelinuxagent/ga/exthandlers.py).
_BROKEN_SECONDS = 10.0
#: Bytes that are read of a status file: the agent takes no more than 128 KiB, a summary tells of all handlers.
_MOST_BYTES = 1_048_576
_MOST_FILES = 2_000
#: File systems tell times by ticks of up to so many nanoseconds: two writes may have one time.
_TICK = 100_000_000

#: Size, time in nanoseconds, file id.
_Mark = tuple[int, int, int]


@dataclass(slots=True)
class _Seen:
    """A file as it was when it was looked at. `said`: checksum of what it said, by extension and configuration."""

    mark: _Mark
    said: dict[str, int]
    is_open: bool = False  # it says that an operation goes on
    is_fresh: bool = False  # written so shortly before that it may change and keep its mark
    broken_since: float | None = None  # monotonic seconds


class States:
    def __init__(self) -> None:
        self._sources: dict[str, Source] = {}
        self._seen: dict[str, _Seen] = {}
        self._is_first = True

    def see(self, sources: Iterable[Source]) -> None:
        """All sources of a scan; other kinds than state files are passed over."""
        self._sources = {source.path: source for source in sources if source.kind in _KINDS and source.problem is None}

    def look(self, paths: Iterable[str] | None, at: float) -> list[Signal]:
        """What changed of the files at these paths (`Source.path`), of all where None. `at`: monotonic seconds.

        At the first look, an operation that goes on is told though nothing changed, and of what was never seen
        before only the newest state of each configuration counts.
        """
        first, self._is_first = self._is_first, False
        chosen = self._sources if paths is None or first else [path for path in paths if path in self._sources]
        old = self._replaced() if first else frozenset()
        found: list[Signal] = []
        for path in list(chosen):
            told = self._look(self._sources[path], at, again=first)
            found += [] if path in old else told
        self._forget()
        return found

    @property
    def unsure(self) -> tuple[str, ...]:
        """Files that could not be parsed, or were being written, and are to be looked at again soon."""
        return tuple(path for path, seen in self._seen.items() if seen.broken_since is not None or seen.is_fresh)

    def dump(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {path: [*seen.mark, seen.is_open, seen.said] for path, seen in self._seen.items()}

    def load(self, state: Mapping[str, Any]) -> None:
        """What was dumped before a restart; values that make no sense are left out."""
        for path, row in state.items():
            if isinstance(row, list) and len(row) == 5 and all(isinstance(part, int) for part in row[:4]):
                said = row[4] if isinstance(row[4], dict) else {}
                known = {str(key): value for key, value in said.items() if isinstance(value, int)}
                self._seen[path] = _Seen((row[0], row[1], row[2]), known, is_open=bool(row[3]))

    # ---- one file --------------------------------------------------------------------------------------

    def _look(self, source: Source, at: float, *, again: bool) -> list[Signal]:
        mark = _mark_of(source)
        if mark is None:
            return []  # it is just being replaced, or gone
        seen = self._seen.get(source.path)
        is_known = seen is not None and seen.mark == mark and seen.broken_since is None and not seen.is_fresh
        if seen is not None and is_known and not (again and seen.is_open):
            return []
        text, entry = read_state(source, _MOST_BYTES)
        if entry.outcome in ("vanished", "denied", "not-a-file"):
            return []
        values = _parsed(source, text)
        since = None
        if any(isinstance(value, BrokenState) for value in values):
            is_same = seen is not None and seen.mark == mark and seen.broken_since is not None
            since = seen.broken_since if seen is not None and is_same else at
            if since is not None and at - since < _BROKEN_SECONDS:
                self._seen[source.path] = _Seen(mark, seen.said if seen else {}, broken_since=since)
                return []
        said = dict(seen.said) if seen else {}
        found: list[Signal] = []
        is_open = False
        for value in values:
            told = _signals_of(value)
            goes_on = isinstance(value, StatusFile) and any(signal.state == "transitioning" for signal in told)
            is_open = is_open or goes_on
            key, checksum = _summary(value)
            if said.get(key) != checksum or goes_on:
                found += told
            said[key] = checksum
        is_fresh = abs(time.time_ns() - mark[1]) < _TICK
        self._seen[source.path] = _Seen(mark, said, is_open, is_fresh)
        return self._direct(source, found)

    def _direct(self, source: Source, signals: list[Signal]) -> list[Signal]:
        """The agent's summary tells only of handlers whose own files are gone."""
        if source.kind != "aggregate":
            return signals
        own = {one.extension for one in self._sources.values() if one.kind != "aggregate"}
        return [signal for signal in signals if signal.extension not in own]

    def _replaced(self) -> frozenset[str]:
        """Files of older versions of a handler, and of older sequence numbers of a configuration."""
        newest: dict[object, tuple[tuple[int, ...], int]] = {}
        for source in self._sources.values():
            if source.kind != "aggregate":
                newest[_of(source)] = max(newest.get(_of(source), ((), -1)), _age(source))
        return frozenset(
            path
            for path, source in self._sources.items()
            if source.kind != "aggregate" and _age(source) < newest[_of(source)]
        )

    def _forget(self) -> None:
        gone = [path for path in self._seen if path not in self._sources]
        for path in gone[: max(0, len(self._seen) - _MOST_FILES)]:
            del self._seen[path]


def _of(source: Source) -> tuple[str, str | None, str | None]:
    return source.kind, source.extension, source.name


def _age(source: Source) -> tuple[tuple[int, ...], int]:
    return version_key(source.version), -1 if source.sequence is None else source.sequence


def _mark_of(source: Source) -> _Mark | None:
    try:
        status = source.file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _parsed(source: Source, text: str) -> Sequence[StatusFile | HandlerStatus | BrokenState]:
    if source.kind == "status":
        return (parse_status(source, text),)
    if source.kind == "handler-status":
        return (parse_handler_status(source, text),)
    return parse_aggregate(source, text)


def _signals_of(value: StatusFile | HandlerStatus | BrokenState) -> list[Signal]:
    if isinstance(value, StatusFile):
        return of_status(value)
    return of_handler_status(value) if isinstance(value, HandlerStatus) else of_broken(value)


def _summary(value: StatusFile | HandlerStatus | BrokenState) -> tuple[str, int]:
    """Whom it is about, and a checksum of what it says. The time counts: the same error again is another one."""
    if isinstance(value, StatusFile):
        source = value.source
        whom = ["status", source.extension, source.name, source.sequence]
        what = [value.status, value.code, value.message, iso(value.time), value.operation]
    elif isinstance(value, HandlerStatus):
        whom = ["handler", value.extension, value.version]
        what = [value.status, value.code, value.message]
    else:
        whom, what = ["broken"], [value.problem, value.text]
    return json.dumps(whom), zlib.crc32(json.dumps(what).encode("utf-8", "replace"))
