"""The guest agent's processes on this machine, at little cost: all processes are listed only where one has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from collector.discover.handler_paths import agent_role
from collector.discover.processes import plain, told
from collector.watch.agent_life import Process

if TYPE_CHECKING:
    import psutil

#: Looks between two lists of all processes while some part of the agent is not there.
_LOOKS_BETWEEN = 4


class AgentProcesses:
    def __init__(self) -> None:
        self._known: dict[str, psutil.Process] = {}
        self._looks = 0

    def look(self) -> Mapping[str, Process]:
        """By their role: ``daemon`` and ``run-exthandlers`` of the Linux agent, by their names those of Windows."""
        self._looks += 1
        living = {role: one for role, one in self._known.items() if told(one.is_running) and not _is_zombie(one)}
        if len(living) < max(1, len(self._known)) or self._looks % _LOOKS_BETWEEN == 1:
            living = {role: one for role, one in (told(_listed) or {}).items() if not _is_zombie(one)}
        self._known = living
        return {role: Process(one.pid, told(one.create_time) or 0.0) for role, one in living.items()}


def _is_zombie(process: psutil.Process) -> bool:
    return told(process.status) == "zombie"


def _listed() -> dict[str, psutil.Process]:
    import psutil

    found = {}
    for process in psutil.process_iter():  # without names: what one process does not tell would end the whole list
        words = plain(f"{told(process.name) or ''} {' '.join(told(process.cmdline) or [])}")
        if role := agent_role(words):
            found[role] = process
    return found
