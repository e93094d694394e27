"""What a run asks of the machine when there is a failure."""

from __future__ import annotations

import socket
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from collector.discover import probes
from collector.model import Identity, SystemFacts, Window
from collector.pipeline.machine import machine_at
from collector.pipeline.request import Request
from tests.bundle.samples import FAILURE, REPORT

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
WINDOW = Window(NOON - timedelta(minutes=15), NOON + timedelta(minutes=15), "")


def report(*, live: bool):
    return replace(REPORT, created=NOON, identity=Identity("linux"), system=SystemFacts(live=live))


def test_a_mounted_disk_tells_events_mounts_and_agent(tmp_path: Path):
    for path, text in {
        "var/log/syslog": "May  4 12:00:01 vm kernel: Out of memory: Killed process 5 (apt-get) total-vm:1kB\n",
        "etc/fstab": "UUID=1 /var ext4 noexec 0 0\n",
        "usr/sbin/waagent": "#!",
    }.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    request = Request(root=tmp_path, probe_network=True)  # nothing is asked of the network for another's disk
    facts = machine_at(report(live=False), (FAILURE,), WINDOW, timezone.utc, request)
    assert [(event.kind, event.pid, event.line) for event in facts.events] == [("oom-kill", 5, 1)]
    assert [(disk.mount, disk.options) for disk in facts.disks] == [("/var", "noexec")]
    assert facts.agent is not None
    assert facts.probes == ()


def test_what_never_ended_may_have_been_ended_long_after_it_began(tmp_path: Path):
    (tmp_path / "var/log").mkdir(parents=True)
    (tmp_path / "var/log/messages").write_text("May  5 18:00:00 vm kernel: Linux version 5.14.0-427.el9.x86_64\n")
    hang = replace(FAILURE, kind="hang", hang_since=NOON)
    for failure, events in ((hang, 1), (FAILURE, 0)):
        facts = machine_at(report(live=False), (failure,), WINDOW, timezone.utc, Request(root=tmp_path))
        assert len(facts.events) == events


def test_the_network_is_asked_only_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(probes, "PLATFORM", ())
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        failure = replace(FAILURE, detail=f"curl: (28) http://{address}/setup.sh: timed out")
        quiet = machine_at(report(live=True), (failure,), WINDOW, None, Request(root=tmp_path))
        asked = machine_at(report(live=True), (failure,), WINDOW, None, Request(root=tmp_path, probe_network=True))
    assert quiet.probes == ()
    assert [(probe.target, probe.reached) for probe in asked.probes] == [(address, True)]
