"""The stages in order: discover, read, parse, extract, diagnose. One broken source never stops the others."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Protocol

from collector import __version__
from collector.diagnose.diagnose import diagnose
from collector.discover.carrier import scripts_beside
from collector.discover.facts import gather
from collector.discover.identity import identify
from collector.discover.scan import is_named, scan, system_of
from collector.discover.zone import disk_zone, named_zone
from collector.extract import window as windows
from collector.extract.agentlog import AgentFacts, goal_starts, with_ids
from collector.extract.carriers import RunKey, carriers_of
from collector.extract.context import Context
from collector.extract.excerpts import ExcerptKeeper
from collector.extract.failures import failures_of, states_of
from collector.extract.keeper import SignalKeeper
from collector.extract.runs import current_handlers, resolve_names, with_sequences
from collector.extract.signals import Signal, of_broken, of_handler_status, of_record, of_status
from collector.extract.telling import Output
from collector.extract.zones import settle, settled, shift
from collector.model import (
    BrokenState,
    Excerpt,
    Failure,
    HandlerStatus,
    LedgerEntry,
    Line,
    Record,
    Report,
    Source,
    StatusFile,
    System,
    Verdict,
    Window,
    order,
)
from collector.parse.handlers import parse_aggregate, parse_handler_status
from collector.parse.registry import parse
from collector.parse.status import parse_status
from collector.platforms import current
from collector.read.lines import LineReader
from collector.read.state import read_state

log = logging.getLogger(__name__)

#: Formats of the guest agent's own logs: they are read first, to find the window.
AGENT_FORMATS = frozenset({"waagent", "waapp"})
_STATE_KINDS = frozenset({"status", "handler-status", "handler-state", "aggregate"})
#: The end of a script's output that is read, in bytes and lines; the error is at the end.
_OUTPUT_BYTES, _OUTPUT_LINES = 65_536, 200
#: Extracted records kept for events.jsonl.
_MOST_EVENTS = 5_000


@dataclass(frozen=True, slots=True)
class Request:
    """What to collect. `root` None means this machine itself."""

    root: Path | None = None
    extensions: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    around: datetime | None = None
    margin: timedelta = windows.MARGIN
    time_zone: str | None = None
    instance: str | None = None
    bytes_per_source: int = 150_000_000
    metadata: Mapping[str, object] | None = None
    own_run: RunKey | None = None
    extra_tables: tuple[Path, ...] = ()


class Progress(Protocol):
    """Is told what is being read."""

    def begin(self, total: int) -> None: ...

    def __call__(self, source: Source) -> None: ...


@dataclass(slots=True)
class Reading:
    """What the passes over the sources gather."""

    kept: SignalKeeper = field(default_factory=SignalKeeper)
    ledger: dict[str, LedgerEntry] = field(default_factory=dict)
    events: list[Record] = field(default_factory=list)
    excerpts: list[Excerpt] = field(default_factory=list)
    agent: AgentFacts = field(default_factory=AgentFacts)
    newest: datetime | None = None

    @property
    def signals(self) -> list[Signal]:
        return self.kept.signals()

    def see(self, moment: datetime | None) -> None:
        if moment is not None and order(moment) > order(self.newest):
            self.newest = moment


def collect(request: Request, now: datetime, progress: Progress) -> Report:
    """One run over one disk, up to its findings. Nothing is redacted yet.

    Raises ConfigError for an unknown time zone; problems of single sources stand in the ledger.
    """
    root = request.root or current().root()
    live = request.root is None
    system = system_of(root)
    found = scan(root, system, request.extensions, request.extra_tables)
    zone = disk_zone(root, system)
    tz = named_zone(root, request.time_zone) if request.time_zone else zone.tz
    states = _read_states(found.sources)
    logs = [source for source in found.sources if source.kind == "log" and source.problem is None]
    known = _known_extensions(found.sources, states)
    survey = Reading()

    agent = [source for source in logs if source.format in AGENT_FORMATS]
    window = windows.asked(request.since, request.until, request.around, request.margin)
    for surveyed_logs in (agent, [source for source in logs if source not in agent]):
        _survey(survey, surveyed_logs, tz, request)
        surveyed = _joined([*survey.signals, *states.signals], known)
        context = _context(system, now, live, request, found.sources, surveyed, survey, states)
        window = window or windows.of_evidence(failures_of(surveyed, context), request.margin)
        if window is not None:
            break
    window = window or windows.last_hours(_latest(survey, states), now, live=live)

    reading = _read_logs(logs, tz, window, request, progress)
    told = _told(survey, reading, states)
    signals, offsets = _settled(_joined(told, known))
    if _is_asked(request):
        signals = windows.inside(signals, window)
    context = _context(system, now, live, request, found.sources, signals, survey, states)
    outputs, output_ledger, output_excerpts = _outputs(found.sources, failures_of(signals, context))
    failures = failures_of(signals, replace(context, outputs=outputs))
    failures = _wanted(windows.touching(failures, window), request.extensions)
    states_now = states_of(signals, failures, context.carriers)
    identity = identify(root, system, metadata=request.metadata, instance=request.instance)
    facts = gather(live=live, zone=request.time_zone or zone.name)
    findings = diagnose(failures, identity, facts, states_now)
    ordered = tuple(finding.failure for finding in findings)
    ledger = _ledger(found.sources, found.unfound, states.ledger, reading.ledger, output_ledger)
    return Report(
        created=now,
        agent_version=__version__,
        verdict=_verdict(ordered, ledger),
        identity=with_ids(identity, survey.agent, ordered, surveyed),
        system=facts,
        window=window,
        findings=findings,
        failures=ordered,
        others=states_now,
        events=tuple(_shifted(record, offsets) for record in reading.events),
        excerpts=_marked([*reading.excerpts, *output_excerpts, *states.excerpts], ordered),
        ledger=ledger,
    )


# ---- first pass: state files, then the agent's log, to find the window -----------------------------------


def _read_states(sources: Iterable[Source]) -> Reading:
    """All state files to signals. What can't be read or is not what it should be stands in the ledger."""
    reading = Reading()
    direct: set[str] = set()
    aggregates: list[StatusFile | HandlerStatus] = []
    for source in sources:
        if source.kind not in _STATE_KINDS or source.problem is not None:
            continue
        text, entry = read_state(source)
        entry = replace(entry, note=entry.note or source.note)
        reading.ledger[source.path] = entry
        if source.kind == "handler-state":  # one word, which is all there is to know of it
            reading.ledger[source.path] = replace(entry, note=text.strip()[:40])
            continue
        if entry.outcome not in ("read", "truncated", "empty"):
            continue
        for value in _parse_state(source, text):
            if isinstance(value, BrokenState):
                reading.ledger[source.path] = replace(entry, outcome="undecodable", note=value.problem)
            if source.kind == "aggregate":
                if not isinstance(value, BrokenState):
                    aggregates.append(value)
                continue
            direct.add(source.extension or "")
            reading.kept.add(_signals_of_state(value))
            reading.see(value.time if isinstance(value, StatusFile) else None)
        _keep_state(reading, source, text)
    for value in aggregates:  # the agent's summary tells of handlers whose own files are gone
        extension = value.source.extension if isinstance(value, StatusFile) else value.extension
        if extension not in direct:
            reading.kept.add(_signals_of_state(value))
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


