"""Runs to failures: the same failure told by four files becomes one, with every line that tells of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collector.extract.hangs import is_stale, limit_for, open_start
from collector.extract.runs import Run, runs_of, version_key
from collector.extract.signals import AGENT_NAMES, Signal
from collector.extract.telling import Output, candidates
from collector.model import Evidence, ExtensionState, Failure, FindingKind, System, order

#: Errors this long before the failure belong to it (a handler's own retries).
_LEAD = timedelta(minutes=15)
#: Lines of one file closer than this tell of one occurrence.
_ONE_OCCURRENCE = timedelta(seconds=10)
_FAILED = frozenset({"error", "failed", "notready", "unresponsive", "timedout"})
_BEST_LINES, _MOST_EVIDENCE = 6, 14
#: The rank from which a code of a command inside a handler is believed.
_BELIEVED = 30


@dataclass(frozen=True, slots=True)
class Carrier:
    """The Run Command that carries this very run; it never counts as a failure."""

    extension: str
    name: str | None
    sequence: int | None
    started: datetime | None


@dataclass(frozen=True, slots=True)
class Context:
    """What the grouping has to know besides the signals."""

    system: System
    now: datetime
    live: bool
    outputs: Mapping[tuple[str, str | None, int | None], tuple[Output, ...]]
    goals: tuple[datetime, ...] = ()  # starts of goal states, in order
    carriers: tuple[Carrier, ...] = ()


def failures_of(signals: Sequence[Signal], context: Context) -> tuple[Failure, ...]:
    """All failures, hangs and warnings, newest run of each extension first."""
    by_extension: dict[tuple[str, str | None], list[Run]] = {}
    goal_ends = [signal for signal in signals if signal.kind == "goal-end"]
    for run in runs_of(signals):
        if not _is_carrier(run, context.carriers):
            by_extension.setdefault((run.extension, run.name), []).append(run)
    found: list[Failure] = []
    for runs in by_extension.values():
        runs.sort(key=_age, reverse=True)
        for position, run in enumerate(runs):
            failures = _of_run(run, context, goal_ends)
            found += failures if position == 0 else [replace(failure, kind="warning") for failure in failures]
    return tuple(found)


def states_of(
    signals: Sequence[Signal], failures: Sequence[Failure], carriers: Sequence[Carrier]
) -> tuple[ExtensionState, ...]:
    """The last known state of every extension that no failure tells of."""
    failed = {(failure.extension, failure.name) for failure in failures}
    failed_anyhow = {extension for extension, _ in failed}
    states: dict[tuple[str, str | None], ExtensionState] = {}
    newest = sorted(runs_of(signals), key=_age)
    for run in newest:
        if _is_carrier(run, carriers) or (run.extension, run.name) in failed:
            continue
        said = [signal for signal in run.signals if signal.state]
        files = [signal for signal in said if signal.rule == "status-file"]
        state = (files or said)[-1].state if said else ""
        if not state and run.extension in failed_anyhow:
            continue
        version = max((signal.version for signal in run.signals if signal.version), key=version_key, default=None)
        if said or run.of("end", "start"):
            states[run.extension, run.name] = ExtensionState(run.extension, run.name, version, state or "no status")
    return tuple(states[key] for key in sorted(states, key=lambda key: (key[0], key[1] or "")))


def _age(run: Run) -> tuple[datetime, int]:
    return (max((order(signal.time) for signal in run.signals), default=order(None)), run.sequence or 0)


def _is_carrier(run: Run, carriers: Sequence[Carrier]) -> bool:
    return any(
        (run.extension, run.name) == (carrier.extension, carrier.name) and carrier.sequence in (None, run.sequence)
        for carrier in carriers
    )


def _of_run(run: Run, context: Context, goal_ends: Sequence[Signal]) -> list[Failure]:
    """One failure, or two where the agent tells of two operations that ended with different codes."""
    told = [signal for signal in run.of("failure", "hang") if not signal.caused_by]
    if run.extension in AGENT_NAMES:
        told = [signal for signal in told if not any(order(end.time) > order(signal.time) for end in goal_ends)]
    follow = [signal for signal in run.signals if signal.caused_by]
    success = _success(run)
    if told:
        lasting = [signal for signal in told if not _overcome(signal, run, success, context)]
        if lasting:
            return [_failure(run, part, context, _kind(part)) for part in _by_operation(lasting)]
        return [_failure(run, told, context, "warning")]
    if follow:
        return [_follow_on(run, follow[-1], context)]
    hanging = _hanging(run, context, goal_ends)
    if hanging:
        return [_failure(run, hanging, context, "hang")]
    weak = _weak(run, success)
    if weak:
        return [_failure(run, weak, context, "failure")]
    bad = [signal for signal in run.of("result") if signal.state.lower() in _FAILED]
    if bad and not success:
        return [_failure(run, bad, context, "failure")]
    warned = [signal for signal in run.of("result") if signal.rule == "status-file" and signal.state == "warning"]
    return [_failure(run, warned, context, "warning")] if warned else []


def _success(run: Run) -> Signal | None:
    """The last thing that says that the run ended well: the status file before the agent's summary."""
    files = [signal for signal in run.signals if signal.rule == "status-file"]
    if files:
        return files[-1] if files[-1].kind == "end" else None
    return next((s for s in reversed(run.signals) if s.kind == "result" and s.state.lower() == "success"), None)


