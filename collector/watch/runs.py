"""Which run of which extension a signal is about, while the signals come in: one failure has one key, whoever tells it
and however late. Pure.

`extract.runs` groups all signals of a disk at once; here each is placed when it comes, by what was known before. A new
run begins with another sequence number, with a start after the run before has failed or hung, and with a failure after
it had become well again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from collector.extract.runs import resolve_names
from collector.extract.signals import AGENT_NAMES, Signal
from collector.model import iso, moment_of

#: Stamps of one event in two files differ by so much: status files tell whole seconds.
ROUNDING = timedelta(seconds=2)
#: A status written so soon after a failure is about the same end, and wrong where it says success.
_SAME_END = timedelta(seconds=5)
#: What has no number joins a run, and a number joins a run that has none, where no more than this lies between.
_TOGETHER = timedelta(minutes=10)
#: What no number holds together is parted where nothing was said for so long: longer than any limit of an operation.
#: The agent repeats every six hours that it can't fetch the goal state.
_SILENCE, _SILENCE_OF_AGENT = timedelta(hours=2), timedelta(hours=24)
#: Runs, and places of sequence numbers, that are remembered.
_MOST = 400


@dataclass(slots=True)
class Run:
    """One run. Moments are UTC: of its newest start, of its first failure, of the notice or the line that it hangs, of
    the line that it was ended for that, of the success that came after a failure, of the last signal."""

    number: int
    extension: str
    name: str | None = None
    sequence: int | None = None
    began: datetime | None = None
    failed: datetime | None = None
    hung: datetime | None = None
    killed: datetime | None = None
    recovered: datetime | None = None
    last: datetime | None = None
    version: str | None = None
    well: bool = False  # its status file says success
    carries_us: bool = False  # a Run Command that runs vmext
    outlived: bool = False  # it was told as a hang, then failed by itself
    key: tuple[str, ...] = ()

    @property
    def is_told(self) -> bool:
        return self.failed is not None or self.hung is not None


@dataclass(frozen=True, slots=True)
class Placed:
    """A signal with its run (None for what is about no extension) and the moment at which it counts."""

    signal: Signal
    run: Run | None
    when: datetime


class Runs:
    def __init__(self) -> None:
        self._known: dict[str, None] = {}
        self._names: dict[str, str] = {}  # of configurations, with their extension
        self._current: dict[tuple[str, str, str | None], int] = {}  # sequence number in force, by path
        self._runs: dict[tuple[str, str | None], list[Run]] = {}  # the newest last
        self._count = 0

    def know(self, named: Iterable[tuple[str, str | None]]) -> None:
        """Extensions and their configurations that files on the disk tell."""
        for extension, name in named:
            self._known.setdefault(extension)
            if name:
                self._names[name] = extension

    def place(self, signals: Sequence[Signal], now: datetime) -> list[Placed]:
        """In the order in which they came. `now`: UTC; it counts where nothing tells a time, or a local one."""
        self.know((s.extension, s.name) for s in signals if s.extension and s.rule == "status-file")
        placed = []
        for signal in resolve_names(signals, self._known):
            if signal.extension in self._names and signal.extension not in self._known and signal.extension:
                signal = replace(signal, extension=self._names[signal.extension], name=signal.extension)
            signal = self._numbered(signal)
            when = min(signal.time, now) if signal.time and signal.time.tzinfo else now
            placed.append(Placed(signal, self._run_of(signal, when), when))
        return placed

    def runs(self) -> list[Run]:
        return [run for runs in self._runs.values() for run in runs]

    def dump(self) -> dict[str, Any]:
        """Plain JSON values."""
        rows = [
            {
                **{part: getattr(run, part) for part in _PLAIN},
                **{part: iso(getattr(run, part)) for part in _MOMENTS},
                "key": list(run.key),
            }
            for run in self.runs()
        ]
        current = [[*key, value] for key, value in self._current.items()]
        return {"count": self._count, "runs": rows, "sequences": current, "names": dict(self._names)}

    def load(self, state: Mapping[str, Any]) -> None:
        """What was dumped before a restart; values that make no sense are left out."""
        self._count = _number(state.get("count")) or 0
        for row in _rows(state.get("runs")):
            if run := _run(row):
                self._runs.setdefault((run.extension, run.name), []).append(run)
                self._count = max(self._count, run.number)
        sequences = state.get("sequences")
        for entry in sequences if isinstance(sequences, list) else []:
            if isinstance(entry, list) and len(entry) == 4 and _number(entry[3]) is not None:
                self._current[str(entry[0]), str(entry[1]), str(entry[2]) if entry[2] else None] = int(entry[3])
        names = state.get("names")
        if isinstance(names, dict):
            self._names.update({str(name): str(extension) for name, extension in names.items()})

    # ---- placing ---------------------------------------------------------------------------------------

    def _numbered(self, signal: Signal) -> Signal:
        """With the sequence number that is in force at this place of its file."""
        if signal.extension is None:
            return signal
        key = (signal.path, signal.extension, signal.name)
        if signal.sequence is not None and signal.kind == "settings":
            self._current.pop(key, None)
            self._current[key] = signal.sequence
            if len(self._current) > _MOST:
                del self._current[next(iter(self._current))]
        elif signal.sequence is None and key in self._current and signal.kind != "result":
            return replace(signal, sequence=self._current[key])
        return signal

    def _run_of(self, signal: Signal, when: datetime) -> Run | None:
        if signal.kind in ("goal", "goal-end"):
            if signal.kind == "goal-end":
                self._recover_agent(when)
            return None
        if signal.extension is None or (signal.kind == "result" and signal.rule.startswith("agent-")):
            return None
        run = self._chosen(signal, when)
        _learn(run, signal, when)
        return run

    def _chosen(self, signal: Signal, when: datetime) -> Run:
        runs = self._candidates(signal, when)
        newest = runs[-1] if runs else None
        if newest is None:
            return self._new(signal)
        if signal.sequence is not None and newest.sequence is None:
            if newest.last is not None and abs(when - newest.last) > _TOGETHER:
                return self._new(signal)
        elif signal.sequence is not None and signal.sequence != newest.sequence:
            return self._of_number(runs, signal, when)
        if _is_again(newest, signal, when) or _is_parted(newest, signal, when):
            return self._new(signal)
        before = [run for run in runs[:-1] if run.sequence in (None, signal.sequence) or signal.sequence is None]
        is_early = newest.began is not None and when < newest.began - ROUNDING
        return before[-1] if before and is_early and signal.kind in ("failure", "hang", "end") else newest

    def _of_number(self, runs: list[Run], signal: Signal, when: datetime) -> Run:
        """A higher number begins a run; a lower one is a late word on an older run, or all began anew (the extension
        was removed and added)."""
        newest = runs[-1]
        older = next((run for run in reversed(runs) if run.sequence == signal.sequence), None)
        assert signal.sequence is not None and newest.sequence is not None
        if signal.sequence > newest.sequence:
            return self._new(signal)
        is_news = newest.last is None or when > newest.last + ROUNDING
        if is_news and signal.kind in ("settings", "start"):
            return self._new(signal)
        if older is not None and not _is_again(older, signal, when):
            return older
        return self._new(signal, is_newest=is_news)

    def _candidates(self, signal: Signal, when: datetime) -> list[Run]:
        """The runs of this configuration. What is said of a handler as a whole is about its only configuration, or
        about one of several that failed at that time; and what fails with the handler is no failure of its own."""
        extension, name = str(signal.extension), signal.name
        runs = self._runs.get((extension, name), [])
        is_told = signal.kind in ("failure", "hang")
        if name is not None:
            whole = self._runs.get((extension, None), [])[-1:]
            is_same = is_told and not runs and whole and _is_near(whole[0].failed, when)
            return whole if is_same else runs
        named = [of for (one, other), of in self._runs.items() if one == extension and other is not None]
        if not runs and len(named) == 1:
            return named[0]
        if is_told and (not runs or runs[-1].failed is None):
            failing = [of for of in named if _is_near(of[-1].failed, when)]
            newest = max(failing, key=lambda of: (of[-1].failed, of[-1].number), default=None)
            begun = runs[-1].began if runs else None
            if newest is not None and (begun is None or begun <= (newest[-1].failed or begun)):
                return newest
        return runs

    def _new(self, signal: Signal, *, is_newest: bool = True) -> Run:
        self._count += 1
        run = Run(self._count, str(signal.extension), signal.name, signal.sequence)
        sequence = "" if run.sequence is None else str(run.sequence)
        run.key = (run.extension, run.name or "", sequence, f"run {run.number}")
        runs = self._runs.setdefault((run.extension, run.name), [])
        runs.insert(len(runs) if is_newest else max(0, len(runs) - 1), run)
        if len(runs) > 6:
            del runs[0]
        if len(self._runs) > _MOST:
            del self._runs[next(iter(self._runs))]
        return run

    def _recover_agent(self, when: datetime) -> None:
        """A goal state that was completed tells that the agent is well again."""
        for run in self.runs():
            if run.extension in AGENT_NAMES and run.is_told and run.recovered is None:
                run.recovered = when


def _is_again(run: Run, signal: Signal, when: datetime) -> bool:
    """Whether the signal begins another run with the same number, or with none: after a failure or a hang the agent
    started the handler again, or what had become well fails again."""
    failed = min((moment for moment in (run.failed, run.hung) if moment), default=None)
    if signal.kind == "start":
        return failed is not None and when > failed + ROUNDING
    return (
        signal.kind in ("failure", "hang")
        and run.recovered is not None
        and when > run.recovered
        and signal.rule != "handler-status"
    )


def _is_parted(run: Run, signal: Signal, when: datetime) -> bool:
    """Whether what is told without a number is another incident than the one so long ago."""
    if signal.kind not in ("start", "failure", "hang") or signal.sequence is not None or run.sequence is not None:
        return False
    silence = _SILENCE_OF_AGENT if run.extension in AGENT_NAMES else _SILENCE
    return run.last is not None and when - run.last > silence


def _is_near(failed: datetime | None, when: datetime) -> bool:
    return failed is not None and abs(when - failed) <= _TOGETHER


def _learn(run: Run, signal: Signal, when: datetime) -> None:
    run.last = max(run.last, when) if run.last else when
    run.version = signal.version or run.version
    if run.sequence is None:
        run.sequence = signal.sequence
    if signal.kind == "start" and (run.began is None or when > run.began):
        run.began = when
    if signal.rule == "status-file":
        run.well = signal.kind == "end"
        failed = run.failed or run.hung
        if run.well and failed is not None and when > failed + _SAME_END:
            run.recovered = run.recovered or when


_PLAIN = ("number", "extension", "name", "sequence", "version", "well", "carries_us", "outlived")
_MOMENTS = ("began", "failed", "hung", "killed", "recovered", "last")


def _rows(value: object) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _run(row: Mapping[str, Any]) -> Run | None:
    number, extension, key = _number(row.get("number")), row.get("extension"), row.get("key")
    if number is None or not isinstance(extension, str) or not isinstance(key, list):
        return None
    return Run(
        number,
        extension,
        str(row["name"]) if row.get("name") else None,
        _number(row.get("sequence")),
        **{part: moment_of(row.get(part)) for part in _MOMENTS},
        version=str(row["version"]) if row.get("version") else None,
        well=row.get("well") is True,
        carries_us=row.get("carries_us") is True,
        outlived=row.get("outlived") is True,
        key=tuple(str(part) for part in key),
    )
