"""What the running machine says of itself: uptime, disks, memory, load, the agent's and handlers' processes."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeVar

from collector.model import DiskFacts, ProcessFacts, SystemFacts

if TYPE_CHECKING:
    import psutil

log = logging.getLogger(__name__)

#: Words in a command line that make a process the guest agent's or a handler's.
_OURS = (
    "/waagent",
    "waagent ",
    "walinuxagent",
    "windowsazureguestagent",
    "waappagent",
    "packages\\plugins\\",
    "/var/lib/waagent",
)
_LONGEST_COMMAND = 300  # characters
_MOST_PROCESSES = 100

T = TypeVar("T")


def gather(*, live: bool, zone: str | None, zone_note: str = "") -> SystemFacts:
    """Facts of this machine, or of a mounted disk only its zone. Nothing that psutil can't tell stops the run."""
    if not live:
        return SystemFacts(live=False, time_zone=zone, time_zone_note=zone_note)
    import psutil

    memory = _told(psutil.virtual_memory)
    boot = _told(psutil.boot_time)
    return SystemFacts(
        live=True,
        boot_time=datetime.fromtimestamp(boot, timezone.utc) if boot else None,
        cpu_count=_told(psutil.cpu_count),
        load=tuple(round(value, 2) for value in _told(psutil.getloadavg) or ()),
        memory_total_bytes=memory.total if memory else None,
        memory_available_bytes=memory.available if memory else None,
        disks=_told(_disks) or (),
        processes=_told(_processes) or (),
        time_zone=zone,
        time_zone_note=zone_note,
    )


def _told(ask: Callable[[], T]) -> T | None:
    """The answer, None where the system gives none: no /proc in a container, a counter that is switched off."""
    import psutil

    try:
        return ask()
    except (psutil.Error, OSError, RuntimeError, ValueError, AttributeError, NotImplementedError) as error:
        log.info("not told: %s", error)
        return None


def _disks() -> tuple[DiskFacts, ...]:
    import psutil

    found = []
    for partition in psutil.disk_partitions(all=False):
        try:
            usage = psutil.disk_usage(partition.mountpoint)
            inodes = os.statvfs(partition.mountpoint).f_favail if hasattr(os, "statvfs") else None
        except OSError as error:
            log.info("no usage of %s: %s", partition.mountpoint, error)
            continue
        found.append(DiskFacts(partition.mountpoint, usage.total, usage.free, inodes, partition.opts))
    return tuple(found)


def _processes() -> tuple[ProcessFacts, ...]:
    import psutil

    all_ = list(psutil.process_iter(["name", "cmdline", "ppid"]))
    children = Counter(process.info["ppid"] for process in all_)
    found: list[ProcessFacts] = []
    for process in all_:
        command = " ".join(process.info["cmdline"] or [])
        if not is_ours(f"{process.info['name']} {command}"):
            continue
        facts = _told(lambda process=process, command=command: _facts(process, command, children[process.pid]))  # type: ignore[misc]
        found += [facts] if facts else []
        if len(found) == _MOST_PROCESSES:
            break
    return tuple(found)


def is_ours(command: str) -> bool:
    """Whether a process is the guest agent's or lies with the handlers, by its name and command line."""
    return any(word in command.lower() for word in _OURS)


def _facts(process: psutil.Process, command: str, children: int) -> ProcessFacts:
    with process.oneshot():
        times = process.cpu_times()
        return ProcessFacts(
            process.pid,
            process.name(),
            command[:_LONGEST_COMMAND],
            process.status(),
            datetime.fromtimestamp(process.create_time(), timezone.utc),
            round(times.user + times.system, 2),
            process.memory_info().rss,
            children,
        )
