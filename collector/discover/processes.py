"""The guest agent's and the handlers' processes, as psutil tells them, and what belongs to whom below them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, TypeVar

from collector.discover.handler_paths import agent_role, extension_in, is_ours
from collector.discover.tree import shown
from collector.model import ProcessFacts

if TYPE_CHECKING:
    import psutil

log = logging.getLogger(__name__)

LONGEST_COMMAND = 300  # characters
MOST_PROCESSES = 100
MOST_FILES = 20

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Running:
    """A process in the list of all, with the little that tells whose it is."""

    pid: int
    parent: int
    name: str
    command: str
    process: psutil.Process

    @property
    def words(self) -> str:
        return f"{self.name} {self.command}"


def told(ask: Callable[[], T]) -> T | None:
    """The answer, None where the system gives none: no /proc in a container, a counter that is switched off."""
    import psutil

    try:
        return ask()
    except (psutil.Error, OSError, RuntimeError, ValueError, LookupError, AttributeError, NotImplementedError) as error:
        log.info("not told: %s", error)
        return None


def plain(text: str) -> str:
    """What others named, on one line and such that it can be written."""
    if text.isascii() and text.isprintable():
        return text
    return shown("".join(letter if letter.isprintable() or letter >= "\udc80" else " " for letter in text))


def running() -> Mapping[int, Running]:
    """All processes of this machine by their number."""
    import psutil

    found = {}
    for process in psutil.process_iter():  # without names: what one process does not tell would end the whole list
        with process.oneshot():
            name, words, parent = told(process.name), told(process.cmdline), told(process.ppid)
        if parent is not None:  # else it has ended meanwhile
            command = plain(" ".join(words or []))
            found[process.pid] = Running(process.pid, parent, plain(name or ""), command, process)
    return found


def ours(everything: Mapping[int, Running]) -> tuple[ProcessFacts, ...]:
    """The facts of those that their command line tells to be the agent's or a handler's."""
    chosen = {pid: extension_in(one.command) for pid, one in everything.items() if is_ours(one.words)}
    return facts_of(everything, chosen)


def facts_of(everything: Mapping[int, Running], chosen: Mapping[int, str | None]) -> tuple[ProcessFacts, ...]:
    """`chosen`: processes, and the extension of each where it is known."""
    below = children(everything)
    found: list[ProcessFacts] = []
    for pid, extension in chosen.items():
        facts = told(lambda pid=pid, extension=extension: _facts(everything[pid], extension, len(below.get(pid, ()))))  # type: ignore[misc]
        found += [facts] if facts else []
        if len(found) == MOST_PROCESSES:
            log.info("only the first %d of %d processes are told", MOST_PROCESSES, len(chosen))
            break
    return tuple(found)


def children(everything: Mapping[int, Running]) -> Mapping[int, list[int]]:
    """The processes that each one started and that still run."""
    below: dict[int, list[int]] = {}
    for pid, one in everything.items():
        below.setdefault(one.parent, []).append(pid)
    return below


def tree_below(roots: Iterable[int], below: Mapping[int, list[int]]) -> list[int]:
    """The processes and everything below them, each once, parents first."""
    found: list[int] = []
    left = list(roots)
    seen: set[int] = set()
    while left:
        pid = left.pop(0)
        if pid not in seen:
            seen.add(pid)
            found.append(pid)
            left += below.get(pid, [])
    return found


def of_handlers(
    everything: Mapping[int, Running], told_by: Callable[[Running], str | None], own: int
) -> Mapping[int, str | None]:
    """The agent and everything that it or a handler started, with the extension of each where it is known.

    `told_by` gives the extension of a process, None where nothing tells it. What carries the process `own` (a Run
    Command that runs vmext) is left out with everything below it: it hangs only because it waits for this run.
    """
    below = children(everything)
    extensions = {pid: extension for pid, one in everything.items() if (extension := told_by(one))}
    carriers = {pid for pid in (own, *ancestors(own, everything)) if pid == own or pid in extensions}
    carried = set(tree_below(carriers - {own}, below)) | {own}
    roots = [pid for pid, one in everything.items() if pid in extensions or is_ours(one.words)]
    chosen: dict[int, str | None] = {}
    for pid in tree_below(roots, below):
        above = (extensions.get(upper) for upper in (pid, *ancestors(pid, everything)))
        if pid not in carried:
            chosen[pid] = next((extension for extension in above if extension), None)
    return chosen


def open_files(process: psutil.Process) -> tuple[str, ...]:
    """Paths of the files that it has open, no devices, pipes and sockets, those that it writes to first."""
    found = told(process.open_files) or []
    writing = sorted(found, key=lambda one: getattr(one, "mode", "r") == "r")
    return tuple(dict.fromkeys(plain(one.path) for one in writing if one.path))[:MOST_FILES]


def agent_roles(processes: Iterable[ProcessFacts]) -> Mapping[str, ProcessFacts]:
    """The guest agent's own processes by their role."""
    return {role: one for one in processes if (role := agent_role(f"{one.name} {one.command}"))}


def ancestors(pid: int, everything: Mapping[int, Running]) -> list[int]:
    """Who started it, who started that one, and so on."""
    found: list[int] = []
    while (one := everything.get(pid)) is not None and one.parent and one.parent not in found:
        pid = one.parent
        found.append(pid)
    return found


def _facts(one: Running, extension: str | None, below: int) -> ProcessFacts:
    process = one.process
    with process.oneshot():
        times = process.cpu_times()
        return ProcessFacts(
            one.pid,
            one.name,
            one.command[:LONGEST_COMMAND],
            process.status(),
            datetime.fromtimestamp(process.create_time(), timezone.utc),
            round(times.user + times.system, 2),
            process.memory_info().rss,
            below,
            one.parent or None,
            extension,
        )
