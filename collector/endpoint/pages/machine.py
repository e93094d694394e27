"""The machine while it was collected from, as a page tells it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from collector.bundle import words
from collector.model import DiskFacts, ProcessFacts, SystemFacts

#: So many rows of each table.
_MOST = 20


@dataclass(frozen=True, slots=True)
class Disk:
    mount: str
    free: str
    options: str
    is_tight: bool


@dataclass(frozen=True, slots=True)
class Machine:
    """`facts`: name and value. Empty of what nothing tells."""

    facts: tuple[tuple[str, str], ...]
    disks: tuple[Disk, ...]
    processes: tuple[ProcessFacts, ...]
    events: tuple[tuple[str, str, str], ...]  # time, kind, line
    note: str


#: A disk with less than this share of it free is shown as tight.
_TIGHT = 0.05
_FEW_INODES = 10_000


def machine(facts: SystemFacts) -> Machine:
    told = [(name, value) for name, value in _facts(facts) if value]
    events = tuple(
        (words.stamp(event.time) if event.time else "time unknown", event.kind, event.text)
        for event in facts.events[-_MOST:]
    )
    processes = sorted(facts.processes, key=lambda process: (process.extension is None, -process.cpu_seconds))
    return Machine(
        tuple(told), tuple(map(_disk, facts.disks[:_MOST])), tuple(processes[:_MOST]), events, facts.events_note
    )


def _disk(disk: DiskFacts) -> Disk:
    """Of a mounted disk the sizes are unknown, which 0 says."""
    known = disk.total_bytes > 0
    used = 1 - disk.free_bytes / disk.total_bytes if known else None
    free = f"{words.size(disk.free_bytes)} of {words.size(disk.total_bytes)} free" if known else "unknown"
    if disk.inodes_free is not None and disk.inodes_free < _FEW_INODES:
        free += f", {disk.inodes_free} inodes free"
    tight = (used is not None and used > 1 - _TIGHT) or (disk.inodes_free is not None and disk.inodes_free == 0)
    return Disk(disk.mount, free, disk.options, tight)


def _facts(facts: SystemFacts) -> list[tuple[str, str]]:
    memory, swap = facts.memory_total_bytes, facts.swap_total_bytes
    free, swap_free = facts.memory_available_bytes, facts.swap_free_bytes
    agent = facts.agent
    holders = [f"{one.path}: {one.process or 'an unknown process'}" for one in facts.locks]
    return [
        ("Started", words.stamp(facts.boot_time) if facts.boot_time else ""),
        ("Processors", str(facts.cpu_count) if facts.cpu_count else ""),
        ("Load", ", ".join(f"{one:.2f}" for one in facts.load)),
        ("Memory", f"{words.size(free)} of {words.size(memory)} available" if memory and free is not None else ""),
        ("Swap", f"{words.size(swap_free)} of {words.size(swap)} free" if swap and swap_free is not None else ""),
        ("Waiting for memory", f"{facts.memory_stall_percent:.0f} % of a minute" if facts.memory_stall_percent else ""),
        ("Guest agent", f"{agent.state}{': ' + agent.note if agent.note else ''}" if agent else ""),
        ("Package manager's locks", ", ".join(holders) or ("free" if facts.live else "")),
        ("Clock", _clock(facts)),
        ("Time zone", facts.time_zone or facts.time_zone_note),
        ("Held back by its quota", ", ".join(f"{one.unit} {one.throttled_seconds:.0f} s" for one in facts.throttled)),
        ("Python", ", ".join(facts.interpreters)),
        *((one.target, f"{'reached' if one.reached else 'NOT reached'}: {one.detail}") for one in facts.probes),
    ]


def _clock(facts: SystemFacts) -> str:
    if facts.clock_offset_seconds is None:
        return facts.clock_note
    note = f" ({facts.clock_note})" if facts.clock_note else ""
    return f"off by {facts.clock_offset_seconds:.1f} s{note}"
