"""What a run is asked for, and who is told how far it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from collector.discover.catalog import OwnTable
from collector.extract.window import MARGIN, asked
from collector.model import BY_COMMAND, LedgerEntry, Source, Trigger, Window


@dataclass(frozen=True, slots=True)
class Request:
    """What to collect. `root` None means this machine itself; `live`: the disk at `root` is one that processes of this
    machine work on now. `hang_seconds` > 0: what runs for longer hangs, whatever its own limit is. `hanging`: as in
    `extract.context`."""

    root: Path | None = None
    extensions: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    around: datetime | None = None
    margin: timedelta = MARGIN
    time_zone: str | None = None
    instance: str | None = None
    bytes_per_source: int = 150_000_000
    metadata: Mapping[str, object] | None = None
    own_run: tuple[str, str | None, int | None] | None = None  # extension, name, sequence
    extra_tables: tuple[OwnTable, ...] = ()
    broken_tables: tuple[LedgerEntry, ...] = ()  # of one's own, told and left out
    ring: Path | None = None  # where the resident agent keeps lines, if it runs here
    probe_network: bool = False  # ask the addresses that agent and handlers need whether they answer
    trigger: Trigger = BY_COMMAND
    live: bool = False
    hang_seconds: float = 0.0
    hanging: tuple[str, ...] = ()
    clock_offset_seconds: float | None = None  # this clock minus that of Azure's host, where it was asked

    @property
    def window(self) -> Window | None:
        """The window that was asked for, None where the evidence is to tell it."""
        window = asked(self.since, self.until, self.around, self.margin)
        if window is None or self.trigger.kind != "watch":
            return window
        return replace(window, reason="what the resident agent noticed")


class Progress(Protocol):
    """Is told what is being read."""

    def begin(self, total: int) -> None: ...

    def __call__(self, source: Source) -> None: ...
