"""The unit of the service, as far as it can be wrong without a systemd that reads it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from collector.cli import watch
from collector.watch.notify import Notifier

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="systemd is Linux's")
UNIT = Path(__file__).parents[2] / "packaging" / "linux" / "vmext.service"


def value(name: str) -> str:
    found: list[str] = re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)
    assert len(found) == 1, f"{name} stands there {len(found)} times"
    return found[0]


def test_it_runs_a_command_that_there_is():
    program, name, *arguments = value("ExecStart").split()
    assert (Path(program).name, name) == ("vmext", "watch")
    assert watch.command.make_context("watch", arguments).params["quiet"]


def test_it_starts_before_the_guest_agent_by_each_of_its_names():
    assert set(value("Before").split()) == {"walinuxagent.service", "waagent.service"}


def test_it_is_told_when_the_agent_is_ready_and_lives():
    assert (value("Type"), value("NotifyAccess")) == ("notify", "main")
    notifier = Notifier({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": f"{value('WatchdogSec')}000000"})
    assert notifier.ping_seconds == int(value("WatchdogSec")) / 2
    assert value("ExecReload") == '/bin/sh -c "kill -HUP $MAINPID"'
