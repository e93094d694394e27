"""What is told of steps, and the findings, to a timeline. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from collector.bundle import words
from collector.endpoint.pages.timeline.machine import lane_of
from collector.endpoint.pages.timeline.rows import Gap, Lane, Outcome, Row, Span, Timeline, lasting
from collector.endpoint.pages.timeline.steps import STEPS, Step, Told
from collector.model import Evidence, ExtensionState, Failure, FindingKind, SystemEvent, order

LABELS: dict[Step, str] = {
    "goal": "Goal state",
    "download": "Download",
    "files": "Fetch files",
    "uninstall": "Uninstall",
    "disable": "Disable",
    "update": "Update",
    "install": "Install",
    "enable": "Enable",
    "status": "Status",
}
#: What begins later than this before a failure has nothing to do with it.
_BEFORE = timedelta(hours=6)
#: So many lanes of extensions that are well are drawn.
_MOST_WELL = 8
#: A stretch is told as the one that cost the time where it is so much of the whole, and so long.
_SHARE, _LEAST = 0.3, timedelta(seconds=1)

_OUTCOMES: dict[FindingKind, Outcome] = {"failure": "failed", "hang": "hanging", "warning": "point"}

Who = tuple[str, str | None]


def timeline(
    told: Sequence[Told],
    failures: Sequence[Failure],
    states: Sequence[ExtensionState],
    *,
    now: datetime | None,
    events: Sequence[SystemEvent] = (),
) -> Timeline | None:
    """None where no line tells of a step. `told` in the order of time; `now`: when a live instance was collected
    from, None for a mounted disk; `events` of the machine as a whole."""
    failed = {_who(failure): failure for failure in reversed(failures)}
    frame = _frame(told, failures)
    if frame is None:
        return None
    inside = [one for one in told if frame[0] <= order(one.time) <= frame[1]]
    scene = _Scene(inside, now)
    bad = [_lane(scene, who, failure) for who, failure in sorted(failed.items(), key=lambda item: _rank(item[1]))]
    others = _others(inside, failed)
    known = {(state.extension, state.name): state.state for state in states}
    well = [_well(scene, who, known.get(who, "")) for who in sorted(others, key=lambda who: scene.begin(who))]
    lanes = [*_goal(scene), *lane_of(events, *frame), *bad, *well[:_MOST_WELL]]
    moments = [moment for lane in lanes for row in lane.rows for moment in _moments(row)]
    if not moments:
        return None
    start, end = min(moments, key=order), max(moments, key=order)
    gap = _gap(scene, bad, failures, start, end)
    local = any(moment.tzinfo is None for moment in moments)
    return Timeline(start, end, tuple(lanes), gap, local, max(0, len(well) - _MOST_WELL))


def _others(told: Sequence[Told], failed: Collection[Who]) -> set[Who]:
    """Without what is said of a handler as a whole where its configurations are told of one by one."""
    everyone = {(one.extension, one.name) for one in told if one.extension}
    parted = {extension for extension, name in (*everyone, *failed) if name}
    return {who for who in everyone - set(failed) if who[1] or who[0] not in parted}


def _who(failure: Failure) -> Who:
    return failure.extension, failure.name


def _short(who: Who) -> str:
    """What fits into a line: of several configurations of a handler their own names differ."""
    return f"{who[1]} ({words.short(who[0])})" if who[1] else words.short(who[0])


def _rank(failure: Failure) -> tuple[bool, bool]:
    return failure.caused_by is not None, failure.kind == "warning"


def _moments(row: Row) -> Iterator[datetime]:
    for span in row.spans:
        yield from (moment for moment in (span.start, span.end) if moment is not None)


# ---- the frame -----------------------------------------------------------------------------------------


def _frame(told: Sequence[Told], failures: Sequence[Failure]) -> tuple[datetime, datetime] | None:
    """From the goal state in which the first failure fell to the next one after the last."""
    goals = [order(one.time) for one in told if one.step == "goal" and one.edge == "start"]
    standing = [failure for failure in failures if failure.kind != "warning"] or list(failures)
    anchors = [order(moment) for failure in standing if (moment := failure.hang_since or failure.first_time)]
    if not anchors:
        return _newest(told, goals)
    anchors = [moment for moment in anchors if abs(moment - anchors[0]) <= _BEFORE]
    first = min(anchors)
    last = max([*anchors, *(order(one.last_time) for one in standing if one.last_time)])
    about = [order(one.time) for one in told if one.extension in {failure.extension for failure in standing}]
    near = [moment for moment in (*goals, *about) if first - _BEFORE <= moment <= first]
    before = max((goal for goal in goals if goal in near), default=min(near, default=first))
    after = min((goal for goal in goals if goal > last), default=None)
    return before, (after - timedelta(microseconds=1) if after else max(last, *(order(one.time) for one in told), last))


def _newest(told: Sequence[Told], goals: Sequence[datetime]) -> tuple[datetime, datetime] | None:
    """Where nothing failed: the newest goal state in which something was done; or all that was."""
    done = [order(one.time) for one in told if one.step not in ("goal", "status")]
    if not done:
        return None
    begin = max((goal for goal in goals if goal <= done[-1]), default=done[0])
    return begin, order(told[-1].time)


@dataclass(frozen=True, slots=True)
class _Scene:
    told: Sequence[Told]
    now: datetime | None

    def of(self, who: Who, step: Step) -> list[Told]:
        """With the words about the handler as a whole, where it is one of several configurations."""
        return [
            one
            for one in self.told
            if one.step == step and one.extension == who[0] and (one.name == who[1] or one.name is None)
        ]

    def begin(self, who: Who) -> datetime:
        return min(order(one.time) for one in self.told if (one.extension, one.name) == who)

    def span(self, who: Who, step: Step) -> tuple[Span, Told] | None:
        """From the first start to the last end; a step that tells no end ended when the next one began."""
        told = self.of(who, step)
        if not told:
            return None
        starts = [one.time for one in told if one.edge == "start"]
        ends = [one.time for one in told if one.edge == "end"]
        start = min(starts, key=order, default=None)
        end = max(ends, key=order, default=None)
        if start and end and order(end) < order(start):
            end = start  # handlers write whole seconds
        if end is None and start is not None:
            later = [one.time for next_ in STEPS[STEPS.index(step) + 1 :] for one in self.of(who, next_)]
            end = min((moment for moment in later if order(moment) >= order(start)), key=order, default=None)
        return Span(start, end), told[0]


# ---- lanes ---------------------------------------------------------------------------------------------


def _goal(scene: _Scene) -> Iterator[Lane]:
    told = [one for one in scene.told if one.step == "goal"]
    starts = [one for one in told if one.edge == "start"]
    if not starts:
        return
    ends = [one.time for one in told if one.edge == "end" and order(one.time) >= order(starts[0].time)]
    span = Span(starts[0].time, max(ends, key=order, default=None))
    text = f"completed after {lasting(span.length)}" if span.length is not None else "no end told"
    label = f"Goal state {starts[0].text}".strip()
    row = Row(label, "done" if ends else "point", text, (span,), "goal", starts[0].path, starts[0].line)
    yield Lane("", row.outcome, (row,))


def _well(scene: _Scene, who: Who, state: str) -> Lane:
    """An extension that no finding is about, in one row."""
    steps = [(step, found[0]) for step in STEPS[1:-1] if (found := scene.span(who, step))]
    status = scene.of(who, "status")
    spans = tuple(span for _, span in steps) or tuple(Span(one.time, one.time) for one in status[-1:])
    moments = [moment for span in spans for moment in (span.start, span.end) if moment]
    word = status[-1].text if status else state
    is_well = not word or word.lower() in words.WELL
    length = lasting(order(max(moments, key=order)) - order(min(moments, key=order))) if len(set(moments)) > 1 else ""
    told = f"{word or 'done'}{f' after {length}' if length and is_well else ''}"
    row = Row(_short(who), "done" if is_well else "point", told, spans)
    return Lane("", row.outcome, (row,))


def _lane(scene: _Scene, who: Who, failure: Failure) -> Lane:
    """An extension that a finding is about, a row for each step."""
    label = words.label(*who)
    if failure.kind == "warning" and failure.caused_by:
        text = f"never began: waited for {words.short(failure.caused_by)}"
        return Lane("", "missing", (Row(label, "missing", text),))
    at = _failing(failure)
    rows: list[Row] = []
    for step in STEPS[1:-1]:
        found = scene.span(who, step)
        if step == at:
            rows.append(_failed(scene, failure, step, found))
        elif found is not None:
            length = found[0].length
            text = f"took {lasting(length)}" if length is not None else "done"
            rows.append(Row(LABELS[step], "done", text, (found[0],), step, found[1].path, found[1].line))
        elif failure.kind != "warning" and step in ("install", "enable") and STEPS.index(step) > STEPS.index(at):
            rows.append(Row(LABELS[step], "missing", "never began", step=step))
    return Lane(label, _OUTCOMES[failure.kind], (*rows, _status(scene, who, failure)))


def _failing(failure: Failure) -> Step:
    operation = (failure.operation or "enable").lower()
    return next((step for step in STEPS if step == operation), "enable")


def _failed(scene: _Scene, failure: Failure, step: Step, found: tuple[Span, Told] | None) -> Row:
    start = found[0].start if found else None
    lines = [one for one in failure.evidence if one.role in ("telling", "exit") and one.time is not None]
    if failure.kind == "hang":
        return _hanging(scene, failure, step, start, lines)
    after = [one for one in lines if one.time and (start is None or order(one.time) >= order(start))]
    first = min(after, key=lambda one: order(one.time), default=None)
    ended = [one.time for one in scene.of(_who(failure), step) if one.edge == "failure"]
    end = max((one for one in ended if start is None or order(one) >= order(start)), key=order, default=None)
    span = Span(start, end or (first.time if first else failure.first_time))
    text = "failed" if failure.exit_code is None else f"exit {words.code(failure.exit_code)}"
    if span.length is not None:
        text += f" after {lasting(span.length)}"
    elif start is None:
        text += ", when it began is not told"
    place = _place(first, found)
    outcome: Outcome = "failed" if failure.kind == "failure" else "point"
    return Row(LABELS[step], outcome, text, (span,) if span.end or start else (), step, *place)


def _hanging(scene: _Scene, failure: Failure, step: Step, start: datetime | None, lines: Sequence[Evidence]) -> Row:
    since = start or failure.hang_since
    if since is not None and failure.hang_since is not None and order(failure.hang_since) < order(since):
        since = failure.hang_since
    after = [one for one in lines if one.time and since and order(one.time) - order(since) > timedelta(seconds=1)]
    last = max(after, key=lambda one: order(one.time), default=None)
    span = Span(since, last.time if last else None)
    if span.length is not None:
        text = f"no end, given up after {lasting(span.length)}"
    elif since is not None and since.tzinfo and scene.now is not None:
        span = Span(since, scene.now)
        text = f"no end in {lasting(order(scene.now) - order(since))}"
    else:
        text = "no end seen"
    if failure.limit_seconds and last is None:
        text += f", limit {words.seconds(failure.limit_seconds)}"
    shown = last or next(iter(lines), None)
    return Row(LABELS[step], "hanging", text, (span,) if since else (), step, *_place(shown, None))


def _place(evidence: Evidence | None, found: tuple[Span, Told] | None) -> tuple[str, int]:
    if evidence is not None:
        return evidence.path, evidence.line
    return (found[1].path, found[1].line) if found else ("", 0)


def _status(scene: _Scene, who: Who, failure: Failure) -> Row:
    """The last state that the agent reported, else when the status file says it was written."""
    told = scene.of(who, "status")
    if told:
        last = told[-1]
        bad: Outcome = "hanging" if last.text.lower() == "transitioning" else "failed"
        is_well = last.text.lower() in words.WELL
        outcome = "point" if is_well else bad
        more = ", although it failed" if is_well and failure.kind == "failure" else ""
        text = f"{last.text}{', never became final' if outcome == 'hanging' else more}"
        return Row("Status", outcome, text, (Span(last.time, last.time),), "status", last.path, last.line)
    written = [one for one in failure.evidence if one.time and one.path.lower().endswith(".status")]
    if written:
        first = min(written, key=lambda one: order(one.time))
        text = "in progress, never became final" if failure.kind == "hang" else "error"
        outcome = "hanging" if failure.kind == "hang" else "failed"
        return Row("Status", outcome, text, (Span(first.time, first.time),), "status", first.path, first.line)
    return Row("Status", "missing", "none reported", step="status")


# ---- where the time went -------------------------------------------------------------------------------


def _gap(scene: _Scene, bad: Iterable[Lane], failures: Sequence[Failure], start: datetime, end: datetime) -> Gap | None:
    """The failing step, if it is much of the whole; of that, the stretch without a sign if it is most of it."""
    rows = [row for lane in bad for row in lane.rows if row.outcome in ("failed", "hanging") and row.step != "status"]
    spans = [(row, span) for row in rows for span in row.spans if span.start is not None]
    opened = next((pair for pair in spans if pair[1].end is None), None)
    if opened is not None:
        assert opened[1].start is not None
        return Gap(opened[1].start, None, f"{opened[0].label}: no end seen")
    closed = [(row, span, length) for row, span in spans if (length := span.length) is not None]
    if not closed:
        return None
    row, span, length = max(closed, key=lambda one: one[2])
    if length < _LEAST or length < (order(end) - order(start)) * _SHARE:
        return None
    assert span.start is not None and span.end is not None
    silent = _silence(scene, failures, span.start, span.end)
    if silent is not None and silent[1] - silent[0] >= length * 0.6 and silent[1] - silent[0] >= timedelta(seconds=30):
        return Gap(silent[0], silent[1], f"{lasting(silent[1] - silent[0])} without a sign")
    return Gap(span.start, span.end, f"{lasting(length)} in {row.label}")


def _silence(
    scene: _Scene, failures: Sequence[Failure], start: datetime, end: datetime
) -> tuple[datetime, datetime] | None:
    """The longest stretch between two lines that tell something."""
    told = [one.time for one in scene.told]
    told += [one.time for failure in failures for one in failure.evidence if one.time]
    inside = sorted({order(one) for one in (*told, start, end) if order(start) <= order(one) <= order(end)})
    return max(pairwise(inside), key=lambda pair: pair[1] - pair[0], default=None)
