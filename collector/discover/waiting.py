"""What a process that does nothing waits for: input, a lock, a connection, a child, time.

Of Linux the kernel tells in which system call each thread sits; of Windows only children and connections are told.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from collector.discover.handler_paths import extension_in
from collector.discover.processes import Running, children, plain, told
from collector.model import LockHolder, ProcessFacts
from collector.platforms import proc as procfs
from collector.platforms.proc import PROC, FileLock, Wait

log = logging.getLogger(__name__)

_DEEPEST = 6  # children of children that a sentence names
_LONGEST_SECONDS = 3.0  # for all processes together; connections of a busy machine are many
#: The agent gives this to a handler, which hands it on to all that it starts (Azure/WALinuxAgent, exthandlers.py).
_HANDLER_FOLDER = "AZURE_GUEST_AGENT_EXTENSION_PATH"
_TERMINALS = ("/dev/tty", "/dev/pts/", "/dev/console", "/dev/hvc")
#: Where the kernel does not tell the call, the function in which a thread sleeps says nearly the same.
_FUNCTIONS = {
    "do_wait": "wait", "pipe_read": "read", "anon_pipe_read": "read", "pipe_wait": "read", "n_tty_read": "terminal",
    "hrtimer_nanosleep": "sleep", "do_nanosleep": "sleep", "do_epoll_wait": "poll", "ep_poll": "poll",
    "poll_schedule_timeout": "poll", "futex_wait_queue": "futex", "futex_wait_queue_me": "futex",
    "inet_wait_for_connect": "connect", "fcntl_setlk": "fcntl", "locks_lock_inode_wait": "fcntl",
    "flock_lock_inode_wait": "fcntl",
}  # fmt: skip
#: Programs that ask for their lock again every second or so instead of waiting in it.
_PACKAGE_MANAGERS = frozenset({"apt", "apt-get", "aptitude", "dpkg", "yum", "dnf", "dnf5", "tdnf", "rpm", "zypper"})
_STATES = {
    "zombie": "its parent to take note of its end (zombie)",
    "stopped": "a signal to go on (it was stopped)",
    "tracing-stop": "a debugger",
}
_PLAIN = {
    "pause": "a signal",
    "accept": "a client that connects",
    "open": "someone to open the other end of a pipe",
    "write": "someone to read what it writes",
    "poll": "events",
    "futex": "another of its own threads",
}
#: Calls in which a process can wait for a child: a shell's `wait` for its signal, others for its output.
_FOR_CHILDREN = frozenset({"wait", "pause", "poll", "futex", "read"})
#: Such sentences tell more than others; of several children one with such a one is named.
_TELLING = ("input", "a lock", "connection")


@dataclass(slots=True)
class Waiting:
    """Answers for the processes of one moment. `held`: the package managers' locks that are held."""

    everything: Mapping[int, Running]
    held: Sequence[LockHolder] = ()
    proc: Path = PROC
    _below: Mapping[int, list[int]] = field(default_factory=dict)
    _locks: Sequence[FileLock] = ()
    _linked: dict[int, list[tuple[int, str, str]] | None] = field(default_factory=dict)
    _end: float = 0.0

    def __post_init__(self) -> None:
        self._below = children(self.everything)
        self._locks = procfs.file_locks(self.proc)
        self._end = time.monotonic() + _LONGEST_SECONDS

    @property
    def has_time(self) -> bool:
        """Whether there is still time to ask more of the processes."""
        return time.monotonic() <= self._end

    def told(self, facts: ProcessFacts) -> ProcessFacts:
        """The process with what it waits for and how many connections it has; only so far when the time is over."""
        if not self.has_time:
            return facts
        linked = self._connections(facts.pid)
        return replace(
            facts,
            waits_for=plain(self.sentence(facts.pid, facts.state)),
            connections=None if linked is None else len(linked),
        )

    def sentence(self, pid: int, state: str, above: tuple[int, ...] = ()) -> str:
        """Such as ``input (terminal)``; "" for a process that works, or of which nothing is told. `above`: those whose
        sentences this one becomes a part of."""
        if state in _STATES:
            return _STATES[state]
        if state == "disk-sleep":
            function = procfs.kernel_function(pid, self.proc)
            return f"a disk or a network file system{f' ({function})' if function else ''}"
        calls = list(procfs.waits(pid, self.proc)) or self._by_function(pid)
        names = {call.call for call in calls}
        return (
            self._lock(pid, calls)
            or self._read(pid, calls, above)
            or self._connection(pid)
            or (self._child(pid, above) if not names or names & _FOR_CHILDREN else "")
            or self._answer(pid, calls)
            or self._prompt(pid, names)
            or (self._time(pid) if "sleep" in names else "")
            or next((_PLAIN[call.call] for call in calls if call.call in _PLAIN), "")
        )

    def _by_function(self, pid: int) -> list[Wait]:
        name = _FUNCTIONS.get(procfs.kernel_function(pid, self.proc).partition(".")[0])
        return [Wait(name, -1)] if name else []

    # ---- locks -----------------------------------------------------------------------------------------

    def _lock(self, pid: int, calls: Sequence[Wait]) -> str:
        mine = next((lock for lock in self._locks if lock.waits and lock.pid == pid), None)
        asking = next((call for call in calls if call.call in ("fcntl", "flock")), None)
        if mine is None and asking is None:
            return ""
        path = procfs.descriptor(pid, asking.descriptor, self.proc) if asking else ""
        holder = next((lock for lock in self._locks if mine and lock.number == mine.number and not lock.waits), None)
        by = f" held by {self._named(holder.pid)}" if holder is not None and holder.pid > 0 else ""
        return f"a lock{f' on {path}' if path else ''}{by}"

    def _time(self, pid: int) -> str:
        one = self.everything.get(pid)
        if one is not None and one.name in _PACKAGE_MANAGERS:
            for lock in self.held:
                if lock.pid is not None and lock.pid != pid and not self._is_kin(pid, lock.pid):
                    return f"a lock on {lock.path} held by {self._named(lock.pid)}, probably: it asks again and again"
        return "time to pass (sleep)"

    def _is_kin(self, pid: int, other: int) -> bool:
        """Whether one of them started the other."""
        return self._is_above(pid, other) or self._is_above(other, pid)

    def _is_above(self, pid: int, lower: int) -> bool:
        for _ in range(64):
            one = self.everything.get(lower)
            if one is None or not one.parent:
                return False
            lower = one.parent
            if lower == pid:
                return True
        return False

    # ---- input, pipes and sockets ----------------------------------------------------------------------

    def _read(self, pid: int, calls: Sequence[Wait], above: tuple[int, ...]) -> str:
        for call in calls:
            if call.call == "terminal":
                return "input (terminal)"
            if call.call != "read" or call.descriptor < 0:
                continue
            what = procfs.descriptor(pid, call.descriptor, self.proc)
            if what.startswith(_TERMINALS):
                return "input (terminal)"
            if what.startswith("pipe:"):
                return self._pipe(pid, call.descriptor, what, above)
            if what.startswith("/"):
                return f"someone to write to {what}"
        return ""

    def _prompt(self, pid: int, names: set[str]) -> str:
        """Programs with line editing watch the terminal before they read from it."""
        is_watching = "poll" in names and procfs.descriptor(pid, 0, self.proc).startswith(_TERMINALS)
        return "input (terminal)" if is_watching else ""

    def _pipe(self, pid: int, number: int, pipe: str, above: tuple[int, ...]) -> str:
        """From a child or from a process beside it: its output; else it is input."""
        others = [*self._below.get(pid, ()), *self._siblings(pid)]
        for other in others:
            if self._writes(other, pipe):
                if other in self._below.get(pid, ()):
                    return self._said("child", other, (*above, pid))
                return self._said("output of", other, (*above, pid))
        parent = self.everything[pid].parent if pid in self.everything else 0
        if self._writes(parent, pipe):
            return f"input (a pipe from {self._named(parent)})"
        return "input (a pipe)" if number == 0 else ""

    def _writes(self, pid: int, pipe: str) -> bool:
        ends = procfs.descriptors(pid, self.proc)
        return any(end == pipe and procfs.writes_to(pid, at, self.proc) for at, end in ends.items())

    def _siblings(self, pid: int) -> list[int]:
        one = self.everything.get(pid)
        return [other for other in self._below.get(one.parent, ()) if other != pid] if one is not None else []

    def _connections(self, pid: int) -> list[tuple[int, str, str]] | None:
        """Descriptor, state and far end of each TCP connection."""
        if pid not in self._linked:
            self._linked[pid] = self._asked(pid)
        return self._linked[pid]

    def _asked(self, pid: int) -> list[tuple[int, str, str]] | None:
        one = self.everything.get(pid)
        if one is None:
            return None
        ask = getattr(one.process, "net_connections", None) or one.process.connections  # named so since psutil 6
        found = told(lambda: ask(kind="tcp"))
        if found is None:
            return None
        return [(c.fd, c.status, f"{c.raddr[0]}:{c.raddr[1]}") for c in found if c.raddr]

    def _connection(self, pid: int) -> str:
        far = next((far for _, state, far in self._connections(pid) or () if state == "SYN_SENT"), None)
        return f"connection to {far} (no answer)" if far else ""

    def _answer(self, pid: int, calls: Sequence[Wait]) -> str:
        names = {call.call for call in calls}
        if not names & {"read", "poll"}:
            return ""
        linked = [(fd, far) for fd, state, far in self._connections(pid) or () if state == "ESTABLISHED"]
        reading = {call.descriptor for call in calls if call.call == "read"}
        far = next((far for fd, far in linked if fd in reading), linked[0][1] if len(linked) == 1 else None)
        if far:
            return f"an answer of {far}"
        sockets = (procfs.descriptor(pid, fd, self.proc).startswith("socket:") for fd in reading)
        return "an answer over a local socket" if any(sockets) else ""

    # ---- children --------------------------------------------------------------------------------------

    def _child(self, pid: int, above: tuple[int, ...]) -> str:
        below = [child for child in self._below.get(pid, ()) if self._state(child) not in ("zombie", "")]
        first = ""
        for child in below:
            said = self._said("child", child, (*above, pid))
            if any(word in said for word in _TELLING):
                return said
            first = first or said
        return first

    def _said(self, role: str, pid: int, above: tuple[int, ...]) -> str:
        """One whose own sentence is told as far as it leads on, and as there is time."""
        one = self.everything.get(pid)
        name = f"{role} {one.name if one else 'process'} (pid {pid})"
        is_end = pid in above or len(above) > _DEEPEST or time.monotonic() > self._end
        waits = "" if is_end else self.sentence(pid, self._state(pid), above)
        return f"{name}, which waits for {waits}" if waits else name

    def _state(self, pid: int) -> str:
        one = self.everything.get(pid)
        return (told(one.process.status) or "") if one is not None else ""

    def _named(self, pid: int) -> str:
        one = self.everything.get(pid)
        return f"pid {pid} ({one.name})" if one is not None and one.name else f"pid {pid}"


def extension_of(one: Running) -> str | None:
    """Publisher.Type of a process by its command line, its folder, or what the guest agent gave to its handler."""
    found = extension_in(one.command)
    if found is not None or one.pid == os.getpid():
        return found
    return extension_in(f"{procfs.folder(one.pid)}/") or extension_in(procfs.variable(one.pid, _HANDLER_FOLDER))