def _overcome(signal: Signal, run: Run, success: Signal | None, context: Context) -> bool:
    """Whether a failure was followed by a success of the same run. A success line of the goal state that
    failed does not count: after a failed update the agent still prints one."""
    if success is None or success.time is None:
        return False
    if any(other.rule == "handler-status" and other.state.lower() in _FAILED for other in run.signals):
        return False
    if signal.time is None:
        return signal.rule != "handler-status" and success.rule == "status-file" and signal.rank < 60
    if order(success.time) < order(signal.time):
        return False
    if success.rule == "status-file":
        return True
    return any(order(signal.time) < order(goal) <= order(success.time) for goal in context.goals)


def _kind(signals: Sequence[Signal]) -> FindingKind:
    return "hang" if max(signals, key=lambda signal: signal.rank).kind == "hang" else "failure"


def _by_operation(signals: Sequence[Signal]) -> list[list[Signal]]:
    """Split where the agent itself names two operations with different exit codes."""
    firm = {
        (signal.operation, signal.exit_code)
        for signal in signals
        if signal.by_agent
        and signal.operation
        and signal.exit_code is not None
        and signal.rank >= 90
        and signal.rule != "handler-status"
    }
    operations = {operation for operation, _ in firm}
    if len(operations) < 2 or len(firm) < 2:
        return [list(signals)]
    newest = max((s for s in signals if s.operation in operations), key=lambda s: order(s.time)).operation
    parts: dict[str | None, list[Signal]] = {
        operation: [] for operation in sorted(operations, key=lambda op: op != newest)
    }
    for signal in signals:
        parts[signal.operation if signal.operation in operations else newest].append(signal)
    return list(parts.values())


def _hanging(run: Run, context: Context, goal_ends: Sequence[Signal]) -> list[Signal]:
    """The signals of an operation that began and never ended."""
    files = [signal for signal in run.signals if signal.rule == "status-file"]
    if files and files[-1].kind == "end":
        return []
    waiting = [signal for signal in files[-1:] if signal.state == "transitioning"]
    opened = open_start(sorted([*run.signals, *goal_ends], key=lambda signal: order(signal.time)))
    if opened is not None and opened.by_agent and not waiting and not _agent_stuck(opened, context):
        opened = None
    if not waiting and opened is None:
        left = [signal for signal in run.of("result") if signal.state.lower() == "transitioning"]
        waiting = left[-1:] if left and run.signals[-1] in left else []
    since = min(
        (order(signal.time) for signal in [*waiting, *([opened] if opened else [])] if signal.time),
        default=None,
    )
    if not waiting and opened is None:
        return []
    if not is_stale(since, context.now, live=context.live):
        return []
    return [*waiting, *([opened] if opened else [])]


