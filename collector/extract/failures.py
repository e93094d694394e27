"""Runs to failures: the same failure told by four files becomes one, with every line that tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from collector.extract.compose import compose
from collector.extract.context import FAILED_STATES, Carrier, Context
from collector.extract.hangs import capped, is_stale, limit_for, open_start
from collector.extract.runs import Run, runs_of, version_key
from collector.extract.signals import AGENT_NAMES, COMMAND_ENDED, Signal
from collector.model import ExtensionState, Failure, FindingKind, order

#: A status written so soon after a failure is about the same end, and wrong where it says success.
_SAME_END = timedelta(seconds=5)
_STATUS_FILES = frozenset({"status-file", "status-not-json"})
_STATE_FILES = _STATUS_FILES | {"handler-status"}


def failures_of(signals: Sequence[Signal], context: Context) -> tuple[Failure, ...]:
    """All failures, hangs and warnings, newest run of each extension first."""
    by_extension: dict[tuple[str, str | None], list[Run]] = {}
    goal_ends = [signal for signal in signals if signal.kind == "goal-end"]
    removals = [signal for signal in signals if signal.rule == "agent-removal"]
    for run in runs_of(signals):
        if not _is_carrier(run, context.carriers):
            by_extension.setdefault((run.extension, run.name), []).append(run)
    found: list[Failure] = []
    for runs in by_extension.values():
        runs.sort(key=_age, reverse=True)
        for position, run in enumerate(runs):
            failures = _of_run(run, context, goal_ends)
            stands = position == 0 and not _is_removed(run, removals)
            found += failures if stands else [replace(failure, kind="warning") for failure in failures]
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


def _is_removed(run: Run, removals: Sequence[Signal]) -> bool:
    """Whether the extension was to be uninstalled after all that is told of the run, and has left no state file."""
    if any(signal.rule in _STATE_FILES for signal in run.signals):
        return False
    last = max((order(signal.time) for signal in run.signals if signal.kind != "result"), default=order(None))
    return any(one.extension == run.extension and one.time is not None and order(one.time) > last for one in removals)


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
            return [compose(run, part, context, _kind(part)) for part in _by_operation(lasting)]
        return [_since_overcome(run, told, context, goal_ends, success) or compose(run, told, context, "warning")]
    if follow:
        return [_follow_on(run, follow[-1], context)]
    hanging = _hanging(run, context, goal_ends)
    if hanging:
        return [compose(run, hanging, context, "hang")]
    stopped = _stopped(run, context)
    if stopped and not success:
        return [compose(run, stopped, context, "failure")]
    weak = _weak(run, success)
    if weak:
        return [compose(run, weak, context, "failure")]
    bad = [signal for signal in run.of("result") if signal.state.lower() in FAILED_STATES]
    if bad and not success:
        return [compose(run, bad, context, "failure")]
    warned = [
        signal
        for signal in run.of("result")
        if signal.rule in ("status-file", "substatus") and signal.state == "warning"
    ]
    return [compose(run, warned, context, "warning")] if warned else []


def _since_overcome(
    run: Run, told: Sequence[Signal], context: Context, goal_ends: Sequence[Signal], success: Signal | None
) -> Failure | None:
    """What became of the run after failures that were overcome: the agent's word that the handler was enabled says
    nothing of what the handler does from then on."""
    if success is not None:
        return None
    last = max(order(signal.time) for signal in told)
    hanging = _hanging(run, context, goal_ends)
    if any(signal.kind == "result" or order(signal.time) > last for signal in hanging):
        return compose(run, hanging, context, "hang")
    errors = [signal for signal in _weak(run, success) if order(signal.time) > last]
    return compose(run, errors, context, "failure") if errors else None


def _success(run: Run) -> Signal | None:
    """The last thing that says that the run ended well: the status file before the agent's summary."""
    files = [signal for signal in run.signals if signal.rule == "status-file"]
    if files:
        return files[-1] if files[-1].kind == "end" else None
    return next((s for s in reversed(run.signals) if s.kind == "result" and s.state.lower() == "success"), None)


