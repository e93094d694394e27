"""What of the machine speaks for a cause, and what does not."""

from __future__ import annotations

from datetime import timedelta

import pytest

from collector.diagnose.observations import FORMS, OBSERVATIONS, forms_of, observe
from collector.diagnose.rules import rules
from collector.model import AgentFacts, Identity, LockHolder, ProbeFacts, ThrottleFacts
from tests.diagnose.stories import CSE, NOW, disk, event, facts, failure, hang, process

LINUX = Identity("linux", agent_version="2.15.0.1")
CGROUP_OOM = "Memory cgroup out of memory: Killed process 4211 (java)"
LOCK = LockHolder("/var/lib/dpkg/lock-frontend", 1873, "unattended-upgr")
SEEN = [
    ("a full disk", failure(), facts(disks=(disk("/", free=0),)), {"disk-full"}),
    ("a disk of which half a percent is free", failure(), facts(disks=(disk("/", free=200, total=40_000),)), {"disk-full"}),
    ("no inodes", failure(), facts(disks=(disk("/"), disk("/var", inodes=0))), {"inodes-full"}),
    ("a file system that does not count inodes", failure(), facts(disks=(disk("/", inodes=None),)), set()),
    ("a full data disk is no concern", failure(), facts(disks=(disk("/"), disk("/mnt/data", free=0))), set()),
    ("a mounted disk tells no sizes", failure(), facts(disks=(disk("/", free=0, total=0),)), set()),
    ("noexec where the agent lives", failure(), facts(disks=(disk("/"), disk("/var", options="rw,noexec"))), {"noexec"}),
    ("noexec elsewhere", failure(), facts(disks=(disk("/"), disk("/tmp", options="rw,noexec"))), set()),
    ("noexec above a file system of its own", failure(),
     facts(disks=(disk("/var", options="noexec"), disk("/var/lib/waagent"))), set()),
    ("noexec, and a program that could not be executed", failure(exit_code=126),
     facts(disks=(disk("/"), disk("/var", options="rw,noexec"))), {"noexec-refused"}),
    ("a root that is read-only by design", failure(),
     facts(disks=(disk("/", options="ro"), disk("/var"), disk("/tmp"))), set()),
    ("read-only", failure(), facts(disks=(disk("/", options="ro,relatime"),)), {"read-only"}),
    ("relatime is not ro", failure(), facts(disks=(disk("/", options="rw,relatime,errors=remount-ro"),)), set()),
    ("little memory", failure(), facts(memory_total_bytes=10**9, memory_available_bytes=10**7), {"memory-short"}),
    ("enough memory", failure(), facts(memory_total_bytes=10**9, memory_available_bytes=10**8), set()),
    ("an OOM kill at that time", failure(), facts(events=(event("oom-kill", -2),)), {"oom-kill"}),
    ("an OOM kill in some container", failure(exit_code=1), facts(events=(event("oom-kill", -2, CGROUP_OOM),)), {"oom-kill-in-group"}),
    ("an OOM kill in a container, and a process that was killed", failure(exit_code=137),
     facts(events=(event("oom-kill", -2, CGROUP_OOM),)), {"oom-kill"}),
    ("an OOM kill before it began to hang", hang(), facts(events=(event("oom-kill", -2),)), set()),
    ("an agent that was stopped while it ran", hang(), facts(events=(event("agent-stop", 2),)), {"agent-stopped-then"}),
    ("an agent that was stopped when it was killed", failure(exit_code=143), facts(events=(event("agent-stop", -1),)),
     {"agent-stopped-then"}),
    ("a restart of the machine before a script failed", failure(exit_code=1), facts(events=(event("agent-stop", -5),)), set()),
    ("an OOM kill hours before", failure(), facts(events=(event("oom-kill", -120),)), set()),
    ("an OOM kill after it", failure(), facts(events=(event("oom-kill", 30),)), set()),
    ("a clock that is wrong", failure(), facts(clock_offset_seconds=-4_000), {"clock-wrong"}),
    ("a clock that is right", failure(), facts(clock_offset_seconds=12), set()),
    ("a lock", failure(), facts(locks=(LOCK,)), {"package-lock-held"}),
    ("a quota", failure(), facts(throttled=(ThrottleFacts("a.slice", None, 95, 5),)), {"cpu-throttled"}),
    ("another extension's quota", failure(), facts(throttled=(ThrottleFacts("a.slice", "Q.U", 95, 5),)), set()),
    ("hardly a quota", failure(), facts(throttled=(ThrottleFacts("a.slice", None, 3, 5),)), set()),
    ("a stopped agent", failure(), facts(agent=AgentFacts("stopped")), {"agent-not-running-now"}),
    ("a stopped agent and a hang", hang(), facts(agent=AgentFacts("absent")), {"agent-not-running"}),
    ("the agent of a mounted disk", hang(), facts(live=False, agent=AgentFacts("absent")), set()),
    ("an agent of which nothing is known", failure(), facts(agent=AgentFacts("unknown")), set()),
    ("extensions off", failure(), facts(agent=AgentFacts("running", extensions_enabled=False)), {"extensions-disabled"}),
    ("a handler at work", hang(CSE), facts(processes=(process(CSE),)), {"handler-running"}),
    ("another handler at work", hang(CSE), facts(processes=(process("P.T"),)), set()),
    ("a handler that is done does not count", failure(CSE), facts(processes=(process(CSE),)), set()),
    ("a question", hang(CSE), facts(processes=(process(CSE, "input (terminal)"),)), {"handler-running", "waits-for-input"}),
    ("a wait for a lock", hang(CSE), facts(processes=(process(CSE, "a lock on /var/lib/dpkg/lock held by pid 1"),)),
     {"handler-running", "waits-for-lock"}),
    ("a wait for a lock of its own", hang(CSE), facts(processes=(process(CSE, "a lock on /run/app.lock"),)), {"handler-running"}),
    ("a silent address", hang(CSE), facts(processes=(process(CSE, "connection to 10.0.0.5:443 (no answer)"),)),
     {"handler-running", "waits-for-network"}),
    ("a restart meanwhile", hang(), facts(boot_time=NOW + timedelta(minutes=9)), {"reboot-while-running"}),
    ("a restart before", hang(), facts(boot_time=NOW - timedelta(minutes=9)), set()),
    ("a restart near", failure(), facts(events=(event("boot", -1),)), {"reboot-near"}),
    ("the wire server", failure(), facts(probes=(ProbeFacts("wireserver 168.63.129.16:80", False, "timed out", 2),)),
     {"wireserver-unreachable"}),
    ("a probe that answered", failure(), facts(probes=(ProbeFacts("imds 169.254.169.254:80", True, "", 0.1),)), set()),
    ("no Python", failure(), facts(interpreters=("/usr/bin/python3.4 3.4",)), {"python-missing", "python-old"}),
    ("only python3", failure(), facts(interpreters=("/usr/bin/python3 3.10",)), {"python-command-missing"}),
    ("no one looked for Python", failure(), facts(interpreters=()), set()),
    ("Secure Boot", failure(), facts(secure_boot=True), {"secure-boot"}),
]  # fmt: skip


