"""Signals to runs: all that is said of one sequence number of one extension."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from collector.extract.signals import Signal
from collector.model import order

#: Longer than any limit of an operation.
_SILENCE = timedelta(hours=2)


@dataclass(slots=True)
class Run:
    """Everything about one sequence number; `sequence` None where no file tells it."""

    extension: str
    name: str | None
    sequence: int | None
    signals: list[Signal] = field(default_factory=list)

    def of(self, *kinds: str) -> list[Signal]:
        return [signal for signal in self.signals if signal.kind in kinds]


def version_key(version: str | None) -> tuple[int, ...]:
    return tuple(int(part[:18]) for part in re.findall(r"\d+", version or ""))


def resolve_names(signals: Sequence[Signal], known: Iterable[str]) -> list[Signal]:
    """``Publisher.Type.Name`` and a bare ``Name`` to extension and name, where files on this disk tell them apart.

    The agent prints one of several configurations of a handler as if its name were part of the type, and in
    its summary by the name alone.
    """
    extensions = sorted(known, key=len, reverse=True)
    names = {signal.name: signal.extension for signal in signals if signal.name and signal.extension in extensions}
    canonical = {extension.lower(): extension for extension in extensions}
    resolved = []
    for signal in signals:
        extension = signal.extension
        if extension is None or extension in canonical.values():
            resolved.append(signal)
            continue
        if extension.lower() in canonical:
            resolved.append(replace(signal, extension=canonical[extension.lower()]))
            continue
        base = next((known_one for known_one in extensions if extension.startswith(known_one + ".")), None)
        if base is not None:
            signal = replace(signal, extension=base, name=signal.name or extension[len(base) + 1 :])
        elif extension in names:
            signal = replace(signal, extension=names[extension], name=extension)
        resolved.append(signal)
    return resolved


def current_handlers(signals: Sequence[Signal]) -> list[Signal]:
    """Without the agent's word on versions that a newer one has replaced: their folders stay on the disk."""
    newest: dict[str | None, tuple[int, ...]] = {}
    for signal in signals:
        if signal.rule == "handler-status":
            newest[signal.extension] = max(newest.get(signal.extension, ()), version_key(signal.version))
    return [
        signal
        for signal in signals
        if signal.rule != "handler-status" or version_key(signal.version) == newest[signal.extension]
    ]


def with_sequences(signals: Sequence[Signal], logs: Mapping[str, str] | None = None) -> list[Signal]:
    """Gives each signal the sequence number that was in force at its place in its file, and an event of the agent,
    which names no version, the one that the agent named before. `logs`: the one log that rotated files are parts of;
    their signals come in its order."""
    logs = logs or {}
    current: dict[tuple[str, str, str | None], int] = {}
    versions: dict[tuple[str, str], str] = {}
    numbered = []
    for signal in signals:
        if signal.extension is None:
            numbered.append(signal)
            continue
        key = (logs.get(signal.path, signal.path), signal.extension, signal.name)
        if signal.version is not None:
            versions[key[:2]] = signal.version
        elif signal.by_agent and signal.kind in ("failure", "hang", "end") and key[:2] in versions:
            signal = replace(signal, version=versions[key[:2]])
        if signal.sequence is not None and signal.kind == "settings":
            current[key] = signal.sequence
        elif signal.sequence is None and key in current and signal.kind != "result":
            signal = replace(signal, sequence=current[key])
        numbered.append(signal)
    return numbered


def runs_of(signals: Iterable[Signal]) -> list[Run]:
    """Groups by extension, name and sequence number; what has no number joins the run it is nearest to."""
    runs: dict[tuple[str, str | None, int | None], Run] = {}
    loose: list[Signal] = []
    for signal in signals:
        if signal.extension is None or signal.kind in ("goal", "goal-end", "settings", "target"):
            continue
        if signal.sequence is None:
            loose.append(signal)
            continue
        key = (signal.extension, signal.name, signal.sequence)
        runs.setdefault(key, Run(*key)).signals.append(signal)
    spans = _spans(runs.values())
    for signal in loose:
        assert signal.extension is not None
        run = _nearest(spans.get(signal.extension, ()), signal)
        if run is None:
            alone = (signal.extension, signal.name, None)
            run = runs.setdefault(alone, Run(*alone))
        run.signals.append(signal)
    for run in runs.values():
        run.signals.sort(key=lambda signal: order(signal.time))
    return [part for run in runs.values() for part in _parted(run)]


def _parted(run: Run) -> list[Run]:
    """What no number holds together is parted where nothing was said for long: those are different incidents."""
    if run.sequence is not None:
        return [run]
    parts: list[Run] = []
    last: datetime | None = None
    for signal in run.signals:
        silent = signal.time is not None and last is not None and order(signal.time) - last > _SILENCE
        if not parts or silent:
            parts.append(Run(run.extension, run.name, None))
        parts[-1].signals.append(signal)
        last = order(signal.time) if signal.time else last
    timeless = [signal for signal in run.signals if signal.time is None]
    if timeless and len(parts) > 1:  # they tell the present state
        parts[0].signals = [signal for signal in parts[0].signals if signal.time is not None]
        parts[-1].signals = [*timeless, *parts[-1].signals]
    return [part for part in parts if part.signals]


@dataclass(frozen=True, slots=True)
class _Span:
    """A numbered run and the moments that are known of it, in order."""

    run: Run
    moments: tuple[datetime, ...]

    def distance(self, moment: datetime) -> float:
        """Seconds to the nearest moment of the run, 0 between its first and its last; infinite where none is known."""
        if not self.moments:
            return float("inf")
        if self.moments[0] <= moment <= self.moments[-1]:
            return 0.0
        nearest = self.moments[0] if moment < self.moments[0] else self.moments[-1]
        return abs((moment - nearest).total_seconds())


def _spans(runs: Iterable[Run]) -> dict[str, list[_Span]]:
    """The numbered runs of each extension."""
    spans: dict[str, list[_Span]] = {}
    for run in runs:
        if run.sequence is not None:
            moments = tuple(sorted(order(signal.time) for signal in run.signals if signal.time))
            spans.setdefault(run.extension, []).append(_Span(run, moments))
    return spans


def _nearest(spans: Sequence[_Span], signal: Signal) -> Run | None:
    """The run of the same extension that the signal's time lies in or nearest to; the newest without a time.

    What is said of a handler as a whole (its installation, the agent's summary) belongs to each of its
    configurations only if there is one; else it stands alone.
    """
    exact = [span for span in spans if span.run.name == signal.name]
    candidates = exact or (spans if len({span.run.name for span in spans}) == 1 else [])
    if not candidates:
        return None
    if signal.time is None:
        return max(candidates, key=lambda span: (span.run.sequence or 0, span.moments[-1:])).run
    at = order(signal.time)
    return min(candidates, key=lambda span: span.distance(at)).run
