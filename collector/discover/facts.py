"""What the running machine says of itself: uptime, disks, memory, load, the agent's and handlers' processes."""

from __future__ import annotations

import logging
from contextlib import suppress
from datetime import datetime, timezone

from collector.model import DiskFacts, ProcessFacts, SystemFacts

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


def gather(*, live: bool, zone: str | None) -> SystemFacts:
    """Facts of this machine, or of a mounted disk only its zone. Nothing that psutil can't tell stops the run."""
    if not live:
        return SystemFacts(live=False, time_zone=zone)
    import psutil

    memory = psutil.virtual_memory()
    load: tuple[float, ...] = ()
    with suppress(OSError, AttributeError):
        load = tuple(round(value, 2) for value in psutil.getloadavg())
    return SystemFacts(
        live=True,
        boot_time=datetime.fromtimestamp(psutil.boot_time(), timezone.utc),
        cpu_count=psutil.cpu_count(),
        load=load,
        memory_total_bytes=memory.total,
        memory_available_bytes=memory.available,
        disks=_disks(),
        processes=_processes(),
        time_zone=zone,
    )


def _disks() -> tuple[DiskFacts, ...]:
    import os

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

    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        command = " ".join(process.info["cmdline"] or [])
        if not any(word in command.lower() for word in _OURS):
            continue
        try:
            with process.oneshot():
                times = process.cpu_times()
                found.append(
                    ProcessFacts(
                        process.pid,
                        str(process.info["name"]),
                        command[:_LONGEST_COMMAND],
                        process.status(),
                        datetime.fromtimestamp(process.create_time(), timezone.utc),
                        round(times.user + times.system, 2),
                        process.memory_info().rss,
                        len(process.children()),
                    )
                )
        except psutil.Error as error:
            log.info("process %s is gone: %s", process.pid, error)
        if len(found) == _MOST_PROCESSES:
            break
    return tuple(found)