def _overcome(signal: Signal, run: Run, success: Signal | None, context: Context) -> bool:
    """Whether a failure was followed by a success of the same run. A success line of the goal state that
    failed does not count: after a failed update the agent still prints one."""
    later = _ends_later(signal, run)
    if any(end.rule == "windows-plugin-enabled" for end in later):
        return True
    if any(other.rule == "handler-status" and other.state.lower() in FAILED_STATES for other in run.signals):
        return False
    if success is None:
        return _done_again(signal, run, later) or _began_anew(signal, run)
    if success.time is None:
        return False
    if signal.time is None:
        return signal.rule != "handler-status" and success.rule == "status-file" and signal.rank < 60
    if order(success.time) < order(signal.time):
        return False
    if success.rule == "status-file":
        return signal.by_agent or order(success.time) - order(signal.time) > _SAME_END
    return any(order(signal.time) < order(goal) <= order(success.time) for goal in context.goals)


def _ends_later(signal: Signal, run: Run) -> list[Signal]:
    """What the agent did well after its own failure, with that version or a newer one; nothing where it, or anything
    else, tells that the handler has failed."""
    if not signal.by_agent or signal.time is None or any(one.state.lower() in FAILED_STATES for one in run.signals):
        return []
    return [
        end
        for end in run.of("end")
        if end.by_agent
        and end.rule != COMMAND_ENDED
        and end.time is not None
        and order(end.time) > order(signal.time)
        and _is_as_new(end, signal)
    ]


def _done_again(signal: Signal, run: Run, later: Sequence[Signal]) -> bool:
    """Whether the agent, which tells of no states (before 2.2.4x), did well later what failed, or what comes after it;
    a status file says it better."""
    if any(other.rule in _STATUS_FILES for other in run.signals):
        return False
    return any(end.operation in ("Enable", signal.operation or "Enable") for end in later)


def _began_anew(signal: Signal, run: Run) -> bool:
    """Whether the handler, which gave up without a word to the agent, began a command later and ended it."""
    if signal.kind != "hang" or signal.by_agent or signal.time is None:
        return False
    if any(other.rule in _STATUS_FILES for other in run.signals):
        return False
    own = [one for one in run.of("start", "end") if not one.by_agent and order(one.time) > order(signal.time)]
    kinds = [one.kind for one in own]
    return "start" in kinds and kinds[-1] == "end"


def _is_as_new(end: Signal, failed: Signal) -> bool:
    """Whether what went well is not the older version, which an agent enables again when an update has failed."""
    if failed.version is None:
        return True
    return end.version is not None and version_key(end.version) >= version_key(failed.version)


def _kind(signals: Sequence[Signal]) -> FindingKind:
    return "hang" if max(signals, key=lambda signal: signal.rank).kind == "hang" else "failure"


def _by_operation(signals: Sequence[Signal]) -> list[list[Signal]]:
    """Split where the agent itself names two operations, each with its exit code; not where an update failed by the
    command of the old version that it names."""
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
    is_update = "Update" in operations and len({code for _, code in firm}) == 1
    if len(operations) < 2 or is_update:
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
    is_known = context.is_known_to_hang(run.extension, run.name)
    if not is_known and not is_stale(since, context.now, live=context.live, hang_seconds=context.hang_seconds):
        return []
    return [*waiting, *([opened] if opened else [])]


def _stopped(run: Run, context: Context) -> list[Signal]:
    """The agent's log of a handler's commands ends with a command, and nothing else tells of the run: the agent
    writes what came of a command that failed to its own log only."""
    last = run.signals[-1]
    alone = all(signal.path == last.path for signal in run.signals) and "CommandExecution" in last.path
    return [last] if alone and last.rule == "agent-command-started" and not context.live else []


def _agent_stuck(opened: Signal, context: Context) -> bool:
    """Old agents do not say that an operation ended; so their start line alone proves a hang only past the limit."""
    if context.is_known_to_hang(opened.extension or "", opened.name):
        return True
    limit = limit_for(context.system, opened.extension or "", opened.operation) or 900
    return (order(context.now) - order(opened.time)).total_seconds() > capped(limit, context.hang_seconds)


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
    failure = compose(run, [signal], context, "warning")
    return replace(failure, caused_by=signal.caused_by, exit_code=None)
