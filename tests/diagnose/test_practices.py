"""What the running machine shows, held against the practices: facts and failures that no small disk can hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from collector.diagnose.practices import Material, Operation, check
from collector.diagnose.practices.material import Settings
from collector.model import (
    AgentFacts,
    DiskFacts,
    Evidence,
    Failure,
    Identity,
    LockHolder,
    Practice,
    ProbeFacts,
    ProcessFacts,
    Source,
    StatusFile,
    SystemEvent,
    SystemFacts,
)

CSE = "Microsoft.Azure.Extensions.CustomScript"
AMA = "Microsoft.Azure.Monitor.AzureMonitorLinuxAgent"
DSC, RC2 = "Microsoft.Powershell.DSC", "Microsoft.CPlat.Core.RunCommandHandlerLinux"
GPU, LP = "Microsoft.HpcCompute.NvidiaGpuDriverLinux", "Microsoft.CPlat.Core.LinuxPatchExtension"
AH, GC = "Microsoft.ManagedServices.ApplicationHealthLinux", "Microsoft.GuestConfiguration.ConfigurationforLinux"
NOW = datetime(2026, 5, 4, 12, 0, tzinfo=timezone.utc)
LIVE = SystemFacts(live=True, boot_time=NOW - timedelta(days=3))


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def status(state: str, message: str = "", minutes: float = 5) -> StatusFile:
    source = Source("var/lib/waagent/x/status/3.status", Path("3.status"), "status")
    return StatusFile(source, 3, None, "Enable", state, None, message, ago(minutes))


def failure(extension: str = CSE, kind: Any = "failure", minutes: float = 5, **more: Any) -> Failure:
    values: dict[str, Any] = {
        "kind": kind, "extension": extension, "name": None, "version": None, "operation": "Enable", "sequence": None,
        "exit_code": 1, "agent_code": None, "status_code": None, "message": "it failed", "detail": "it failed",
        "first_time": ago(minutes), "last_time": ago(minutes), "hang_since": None, "limit_seconds": None, "count": 1,
        "evidence": (Evidence("var/log/x.log", 7, None, "it failed"),),
    }  # fmt: skip
    return Failure(**{**values, **more})


HANG = failure(kind="hang", hang_since=ago(100), exit_code=None)
RUNNING = Operation(CSE, "2.1.19", None, 3, status=status("transitioning", "Enable in progress", 100), started=ago(100))
DONE = Operation(CSE, "2.1.19", None, 3, status=status("success"), started=ago(20), ended=ago(10))
URIS = Settings("3.settings", {"fileUris": ["https://st.blob.core.windows.net/c/a.sh"]})
FAILED = DONE._replace(status=status("error"))


def process(extension: str | None = CSE, command: str = "x", waits_for: str = "") -> ProcessFacts:
    return ProcessFacts(77, "apt-get", command, "sleeping", ago(90), 0.1, 1, extension=extension, waits_for=waits_for)


def event(kind: Any, minutes: float) -> SystemEvent:
    return SystemEvent(kind, ago(minutes), "text", "var/log/syslog", 9)


def disk(mount: str, free: int, options: str = "rw", total: int = 100, **more: Any) -> DiskFacts:
    return DiskFacts(mount, total * 10**9, free * 10**9, options=options, **more)


def other(extension: str, state: str = "success", **more: Any) -> Operation:
    return Operation(extension, "2.0", None, 3, status=status(state), **more)


#: What it is about, operations, failures, facts, the practice, what comes of it, a part of the detail.
TABLE: list[tuple[str, list[Operation], list[Failure], dict[str, Any], str, str, str]] = [
    ("waits for a terminal", [RUNNING], [HANG], {"processes": (process(waits_for="input (terminal)"),)}, "cse-l-no-input", "violated", "apt-get (pid 77) waits for input"),
    ("another's process waits", [RUNNING], [HANG], {"processes": (process(AMA, waits_for="input (terminal)"),)}, "cse-l-no-input", "unknown", ""),
    ("waits for a pipe and hangs", [RUNNING], [HANG], {"processes": (process(waits_for="input (a pipe)"),)}, "cse-l-no-input", "violated", "input (a pipe)"),
    ("waits for a pipe after the end", [DONE], [], {"processes": (process(waits_for="input (a pipe)"),)}, "cse-l-no-input", "pass", ""),
    ("a host of the settings is silent", [FAILED._replace(settings=URIS)], [failure()], {"probes": (ProbeFacts("st.blob.core.windows.net:443", False, "timed out", 3),)}, "cse-url-reachable", "violated", "a host of fileUris does not answer: timed out"),
    ("another host is silent", [DONE._replace(settings=URIS)], [], {"probes": (ProbeFacts("x.example.com:443", False, "timed out", 3),)}, "cse-url-reachable", "pass", ""),
    ("waits for a child", [DONE], [], {"processes": (process(waits_for="child x (pid 3)"),)}, "cse-l-no-input", "pass", ""),
    ("hangs for 100 minutes", [RUNNING], [HANG], {}, "cse-90min", "violated", "for 100 minutes; the limit is 90"),
    ("took ten minutes", [DONE], [], {}, "cse-90min", "pass", "took 10 minutes"),
    ("took 95 minutes", [FAILED._replace(started=ago(105))], [failure()], {}, "cse-90min", "violated", "took 95 minutes"),
    ("no times", [DONE._replace(started=None)], [], {}, "cse-90min", "unknown", ""),
    ("an agent of 30 minutes", [other(AMA, started=ago(35), ended=ago(5))], [], {}, "ext-20min", "violated", "took 30 minutes"),
    ("an agent of 10 minutes", [other(AMA, started=ago(15), ended=ago(5))], [], {}, "ext-20min", "pass", "took 10 minutes"),
    ("a script has another limit", [DONE], [], {}, "ext-20min", "not-applicable", ""),
    ("a restart inside the run", [FAILED], [failure()], {"events": (event("boot", 15),)}, "cse-no-reboot", "violated", "restarted while it ran"),
    ("a restart at a local time", [RUNNING], [HANG], {"events": (replace(event("boot", 50), time=ago(50).replace(tzinfo=None)),)}, "cse-no-reboot", "violated", "if its own log tells UTC"),
    ("a restart after the run", [DONE], [], {"events": (event("boot", 5),)}, "cse-no-reboot", "unknown", ""),
    ("a restart and no end", [RUNNING], [], {"boot_time": ago(50)}, "cse-no-reboot", "violated", "end was never told"),
    ("the agent stopped inside the run", [DONE], [], {"events": (event("agent-stop", 15),)}, "cse-no-agent-stop", "violated", "stopped while it ran"),
    ("the agent stopped before", [DONE], [], {"events": (event("agent-stop", 25),)}, "cse-no-agent-stop", "unknown", ""),
    ("a lock is held and it failed for it", [FAILED], [failure(detail="could not lock")], {"locks": (LockHolder("/var/lib/dpkg/lock", 9, "apt"),)}, "cse-pkg-lock", "violated", "apt (pid 9) holds"),
    ("a lock is held and all is well", [DONE], [], {"locks": (LockHolder("/var/lib/dpkg/lock", 9, "apt"),)}, "cse-pkg-lock", "pass", ""),
    ("patching finds a lock", [other(LP)], [], {"locks": (LockHolder("/var/lib/dpkg/lock", None),)}, "lp-pm-healthy", "violated", "a process holds"),
    ("the agent is stopped", [other(RC2)], [], {"agent": AgentFacts("stopped")}, "rc-agent-ready", "violated", "is stopped"),
    ("the agent runs", [other(RC2)], [], {"agent": AgentFacts("running", True)}, "rc-agent-ready", "pass", ""),
    ("the agent of a disk", [other(RC2)], [], {"agent": AgentFacts("absent"), "live": False}, "rc-agent-ready", "unknown", ""),
    ("the agent is stopped, told of the machine", [], [], {"agent": AgentFacts("stopped")}, "ext-agent-running", "violated", "is stopped"),
    ("the agent will not start again", [], [], {"agent": AgentFacts("running", False)}, "ext-agent-running", "violated", "does not start"),
    ("extensions off", [], [], {"agent": AgentFacts("running", extensions_enabled=False)}, "ext-extensions-enabled", "violated", ""),
    ("no answer of the wire server", [], [], {"probes": (ProbeFacts("wireserver 168.63.129.16:80", False, "timed out", 3),)}, "ext-wireserver", "violated", "timed out"),
    ("an answer", [], [], {"probes": (ProbeFacts("wireserver 168.63.129.16:80", True, "200", 0.1),)}, "ext-wireserver", "pass", ""),
    ("no question", [], [], {}, "ext-wireserver", "unknown", ""),
    ("no metadata", [], [], {"probes": (ProbeFacts("metadata service 169.254.169.254:80", False, "refused", 3),)}, "ext-imds", "violated", "refused"),
    ("noexec", [], [], {"disks": (disk("/", 50), disk("/var", 50, "rw,noexec"))}, "ext-noexec", "violated", "/var"),
    ("noexec elsewhere", [], [], {"disks": (disk("/", 50), disk("/variety", 50, "noexec"))}, "ext-noexec", "pass", ""),
    ("a full disk", [], [], {"disks": (disk("/", 5),)}, "ext-disk", "violated", "/ is 95 % full"),
    ("a read-only image", [], [], {"disks": (disk("/", 50), disk("/data", 0, "ro"))}, "ext-disk", "pass", ""),
    ("no inodes", [], [], {"disks": (disk("/", 50, inodes_free=0),)}, "ext-disk", "violated", "inodes"),
    ("sizes that no one knows", [], [], {"disks": (disk("/", 0, total=0),)}, "ext-disk", "unknown", ""),
    ("a clock that is ahead", [], [], {"clock_offset_seconds": 400.0}, "ext-time", "violated", "400 seconds ahead"),
    ("a clock that is behind", [], [], {"clock_offset_seconds": -400.0}, "ext-time", "violated", "behind"),
    ("a clock that is right", [], [], {"clock_offset_seconds": 0.2}, "ext-time", "pass", ""),
    ("Secure Boot and a failure", [other(GPU, "error")], [failure(GPU)], {"secure_boot": True}, "gpu-secureboot", "violated", ""),
    ("Secure Boot off", [other(GPU)], [], {"secure_boot": False}, "gpu-secureboot", "pass", ""),
    ("a placeholder from before the start", [RUNNING], [], {"boot_time": ago(50)}, "ext-dead-placeholder", "violated", "older than the start"),
    ("a placeholder without a process", [RUNNING], [], {}, "ext-dead-placeholder", "violated", "no process"),
    ("a placeholder and its process", [RUNNING], [], {"processes": (process(),)}, "ext-dead-placeholder", "pass", ""),
    ("version 1 asks for no state", [other(AH)._replace(version="1.0.3")], [], {}, "vmss-apphealth-rich", "not-applicable", "version 1"),
    ("one probe process", [other(AH)], [], {"processes": (process(AH, "bin/applicationhealth-extension enable"),)}, "vmss-apphealth-one-process", "pass", ""),
    ("no probe process", [other(AH)], [], {}, "vmss-apphealth-one-process", "violated", "no process"),
    ("a silent probe process", [other(AH, log_modified=ago(20).timestamp())], [], {"processes": (process(AH, "bin/applicationhealth-extension enable"),)}, "vmss-apphealth-one-process", "violated", "20 minutes"),
    ("two probe processes", [other(AH)], [], {"processes": 2 * (process(AH, "bin/applicationhealth-extension enable"),)}, "vmss-apphealth-one-process", "violated", "2 processes"),
    ("a lock while another is at work", [FAILED, other(AMA, started=ago(10), ended=ago(1))], [failure(message="Could not get lock /x", first_time=ago(5))], {}, "ext-sequence", "violated", AMA),
    ("a lock and no one at work", [FAILED, other(AMA, started=ago(90), ended=ago(80))], [failure(message="Could not get lock /x")], {}, "ext-sequence", "pass", ""),
]  # fmt: skip


def judged(operations: list[Operation], failures: list[Failure], **facts: Any) -> tuple[Practice, ...]:
    identity = Identity("linux", agent_version="2.15.0.1")
    material = Material("linux", tuple(operations))
    return check(material, failures, identity, replace(LIVE, **facts), NOW)


@pytest.mark.parametrize(("operations", "failures", "facts", "practice", "state", "detail"), [row[1:] for row in TABLE],
                         ids=[f"{row[4]}: {row[0]}" for row in TABLE])  # fmt: skip
def test_what_the_machine_shows(operations, failures, facts, practice, state, detail):
    found = [one for one in judged(operations, failures, **facts) if one.id == practice]
    assert [one.state for one in found] == [state], found
    assert detail in found[0].detail


def test_windows_knows_its_own():
    operations = (Operation(DSC, "2.83", None, 0, status=status("success")),)
    for os, state in (
        ("Windows Server 2019 Datacenter", "pass"),
        ("Windows Server 2025", "violated"),
        (None, "unknown"),
    ):
        found = check(Material("windows", operations), (), Identity("windows", os=os), LIVE, NOW)
        assert [one.state for one in found if one.id == "dsc-w-os"] == [state]
    late = datetime(2028, 4, 1, tzinfo=timezone.utc)
    found = check(Material("windows", operations), (), Identity("windows"), LIVE, late)
    assert [one.state for one in found if one.id == "dsc-w-retire"] == ["violated"]


def test_a_failed_extension_before_another_on_windows():
    failures = [failure("A.B", minutes=60), failure("C.D", minutes=5)]
    found = check(Material("windows"), failures, Identity("windows"), LIVE, NOW)
    assert [one.state for one in found if one.id == "ext-failed-blocks"] == ["violated"]
    caused = [failures[0], replace(failures[1], caused_by="A.B")]
    found = check(Material("windows"), caused, Identity("windows"), LIVE, NOW)
    assert [one.state for one in found if one.id == "ext-failed-blocks"] == ["pass"]


def test_violated_ones_come_first_and_those_of_what_failed_before_all():
    found = judged([other(AMA, "odd"), FAILED._replace(started=ago(105))], [failure()], clock_offset_seconds=900.0)
    bad = [one.id for one in found if one.state == "violated"]
    assert [one.state for one in found[: len(bad)]] == ["violated"] * len(bad)
    assert bad == ["cse-90min", "ext-status-words", "ext-time"]


def test_on_a_healthy_disk_only_violated_and_kept_ones_are_told():
    material = Material("linux", (DONE,), is_well=True)
    found = check(material, (), Identity("linux"), replace(LIVE, disks=(disk("/", 5),)), NOW)
    assert {one.state for one in found} == {"violated", "pass"}
    assert [one.id for one in found if one.state == "violated"] == ["ext-disk"]


def test_only_what_is_there_is_told():
    assert {one.extension for one in judged([DONE], [])} == {CSE, ""}
    assert {one.extension for one in judged([], [])} == {""}
    windows = {one.id for one in judged([DONE], []) if "-w-" in one.id}
    assert windows == set()
