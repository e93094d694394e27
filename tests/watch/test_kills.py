"""The resident agent killed with -9 at any moment: each failure has one bundle, at the receiver as well."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.endpoint.running import endpoint
from tests.received import received
from tests.waiting import until
from tests.watch.agent import Agent, Machine, watching
from tests.watch.test_watch import sending

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="the handlers of the machine are shell scripts"),
    pytest.mark.slow,
]
_FAILURES, _KILLS = 3, 3


def kill(agent: Agent, *, with_children: bool) -> None:
    """As systemd does it, or as the system does where memory is short: what the agent started goes on."""
    children = psutil.Process(agent.process.pid).children(recursive=True) if with_children else []
    agent.kill()
    for child in children:
        try:
            child.kill()
        except psutil.NoSuchProcess:
            continue


def moments(chance: random.Random) -> list[float]:
    """Seconds after which it is killed: while it starts, while it notices, while it collects and sends."""
    return [chance.uniform(0, chance.choice((0.5, 3, 7))) for _ in range(_KILLS)]


def test_each_failure_has_one_bundle(tmp_path: Path):
    machine, state = Machine(tmp_path / "disk"), tmp_path / "state"
    machine.boot()
    chance = random.Random(7)
    try:
        with endpoint(tmp_path / "endpoint") as served:
            options = sending(served)
            with watching(machine.root, state, *options):
                pass
            for number in range(1, _FAILURES + 1):
                failing = machine.begin_to_fail(number)
                for seconds in moments(chance):
                    with watching(machine.root, state, *options) as agent:
                        time.sleep(seconds)
                        kill(agent, with_children=chance.random() < 0.5)
                assert failing.wait() == 0
                with watching(machine.root, state, *options) as agent:
                    until(lambda: len(received(served)) >= number, f"the bundle of failure {number}")  # noqa: B023
                    until(lambda: '"open": []' in (state / "watch" / "notebook.json").read_text(), "the end of it")
            assert len(received(served)) == _FAILURES
        assert not agent.bundles()
    finally:
        machine.end()
