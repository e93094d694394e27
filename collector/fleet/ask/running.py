"""Asks instances through `az`: so many at once, with retries, and nothing left behind.

What was created is deleted on every way out, also after Ctrl-C; what can't be deleted is told.
"""

from __future__ import annotations

import random
import shlex
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace

from collector.deliver.backoff import Backoff
from collector.fleet.ask import run_command
from collector.fleet.ask.az import Answer, Az
from collector.fleet.ask.outcome import Outcome, Run, no_verdict, undelivered
from collector.fleet.ask.plan import Choice
from collector.fleet.ask.refusals import Refusal, refusal_of
from collector.fleet.ask.run_command import Method, Output, Target
from collector.fleet.ask.verdicts import read_verdict

_TRIES = 6
_LOST_TRIES = 2  # runs of the script where its output is lost
_GRACE = 300.0  # seconds beside the script's own time, for the platform and for az itself
_POLL_FIRST, _POLL_MOST = 4.0, 15.0
_MORE_TIME = "Give more time with --timeout."
_LOOK = 0.2  # seconds between looks whether Ctrl-C came
_RUNS: dict[str, Run] = {
    "timed-out": "timed out",
    "interrupted": "interrupted",
    **dict.fromkeys(("killed", "failed", "network", "old-az", "not-logged-in"), "az failed"),
}
_NOTHING_MADE = frozenset({"not-logged-in", "wrong-subscription", "no-permission", "policy", "not-running", "gone"})

_INTERRUPTED = Refusal("interrupted", "stopped before it answered", "", False)
_STILL_RUNS = "The script may still run there, and keeps the next one waiting until it ends."


@dataclass(frozen=True, slots=True)
class Ask:
    """How to ask. `pace` stretches or shrinks every wait; `name` is that of this run's managed run commands."""

    method: Method
    script: str  # the file that holds it
    seconds: int
    name: str
    parallel: int = 8
    pace: float = 1.0


