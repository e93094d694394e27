"""The machine as a whole: guest agent, disks, network, clock, image."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from collector.diagnose.practices.case import Case, Checks, Found, not_applicable, passed, unknown, violated
from collector.model import DiskFacts, Failure, order

_LOCK = r"(?i)could not get lock|another process using it|dpkg is locked|yum lock|is locked by"
_FULL, _LEAST_WINDOWS_BYTES = 0.90, 1_000_000_000
#: File systems that hold no data of their own.
_NO_DATA = ("/snap/", "/boot/efi", "/mnt/cdrom", "/dev", "/run", "/sys", "/proc")
_CLOCK_SECONDS = 300
_LIB = "/var/lib/waagent"


def _probe(words: str, name: str) -> Callable[[Case], Found | None]:
    def check(case: Case) -> Found | None:
        probes = [one for one in case.facts.probes if re.search(words, one.target, re.IGNORECASE)]
        if not probes:
            return unknown(f"the {name} was not asked")
        for one in probes:
            if not one.reached:
                return violated(f"{one.target} does not answer: {one.detail}" if one.detail else one.target)
        return passed(f"the {name} answers")

    return check


def _agent(case: Case) -> Found | None:
    agent = case.facts.agent
    if not case.facts.live or agent is None or agent.state == "unknown":
        return unknown("whether the guest agent runs is not told")
    if agent.state != "running":
        return violated(f"the guest agent is {agent.state}")
    if agent.enabled is False:
        return violated("the guest agent runs and does not start with the machine")
    return passed("the guest agent runs")


def _extensions_enabled(case: Case) -> Found | None:
    enabled = case.facts.agent.extensions_enabled if case.facts.agent else None
    settings = case.material.machine.agent_settings
    if enabled is None and settings:
        enabled = settings.get("Extensions.Enabled", "y").lower() != "n"
    if enabled is None:
        return unknown("there is no waagent.conf")
    return passed("extensions are enabled") if enabled else violated("waagent.conf says Extensions.Enabled=n")


def _noexec(case: Case) -> Found | None:
    holding = [disk for disk in case.facts.disks if _holds(disk.mount)]
    if not holding:
        return unknown("nothing tells how it is mounted")
    disk = max(holding, key=lambda one: len(one.mount))
    if "noexec" in disk.options.split(","):
        return violated(f"{disk.mount} is mounted noexec")
    return passed(f"{disk.mount} is mounted without noexec")


def _holds(mount: str) -> bool:
    return mount == _LIB or _LIB.startswith(f"{mount.rstrip('/')}/")


def _room(case: Case) -> Found | None:
    disks = [disk for disk in case.facts.disks if disk.total_bytes and not disk.mount.startswith(_NO_DATA)]
    if not disks:
        return unknown("how full its disks are is not told")
    for disk in disks:
        if _is_full(disk, case.material.system == "windows"):
            share = 100 - 100 * disk.free_bytes // disk.total_bytes
            return violated(f"{disk.mount} is {share} % full")
        if disk.inodes_free == 0:
            return violated(f"{disk.mount} has no inodes left")
    return passed(f"{len(disks)} disk{'s have' if len(disks) > 1 else ' has'} room")


def _is_full(disk: DiskFacts, windows: bool) -> bool:
    if windows:
        return disk.free_bytes < _LEAST_WINDOWS_BYTES
    return "ro" not in disk.options.split(",") and disk.free_bytes < disk.total_bytes * (1 - _FULL)


def _clock(case: Case) -> Found | None:
    offset = case.facts.clock_offset_seconds
    if offset is None:
        return unknown("nothing tells whether the clock is right")
    if abs(offset) > _CLOCK_SECONDS:
        return violated(f"the clock is {abs(offset):.0f} seconds {'ahead' if offset > 0 else 'behind'}")
    return passed(f"the clock is off by {abs(offset):.0f} seconds")


def _network(case: Case) -> Found | None:
    for text in case.material.machine.network:
        block = re.search(r"(?ms)^(\s+)eth0:\s*\n(.*?)(?=^\1\S|\Z)", text.text)
        if block is None:
            continue
        switch = re.search(r"(?m)^\s*dhcp4:\s*(\w+)", block[2])
        if switch and switch[1].lower() in ("true", "yes", "on"):
            return passed("eth0 uses DHCP")
        if re.search(r"(?m)^\s*addresses:", block[2]):
            return violated("eth0 has a static address", text.path, 1 + text.text.count("\n", 0, block.start()))
    return unknown("nothing tells how the network card gets its address")


def _cloned(case: Case) -> Found | None:
    machine = case.material.machine
    if case.material.system == "windows" or case.material.is_well:  # then no one looked
        return unknown("nothing tells whether the image had extensions")
    if not machine.instance_id or not machine.instance_id_before or machine.instance_id == machine.instance_id_before:
        return not_applicable("nothing tells of another machine before this one")
    if machine.instance_id_before.upper().startswith("NO_PREVIOUS"):
        return passed("this disk never was another machine's")
    if machine.instance_id_time is None or machine.instance_id_time > case.now:  # a copied disk has the copy's times
        return unknown("when this machine was made is not known")
    for one in case.material.operations:
        status = one.status
        if status is not None and status.time is not None and status.time < machine.instance_id_time:
            return violated(f"the status of {one.extension} is older than this machine", status.source.path)
    return passed("all extensions are younger than this machine")


def _failed_before(case: Case) -> Found | None:
    """Two extensions that failed, none for the other: the first may keep the second from its work."""
    own = [one for one in case.failures if one.kind == "failure" and not one.caused_by and one.last_time]
    own.sort(key=lambda one: order(one.last_time))
    if len({one.extension for one in own}) < 2:
        return passed("no failed extension stands before another")
    first, later = own[0], own[-1]
    return violated(f"{first.extension} failed before {later.extension} did")


def _sequence(case: Case) -> Found | None:
    """A lock on which one extension failed while another was at work."""
    for failure in case.failures:
        if failure.kind == "warning" or not re.search(_LOCK, f"{failure.message}\n{failure.detail}"):
            continue
        for other in case.material.operations:
            if other.extension != failure.extension and _overlap(failure, other.started, other.ended):
                at = failure.evidence[0] if failure.evidence else None
                told = f"{failure.extension} found the package manager locked while {other.extension} was at work"
                return violated(told, at.path if at else "", at.line if at else 0)
    return passed("no extension failed for a lock while another was at work")


def _overlap(failure: Failure, begin: datetime | None, end: datetime | None) -> bool:
    at = failure.first_time
    return at is not None and begin is not None and end is not None and order(begin) <= order(at) <= order(end)


def _logs(case: Case) -> Found | None:
    closed = case.material.closed
    return (
        violated(f"{len(closed)} files can't be read, among them this", closed[0])
        if closed
        else passed("all can be read")
    )


CHECKS: Checks = {
    "ext-wireserver": _probe(r"wire|168\.63\.129\.16", "wire server"),
    "ext-imds": _probe(r"imds|metadata|169\.254\.169\.254", "metadata service"),
    "ext-agent-running": _agent,
    "ext-extensions-enabled": _extensions_enabled,
    "ext-noexec": _noexec,
    "ext-disk": _room,
    "ext-time": _clock,
    "ext-dhcp": _network,
    "ext-cloned": _cloned,
    "ext-failed-blocks": _failed_before,
    "ext-sequence": _sequence,
    "ext-log-place": _logs,
}
