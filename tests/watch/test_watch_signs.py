"""What shows by itself and not by an extension that failed, with real processes from end to end: errors that come in a
burst, and a guest agent that can't work or dies."""

from __future__ import annotations

import json
import shlex
import sys
import zipfile
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.endpoint.running import endpoint
from tests.received import received
from tests.waiting import until
from tests.watch.agent import Agent, Machine, watching
from tests.watch.test_watch import sending

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="processes are named and parted by means of Linux"),
    pytest.mark.slow,
]
AMA_LOG = "var/log/azure/Microsoft.Azure.Monitor.AzureMonitorLinuxAgent/extension.log"
#: The agent counts as dead after three looks, thirty seconds apart, and ninety seconds.
_LONGEST_LIFE = 300.0


@pytest.fixture()
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "disk")
    made.boot()
    yield made
    made.end()


def now() -> str:
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def errors(count: int) -> str:
    return "".join(f"{now()} ERROR worker {number} lost its connection to the queue\n" for number in range(count))


def triggers(agent: Agent) -> list[dict[str, Any]]:
    found = []
    for file in agent.bundles():
        with zipfile.ZipFile(file) as archive:
            found.append(json.loads(archive.read("manifest.json"))["trigger"])
    return found


def test_errors_that_come_in_a_burst_are_reported(machine: Machine, tmp_path: Path):
    machine.append(AMA_LOG, errors(3))
    with (
        endpoint(tmp_path / "endpoint") as served,
        watching(machine.root, tmp_path / "state", *sending(served)) as agent,
    ):
        machine.append(AMA_LOG, errors(15))
        with pytest.raises(AssertionError):
            until(agent.noticed, "a burst of fewer than twenty", seconds=6)
        machine.append(AMA_LOG, errors(15))
        (row,) = until(lambda: received(served), "the bundle")
        listed = served.get(f"/bundles/{row['id']}").text
        assert "error records within 60 s" in listed and "lost its connection to the queue" in listed
        machine.append(AMA_LOG, errors(40))
        with pytest.raises(AssertionError):
            until(lambda: len(agent.noticed()) > 1, "the same burst again", seconds=8)


def test_a_guest_agent_that_gives_up_is_reported(machine: Machine, tmp_path: Path):
    with watching(machine.root, tmp_path / "state") as agent:
        text = "Agent WALinuxAgent-2.15.0.1 restarted more than 3 times in 300 seconds"
        machine.append("var/log/waagent.log", f"{now()} ERROR Daemon Daemon {text}\n")
        until(agent.bundles, "the bundle")
        (trigger,) = triggers(agent)
    assert trigger["kind"] == "watch" and text in trigger["text"]


def test_a_guest_agent_that_dies_is_reported(tmp_path: Path):
    """In a world of processes of its own, in which nothing else is called like the agent."""
    program, order = tmp_path / "waagent", tmp_path / "die"
    program.write_text("import os, sys, time\nwhile not os.path.exists(sys.argv[2]): time.sleep(0.1)\n")
    dying = shlex.join([sys.executable, "-u", str(program), "-run-exthandlers", str(order)])
    both = tmp_path / "both"  # so that no other command line names the agent
    both.write_text(f'{dying} &\n"$@"\n')
    through = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", str(both)]
    environ = {"VMEXT_WATCH_SCHEDULED_EVENTS": "false"}
    with watching(None, tmp_path / "state", environ=environ, through=through) as agent:
        try:
            with pytest.raises(AssertionError):
                until(agent.noticed, "the death of one that lives", seconds=40)
            order.touch()
            until(agent.noticed, "the death", seconds=_LONGEST_LIFE)
            until(agent.bundles, "the bundle", seconds=_LONGEST_LIFE)
            (trigger,) = triggers(agent)
        finally:
            agent.kill()
    assert "process that handles extensions" in trigger["text"] and "is gone since" in trigger["text"]