def _survey(reading: Reading, logs: Sequence[Source], tz: tzinfo | None, request: Request) -> None:
    """What the logs say of operations, whenever it was."""
    for source in logs:
        reader = LineReader(source, limit_bytes=request.bytes_per_source)
        for record, signals in _records(reader, source, tz):
            reading.see(record.time)
            if source.format in AGENT_FORMATS:
                reading.agent = reading.agent.learn(record)
            reading.kept.add(signals)


def _records(reader: LineReader, source: Source, tz: tzinfo | None) -> Iterable[tuple[Record, list[Signal]]]:
    for record in parse(reader, source, tz):
        yield record, of_record(record)


def _latest(survey: Reading, states: Reading) -> datetime | None:
    return max((survey.newest, states.newest), key=order)


# ---- second pass: the logs in the window -----------------------------------------------------------------


def _read_logs(
    logs: Sequence[Source], tz: tzinfo | None, window: Window, request: Request, progress: Progress
) -> Reading:
    reading = Reading()
    progress.begin(len(logs))
    for source in logs:
        progress(source)
        reader = LineReader(source, limit_bytes=request.bytes_per_source)
        keeper = ExcerptKeeper(source.path)
        total = inside = 0
        form = ""
        for record, signals in _records(reader, source, tz):
            total += 1
            form = record.format
            if not windows.may_contain(window, record.time):
                reading.kept.add(signal for signal in signals if signal.kind in ("settings", "goal"))
                continue
            inside += 1
            reading.kept.add(signals)
            tells = [signal for signal in signals if signal.kind not in ("settings", "goal-end")]
            keeper.add(record, failing=frozenset() if tells else None)
            if tells and len(reading.events) < _MOST_EVENTS:
                reading.events.append(record)
        excerpt = keeper.excerpt()
        if excerpt is not None:
            reading.excerpts.append(excerpt)
        reading.ledger[source.path] = _entry(source, reader, total, inside, excerpt, form)
    return reading


def _entry(
    source: Source, reader: LineReader, total: int, inside: int, excerpt: Excerpt | None, form: str = ""
) -> LedgerEntry:
    outcome = "outside-window" if reader.outcome == "read" and total and not inside else reader.outcome
    return LedgerEntry(
        source.path,
        source.kind,
        outcome,
        bytes_total=reader.size or source.size,
        bytes_read=reader.bytes_read,
        lines=reader.lines,
        records=total,
        records_in_window=inside,
        excerpt_lines=len(excerpt.lines) if excerpt else 0,
        format=form,
        encoding=reader.encoding,
        note=reader.note or source.note,
    )


