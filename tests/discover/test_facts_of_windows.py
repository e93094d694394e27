"""What a Windows disk tells of its agent, and, on Windows, what the running system tells."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from collector.discover import agent_service
from collector.discover.agent_service import agent_facts
from collector.discover.facts import gather, gather_more
from collector.discover.tree import Tree
from collector.platforms import current

Services = dict[str, tuple[str, str]]
RUNNING = ("running", "automatic")


class Host:
    """A Windows machine with these services; what psutil tells of real ones is asked for below."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def service(self, name: str) -> tuple[str, str] | None:
        return self._services.get(name)


@pytest.mark.parametrize(
    ("services", "state", "enabled", "note"),
    [
        ({"RdAgent": RUNNING, "WindowsAzureGuestAgent": RUNNING}, "running", True, ""),
        (
            {"RdAgent": RUNNING, "WindowsAzureGuestAgent": ("stopped", "disabled")},
            "stopped",
            False,
            "WindowsAzureGuestAgent is stopped",
        ),
        ({"RdAgent": RUNNING}, "running", True, "there is no service WindowsAzureGuestAgent"),
        ({}, "absent", None, "there is no service RdAgent or WindowsAzureGuestAgent"),
    ],
)
def test_the_agents_services(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    services: Services,
    state: str,
    enabled: bool | None,
    note: str,
):
    monkeypatch.setattr(agent_service, "current", lambda: Host(services))
    facts = agent_facts(Tree(tmp_path, fold=True), "windows", ())
    assert (facts.state, facts.enabled, facts.note) == (state, enabled, note)


def test_another_machines_disk(tmp_path: Path):
    (tmp_path / "Windows").mkdir()
    (tmp_path / "WindowsAzure").mkdir()
    facts = gather_more(gather(live=False, zone=None), tmp_path)
    assert facts.agent is not None
    assert (facts.agent.state, facts.agent.note) == ("absent", "no folder of it on the disk")
    (tmp_path / "WindowsAzure" / "GuestAgent_2.7.41491.1095_2023-10-01").mkdir()
    facts = gather_more(gather(live=False, zone=None), tmp_path)
    assert facts.agent is not None
    assert facts.agent.state == "unknown"
    assert (facts.interpreters, facts.disks) == ((), ())


@pytest.mark.skipif(sys.platform != "win32", reason="asks Windows itself")
def test_this_windows():
    host = current()
    facts = gather_more(gather(live=True, zone=None), host.root())
    held = [folder for disk in facts.disks for folder in disk.holds]
    assert str(host.root()) in held
    assert facts.agent is not None
    assert facts.agent.state in ("running", "stopped", "absent")
    assert host.service("no such service") is None
    assert host.service("Winmgmt") is not None
    assert (facts.locks, facts.throttled) == ((), ())
