"""What the guest agent's log tells besides failures: its version, and the goal states with their ids."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from collector.extract.signals import Signal
from collector.model import Failure, Identity, Record, order

_VERSION = re.compile(r"(?:WALinuxAgent-|Goal State Agent version |Agent WALinuxAgent-)(\d+(?:\.\d+)+)")
_OS = re.compile(r"^(?:ExtHandler )?OS: (?P<os>\S+ [\d.]+)|Distro(?: info)?: (?P<distro>[^;,]+)")
_ACTIVITY = re.compile(r"activity: (\S+)", re.IGNORECASE)
_CORRELATION = re.compile(r"correlation:? (\S+)", re.IGNORECASE)
#: Lower-case words of lines to learn from. Heartbeats tell the version too, but are too many to be searched for.
WORDS = ("running as process", "goal state agent version ", "os: ", "distro")
_GUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@dataclass(frozen=True, slots=True)
class AgentFacts:
    version: str | None = None
    os: str | None = None

    def learn(self, record: Record) -> AgentFacts:
        """The newest value wins: an agent updates itself."""
        version = _VERSION.search(record.message)
        system = _OS.search(record.message)
        if version:
            return replace(self, version=version[1])
        if system:
            return replace(self, os=(system["os"] or system["distro"]).strip())
        return self


def newest(*facts: AgentFacts) -> AgentFacts:
    """What is known, the last value of each."""
    version = next((one.version for one in reversed(facts) if one.version), None)
    return AgentFacts(version, next((one.os for one in reversed(facts) if one.os), None))


def goal_starts(signals: Sequence[Signal]) -> tuple[datetime, ...]:
    return tuple(sorted((signal.time for signal in signals if signal.kind == "goal" and signal.time), key=order))


def with_ids(identity: Identity, facts: AgentFacts, failures: Sequence[Failure], signals: Sequence[Signal]) -> Identity:
    """The identity with the agent's version and the ids of the goal state in which the first failure fell."""
    identity = replace(identity, agent_version=facts.version or identity.agent_version, os=identity.os or facts.os)
    goals = sorted((s for s in signals if s.kind == "goal" and s.time), key=lambda s: order(s.time))
    when = next((f.hang_since or f.first_time for f in failures if f.kind != "warning" and f.first_time), None)
    before = [goal for goal in goals if when is None or order(goal.time) <= order(when)]
    if not before:
        return identity
    text = before[-1].detail
    activity, correlation = _ACTIVITY.search(text), _CORRELATION.search(text)
    return replace(
        identity,
        activity_id=_guid(activity) or identity.activity_id,
        correlation_id=_guid(correlation) or identity.correlation_id,
    )


def _guid(found: re.Match[str] | None) -> str | None:
    guid = _GUID.search(found[1]) if found else None
    return guid[0] if guid else None
