"""What the grouping of signals has to know besides the signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from collector.extract.signals import AGENT_FAILED_STATES
from collector.extract.telling import Output
from collector.model import System

#: States that the agent or a status file gives to what failed, in lower case.
FAILED_STATES = AGENT_FAILED_STATES | {"timedout"}


class Carrier(NamedTuple):
    """The Run Command that carries this very run; it never counts as a failure."""

    extension: str
    name: str | None
    sequence: int | None
    started: datetime | None


@dataclass(frozen=True, slots=True)
class Context:
    """What the grouping has to know besides the signals."""

    system: System
    now: datetime
    live: bool
    outputs: Mapping[tuple[str, str | None, int | None], tuple[Output, ...]]
    goals: tuple[datetime, ...] = ()  # starts of goal states, in order
    carriers: tuple[Carrier, ...] = ()
    hang_seconds: float = 0.0  # > 0: what runs for longer hangs, whatever its own limit is
    hanging: frozenset[str] = frozenset()  # "Publisher.Type" or "Publisher.Type/Name": seen to hang by who watched them

    def is_known_to_hang(self, extension: str, name: str | None) -> bool:
        return extension in self.hanging or f"{extension}/{name}" in self.hanging