def _agent_stuck(opened: Signal, context: Context) -> bool:
    """Old agents do not say that an operation ended; so their start line alone proves a hang only past the limit."""
    limit = limit_for(context.system, opened.extension or "", opened.operation) or 900
    return (order(context.now) - order(opened.time)).total_seconds() > limit


def _weak(run: Run, success: Signal | None) -> list[Signal]:
    """Errors in the extension's own log, where nothing says how the run ended."""
    if success or any(signal.rule == "status-file" for signal in run.signals):
        return []
    ready = any(signal.rule == "handler-status" and signal.state.lower() == "ready" for signal in run.signals)
    errors = [signal for signal in run.of("mention") if signal.rule == "error-record" and not signal.by_agent]
    if ready or not errors:
        return []
    ended = [signal for signal in run.of("end") if not signal.by_agent and order(signal.time) >= order(errors[-1].time)]
    return [] if ended else errors


def _follow_on(run: Run, signal: Signal, context: Context) -> Failure:
    failure = _failure(run, [signal], context, "warning")
    return replace(failure, caused_by=signal.caused_by, exit_code=None)


def _failure(run: Run, told: Sequence[Signal], context: Context, kind: FindingKind) -> Failure:
    best = max(told, key=lambda signal: (signal.rank, bool(signal.time)))
    operation = _operation(told, run)
    own = [signal for signal in told if not _after_collect(signal, context)] or list(told)
    related = _related(run, own, kind)
    outputs = _outputs(run, context) if kind != "warning" else ()
    ranked = candidates([*own, *related], outputs, hang=kind == "hang")
    times = [signal.time for signal in [*own, *related] if signal.time]
    last = [*times, *(signal.time for signal in _results(run, context, own, kind) if signal.time)]
    first_hang = min((signal.time for signal in own if signal.time), key=order, default=None)
    opened = open_start(run.signals, first_hang) if kind == "hang" else None
    exit_signal = _exit(run, own) if kind != "hang" else None
    agent_signal = next((signal for signal in [*own, *run.signals] if signal.agent_code), None)
    since = opened.time if opened else (min(times, key=order) if times and kind == "hang" else None)
    limit = next((signal.limit_seconds for signal in [*own, *run.of("start")] if signal.limit_seconds), None)
    return Failure(
        kind=kind,
        extension=run.extension,
        name=run.name,
        version=_version([*own, *run.signals]),
        operation=operation,
        sequence=run.sequence,
        exit_code=exit_signal.exit_code if exit_signal else None,
        agent_code=agent_signal.agent_code if agent_signal else None,
        status_code=next((signal.status_code for signal in own if signal.status_code is not None), None),
        message=ranked[0][1].text if ranked else best.text,
        detail=_detail(best, own, outputs),
        first_time=min(times, key=order) if times else None,
        last_time=max(last, key=order) if last else None,
        hang_since=since,
        limit_seconds=(limit or limit_for(context.system, run.extension, operation)) if kind == "hang" else None,
        count=max(1, _times(own, best)),
        evidence=_evidence(ranked, (exit_signal, agent_signal), _results(run, context, own, kind)),
        repeats_after_collect=_times(told, best) - _times(own, best),
    )


def _times(signals: Sequence[Signal], best: Signal) -> int:
    """How often the failure happened: how often the file that tells it best tells it.

    Lines close together are one occurrence told in several words.
    """
    alike = [signal for signal in signals if (signal.rule, signal.path) == (best.rule, best.path)]
    count, last = 0, order(None)
    for signal in sorted(alike, key=lambda one: order(one.time)):
        count += signal.times - 1
        if count == 0 or order(signal.time) - last > _ONE_OCCURRENCE:
            count += 1
        last = order(signal.time)
    return count


