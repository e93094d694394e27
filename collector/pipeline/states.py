"""The state files, read whole: what the handlers and the agent last said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from collector.extract.signals import Signal
from collector.extract.states import of_broken, of_handler_status, of_status
from collector.model import BrokenState, Excerpt, HandlerStatus, LedgerEntry, Line, Source, StatusFile
from collector.parse.handlers import parse_aggregate, parse_handler_status
from collector.parse.settings_hash import settings_hash
from collector.parse.status import parse_status
from collector.pipeline.ledger import NEVER_COPIED
from collector.pipeline.reading import Reading
from collector.read.state import read_state

#: Beyond so many, the text of a state file is kept only where it tells of something.
_MOST_EXCERPTS = 200
_KINDS = frozenset({"status", "handler-status", "handler-state", "aggregate"})


def read_states(sources: Iterable[Source]) -> Reading:
    """All state files to signals. What can't be read or is not what it should be stands in the ledger."""
    sources = tuple(sources)
    reading = Reading()
    direct: set[str] = set()
    aggregates: list[StatusFile | HandlerStatus] = []
    for source in sources:
        if source.kind not in _KINDS or source.problem is not None:
            continue
        text, entry = read_state(source)
        entry = replace(entry, note=entry.note or source.note)
        reading.ledger[source.path] = entry
        if source.kind == "handler-state":  # one word, which is all there is to know of it
            reading.ledger[source.path] = replace(entry, note=text.strip()[:40])
            continue
        if entry.outcome not in ("read", "truncated", "empty"):
            continue
        told: list[Signal] = []
        for value in _parse_state(source, text):
            if isinstance(value, BrokenState):
                reading.ledger[source.path] = replace(entry, outcome="undecodable", note=value.problem)
            if source.kind == "aggregate":
                if not isinstance(value, BrokenState):
                    aggregates.append(value)
                continue
            direct.add(source.extension or "")
            told += _signals_of_state(value)
            reading.see(value.time if isinstance(value, StatusFile) else None)
        reading.keep(told)
        if len(reading.excerpts) < _MOST_EXCERPTS or any(signal.kind != "end" for signal in told):
            _keep_state(reading, source, text)
    reading.ledger.update((source.path, _hashed(source)) for source in _newest_settings(sources))
    for value in aggregates:  # the agent's summary tells of handlers whose own files are gone
        extension = value.source.extension if isinstance(value, StatusFile) else value.extension
        if extension not in direct:
            reading.keep(_signals_of_state(value))
    return reading


def _parse_state(source: Source, text: str) -> Sequence[StatusFile | HandlerStatus | BrokenState]:
    if source.kind == "status":
        return (parse_status(source, text),)
    if source.kind == "handler-status":
        return (parse_handler_status(source, text),)
    return parse_aggregate(source, text)


def _signals_of_state(value: StatusFile | HandlerStatus | BrokenState) -> list[Signal]:
    if isinstance(value, StatusFile):
        return of_status(value)
    if isinstance(value, HandlerStatus):
        return of_handler_status(value)
    return of_broken(value)


def _keep_state(reading: Reading, source: Source, text: str) -> None:
    lines = tuple(Line(number, line) for number, line in enumerate(text.splitlines()[:400], start=1))
    if lines:
        reading.excerpts.append(Excerpt(source.path, lines, frozenset()))


def _newest_settings(sources: Iterable[Source]) -> Iterable[Source]:
    """Of each version of an extension, and each of its configurations, the settings sent last."""
    newest: dict[object, Source] = {}
    for source in sources:
        if source.kind == "settings" and source.problem is None and source.sequence is not None:
            last = newest.setdefault((source.extension, source.version, source.name), source)
            if source.sequence > (last.sequence or 0):
                newest[source.extension, source.version, source.name] = source
    return newest.values()


def _hashed(source: Source) -> LedgerEntry:
    """Nothing of settings is kept but what tells them apart."""
    told = settings_hash(read_state(source)[0])
    note = source.note or NEVER_COPIED
    return LedgerEntry(
        source.path, source.kind, "skipped", source.size, format=source.format, note=note, settings_hash=told
    )
