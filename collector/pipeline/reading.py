"""What the passes over the sources gather."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from collector.extract.agentlog import AgentFacts
from collector.extract.keeper import SignalKeeper
from collector.extract.signals import Signal
from collector.model import Excerpt, LedgerEntry, Record, order
from collector.pipeline.log import Log


@dataclass(slots=True)
class Reading:
    """`agent`: what the agent's logs tell besides. `oldest`: of each log of which only the end was read, the first
    moment that was seen. `numbers`: of each log that was read in part, from the numbers its lines came with to those
    in the file."""

    kept: SignalKeeper = field(default_factory=SignalKeeper)
    ledger: dict[str, LedgerEntry] = field(default_factory=dict)
    events: list[list[Record]] = field(default_factory=list)  # of each log
    events_seen: int = 0
    excerpts: list[Excerpt] = field(default_factory=list)
    agent: AgentFacts = field(default_factory=AgentFacts)
    newest: datetime | None = None
    oldest: dict[str, datetime] = field(default_factory=dict)
    numbers: dict[str, Callable[[int], int]] = field(default_factory=dict)
    not_read: set[str] = field(default_factory=set)  # logs that the window pass did not open
    unnumbered: set[str] = field(default_factory=set)  # logs too large to count the lines of
    _said: list[Signal] | None = None

    def keep(self, signals: Iterable[Signal]) -> None:
        self.kept.add(signals)
        self._said = None

    @property
    def signals(self) -> list[Signal]:
        """In the order in which they came, with the numbers that the lines have in their files."""
        if self._said is None:
            self._said = [
                replace(signal, line=self.numbers[signal.path](signal.line)) if signal.path in self.numbers else signal
                for signal in self.kept.signals()
            ]
        return self._said

    def number(self, path: str, log: Log) -> Callable[[int], int] | None:
        """Learns how the lines of a log that was read are numbered in its file; None where as they came."""
        real = log.real_number()
        if real is not None:
            self.numbers[path] = real
            self._said = None
        if not log.reader.knows_numbers:
            self.unnumbered.add(path)
        return real

    def see(self, moment: datetime | None) -> None:
        if moment is not None and order(moment) > order(self.newest):
            self.newest = moment
