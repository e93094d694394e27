"""The other processes of an endpoint: started again when they end, and ended together with this one."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

log = logging.getLogger(__name__)

#: Seconds: who ends sooner than that after its start is started again ever later, up to the longest pause.
_SOON, _FIRST_PAUSE, _LONGEST_PAUSE = 10.0, 0.5, 30.0
#: How long one may take to end by itself before it is killed: what it is at is a batch or a few answers.
_END_SECONDS = 10.0
#: Fresh interpreters: a fork of one that has threads and connections is a fork of their locks.
_SPAWN = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Role:
    """What a process does: `work(tether, *arguments)` in a process of its own, see `hold`."""

    name: str
    work: Callable[..., None]
    arguments: tuple[Any, ...]


@dataclass
class _Member:
    role: Role
    process: BaseProcess | None = None
    tether: Connection | None = None
    began: float = 0.0
    pause: float = 0.0
    again: float = 0.0
    is_ready: threading.Event = field(default_factory=threading.Event)


class Crew:
    """Processes on this host; one thread watches them."""

    def __init__(self, roles: Sequence[Role], ended: Callable[[int], None] = lambda pid: None) -> None:
        """`ended` is told the process number of each that ended."""
        self._members = [_Member(role) for role in roles]
        self._ended = ended
        self._stopping, self._wake = _SPAWN.Pipe(duplex=False)
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="crew", daemon=True)

    def start(self) -> None:
        """Raises OSError where a process can't be started."""
        for member in self._members:
            self._begin(member)
        self._thread.start()

    def ready(self, seconds: float) -> bool:
        """Waits until each has said that it works; False where one has not by then."""
        until = time.monotonic() + seconds
        return all(member.is_ready.wait(max(0.0, until - time.monotonic())) for member in self._members)

    def pids(self) -> list[int]:
        found = [member.process.pid for member in self._members if member.process is not None]
        return [pid for pid in found if pid is not None]

    def stop(self) -> None:
        """All of them end: what they are at is finished, unless it takes too long."""
        if self._is_stopped.is_set():
            return
        self._is_stopped.set()
        self._wake.send(b"")
        if self._thread.is_alive():
            self._thread.join()
        processes = [member.process for member in self._members if member.process is not None]
        for process in processes:
            process.terminate()
        until = time.monotonic() + _END_SECONDS
        for process in processes:
            process.join(max(0.0, until - time.monotonic()))
            if process.is_alive():
                log.warning("the process %s did not end and is killed", process.pid)
                process.kill()
                process.join()

    def _begin(self, member: _Member) -> None:
        ours, theirs = _SPAWN.Pipe()
        work = member.role.work
        process = _SPAWN.Process(  # no daemon of multiprocessing: those may have no processes of their own
            target=_enter,
            args=(theirs, work.__module__, work.__qualname__, member.role.arguments),
            name=member.role.name,
        )
        process.start()
        theirs.close()
        member.process, member.tether, member.began = process, ours, time.monotonic()

    def _watch(self) -> None:
        while not self._is_stopped.is_set():
            self._look()

    def _look(self) -> None:
        """Waits until something happens, and does what follows from it."""
        now = time.monotonic()
        asleep = [member for member in self._members if member.process is None]
        for member in asleep:
            if now >= member.again:
                try:
                    self._begin(member)
                except OSError as error:
                    log.warning("the %s can't be started: %s", member.role.name, error)
                    member.again = now + _LONGEST_PAUSE
        running = {member.process.sentinel: member for member in self._members if member.process is not None}
        tethers = {
            member.tether: member for member in running.values() if member.tether and not member.is_ready.is_set()
        }
        timeout = min((member.again - now for member in asleep), default=3_600.0)
        happened = wait([self._stopping, *running, *tethers], max(0.05, timeout))
        for tether in tethers.keys() & set(happened):  # first: who ended before it was ready has cut it as well
            self._heard(tethers[tether])
        for sentinel in running.keys() & set(happened):
            self._over(running[sentinel])

    def _heard(self, member: _Member) -> None:
        assert member.tether is not None
        try:
            member.tether.recv()
        except (EOFError, OSError):
            member.tether = None  # it ended; its sentinel tells
        else:
            member.is_ready.set()

    def _over(self, member: _Member) -> None:
        assert member.process is not None
        member.process.join()
        pid, code = member.process.pid, member.process.exitcode
        now = time.monotonic()
        is_soon = now - member.began < _SOON
        member.pause = min(_LONGEST_PAUSE, member.pause * 2 or _FIRST_PAUSE) if is_soon else _FIRST_PAUSE
        member.process, member.tether, member.again = None, None, now + member.pause
        if not self._is_stopped.is_set():
            log.warning("the %s (process %s) ended with %s and is started again", member.role.name, pid, code)
        self._ended(pid or 0)


def _enter(tether: Connection, module: str, name: str, arguments: tuple[Any, ...]) -> None:
    """In a process of a crew: it ends at once when the one that started it is gone, also while it is only beginning.

    What it leaves then is what a kill leaves, which nothing is lost by. Loading what it works with takes a second, in
    which the next endpoint may have begun, and cleared away what this one counts in.
    """

    def until_cut() -> None:
        try:
            while tether.recv():
                pass
        except (EOFError, OSError):
            os._exit(1)

    threading.Thread(target=until_cut, name="tether", daemon=True).start()
    getattr(import_module(module), name)(tether, *arguments)


def hold(tether: Connection) -> None:
    """In a process of a crew: it works now."""
    tether.send(b"ready")


def on_end(stop: Callable[[], None]) -> None:
    """Calls `stop` when this process is to end. An interrupt at the terminal reaches all: the first one decides."""
    signal.signal(signal.SIGTERM, lambda number, frame: stop())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
