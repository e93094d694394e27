"""One run that failed to one failure: its codes, its times, the line to quote, and every line that tells of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from collector.data.rotated import set_name
from collector.extract.context import FAILED_STATES, Context
from collector.extract.hangs import limit_for, open_start
from collector.extract.runs import Run
from collector.extract.signals import COMMAND_OUTPUT, Signal
from collector.extract.telling import Output, candidates
from collector.model import Evidence, Failure, FindingKind, order

#: Errors this long before the failure belong to it (a handler's own retries).
_LEAD = timedelta(minutes=15)
#: The agent writes down a command's output so soon before or after what tells that it failed.
_SAME_COMMAND = timedelta(seconds=30)
#: Lines of one file closer than this tell of one occurrence.
_ONE_OCCURRENCE = timedelta(seconds=10)
#: The same words of one file closer than this are one line that two records hold.
_SAME_WORDS = timedelta(seconds=0.9)
_BEST_LINES, _MOST_EVIDENCE, _MOST_ERRORS = 6, 14, 3
#: The rank from which a code of a command inside a handler is believed.
_BELIEVED = 30


def compose(run: Run, told: Sequence[Signal], context: Context, kind: FindingKind) -> Failure:
    best = max(told, key=lambda signal: (signal.rank, bool(signal.time)))
    operation = _operation(told, run)
    own = [signal for signal in told if not _after_collect(signal, context)] or list(told)
    related = _related(run, own, kind)
    outputs = _outputs(run, context) if kind != "warning" else ()
    ranked = candidates([*own, *related], outputs, hang=kind == "hang")
    times = [signal.time for signal in [*own, *_timely(related, kind)] if signal.time]
    last = [*times, *(signal.time for signal in _results(run, context, own, kind) if signal.time)]
    first_hang = min((signal.time for signal in own if signal.time), key=order, default=None)
    opened = open_start(run.signals, first_hang) if kind == "hang" else None
    exit_signal = _exit(run, own) if kind != "hang" else None
    agent_signal = next((signal for signal in [*own, *run.signals] if signal.agent_code), None)
    since = _since(run, opened, first_hang, times) if kind == "hang" else None
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


def _since(run: Run, opened: Signal | None, first_hang: datetime | None, times: Sequence[datetime]) -> datetime | None:
    """Since when it hangs: the start of what did not end, else the last start, else when it was first told."""
    if opened is not None:
        return opened.time
    begun = [s.time for s in run.of("start") if s.time and first_hang and order(s.time) <= order(first_hang)]
    return begun[-1] if begun else min(times, key=order, default=None)


def _times(signals: Sequence[Signal], best: Signal) -> int:
    """How often the failure happened: how often the file that tells it best tells it.

    Lines close together are one occurrence told in several words; the same words once more are another, for an agent
    that can't go on tries again every few seconds. What was rotated away is the same file.
    """
    log = set_name(best.path)
    alike = [signal for signal in signals if signal.rule == best.rule and set_name(signal.path) == log]
    count, last, text = 0, order(None), None
    for signal in sorted(alike, key=lambda one: order(one.time)):
        count += signal.times - 1
        gap = order(signal.time) - last
        if count == 0 or gap > _ONE_OCCURRENCE or (signal.text == text and gap > _SAME_WORDS):
            count += 1
        last, text = order(signal.time), signal.text
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
        return [*_waits(run, own, min(times)), *_errors_while(run, min(times))]
    begin, end = min(times) - _LEAD, max(times) + timedelta(minutes=1)
    found = [
        signal
        for signal in run.of("mention")
        if signal not in own and signal.time and begin <= order(signal.time) <= end and signal.rule != "plain-exit"
    ]
    outputs = [signal for signal in found if signal.rule == COMMAND_OUTPUT]
    near = [one for one in outputs if any(abs(order(one.time) - time) <= _SAME_COMMAND for time in times)]
    return [signal for signal in found if signal.rule != COMMAND_OUTPUT or signal in near[-1:]]


def _waits(run: Run, own: Sequence[Signal], first: datetime) -> list[Signal]:
    """What says that it is not done; a status from before the command began is of an earlier one."""
    opened = open_start(run.signals, first)
    begun = order(opened.time) - _SAME_COMMAND if opened is not None else order(None)
    return [
        signal
        for signal in run.of("result")
        if signal.rule == "status-file" and signal.state == "transitioning" and signal not in own
        if signal.time is None or order(signal.time) >= begun
    ]


def _errors_while(run: Run, since: datetime) -> list[Signal]:
    """The newest errors in the extension's own logs since it hangs."""
    errors = [s for s in run.of("mention") if s.rule == "error-record" and not s.by_agent and s.time]
    return [signal for signal in errors if order(signal.time) >= since - _SAME_COMMAND][-_MOST_ERRORS:]


def _timely(related: Sequence[Signal], kind: FindingKind) -> list[Signal]:
    """Those whose time says when it failed: not what a command printed, nor what is told while it hangs."""
    return [s for s in related if s.rule != COMMAND_OUTPUT and not (kind == "hang" and s.kind == "mention")]


def _results(run: Run, context: Context, own: Sequence[Signal], kind: FindingKind) -> list[Signal]:
    """What the agent's summaries say of the run."""
    states = FAILED_STATES | {"transitioning"} if kind == "hang" else FAILED_STATES
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
