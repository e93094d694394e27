"""What an instance is like, in words and numbers that can be compared with those of others. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from collector.fleet.compare.grouping import Unit
from collector.model import Identity, Practice, SystemFacts

#: Mount options that break handlers.
_BAD_OPTIONS = ("noexec", "ro")
#: No number of a machine is larger.
_LARGEST = 2**63


def traits(identity: Identity, facts: SystemFacts, practices: Iterable[Practice]) -> dict[str, str]:
    """What is known in words, by what it is about; nothing that differs on every instance anyhow."""
    known = {
        "guest agent": identity.agent_version,
        "system": identity.os,
        "image": identity.image,
        "location": identity.location,
        "zone": identity.zone,
        "scale set": identity.scale_set,
        "time zone": facts.time_zone,
        "processors": str(facts.cpu_count) if facts.cpu_count else None,
        "Python": ", ".join(facts.interpreters) or None,
    }
    if facts.live:
        holders = sorted({holder.process or "an unknown process" for holder in facts.locks})
        known["package manager's lock"] = f"held by {', '.join(holders)}" if holders else "free"
        known["guest agent's service"] = facts.agent.state if facts.agent else None
        known["secure boot"] = None if facts.secure_boot is None else "on" if facts.secure_boot else "off"
    for disk in facts.disks:
        options = set(disk.options.split(","))
        known[f"{disk.mount} is mounted"] = ", ".join(one for one in _BAD_OPTIONS if one in options) or "usual"
    known |= {f"practice '{one.title}'": one.state for one in practices if one.state in ("pass", "violated")}
    return {what: value for what, value in known.items() if value}


def measures(facts: SystemFacts) -> dict[str, tuple[float, Unit]]:
    """What is known in numbers; without those that no machine can have."""
    return {what: told for what, told in _measures(facts) if 0 <= told[0] < _LARGEST}


def _measures(facts: SystemFacts) -> Iterator[tuple[str, tuple[float, Unit]]]:
    """Numbers of the machine while it was collected from."""
    if facts.memory_total_bytes is not None:
        yield "memory", (facts.memory_total_bytes, "bytes")
    if facts.memory_available_bytes is not None:
        yield "memory available", (facts.memory_available_bytes, "bytes")
    if facts.boot_time is not None and facts.boot_time.tzinfo is not None:
        yield "last start of the machine", (facts.boot_time.timestamp(), "time")
    if facts.clock_offset_seconds is not None:
        yield "clock is off by", (abs(facts.clock_offset_seconds), "seconds")
    for disk in facts.disks:
        yield f"size of {disk.mount}", (disk.total_bytes, "bytes")
        yield f"free on {disk.mount}", (disk.free_bytes, "bytes")
        if disk.inodes_free is not None:
            yield f"free inodes on {disk.mount}", (disk.inodes_free, "count")