def _after_collect(signal: Signal, context: Context) -> bool:
    """The goal state of the carrying Run Command makes the agent enable every handler again."""
    return signal.time is not None and any(
        carrier.started is not None and order(signal.time) >= order(carrier.started) for carrier in context.carriers
    )


def _related(run: Run, own: Sequence[Signal], kind: FindingKind) -> list[Signal]:
    """Errors that the same run told before and while it failed; for a hang, what it waits in."""
    times = [order(signal.time) for signal in own if signal.time]
    if not times:
        return []
    if kind == "hang":
        return [s for s in run.of("result") if s.rule == "status-file" and s.state == "transitioning" and s not in own]
    begin, end = min(times) - _LEAD, max(times) + timedelta(minutes=1)
    return [
        signal
        for signal in run.of("mention")
        if signal not in own and signal.time and begin <= order(signal.time) <= end and signal.rule != "plain-exit"
    ]


def _results(run: Run, context: Context, own: Sequence[Signal], kind: FindingKind) -> list[Signal]:
    """What the agent's summaries say of the run."""
    states = _FAILED | {"transitioning"} if kind == "hang" else _FAILED
    bad = [s for s in run.of("result") if s.state.lower() in states and s not in own]
    return [signal for signal in bad if signal.rule != "status-file" and not _after_collect(signal, context)]


def _outputs(run: Run, context: Context) -> tuple[Output, ...]:
    return context.outputs.get((run.extension, run.name, run.sequence), ())


def _operation(told: Sequence[Signal], run: Run) -> str | None:
    named = [signal for signal in told if signal.operation]
    if named:
        return max(named, key=lambda signal: signal.rank).operation
    begun = [signal.operation for signal in (*run.of("result"), *run.of("start")) if signal.operation]
    return begun[-1] if begun else None


def _version(signals: Sequence[Signal]) -> str | None:
    return next((signal.version for signal in signals if signal.version), None)


def _exit(run: Run, own: Sequence[Signal]) -> Signal | None:
    """Who tells the code of the script or handler; a command's inside it only where it is the only one told."""
    outer = [signal for signal in own if signal.exit_code is not None and not signal.inner]
    if outer:
        return max(outer, key=lambda signal: signal.rank)
    inner = [s for s in [*own, *run.of("mention")] if s.exit_code is not None and s.rank >= _BELIEVED]
    return inner[-1] if len({signal.exit_code for signal in inner}) == 1 else None


def _detail(best: Signal, own: Sequence[Signal], outputs: Sequence[Output]) -> str:
    texts = [
        best.detail,
        *(signal.detail for signal in own if signal.rule == "status-file" and signal is not best),
    ]
    texts += [
        f"[{output.stream}]\n" + "\n".join(line.text for line in output.lines[-60:])
        for output in outputs
        if output.lines
    ]
    return "\n".join(text for text in texts if text)[:16_384]


def _evidence(
    ranked: Sequence[tuple[int, Evidence]], coded: Sequence[Signal | None], results: Sequence[Signal]
) -> tuple[Evidence, ...]:
    """The best lines, at least one of every file that tells of the failure, those that told the codes, and the
    agent's summary."""
    chosen: list[Evidence] = []
    for _, evidence in ranked:
        new_text = len(chosen) < _BEST_LINES and evidence.text not in {one.text for one in chosen}
        new_file = len(chosen) < _MOST_EVIDENCE and evidence.path not in {one.path for one in chosen}
        if new_text or new_file:
            chosen.append(evidence)
    for signal in coded:
        if signal is not None and signal.text not in {one.text for one in chosen}:
            chosen.append(Evidence(signal.path, signal.line, signal.time, signal.text[:2000], "exit"))
    chosen += [Evidence(signal.path, signal.line, signal.time, signal.text[:2000], "result") for signal in results[:2]]
    return tuple(chosen)
