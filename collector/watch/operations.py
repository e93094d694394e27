"""Which operations of which extension are open, since when, and whether one takes longer than its limit. Pure.

An operation is told by three voices: the guest agent starts a handler and says when its command ended; the handler's
own log says when it began and ended; its status file stays at "transitioning". A handler that forks tells the agent at
once that it is done, so that each voice is followed by itself: what the agent waits for has the agent's limit, what
goes on without it the extension's own, or else that of the platform.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Literal

from collector.data.time_limits import deciding_for, time_limits
from collector.extract.signals import Signal
from collector.model import FIRST, System, iso, moment_of, moved
from collector.watch.incident import Notice
from collector.watch.runs import ROUNDING, Placed, Run

Voice = Literal["agent", "handler", "status"]
_VOICES: tuple[Voice, ...] = ("agent", "handler", "status")

#: Of an operation of which nothing tells a limit: the longest of the agent's.
_UNKNOWN_SECONDS = 900
#: A handler with a limit of its own ends its script itself; so much longer it may take to say so.
_GRACE_SECONDS = 30
#: A limit of a notebook that is longer is none that a line named (seconds).
_MOST_LIMIT = 10**9
#: Lines of one file closer than this announce one operation.
_ONE_START = timedelta(seconds=1)
#: Hang lines of a lower rank only say that the agent waits for a status, which it does at every start.
WEAK_RANK = 30
#: A machine that stood still for so long had no one who could write a status.
_STOOD_STILL = timedelta(seconds=60)
#: Refreshes of a status file that may be late before its writer counts as gone.
_MISSED = 8
_MOST_OPEN = 400
_MOMENTS = ("since", "refreshed", "stamp", "seen")
#: What was written while no one looked is read within so much time: the end of what is long over comes after its start.
_CATCHING_UP = timedelta(seconds=5)


@dataclass(slots=True)
class Open:
    """An operation as one voice tells it. `limit`: seconds that the line itself names. `refreshed`: when its status
    was last seen to be written, `stamp`: the time that this status told. `seen`: when the line was read."""

    since: datetime
    operation: str | None
    path: str
    text: str
    limit: int | None = None
    refreshed: datetime | None = None
    stamp: datetime | None = None
    seen: datetime | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    seconds: float
    who: str  # sets it, in words


class Operations:
    """`hang_seconds` > 0 caps every limit."""

    def __init__(self, system: System, hang_seconds: float = 0.0) -> None:
        self._system = system
        self._cap = hang_seconds
        self._open: dict[int, tuple[Run, dict[Voice, Open]]] = {}
        self._ended: dict[tuple[int, Voice], datetime] = {}  # of runs, what the newest end was
        self._tells_ends = False  # whether the agent says when a command ended; very old ones do not
        self._looked: datetime | None = None

    def feed(self, placed: Iterable[Placed], now: datetime) -> None:
        for one in placed:
            if one.run is None:
                if one.signal.kind == "goal-end":
                    self._end_all_of_agent(one.when)
            elif one.signal.rule == "status-file":
                self._status(one.signal, one.run, one.when, now)
            else:
                self._line(one.signal, one.run, one.when, now)

    def due(self, now: datetime) -> list[Notice]:
        """A notice of each operation that takes too long and of which nothing was told yet; each is given once."""
        if self._looked is None or now - self._looked > _STOOD_STILL:
            for _, voices in self._open.values():
                if "status" in voices:
                    voices["status"].refreshed = now
        self._looked = now
        found = []
        for run, voices in list(self._open.values()):
            if run.is_told:
                del self._open[run.number]
                continue
            late = self._late(run, voices, now)
            if late is not None and not run.carries_us:
                run.hung = now
                found.append(late)
        return found

    def wait(self, now: datetime) -> float | None:
        """Seconds until the next operation passes its limit; None where none is open."""
        ends = [end for run, voices in self._open.values() for _, _, end in self._ends(run, voices)]
        return max(0.0, (min(ends) - now).total_seconds()) if ends else None

    def dump(self) -> dict[str, Any]:
        """Plain JSON values; runs by their number."""
        rows = [
            {**asdict(one), "run": number, "voice": voice, **{part: iso(getattr(one, part)) for part in _MOMENTS}}
            for number, (_, voices) in self._open.items()
            for voice, one in voices.items()
        ]
        ended = [[number, voice, iso(when)] for (number, voice), when in self._ended.items()]
        return {"open": rows, "ended": ended, "tells_ends": self._tells_ends}

    def load(self, state: Mapping[str, Any], runs: Iterable[Run]) -> None:
        """What was dumped before a restart; values that make no sense are left out."""
        by_number = {run.number: run for run in runs}
        self._tells_ends = state.get("tells_ends") is True
        ended = state.get("ended")
        for row in ended if isinstance(ended, list) else []:
            if isinstance(row, list) and len(row) == 3 and isinstance(row[0], int) and row[1] in _VOICES:
                self._ended[row[0], row[1]] = moment_of(row[2]) or FIRST
        rows = state.get("open")
        for row in rows if isinstance(rows, list) else []:
            number = row.get("run") if isinstance(row, dict) else None
            run = by_number.get(number) if isinstance(number, int) else None
            since = moment_of(row.get("since")) if run is not None else None
            if run is None or since is None or row.get("voice") not in _VOICES:
                continue
            limit = row.get("limit")
            limit = limit if isinstance(limit, int) and 0 <= limit < _MOST_LIMIT else None
            operation = str(row["operation"]) if row.get("operation") else None
            one = Open(since, operation, str(row.get("path", "")), str(row.get("text", "")), limit)
            one.refreshed, one.stamp, one.seen = (moment_of(row.get(part)) for part in _MOMENTS[1:])
            self._open.setdefault(run.number, (run, {}))[1][row["voice"]] = one

    # ---- what the voices say ---------------------------------------------------------------------------

    def _status(self, signal: Signal, run: Run, when: datetime, now: datetime) -> None:
        if signal.state != "transitioning":
            self._open.pop(run.number, None)  # whatever it says, the operation has ended
            return
        voices = self._voices(run)
        before = voices.get("status")
        since = min(before.since, when) if before else when
        is_same = before is not None and before.stamp == when
        refreshed = before.refreshed if before is not None and is_same else now
        operation, text = signal.operation or "Enable", signal.text[:400]
        voices["status"] = Open(since, operation, signal.path, text, refreshed=refreshed, stamp=when)

    def _line(self, signal: Signal, run: Run, when: datetime, now: datetime) -> None:
        voice: Voice = "agent" if signal.by_agent else "handler"
        if signal.kind == "start":
            if voice == "agent":
                self._end_others_of_agent(run, when)
            voices = self._voices(run)
            before = voices.get(voice)
            is_same = before is not None and before.path == signal.path and abs(when - before.since) < _ONE_START
            ended = self._ended.get((run.number, voice))
            is_over = ended is not None and when < ended  # the other log of the agent is read later
            if not is_same and not is_over and (before is None or when >= before.since):
                limit, text = signal.limit_seconds, signal.text[:400]
                voices[voice] = Open(when, signal.operation, signal.path, text, limit, seen=now)
        elif signal.kind == "end" or (signal.kind in ("failure", "hang") and signal.rank > WEAK_RANK):
            self._tells_ends = self._tells_ends or (voice == "agent" and signal.rule == "agent-command-ended")
            self._end(run, voice, when)
            self._ended.pop((run.number, voice), None)
            self._ended[run.number, voice] = when
            if len(self._ended) > _MOST_OPEN:
                del self._ended[next(iter(self._ended))]

    def _voices(self, run: Run) -> dict[Voice, Open]:
        if run.number not in self._open and len(self._open) >= _MOST_OPEN:
            del self._open[next(iter(self._open))]
        return self._open.setdefault(run.number, (run, {}))[1]

    def _end(self, run: Run, voice: Voice, when: datetime) -> None:
        voices = self._open[run.number][1] if run.number in self._open else {}
        if voice in voices and voices[voice].since <= when + ROUNDING:
            del voices[voice]
        if not voices:
            self._open.pop(run.number, None)

    def _end_others_of_agent(self, run: Run, when: datetime) -> None:
        """The Linux agent runs handlers one after another: that it starts one tells that the one before ended."""
        if self._system == "linux":
            for other, _ in list(self._open.values()):
                if other is not run:
                    self._end(other, "agent", when)

    def _end_all_of_agent(self, when: datetime) -> None:
        for run, _ in list(self._open.values()):
            self._end(run, "agent", when)

    # ---- limits ----------------------------------------------------------------------------------------

    def _late(self, run: Run, voices: Mapping[Voice, Open], now: datetime) -> Notice | None:
        for voice, limit, end in self._ends(run, voices):
            if now < end:
                continue
            own = [voices[name] for name in ("handler", "status") if name in voices] or [voices[voice]]
            since = min(one.since for one in own)
            name = f" {run.name}" if run.name else ""
            number = f", sequence {run.sequence}" if run.sequence is not None else ""
            text = (
                f"{voices[voice].operation or 'an operation'}{name}{number} has been running since {iso(since)}, "
                f"longer than {limit.seconds:g} s ({limit.who})"
            )
            return Notice("hang", run.key, text, now, since, run.extension, own[0].path)
        return None

    def _ends(self, run: Run, voices: Mapping[Voice, Open]) -> list[tuple[Voice, Limit, datetime]]:
        """Until when each voice's operation may run."""
        found: list[tuple[Voice, Limit, datetime]] = []
        for voice, one in voices.items():
            if voice == "agent" and run.well and not self._tells_ends:
                continue  # an agent that does not say when a command ended; the status file says that it did
            limit = self._capped(self._limit(run, voice, one, in_foreground="agent" in voices))
            end = moved(one.since, timedelta(seconds=limit.seconds))
            found.append((voice, limit, max(end, one.seen + _CATCHING_UP) if one.seen else end))
            refresh = _refresh_of(self._system, run.extension)
            if voice == "status" and refresh is not None and one.refreshed is not None:
                silent = Limit(refresh * _MISSED, f"no status was written for so long; every {refresh} s it should be")
                found.append((voice, silent, one.refreshed + timedelta(seconds=silent.seconds)))
        return found

    def _limit(self, run: Run, voice: Voice, one: Open, *, in_foreground: bool) -> Limit:
        if one.limit is not None:
            return Limit(one.limit + _GRACE_SECONDS, "its own setting")
        operation = one.operation or (None if voice == "agent" else "Enable")
        row = deciding_for(self._system, run.extension, operation) if operation else None
        if row is not None and (voice == "agent" or in_foreground or row.extension != "*"):
            return Limit(int(row.seconds), row.who)
        return Limit(_UNKNOWN_SECONDS, "Guest agent") if voice == "agent" else _of_platform(self._system, run.extension)

    def _capped(self, limit: Limit) -> Limit:
        if 0 < self._cap < limit.seconds:
            return Limit(self._cap, "the limit that was set here")
        return limit


def _of_platform(system: System, extension: str) -> Limit:
    """How long the platform waits for an extension that goes on in the background."""
    rows = [row for row in time_limits() if row.who == "Platform" and row.system == system and row.seconds]
    rows = [row for row in rows if row.id.startswith(f"platform-{system}") and fnmatchcase(extension, row.extension)]
    general = next((row for row in rows if row.id == f"platform-{system}"), None)
    return Limit(int(general.seconds), "Platform") if general else Limit(_UNKNOWN_SECONDS, "Guest agent")


def _refresh_of(system: System, extension: str) -> int | None:
    """How often a handler that tells so writes its status file while it works, in seconds."""
    row = next((row for row in time_limits() if row.id == "run-command-managed-refresh"), None)
    is_its = row is not None and row.system == system and fnmatchcase(extension, row.extension)
    return int(row.seconds) if row is not None and is_its and row.seconds else None
