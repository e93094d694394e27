"""The platform takes the instance away: what waits is sent at once, and what goes on is collected at once as well."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

import pytest

from collector.config import Config, WatchConfig
from collector.redact.redactor import Redactor
from collector.watch.children import Child, Ended
from collector.watch.limits import CpuShare
from collector.watch.loop import Loop
from collector.watch.order import Order
from collector.watch.parts import assemble
from collector.watch.reports import Reports
from collector.watch.scheduled import Event

NOW = datetime(2026, 11, 26, 10, tzinfo=timezone.utc)
GONE = Event("E1", "Preempt", None, "the platform evicts this spot instance (Preempt)")
STATUS = "var/lib/waagent/Microsoft.Azure.Extensions.CustomScript-2.1.10/status/0.status"
FAILED = {
    "version": 1,
    "timestampUTC": "2026-11-26T09:59:58Z",
    "status": {"operation": "Enable", "status": "error", "code": 1, "formattedMessage": {"message": "exit status 1"}},
}


class Clock:
    """Stands still."""

    def monotonic(self) -> float:
        return 1_000.0

    def now(self) -> datetime:
        return NOW

    def sleep(self, seconds: float) -> None:
        pass


class Started:
    """A child that goes on."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = arguments

    def ended(self) -> Ended | None:
        return None

    def stop(self) -> None:
        pass


class Agent:
    def __init__(self, folder: Path) -> None:
        (folder / "disk").mkdir()
        self.status = folder / "disk" / STATUS
        self.spool = folder / "state" / "spool"
        self.spool.mkdir(parents=True)
        self.started: list[Started] = []
        config = Config(state_dir=folder / "state", watch=WatchConfig(poll=True, poll_seconds=0.05))
        self.loop: Loop = assemble(Order(folder / "disk"), config, Redactor(b"0" * 32), Clock())
        self.loop.reports = Reports(self.spool, [], [], {}, sends=True, start=self._start)

    def _start(self, name: str, arguments: Sequence[str], environ: Mapping[str, str]) -> Child:
        self.started.append(Started(arguments))
        return self.started[-1]  # type: ignore[return-value]

    def names(self) -> list[str]:
        return [one.arguments[0] for one in self.started]


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[Agent]:
    agent = Agent(tmp_path)
    yield agent
    agent.loop.stop()


def test_what_is_held_back_and_what_waits_go_at_once_whatever_the_share_says(agent: Agent):
    agent.status.parent.mkdir(parents=True)
    agent.status.write_text(json.dumps([FAILED]))
    agent.loop.start()
    agent.loop.turn()
    assert not agent.started  # the failure is held back: more may belong to it
    (agent.spool / "old.zip").touch()
    agent.loop.share = CpuShare(1, burst_seconds=0.0, child_burst_seconds=0.0)
    agent.loop.announce(GONE)
    agent.loop.turn()
    assert agent.names() == ["collect", "upload"]
    trigger = agent.started[0].arguments[agent.started[0].arguments.index("--trigger") + 1]
    assert trigger == f"{GONE.text} (and 1 more)"


def test_where_nothing_goes_on_nothing_is_collected(agent: Agent):
    agent.loop.start()
    agent.loop.turn()
    (agent.spool / "old.zip").touch()
    agent.loop.announce(GONE)
    agent.loop.turn()
    assert agent.names() == ["upload"]
