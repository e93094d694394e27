"""Whether the guest agent lives: its processes, and the line that it writes every half hour. Pure.

The agent replaces its own process when it updates itself, and its daemon starts what handles extensions again when that
ends; so a process that is gone is told only after several looks, and never if another has taken its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from collector.data.time_limits import time_limits
from collector.model import iso, moment_of
from collector.watch.incident import Notice

_MISSED_LOOKS = 3
_AGENT = "WALinuxAgent"
_NAMES = {"daemon": "the guest agent's daemon", "run-exthandlers": "the guest agent's process that handles extensions"}


@dataclass(frozen=True, slots=True)
class Process:
    pid: int
    started: float  # seconds since the epoch


@dataclass(slots=True)
class _Role:
    """A part of the agent that was there. `gone_since`: when it was missed first."""

    process: Process
    gone_since: datetime | None = None
    missed: int = 0
    is_told: bool = False


class AgentLife:
    """`patience`: seconds after which a process that is gone counts as dead."""

    def __init__(self, patience: float = 90.0) -> None:
        self._patience = timedelta(seconds=patience)
        self._roles: dict[str, _Role] = {}
        self._heard: datetime | None = None
        self._is_silence_told = False
        self._began: datetime | None = None  # of the first look
        seconds = next(int(row.seconds) for row in time_limits() if row.id == "linux-agent-own-heartbeat")
        self._silence = timedelta(seconds=2 * seconds)

    def heard(self, when: datetime) -> None:
        """A heart-beat line of this moment (UTC) was read."""
        if self._heard is None or when > self._heard:
            self._heard, self._is_silence_told = when, False

    def look(self, found: Mapping[str, Process] | None, now: datetime) -> list[Notice]:
        """`found`: the agent's processes by their role, None on a disk of which only the files tell."""
        self._began = self._began or now
        if found is None:  # only a heart that was heard beating while we listened can be missed
            return self._silent(now, is_running=self._heard is not None and self._heard >= self._began)
        notices = []
        for role, process in found.items():
            if role not in self._roles or self._roles[role].process != process:
                # it has begun anew: its first heart beat may take as long as any
                self._heard = now if self._heard is not None else None
                self._roles[role] = _Role(process)
            else:
                self._roles[role].gone_since, self._roles[role].missed = None, 0
        for role, of in self._roles.items():
            if role in found or of.is_told:
                continue
            of.gone_since = of.gone_since or now
            of.missed += 1
            if of.missed >= _MISSED_LOOKS and now - of.gone_since >= self._patience:
                of.is_told = True
                notices.append(_gone(role, of, now))
        return notices + self._silent(now, is_running=bool(found))

    def dump(self) -> dict[str, Any]:
        """Plain JSON values: what must be known after a restart. Processes are found anew."""
        return {"heard": iso(self._heard), "silence_told": self._is_silence_told}

    def load(self, state: Mapping[str, Any]) -> None:
        self._heard = moment_of(state.get("heard"))
        self._is_silence_told = state.get("silence_told") is True

    def _silent(self, now: datetime, *, is_running: bool) -> list[Notice]:
        if not is_running or self._heard is None or self._is_silence_told or now - self._heard <= self._silence:
            return []
        self._is_silence_told = True
        text = f"the guest agent has written no heart-beat line since {iso(self._heard)}; every 30 minutes it should"
        return [Notice("agent", ("agent", "silent", iso(self._heard) or ""), text, now, self._heard, _AGENT)]


def _gone(role: str, of: _Role, now: datetime) -> Notice:
    name = _NAMES.get(role, f"the guest agent's process {role}")
    text = f"{name} (pid {of.process.pid}) is gone since {iso(of.gone_since)}, and no other has taken its place"
    key = ("agent", "gone", role, f"{of.process.started:.0f}")
    return Notice("agent", key, text, now, of.gone_since, _AGENT)
