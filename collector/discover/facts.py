"""What the running machine says of itself: uptime, disks, memory, load, the agent's and handlers' processes.

`gather` is cheap and belongs to every run. `gather_more` asks what can only explain a failure, and is called where
there is one.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from collector.model import SystemFacts

if TYPE_CHECKING:
    from collector.discover.processes import Running


def gather(
    *,
    live: bool,
    zone: str | None,
    zone_note: str = "",
    clock_offset_seconds: float | None = None,
    is_tree: bool = False,
) -> SystemFacts:
    """Facts of this machine, or of a mounted disk only its zone. Nothing that psutil can't tell stops the run.

    `is_tree`: live is only a folder on this machine, in which others work as handlers do on theirs.
    """
    if not live:
        return SystemFacts(live=False, time_zone=zone, time_zone_note=zone_note)
    import psutil

    from collector.discover.disks import disks
    from collector.discover.processes import ours, running, told

    memory = told(psutil.virtual_memory)
    boot = None if is_tree else told(psutil.boot_time)
    return SystemFacts(
        live=True,
        boot_time=datetime.fromtimestamp(boot, timezone.utc) if boot else None,
        cpu_count=told(psutil.cpu_count),
        load=tuple(round(value, 2) for value in told(psutil.getloadavg) or ()),
        memory_total_bytes=memory.total if memory else None,
        memory_available_bytes=memory.available if memory else None,
        disks=told(disks) or (),
        processes=() if is_tree else told(lambda: ours(running())) or (),
        clock_offset_seconds=clock_offset_seconds,
        time_zone=zone,
        time_zone_note=zone_note,
    )


def gather_more(facts: SystemFacts, root: Path, *, is_tree: bool = False, hanging: Collection[str] = ()) -> SystemFacts:
    """With what explains failures: of this machine locks, waiting processes, quotas, clock; of any disk what its own
    files say of agent, mounts and Pythons. `root`: of the disk, "/" or the system drive of this machine. `is_tree`:
    as in `gather`. `hanging`: extensions of whose processes the open files are told."""
    from collector.discover.agent_service import agent_facts
    from collector.discover.disks import mounted_by_file
    from collector.discover.interpreters import interpreters
    from collector.discover.processes import told
    from collector.discover.scan import system_of
    from collector.discover.tree import Tree

    system = system_of(root)
    tree = Tree(root, fold=system == "windows")
    if facts.live:
        facts = _of_tree(facts, root, hanging) if is_tree else _of_this_machine(facts, root, hanging)
    elif system == "linux":
        facts = replace(facts, disks=told(lambda: mounted_by_file(tree)) or ())
    processes = facts.processes if facts.live and not is_tree else None
    agent = told(lambda: agent_facts(tree, system, processes))
    if is_tree and agent is not None:
        agent = replace(agent, state="unknown")  # who plays the agent there need not be a service of this machine
    return replace(
        facts,
        agent=agent,
        interpreters=(told(lambda: interpreters(tree)) or ()) if system == "linux" else (),
    )


def _of_tree(facts: SystemFacts, root: Path, hanging: Collection[str]) -> SystemFacts:
    """What works in this folder, and nothing of the machine that the folder is only a part of."""
    from collector.discover.below import Below, of_folder
    from collector.discover.locks import held_locks
    from collector.discover.processes import running, told

    everything = told(running) or {}
    facts = replace(facts, locks=told(lambda: held_locks(root, everything)) or ())
    chosen = told(lambda: of_folder(everything, Below(root), os.getpid())) or {}
    return told(lambda: _with_waits(facts, everything, chosen, hanging)) or facts


def _of_this_machine(facts: SystemFacts, root: Path, hanging: Collection[str]) -> SystemFacts:
    import psutil

    from collector.discover.clock import clock_note
    from collector.discover.locks import held_locks
    from collector.discover.processes import of_handlers, running, told
    from collector.discover.throttling import throttled
    from collector.discover.waiting import extension_of
    from collector.platforms import current
    from collector.platforms.proc import memory_stall_percent

    everything = told(running) or {}
    locks = told(lambda: held_locks(root, everything)) or ()
    swap = told(psutil.swap_memory)
    facts = replace(
        facts,
        locks=locks,
        swap_total_bytes=swap.total if swap else None,
        swap_free_bytes=swap.free if swap else None,
        memory_stall_percent=memory_stall_percent(),
        throttled=told(throttled) or (),
        clock_note=told(lambda: clock_note(facts.clock_offset_seconds)) or "",
        secure_boot=told(current().secure_boot),
    )
    chosen = told(lambda: of_handlers(everything, extension_of, os.getpid())) or {}
    return told(lambda: _with_waits(facts, everything, chosen, hanging)) or facts


def _with_waits(
    facts: SystemFacts, everything: Mapping[int, Running], chosen: Mapping[int, str | None], hanging: Collection[str]
) -> SystemFacts:
    from collector.discover.processes import facts_of, open_files
    from collector.discover.waiting import Waiting

    waiting = Waiting(everything, facts.locks)
    found = []
    for one in facts_of(everything, chosen):
        one = waiting.told(one)
        if one.extension in hanging and waiting.has_time:
            one = replace(one, open_files=open_files(everything[one.pid].process))
        found.append(one)
    return replace(facts, processes=tuple(found))
