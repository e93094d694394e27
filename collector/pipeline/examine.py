"""From sources to findings: state files, then two passes over the logs: one finds the window, one reads it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, tzinfo

from collector.discover.carrier import scripts_beside
from collector.discover.rotation import rotated_sets
from collector.discover.scan import Scan, is_named
from collector.extract import window as windows
from collector.extract.agentlog import goal_starts, newest, with_ids
from collector.extract.carriers import carriers_of
from collector.extract.context import Context
from collector.extract.events import fair
from collector.extract.failures import failures_of, states_of
from collector.extract.runs import current_handlers, resolve_names, with_sequences
from collector.extract.signals import Signal
from collector.extract.zones import settle, settled, shifted
from collector.model import ExtensionState, Failure, Finding, Report, Source, SystemFacts, Window, order
from collector.pipeline.ledger import ledger_of, marked, verdict_of
from collector.pipeline.logs import read_window
from collector.pipeline.outputs import read_outputs
from collector.pipeline.practices import practices_of
from collector.pipeline.reading import Reading
from collector.pipeline.request import Progress, Request
from collector.pipeline.states import read_states
from collector.pipeline.survey import Survey
from collector.platforms import current


def examine(report: Report, found: Scan, request: Request, zone: tzinfo | None, progress: Progress) -> Report:
    """The report of a machine with what its sources tell. `zone`: of stamps without one, None where unknown."""
    states = read_states(found.sources)
    logs = [source for source in found.sources if source.kind == "log" and source.problem is None]
    joining = _Joining(report, found, request, states)

    survey = Survey(logs, zone, request, joining.failures)
    window = survey.window() or windows.last_hours(
        joining.latest(survey.reading), report.created, live=report.system.live
    )
    reading = read_window(logs, zone, window, request, progress)

    signals = joining.signals(_told(survey.reading, reading, window))
    offsets = {**joining.offsets, **settle(signals)}
    signals = settled(signals, offsets)
    if request.window is not None:
        signals = windows.inside(signals, window)
    context = joining.context(signals, survey.reading)
    outputs, output_ledger, output_excerpts = read_outputs(found.sources, failures_of(signals, context))
    failures = failures_of(signals, replace(context, outputs=outputs))
    failures = _wanted(windows.touching(failures, window), request.extensions)
    states_now = states_of(signals, failures, context.carriers)

    events = fair(reading.events)
    agent = newest(reading.agent, survey.reading.agent)
    report = replace(report, identity=with_ids(report.identity, agent, failures, signals))
    machine, findings = _explained(report, failures, states_now, window, zone, request, found.sources)
    ordered = tuple(finding.failure for finding in findings)
    identity = with_ids(report.identity, agent, ordered, signals)  # of the first failure, now that their order is known
    root = request.root or current().root()
    ledger = ledger_of(found.sources, found.unfound, states.ledger, reading.ledger, output_ledger)
    fits = not request.extensions or ordered or _fits(found, states_now, request.extensions)
    return replace(
        report,
        verdict=verdict_of(ordered, ledger) if fits else "nothing-found",
        identity=identity,
        system=machine,
        window=window,
        findings=findings,
        failures=ordered,
        others=states_now,
        events=tuple(shifted(record, offsets) for record in events),
        events_left_out=reading.events_seen - len(events),
        excerpts=marked([*reading.excerpts, *output_excerpts, *states.excerpts], ordered),
        ledger=ledger,
        practices=practices_of(root, found, signals, ordered, identity, machine, context.now),
    )


def _explained(
    report: Report,
    failures: Sequence[Failure],
    states: Sequence[ExtensionState],
    window: Window,
    zone: tzinfo | None,
    request: Request,
    sources: Sequence[Source],
) -> tuple[SystemFacts, tuple[Finding, ...]]:
    """The machine at that time, and what the failures mean. All that is known of causes is loaded only for that."""
    if not failures:
        return report.system, ()
    from collector.diagnose.diagnose import diagnose
    from collector.pipeline.machine import machine_at

    machine = machine_at(report, failures, window, zone, request, sources)
    return machine, diagnose(failures, report.identity, machine, states)


class _Joining:
    """Signals of all files to one story, with what must be known besides them."""

    def __init__(self, report: Report, found: Scan, request: Request, states: Reading) -> None:
        self._report = report
        self._request = request
        self._states = states
        self._said = states.signals
        self.offsets: dict[str, timedelta] = {}  # of local stamps, by path
        self._scripts = scripts_beside(found.sources)
        self._logs: dict[str, str] = {}  # of each file of a log, the log
        self._place: dict[str, tuple[str, int]] = {}  # and which one of its files it is, from the oldest on
        for members in rotated_sets(source for source in found.sources if source.kind == "log"):
            for position, member in enumerate(members):
                self._logs[member.source.path] = members[-1].source.path
                self._place[member.source.path] = members[-1].source.path, position
        known = {source.extension for source in found.sources if source.extension}
        self._known = known | {signal.extension for signal in self._said if signal.extension}

    def signals(self, of_logs: Iterable[Signal]) -> list[Signal]:
        """Those of the logs and of the state files, each with the handler and the sequence number it is about."""
        signals = sorted([*of_logs, *self._said], key=lambda signal: self._place.get(signal.path, ("", 0)))
        return with_sequences(current_handlers(resolve_names(signals, self._known)), self._logs)

    def context(self, signals: Sequence[Signal], survey: Reading) -> Context:
        goals = goal_starts([*survey.signals, *signals])
        carriers = carriers_of(signals, self._scripts, self._request.own_run, goals)
        live, latest = self._report.system.live, self.latest(survey)
        now = self._report.created if live or latest is None else latest
        hang_seconds, hanging = self._request.hang_seconds, frozenset(self._request.hanging)
        return Context(self._report.identity.system, now, live, {}, goals, carriers, hang_seconds, hanging)

    def failures(self, survey: Reading) -> tuple[Failure, ...]:
        """What the evidence so far tells of."""
        signals = self.signals(survey.signals)
        self.offsets.update(settle(signals))
        signals = settled(signals, self.offsets)
        return _wanted(failures_of(signals, self.context(signals, survey)), self._request.extensions)

    def latest(self, survey: Reading) -> datetime | None:
        """The newest moment on the disk."""
        return max((survey.newest, self._states.newest), key=order)


def _told(survey: Reading, reading: Reading, window: Window) -> list[Signal]:
    """What the logs say in the window, and what the surveyed ones say beyond it: a later success or repeat, say.

    In the order of each log: a sequence number holds for what follows it.
    """
    read = {_alike(signal) for signal in reading.signals}
    beyond = [
        signal
        for signal in survey.signals
        if signal.path in reading.not_read or not windows.may_contain(window, signal.time) or _alike(signal) not in read
    ]
    unnumbered = survey.unnumbered | reading.unnumbered

    def place(signal: Signal) -> tuple[str, datetime, int]:
        by_time = signal.path in unnumbered
        return signal.path, order(signal.time) if by_time else order(None), 0 if by_time else signal.line

    return sorted([*beyond, *reading.signals], key=place)


def _fits(found: Scan, states: Sequence[ExtensionState], extensions: Sequence[str]) -> bool:
    """Whether anything on the disk is of an extension that was asked for: a name with a slip in it is not healthy."""
    named = {source.extension for source in found.sources if source.extension} | {state.extension for state in states}
    return any(is_named(extension, extensions) for extension in named)


def _alike(signal: Signal) -> object:
    return signal.path, signal.rule, signal.kind, signal.extension, signal.name, signal.sequence


def _wanted(failures: Sequence[Failure], extensions: Sequence[str]) -> tuple[Failure, ...]:
    """The agent's log tells of every extension; only those asked for are told."""
    return tuple(failure for failure in failures if is_named(failure.extension, extensions))
