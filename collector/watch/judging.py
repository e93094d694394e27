"""From signals, as they come, to notices: failures, hangs, bursts, and what the guest agent says of itself. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from collector.extract.carriers import RunKey, printed_verdict
from collector.extract.signals import AGENT_NAMES, Signal
from collector.model import System
from collector.watch.bursts import Bursts
from collector.watch.incident import Notice
from collector.watch.operations import WEAK_RANK, Operations
from collector.watch.runs import Placed, Run, Runs

#: What is older than this is history, wherever it turns up; what a state file says stands now.
_HISTORY = timedelta(hours=24)
#: A failure told so soon after the line that says that the limit was passed is the kill, not another failure.
_KILL = timedelta(seconds=30)
#: Exit codes of what was ended by SIGKILL or SIGTERM, or by `timeout` (GNU coreutils, Go's os/exec).
_KILLED = frozenset({124, 137, 143, -1, -9, -15})
_TIMED_OUT = 1011  # the agent's code (Azure/WALinuxAgent:azurelinuxagent/common/exception.py)
_PROCESSING = 1000
_STATE_RULES = frozenset({"status-file", "handler-status", "status-not-json"})
#: Which lines of the agent tell that it can't work, and not only that it waits.
_AGENT_TROUBLE = frozenset(
    {"agent-cannot-start", "agent-provisioning-failed", "agent-goal-state-failing", "windows-agent-broken"}
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What signals came to. `withdrawn`: keys that turned out to be no failures."""

    notices: tuple[Notice, ...] = ()
    withdrawn: tuple[tuple[str, ...], ...] = ()


class Judge:
    """`carries_us` tells whether a run (extension, configuration, sequence number) is a Run Command whose script runs
    vmext; it is asked only where such a run failed. `bursts` None: none are told."""

    def __init__(
        self,
        system: System,
        *,
        hang_seconds: float = 0.0,
        bursts: Bursts | None = None,
        carries_us: Callable[[RunKey], bool] = lambda run: False,
    ) -> None:
        self._runs = Runs()
        self._operations = Operations(system, hang_seconds)
        self._bursts = bursts
        self._carries_us = carries_us

    def know(self, named: Iterable[tuple[str, str | None]]) -> None:
        """Extensions and their configurations that files on the disk tell."""
        self._runs.know(named)

    def feed(self, signals: Sequence[Signal], now: datetime) -> Judged:
        """In the order in which they came. `now`: UTC."""
        if not signals:
            return Judged()
        placed = self._runs.place(signals, now)
        notices: list[Notice] = []
        withdrawn: list[tuple[str, ...]] = []
        for one in placed:
            if self._is_of_us(one):
                withdrawn.append(one.run.key if one.run else ())
            elif (notice := self._failure(one, now)) is not None:
                notices.append(notice)
        self._operations.feed(placed, now)
        if self._bursts is not None:
            notices += self._bursts.feed(placed)
        return Judged(tuple(notices), tuple(withdrawn))

    def remember(self, signals: Sequence[Signal], now: datetime) -> None:
        """Signals of what lies before the place from which on a log is followed: they tell which operation was
        running and with which number, and nothing of them is told."""
        placed = self._runs.place(signals, now)
        for one in placed:
            if one.run is not None and one.signal.kind in ("failure", "hang") and one.signal.rank > WEAK_RANK:
                self._fail(one.run, one)
        self._operations.feed(placed, now)

    def due(self, now: datetime) -> tuple[Notice, ...]:
        """Operations that hang now, each once."""
        return tuple(self._operations.due(now))

    def wait(self, now: datetime) -> float | None:
        """Seconds until an operation passes its limit; None where none is open."""
        return self._operations.wait(now)

    def dump(self) -> dict[str, Any]:
        """Plain JSON values."""
        bursts = self._bursts.dump() if self._bursts is not None else {}
        return {"runs": self._runs.dump(), "operations": self._operations.dump(), "bursts": bursts}

    def load(self, state: Mapping[str, Any]) -> None:
        """What was dumped before a restart; values that make no sense are left out."""
        runs, operations = state.get("runs"), state.get("operations")
        if isinstance(runs, dict):
            self._runs.load(runs)
        if isinstance(operations, dict):
            self._operations.load(operations, self._runs.runs())
        if self._bursts is not None:
            bursts = state.get("bursts")
            self._bursts.load(bursts if isinstance(bursts, dict) else {})
            for run in self._runs.runs():
                if run.is_told and run.last is not None:
                    self._bursts.failed(run.extension, run.last)

    # ---- failures --------------------------------------------------------------------------------------

    def _is_of_us(self, one: Placed) -> bool:
        """Whether it is told of a Run Command that carries vmext: that ends with an exit code, and is no failure."""
        run, signal = one.run, one.signal
        if run is None or not ("RunCommand" in run.extension or "CustomScript" in run.extension):
            return False
        if run.carries_us or signal.kind not in ("failure", "hang"):
            return run.carries_us
        run.carries_us = (signal.rule == "status-file" and printed_verdict(signal.detail)) or self._carries_us(
            (run.extension, run.name, run.sequence)
        )
        return run.carries_us

    def _failure(self, one: Placed, now: datetime) -> Notice | None:
        signal, run = one.signal, one.run
        if run is None or not _tells_of_failure(signal):
            return None
        if now - one.when > _HISTORY and signal.rule not in _STATE_RULES:
            return None
        is_of_agent = run.extension in AGENT_NAMES
        if is_of_agent and signal.rule not in _AGENT_TROUBLE:
            return None
        key = self._fail(run, one)
        if self._bursts is not None:
            self._bursts.failed(run.extension, one.when)
        kind = "agent" if is_of_agent else "hang" if signal.kind == "hang" else "failure"
        return Notice(kind, key, _told(signal), one.when, run.began, run.extension, signal.path)  # type: ignore[arg-type]

    def _fail(self, run: Run, one: Placed) -> tuple[str, ...]:
        """Notes the failure, and gives its key: a failure of its own that ends a hang is another than the hang."""
        signal, when = one.signal, one.when
        if signal.kind == "hang":
            run.hung = run.hung or when
            run.killed = when
            return run.key
        if run.failed is None:
            run.outlived = run.hung is not None and not _is_kill(run, signal, when)
        run.failed = run.failed or when
        return (*run.key, "end") if run.outlived else run.key


def _tells_of_failure(signal: Signal) -> bool:
    if signal.kind not in ("failure", "hang") or signal.caused_by:
        return False
    if signal.kind == "hang" and signal.rank <= WEAK_RANK:
        return False
    if signal.rule != "handler-status" or signal.kind == "hang":
        return True
    # the agent also writes NotReady for a handler that it disabled, and while it works on one
    return signal.agent_code not in (None, _PROCESSING) or signal.exit_code is not None


def _is_kill(run: Run, signal: Signal, when: datetime) -> bool:
    if signal.agent_code == _TIMED_OUT or signal.exit_code in _KILLED:
        return True
    return run.killed is not None and abs(when - run.killed) <= _KILL


def _told(signal: Signal) -> str:
    """The line, with the exit code where the line does not name it."""
    text = " ".join(signal.text.split())
    if signal.exit_code is None or str(signal.exit_code) in text:
        return text
    return f"{text} (exit code {signal.exit_code})" if text else f"exit code {signal.exit_code}"