@pytest.mark.parametrize(("story", "failed", "machine", "names"), SEEN, ids=[row[0] for row in SEEN])
def test_what_is_seen(story, failed, machine, names):
    seen = observe(failed, LINUX, machine)
    assert {one.name for one in seen} == names
    assert all(one.evidence.text and one.evidence.role == "fact" for one in seen)


def test_an_agent_older_than_supported():
    old = Identity("linux", agent_version="2.2.46")
    assert [one.name for one in observe(failure(), old, facts())] == ["agent-old"]
    assert not observe(failure(), Identity("windows", agent_version="2.7.41491.1176"), facts())


FORMED = [
    (failure(CSE, exit_code=3), {"script-exit"}),
    (failure(CSE, exit_code=3, operation="Install"), set()),
    (failure(CSE), set()),
    (failure("P.T", exit_code=3), set()),
    (hang(CSE), {"script-never-ended"}),
    (hang("P.T", "Timeout(300) reached"), {"handler-timed-out"}),
    (failure("P.T", agent_code=1012), {"status-unreadable"}),
]


@pytest.mark.parametrize(("failed", "names"), FORMED, ids=range(len(FORMED)))
def test_the_form_of_a_failure(failed, names):
    assert set(forms_of(failed)) == names


def test_rules_ask_only_for_what_can_be_seen_and_everything_that_can_be_seen_is_asked_for():
    asked = {name for rule in rules() for name in (*rule.decisive, *rule.possible, *rule.supporting)}
    assert asked == OBSERVATIONS.keys()
    assert {name for rule in rules() for name in rule.forms} == FORMS.keys()
