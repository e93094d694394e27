"""Exactly one incident for each failure, whichever files tell it, in whatever order, however late, and whenever the
process that watches is killed."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.watch.instance import AMA, CSE, RUN, Instance

#: Seconds from one run to the next; the last word on a run is said before that.
_APART = 200
_LATEST = 90.0

delays = some.floats(0, _LATEST).map(lambda value: round(value, 1))


@dataclass(frozen=True)
class Failing:
    """A run that fails. `log`: the handler's own tells it; delays in seconds of who else does, None: does not."""

    extension: str
    name: str | None
    is_new_number: bool
    log: bool
    status: float | None
    event: float | None
    handler_status: float | None
    summary: float | None

    @property
    def is_told(self) -> bool:
        return self.log or self.status is not None or self.event is not None


failing = some.builds(
    Failing,
    some.sampled_from((CSE, AMA, RUN)),
    some.none(),
    some.booleans(),
    some.booleans(),
    some.none() | delays,
    some.none() | delays,
    some.none() | delays,
    some.none() | delays,
).filter(lambda run: run.is_told)


def begins(it: Instance, run: Failing, number: int) -> None:
    it.agent(f"Update settings file: {number}.settings", run.extension)
    it.agent("Enable extension: [bin/x enable]", run.extension)
    if run.status is not None:
        it.status("transitioning", "", number, run.extension)
    if run.log:
        it.handler("executing command", number, run.extension)
        it.agent("Command: bin/x enable\n[stdout]\n[stderr]\n", run.extension)


def fails(it: Instance, run: Failing, number: int, serial: int) -> dict[float, list[object]]:
    """What is said of it, by the seconds that pass before."""
    text = f"command terminated with exit status={serial % 100 + 1}"
    said: dict[float, list[object]] = {}

    def say(delay: float | None, what: object) -> None:
        if delay is not None:
            said.setdefault(delay, []).append(what)

    at = it.seconds
    say(0.0 if run.log else None, lambda: it.handler("failed to handle", number, run.extension, error=text))
    say(run.status, lambda: it.status("error", text, number, run.extension, back=it.seconds - at))
    say(run.event, lambda: it.event(f"[ExtensionOperationError] Non-zero exit code: {serial % 100 + 1}", run.extension))
    say(
        run.handler_status,
        lambda: it.handler_status("NotReady", 1009, f"{text} in the run {serial}", run.extension),
    )
    state = f"All extensions in the goal state have reached a terminal state: [('{run.extension}', 'error')]"
    say(run.summary, lambda: it.agent(state))
    return said


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    some.lists(failing, min_size=1, max_size=4),
    some.sets(some.integers(0, 900), max_size=4),
)
def test_exactly_one_for_each(runs: list[Failing], kills: set[int]):
    with tempfile.TemporaryDirectory() as folder:
        it = Instance(Path(folder))
        numbers: dict[str, int] = {}
        for serial, run in enumerate(runs):
            number = numbers.get(run.extension, 0) + (run.is_new_number or run.extension not in numbers)
            numbers[run.extension] = number
            it.passes(serial * _APART - it.seconds)
            begins(it, run, number)
            it.passes(10)
            begin = it.seconds
            said = fails(it, run, number, serial)
            for delay in sorted(said):
                until(it, begin + delay, kills)
                for what in said[delay]:
                    what()  # type: ignore[operator]
            until(it, begin + _LATEST + 30, kills)
        assert [one.extensions for one in it.incidents] == [(run.extension,) for run in runs], [
            (one.title, one.keys) for one in it.incidents
        ]


def until(it: Instance, seconds: float, kills: set[int]) -> None:
    """Time passes; at some moments the process is killed and started anew with what it had kept."""
    for kill in sorted(kills):
        if it.seconds <= kill < seconds:
            it.passes(kill - it.seconds)
            it.begin_to_watch(it.left())
            it.look()
    it.passes(seconds - it.seconds)
