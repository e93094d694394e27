"""The lines of a bundle to what they say of steps: its events, and those of its excerpts that are no events. Pure.

An excerpt's line is read by the parser that read it on the instance (the ledger names it). A local stamp, whose zone
only the instance knew, is moved as far as the event nearest to it in the same file was.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

from collector.bundle.reader import Bundle
from collector.endpoint.pages.timeline.steps import STEPS, Edge, Step, Told, step_rules, steps_in
from collector.extract.runs import resolve_names
from collector.extract.signals import Signal, of_record, operation_in
from collector.model import Line, Record, Source, moment_of, moved, order
from collector.parse.registry import FORMATS, parse

_INCARNATION = re.compile(r"incarnation_(\d{1,18})")
#: Of excerpts: a goal state's end is no event.
_GOAL_ENDS = "GoalState completed"
#: Formats of logs in which the agent speaks of many extensions.
_OF_AGENT = frozenset({"waagent", "waagent-old", "waapp", "windows-event"})
#: The rank of signals by which the agent, or the handler itself, tells what became of a command.
_CERTAIN = 90
#: So many lines of an excerpt are read at most, the newest: the collector keeps fewer.
_MOST = 20_000


def told_in(bundle: Bundle) -> list[Told]:
    """Everything that is told of steps, in the order of time. BundleError for a damaged member."""
    formats = {entry.path: entry.format for entry in bundle.ledger if entry.kind == "log"}
    events = [event for document in bundle.events() if (event := _event(document, formats)) is not None]
    more = list(_beside(bundle, formats, events))
    signals = [signal for event in events for signal in of_record(event)]
    signals += [signal for record in more for signal in of_record(record) if signal.kind == "goal-end"]
    known = {failure.extension for failure in bundle.failures} | {state.extension for state in bundle.states}
    told = [one for signal in resolve_names(signals, known) for one in _of_signal(signal)]
    told += [one for record in (*events, *more) for one in _of_step(record)]
    return sorted(set(told), key=lambda one: (order(one.time), STEPS.index(one.step), one.path, one.line))


def _event(document: Mapping[str, Any], formats: Mapping[str, str]) -> Record | None:
    """None for what has no place or no time: it can't be drawn."""
    attributes = document.get("Attributes")
    if not isinstance(attributes, dict) or not isinstance(attributes.get("log.file.path"), str):
        return None
    path, stamp = attributes["log.file.path"], document.get("Timestamp")
    moment = moment_of(stamp)
    if moment is None or attributes.get("vmext.time_basis") == "file":
        return None
    moment = moment if str(stamp).endswith("Z") else moment.replace(tzinfo=None)
    number, raw = attributes.get("vmext.line"), str(attributes.get("log.record.original", ""))
    return Record(
        path=path,
        line=number if isinstance(number, int) else 0,
        time=moment,
        basis="utc",
        level=str(document.get("SeverityText", "")),
        message=str(document.get("Body", "")),
        raw=tuple(raw.split("\n")),
        extension=_text(attributes, "vmext.extension"),
        version=_text(attributes, "vmext.version"),
        name=_text(attributes, "vmext.name"),
        operation=_text(attributes, "vmext.operation"),
        fields={key[12:]: str(value) for key, value in attributes.items() if key.startswith("vmext.field.")},
        format=formats.get(path, ""),
    )


def _text(attributes: Mapping[str, Any], key: str) -> str | None:
    value = attributes.get(key)
    return value if isinstance(value, str) else None


def _shift(record: Record) -> timedelta:
    """How far the instance's zone moved the record's local stamp; nothing for a stamp that tells its zone."""
    assert record.time is not None
    own = _alone(Line(record.line, record.raw[0]), record.path, record.format, record.extension)
    if own is None or own.time is None or own.time.tzinfo or record.time.tzinfo is None:
        return timedelta(0)
    return record.time.replace(tzinfo=None) - own.time


def _alone(line: Line, path: str, format_name: str, extension: str | None) -> Record | None:
    """What a single line says to the parser of its file."""
    if format_name not in FORMATS:
        return None
    source = Source(path, Path(path), "log", format=format_name, extension=extension)
    return next(parse([line], source, format_name, None), None)


def _beside(bundle: Bundle, formats: Mapping[str, str], events: Sequence[Record]) -> Iterator[Record]:
    """The records of the excerpts that tell of a step and are no events."""
    of_path: dict[str, list[Record]] = defaultdict(list)
    for event in events:
        of_path[event.path].append(event)
    literals = (*dict.fromkeys(rule.literal for rule in step_rules()), _GOAL_ENDS)
    for excerpt in bundle.excerpts:
        beside = sorted(of_path.get(excerpt.path, ()), key=lambda event: event.line)
        if not beside or excerpt.path not in formats:
            continue
        numbers = [event.line for event in beside]
        known = set(numbers)
        extension = next((event.extension for event in beside if event.format not in _OF_AGENT), None)
        for line in excerpt.lines[-_MOST:]:
            if line.number in known or not any(literal in line.text for literal in literals):
                continue
            record = _alone(line, excerpt.path, formats[excerpt.path], extension)
            if record is not None and record.time is not None:
                yield _moved(record, beside[min(bisect_left(numbers, line.number), len(beside) - 1)])


def _moved(record: Record, near: Record) -> Record:
    """The record in the time that the instance gave to its neighbour."""
    assert record.time is not None and near.time is not None
    if record.time.tzinfo or near.time.tzinfo is None:
        return record
    return replace(record, time=moved(record.time, _shift(near)).replace(tzinfo=timezone.utc))


def _of_step(record: Record) -> Iterator[Told]:
    for rule, extension in steps_in(record.message, record.format):
        about = extension or record.extension
        if about and record.time is not None:
            yield Told(record.time, rule.step, rule.edge, about, record.name, "", record.path, record.line)


def _of_signal(signal: Signal) -> Iterator[Told]:
    if signal.kind in ("goal", "goal-end"):
        number = _INCARNATION.search(signal.detail)
        edge: Edge = "start" if signal.kind == "goal" else "end"
        yield from _told(signal, "goal", edge, number[1] if number else "")
    elif signal.extension is None:
        return
    elif signal.kind == "result" and signal.state:
        yield from _told(signal, "status", "state", signal.state)
    elif signal.kind in ("failure", "hang") and signal.rank >= _CERTAIN:
        yield from _told(signal, _step_of(signal), "failure")
    elif signal.kind in ("start", "end"):
        yield from _told(signal, _step_of(signal), "start" if signal.kind == "start" else "end")


def _told(signal: Signal, step: Step, edge: Edge, text: str = "") -> Iterator[Told]:
    """Nothing of what has no time: it can't be drawn."""
    if signal.time is not None:
        about = None if step == "goal" else signal.extension
        yield Told(signal.time, step, edge, about, signal.name, text, signal.path, signal.line)


def _step_of(signal: Signal) -> Step:
    """What runs is the enable command where nothing names another: handlers write their logs while they are enabled."""
    operation = (signal.operation or operation_in(signal.text) or "Enable").lower()
    return next((step for step in STEPS if step == operation), "enable")