def _outputs(
    sources: Iterable[Source], failures: Sequence[Failure]
) -> tuple[dict[RunKey, tuple[Output, ...]], dict[str, LedgerEntry], list[Excerpt]]:
    """The end of stdout and stderr of the scripts that failed; other scripts' output stays where it is."""
    failed = {(failure.extension, failure.name, failure.sequence) for failure in failures}
    outputs: dict[RunKey, tuple[Output, ...]] = {}
    ledger: dict[str, LedgerEntry] = {}
    excerpts: list[Excerpt] = []
    for source in sources:
        if source.kind != "output" or source.problem is not None:
            continue
        key = (source.extension or "", source.name, source.sequence)
        if key not in failed:
            ledger[source.path] = LedgerEntry(
                source.path, source.kind, "skipped", source.size, note="output of a run that did not fail"
            )
            continue
        reader = LineReader(source, limit_bytes=_OUTPUT_BYTES)
        lines = tuple(reader)[-_OUTPUT_LINES:]
        stream = "stderr" if "stderr" in source.path.rsplit("/", 1)[-1].lower() else "stdout"
        outputs[key] = (*outputs.get(key, ()), Output(source.path, stream, lines))
        ledger[source.path] = _entry(source, reader, reader.lines, reader.lines, None)
        if lines:
            excerpts.append(Excerpt(source.path, lines, frozenset(), reader.lines - len(lines)))
    return outputs, ledger, excerpts


# ---- between the passes ----------------------------------------------------------------------------------


def _known_extensions(sources: Iterable[Source], states: Reading) -> set[str]:
    known = {source.extension for source in sources if source.extension}
    return known | {signal.extension for signal in states.signals if signal.extension}


def _joined(signals: Sequence[Signal], known: set[str]) -> list[Signal]:
    return with_sequences(current_handlers(resolve_names(signals, known)))


def _settled(signals: Sequence[Signal]) -> tuple[list[Signal], Mapping[str, timedelta]]:
    offsets = settle(signals)
    return settled(signals, offsets), offsets


def _shifted(record: Record, offsets: Mapping[str, timedelta]) -> Record:
    if record.path not in offsets:
        return record
    return replace(record, time=shift(record.time, offsets[record.path]), basis="zone")


def _context(
    system: System,
    now: datetime,
    live: bool,
    request: Request,
    sources: Sequence[Source],
    signals: Sequence[Signal],
    survey: Reading,
    states: Reading,
) -> Context:
    goals = goal_starts(survey.signals)
    carriers = carriers_of(signals, scripts_beside(sources), request.own_run, goals)
    latest = _latest(survey, states)
    return Context(system, now if live or latest is None else latest, live, {}, goals, carriers)


def _is_asked(request: Request) -> bool:
    return not (request.since is None and request.until is None and request.around is None)


def _told(survey: Reading, reading: Reading, states: Reading) -> list[Signal]:
    """What was surveyed counts whole, so that a later success or repeat is known; the other logs in the window."""
    surveyed = survey.signals
    paths = {signal.path for signal in surveyed}
    return [*surveyed, *(signal for signal in reading.signals if signal.path not in paths), *states.signals]


def _marked(excerpts: Iterable[Excerpt], failures: Sequence[Failure]) -> tuple[Excerpt, ...]:
    """Marks the lines that findings quote; keeps state files only where one is quoted."""
    quoted: dict[str, set[int]] = {}
    for failure in failures:
        for evidence in failure.evidence:
            quoted.setdefault(evidence.path, set()).add(evidence.line)
    states = (".status", "HandlerStatus", ".json", ".Json")
    return tuple(
        replace(excerpt, failing=frozenset(quoted.get(excerpt.path, ())))
        for excerpt in excerpts
        if excerpt.path in quoted or not excerpt.path.endswith(states)
    )


def _ledger(
    sources: Sequence[Source], unfound: Sequence[LedgerEntry], *read: Mapping[str, LedgerEntry]
) -> tuple[LedgerEntry, ...]:
    """Every source considered, once, with its outcome."""
    entries: dict[str, LedgerEntry] = {entry.path: entry for entry in unfound}
    for source in sources:
        outcome = source.problem or "skipped"
        note = source.note or (
            "settings hold secrets and are never copied" if source.kind == "settings" else "listed only"
        )
        entries[source.path] = LedgerEntry(
            source.path, source.kind, outcome, source.size, format=source.format, note=note
        )
    for part in read:
        entries.update(part)
    return tuple(entries[path] for path in sorted(entries))


def _wanted(failures: Sequence[Failure], extensions: Sequence[str]) -> tuple[Failure, ...]:
    """The agent's log tells of every extension; only those asked for are told."""
    return tuple(failure for failure in failures if is_named(failure.extension, extensions))


def _verdict(failures: Sequence[Failure], ledger: Sequence[LedgerEntry]) -> Verdict:
    kinds = {failure.kind for failure in failures}
    if "failure" in kinds:
        return "failed"
    if "hang" in kinds:
        return "hanging"
    looked_at = {"read", "outside-window", "empty", "truncated", "undecodable"}
    told = any(
        entry.outcome in looked_at and entry.kind in ("log", "status", "handler-status", "aggregate")
        for entry in ledger
    )
    return "healthy" if told else "nothing-found"
