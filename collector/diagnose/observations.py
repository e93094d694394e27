"""What the machine, and the failure's own form, showed that can speak for a cause. Pure.

Each observation has a name that rules refer to; `OBSERVATIONS` and `FORMS` list them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from collector.diagnose.commands import is_scripts_end
from collector.model import DiskFacts, Evidence, Failure, Identity, ProcessFacts, SystemEvent, SystemFacts, iso, order

#: Name of an observation of the machine, and what it says.
OBSERVATIONS = {
    "disk-full": "a file system that the agent or a handler writes to has no space",
    "inodes-full": "such a file system has no free inode",
    "disk-full-then": "the system's log tells of a full disk at the time of the failure",
    "read-only": "such a file system is mounted read-only, or was remounted so at that time",
    "noexec": "the file system of /var/lib/waagent is mounted noexec",
    "noexec-refused": "the same, and a program could not be executed (exit code 126)",
    "memory-short": "nearly no memory is available now",
    "oom-kill": "the kernel killed a process for lack of memory at the time of the failure",
    "oom-kill-in-group": "the same in a control group, and nothing says that the failing process was the one",
    "clock-wrong": "the clock is wrong by minutes",
    "clock-stepped": "the clock was set at the time of the failure",
    "package-lock-held": "a process holds a lock of the package manager now",
    "agent-not-running": "the guest agent's service is stopped or absent, and an operation does not end",
    "agent-not-running-now": "the guest agent's service is stopped or absent now, after a failure",
    "agent-stopped-then": "the guest agent was stopped while the operation ran that never ended, or when it was ended",
    "agent-old": "the guest agent is older than the oldest supported version",
    "extensions-disabled": "waagent.conf switches extensions off",
    "handler-running": "a process of the handler is still running",
    "waits-for-input": "a process of the handler waits for input",
    "waits-for-lock": "a process of the handler waits for a lock of the package manager",
    "waits-for-network": "a process of the handler waits for a connection",
    "reboot-while-running": "the machine was restarted after the operation began and before its end",
    "reboot-near": "the machine was restarted at the time of the failure",
    "cpu-throttled": "the extension's processor quota held it back",
    "wireserver-unreachable": "168.63.129.16 did not answer when probed",
    "imds-unreachable": "169.254.169.254 did not answer when probed",
    "host-unreachable": "a host that the failure names did not answer when probed",
    "python-missing": "there is no command python or python3",
    "python-command-missing": "there is python3, and no command python",
    "python-old": "the newest Python is older than 3.6",
    "secure-boot": "Secure Boot is on",
}
#: Name of a failure's own form, and what it says.
FORMS = {
    "script-exit": "a script of the user ended with a code",
    "script-timed-out": "a script of the user was ended since its time was over",
    "handler-timed-out": "a handler was ended since its time was over",
    "script-never-ended": "a script of the user began and no end of it is told",
    "handler-never-ended": "a handler began and no end of it is told",
    "follows": "the agent did not start it, since an extension before it did not succeed",
    "status-unreadable": "the agent could not read the status file",
}
_FULL_BYTES, _FULL_SHARE, _FEW_INODES = 50_000_000, 0.005, 50
_SHORT_MEMORY = 0.02
_CLOCK_SECONDS = 300
#: What a shell ends with where a program is found and can't be executed.
_NOT_EXECUTED = 126
_THROTTLED_SECONDS = 30
#: Exit codes of what a signal or the console ended: as Go says it, as a shell does, and as Windows does.
_ENDED_FROM_OUTSIDE = (-1, 129, 130, 137, 143, -1073741510, 0xC000013A)
#: Names of files and programs of package managers.
_PACKAGE_LOCK = re.compile(r"dpkg|apt|rpm|yum|dnf|zypp|debconf|unattended")
#: So long before and after a failure an event of the system counts as of its time.
_BEFORE, _AFTER = timedelta(minutes=10), timedelta(minutes=2)
#: Oldest supported agents (Microsoft, "Minimum version support for virtual machine agents in Azure").
_OLDEST_AGENT = {"linux": (2, 2, 53), "windows": (2, 7, 41491)}
_OLDEST_PYTHON = (3, 6)
#: Open files of a process that a sentence names.
_FILES_NAMED = 3
_STATUS_UNREADABLE = 1012  # the agent's code, Azure/WALinuxAgent:azurelinuxagent/common/exception.py
#: Where the agent and handlers write.
_PLACES = ("/var/lib/waagent", "/var/log", "/tmp", "/var", "/")  # noqa: S108
#: Those of them that are writable also on systems whose root is read-only by design.
_WRITABLE = _PLACES[:-1]


@dataclass(frozen=True, slots=True)
class Observation:
    name: str
    evidence: Evidence


def observe(failure: Failure, identity: Identity, facts: SystemFacts) -> tuple[Observation, ...]:
    """What speaks for a cause of this failure, each with the sentence or the line that tells it."""
    seen = [
        *_disks(facts, failure),
        *_machine(facts, failure),
        *_events(facts, failure),
        *_agent(facts, identity, failure),
    ]
    seen += [*_processes(facts, failure), *_probes(facts), *_interpreters(facts)]
    return tuple(seen)


def forms_of(failure: Failure) -> tuple[str, ...]:
    """The names of `FORMS` that fit."""
    who = "script" if is_scripts_end(failure) else "handler"
    if failure.caused_by:
        return ("follows",)
    found = []
    if failure.kind == "hang":
        found.append(f"{who}-timed-out" if "timeout" in failure.message.lower() else f"{who}-never-ended")
    elif who == "script" and failure.exit_code not in (None, 0):
        found.append("script-exit")
    if failure.agent_code == _STATUS_UNREADABLE:
        found.append("status-unreadable")
    return tuple(found)


# ---- disks and machine ---------------------------------------------------------------------------------


def _disks(facts: SystemFacts, failure: Failure) -> Iterator[Observation]:
    for disk in _written_to(facts.disks):
        options = disk.options.split(",")
        if disk.total_bytes and disk.free_bytes < max(_FULL_BYTES, disk.total_bytes * _FULL_SHARE):
            yield _seen("disk-full", f"{disk.mount} has {_mb(disk.free_bytes)} of {_mb(disk.total_bytes)} free now")
        if disk.inodes_free is not None and disk.inodes_free < _FEW_INODES and disk.total_bytes:
            yield _seen("inodes-full", f"{disk.mount} has {disk.inodes_free} inodes free now")
        if "ro" in options and any(disk is _holder(facts.disks, place) for place in _WRITABLE):
            yield _seen("read-only", f"{disk.mount} is mounted read-only")
        if "noexec" in options and disk is _holder(facts.disks, "/var/lib/waagent"):
            mounted = "is mounted" if disk.total_bytes else "is to be mounted (/etc/fstab)"
            name = "noexec-refused" if failure.exit_code == _NOT_EXECUTED else "noexec"
            yield _seen(name, f"{disk.mount}, which holds /var/lib/waagent, {mounted} noexec")


def _written_to(disks: tuple[DiskFacts, ...]) -> list[DiskFacts]:
    """The file systems below which agent and handlers write; of Windows all drives that are told."""
    posix = [disk for disk in disks if disk.mount.startswith("/")]
    if not posix:
        return list(disks)
    held = [holder for place in _PLACES if (holder := _holder(disks, place))]
    return [disk for disk in posix if disk in held]


def _holder(disks: tuple[DiskFacts, ...], place: str) -> DiskFacts | None:
    """The file system that a folder lies in: the one with the longest mount point above it."""
    above = [disk for disk in disks if place == disk.mount or place.startswith(disk.mount.rstrip("/") + "/")]
    return max(above, key=lambda disk: len(disk.mount), default=None)


def _machine(facts: SystemFacts, failure: Failure) -> Iterator[Observation]:
    total, free = facts.memory_total_bytes, facts.memory_available_bytes
    if total and free is not None and free < total * _SHORT_MEMORY:
        yield _seen("memory-short", f"{_mb(free)} of {_mb(total)} memory are available now")
    offset = facts.clock_offset_seconds
    if offset is not None and abs(offset) > _CLOCK_SECONDS:
        side = "ahead" if offset > 0 else "behind"
        note = f" ({facts.clock_note})" if facts.clock_note else ""
        yield _seen("clock-wrong", f"the clock is {abs(offset):.0f} s {side}{note}")
    for lock in facts.locks:
        who = f"pid {lock.pid} ({lock.process or lock.command})" if lock.pid else "an unknown process"
        yield _seen("package-lock-held", f"{lock.path} is held by {who} now")
    for group in facts.throttled:
        if group.throttled_seconds > _THROTTLED_SECONDS and group.extension in (None, failure.extension):
            quota = f", its quota is {group.quota_percent:.0f} % of a processor" if group.quota_percent else ""
            yield _seen("cpu-throttled", f"{group.unit} was held back for {group.throttled_seconds:.0f} s{quota}")
    if facts.secure_boot:
        yield _seen("secure-boot", "Secure Boot is on")


# ---- events of the system ------------------------------------------------------------------------------


def _events(facts: SystemFacts, failure: Failure) -> Iterator[Observation]:
    names = {
        "oom-kill": "oom-kill",
        "disk-full": "disk-full-then",
        "read-only": "read-only",
        "clock-step": "clock-stepped",
        "agent-stop": "agent-stopped-then",
    }
    ended = failure.exit_code in _ENDED_FROM_OUTSIDE
    for event in facts.events:
        if event.kind not in names or not _of_its_time(event, failure):
            continue
        if event.kind == "agent-stop" and not (ended or failure.kind == "hang"):
            continue
        in_group = event.kind == "oom-kill" and "cgroup" in event.text and not ended  # a container's, mostly
        yield Observation("oom-kill-in-group" if in_group else names[event.kind], _line(event))
    yield from _reboots(facts, failure)


def _reboots(facts: SystemFacts, failure: Failure) -> Iterator[Observation]:
    began = failure.hang_since
    boots = [event for event in facts.events if event.kind == "boot" and event.time]
    if facts.boot_time:
        text = f"the machine was started at {iso(facts.boot_time)}"
        boots.append(SystemEvent("boot", facts.boot_time, text))
    for event in boots:
        if began is not None and order(event.time) > order(began):
            yield Observation("reboot-while-running", _line(event))
        elif began is None and _of_its_time(event, failure):
            yield Observation("reboot-near", _line(event))


def _of_its_time(event: SystemEvent, failure: Failure) -> bool:
    first = failure.hang_since or failure.first_time or failure.last_time
    last = failure.last_time or first
    if event.time is None or first is None:
        return False
    if failure.kind == "hang":
        return order(event.time) >= order(first)
    return order(first) - _BEFORE <= order(event.time) <= order(last) + _AFTER


# ---- agent, processes, network -------------------------------------------------------------------------


def _agent(facts: SystemFacts, identity: Identity, failure: Failure) -> Iterator[Observation]:
    if facts.live and facts.agent is not None and facts.agent.state in ("stopped", "absent"):
        note = f" ({facts.agent.note})" if facts.agent.note else ""
        name = "agent-not-running" if failure.kind == "hang" else "agent-not-running-now"
        yield _seen(name, f"the guest agent's service is {facts.agent.state} now{note}")
    if facts.agent is not None and facts.agent.extensions_enabled is False:
        yield _seen("extensions-disabled", "Extensions.Enabled=n", "etc/waagent.conf")
    version = _version(identity.agent_version or "")
    oldest = _OLDEST_AGENT[identity.system]
    if version and version[: len(oldest)] < oldest:
        least = ".".join(map(str, oldest))
        yield _seen("agent-old", f"the guest agent is {identity.agent_version}, the oldest supported one is {least}")


def _processes(facts: SystemFacts, failure: Failure) -> Iterator[Observation]:
    """Of what hangs: its processes, those that wait for something themselves before those that wait for them.

    What is over has no process left that could tell; a daemon that a handler started is none of its.
    """
    if failure.kind != "hang":
        return
    waits = {"input (": "waits-for-input", "a lock": "waits-for-lock", "connection to": "waits-for-network"}
    own = [process for process in facts.processes if process.extension == failure.extension]
    for process in sorted(own, key=lambda process: process.waits_for.startswith("child ")):
        yield _seen("handler-running", _process(process))
        name = next((name for words, name in waits.items() if process.waits_for.startswith(words)), "")
        if name and (name != "waits-for-lock" or _PACKAGE_LOCK.search(process.waits_for)):
            yield _seen(name, _process(process))


def _process(process: ProcessFacts) -> str:
    since = f", running since {iso(process.started.replace(microsecond=0))}" if process.started else ""
    work = f", {process.state}, {process.cpu_seconds:g} s of CPU"
    below = f", {process.children} below it" if process.children else ""
    waits = f", waits for {process.waits_for}" if process.waits_for else ""
    more = len(process.open_files) - _FILES_NAMED
    files = f", has open {', '.join(process.open_files[:_FILES_NAMED])}" if process.open_files else ""
    files += f" and {more} more" if more > 0 else ""
    return f"process {process.pid} ({process.name}){since}{work}{below}{waits}{files}: {process.command}"


def _probes(facts: SystemFacts) -> Iterator[Observation]:
    for probe in facts.probes:
        if probe.reached:
            continue
        kind = "host-unreachable"
        if "168.63.129.16" in probe.target:
            kind = "wireserver-unreachable"
        elif "169.254.169.254" in probe.target:
            kind = "imds-unreachable"
        yield _seen(kind, f"{probe.target}: {probe.detail}")


def _interpreters(facts: SystemFacts) -> Iterator[Observation]:
    """Only where any interpreter is told: none at all can mean that no one looked."""
    names = {text.split()[0].rpartition("/")[2]: text.rpartition(" ")[2] for text in facts.interpreters if text}
    if not names:
        return
    if not names.keys() & {"python", "python2", "python3"}:
        yield _seen("python-missing", f"there is only {', '.join(sorted(names))}")
    elif "python" not in names:
        yield _seen("python-command-missing", f"there is {', '.join(sorted(names))}, and no command python")
    newest = max((version for text in names.values() if (version := _version(text))), default=())
    if newest and newest < _OLDEST_PYTHON:
        yield _seen("python-old", f"the newest Python is {'.'.join(map(str, newest))}")


def _version(text: str) -> tuple[int, ...]:
    parts = text.split(".")
    return tuple(int(part) for part in parts) if parts and all(part.isdigit() for part in parts) else ()


def _line(event: SystemEvent) -> Evidence:
    return Evidence(event.path, event.line, event.time, event.text, "fact")


def _seen(name: str, text: str, path: str = "", time: datetime | None = None) -> Observation:
    return Observation(name, Evidence(path, 0, time, text, "fact"))


def _mb(number: int) -> str:
    return f"{number / 1_000_000:,.0f} MB" if number < 10_000_000_000 else f"{number / 1_000_000_000:,.0f} GB"