class Asking:
    """One run over many instances. Iterate over `outcomes`; `interrupted` tells afterwards whether Ctrl-C came."""

    def __init__(self, az: Az, ask: Ask, on_stop: Callable[[bool], None]) -> None:
        """`on_stop` is told of each Ctrl-C, and whether it is not the first."""
        self._az, self._ask, self._on_stop = az, ask, on_stop
        self._stop = threading.Event()
        self._backoff = Backoff(base=5.0 * ask.pace, cap=60.0 * ask.pace)
        self.interrupted = False

    def outcomes(self, asked: Sequence[tuple[Choice, Target]]) -> Iterator[Outcome]:
        """Each outcome as it comes. After Ctrl-C those that were not done are told as interrupted."""
        with self._signals(), ThreadPoolExecutor(max_workers=max(1, self._ask.parallel)) as pool:
            waiting = {pool.submit(self._one, choice, target) for choice, target in asked}
            while waiting:
                done, waiting = wait(waiting, timeout=_LOOK, return_when=FIRST_COMPLETED)
                for future in done:
                    yield future.result()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """An exception could come anywhere, also where an outcome is written: a handler only says to stop."""
        before = {number: signal.signal(number, self._interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupt(self, *_: object) -> None:
        """The first one ends the children and cleans up, a second one leaves at once."""
        self._on_stop(self.interrupted)
        self._stop.set()
        self._az.stop(abandon=self.interrupted)
        self.interrupted = True

    def _one(self, choice: Choice, target: Target) -> Outcome:
        if self._stop.is_set():
            return Outcome(choice.id, choice.role, "interrupted", problem="interrupted before it was asked", tries=0)
        ask = _managed if self._ask.method == "managed" else _invoked
        return ask(_Call(self._az, self._ask, self._stop, self._backoff), choice, target)


class _Call:
    """Calls `az` for one instance until it works, the tries are used up, or the time is."""

    def __init__(self, az: Az, ask: Ask, stop: threading.Event, backoff: Backoff) -> None:
        self._az, self.ask, self._stop, self._backoff = az, ask, stop, backoff
        self._until = time.monotonic() + ask.seconds + 2 * _GRACE * ask.pace
        self.tries = 0

    @property
    def left(self) -> float:
        return self._until - time.monotonic()

    @property
    def stopped(self) -> bool:
        return self._stop.is_set()

    def pause(self, seconds: float) -> bool:
        """Waits; False where Ctrl-C came meanwhile, or where so much time is not left."""
        return self.left > seconds and not self._stop.wait(seconds)

    def do(self, arguments: Sequence[str], seconds: float, *, cleanup: bool = False) -> Answer | Refusal:
        """The answer of an `az` that ended well, or why none did."""
        for attempt in range(1, _TRIES + 1):
            self.tries = max(self.tries, attempt)
            answer = self._az.call(arguments, seconds, cleanup=cleanup)
            if answer.stopped:
                return _INTERRUPTED
            if answer.timed_out:
                return Refusal("timed-out", f"no answer within {seconds:.0f} s", _MORE_TIME, False)
            if answer.code == 0:
                return answer
            refusal = refusal_of(answer.code, answer.err)
            if not refusal.retry or attempt == _TRIES:
                return refusal
            delay = self._backoff.delay(attempt, _spread, refusal.wait and refusal.wait * self.ask.pace)
            if cleanup:
                time.sleep(min(delay, 10.0 * self.ask.pace))
            elif not self.pause(delay):
                return _INTERRUPTED if self.stopped else refusal
        raise AssertionError("the last try returns")


def _spread() -> float:
    """Between a half and one: so many instances must not come again at the same moment, nor at once."""
    return 0.5 + random.random() / 2


# ---- the older one -------------------------------------------------------------------------------------


def _invoked(call: _Call, choice: Choice, target: Target) -> Outcome:
    arguments = run_command.invoke(target, call.ask.script)
    output = Output()
    for _ in range(_LOST_TRIES):
        got = call.do(arguments, call.ask.seconds + _GRACE * call.ask.pace)
        if isinstance(got, Refusal):
            stopped = got.name == "interrupted"  # the older one can't be cancelled
            return _refused(choice, replace(got, remedy=_STILL_RUNS) if stopped else got, call.tries)
        output = run_command.invoke_output(got.out)
        if not output.lost:
            break
    return _told(choice, output, call.tries)


# ---- the managed one -----------------------------------------------------------------------------------


def _managed(call: _Call, choice: Choice, target: Target) -> Outcome:
    created: Answer | Refusal | None = None
    try:
        arguments = run_command.create(target, call.ask.name, call.ask.script, call.ask.seconds)
        created = call.do(arguments, _GRACE * call.ask.pace)
        outcome = (
            _refused(choice, created, call.tries) if isinstance(created, Refusal) else _watched(call, choice, target)
        )
    finally:
        left = _deleted(call, target, created)
    return replace(outcome, left=left)


def _watched(call: _Call, choice: Choice, target: Target) -> Outcome:
    """Looks at it until it has ended."""
    delay = _POLL_FIRST * call.ask.pace
    output = Output()
    while call.pause(delay):
        got = call.do(run_command.show(target, call.ask.name), _GRACE * call.ask.pace)
        if isinstance(got, Refusal):
            return _refused(choice, got, call.tries)
        output = run_command.managed_output(got.out)
        if output.ended:
            return _told(choice, output, call.tries)
        delay = min(_POLL_MOST * call.ask.pace, delay * 1.5)
    if call.stopped:
        return _refused(choice, _INTERRUPTED, call.tries)
    state = output.lost or f"still {output.state.lower() or 'pending'}"
    problem = f"not done after {call.ask.seconds} s and the time it takes the platform: {state}"
    return Outcome(choice.id, choice.role, "timed out", problem=problem, remedy=_MORE_TIME)


def _deleted(call: _Call, target: Target, created: Answer | Refusal | None) -> str:
    """Deletes it; the command that does so where it did not work. It may be there although creating it failed."""
    arguments = run_command.delete(target, call.ask.name)
    if isinstance(created, Refusal) and created.name in _NOTHING_MADE:
        call.do(arguments, _GRACE * call.ask.pace, cleanup=True)
        return ""
    got = call.do(arguments, _GRACE * call.ask.pace, cleanup=True)
    return shlex.join(["az", *arguments]) if isinstance(got, Refusal) and got.name != "gone" else ""


# ---- outcomes ------------------------------------------------------------------------------------------


def _refused(choice: Choice, refusal: Refusal, tries: int) -> Outcome:
    again = f" after {tries} tries" if tries > 1 and refusal.retry else ""
    words = f": {refusal.words}" if refusal.words else ""
    asked = f"; it asked to wait {refusal.wait:.0f} s" if refusal.wait else ""
    problem = f"{refusal.meaning}{again}{asked}{words}"
    return Outcome(
        choice.id, choice.role, _RUNS.get(refusal.name, "refused"), problem=problem, remedy=refusal.remedy, tries=tries
    )


def _told(choice: Choice, output: Output, tries: int) -> Outcome:
    verdict = read_verdict(output.out)
    problem = remedy = ""
    if verdict is None and output.state == "TimedOut":
        problem, remedy = "the script took longer than its time limit", _MORE_TIME
        return Outcome(choice.id, choice.role, "timed out", None, problem, remedy, output.out, output.err, tries)
    if verdict is None and output.lost:
        problem, remedy = output.lost, "Ask again; the bundle may have been delivered all the same."
    elif verdict is None:
        problem, remedy = no_verdict(output.err or output.out, output.exit_code)
    elif verdict.delivered == "no":
        problem = undelivered(verdict)
    elif not verdict.whole:
        problem = "the head of the output is cut off"
    run: Run = "answered" if verdict else "no verdict"
    return Outcome(choice.id, choice.role, run, verdict, problem, remedy, output.out, output.err, tries)
