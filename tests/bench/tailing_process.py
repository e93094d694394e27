"""A tailer as a process that is watched from outside: what it has used up to now, and what it holds."""

from __future__ import annotations

import subprocess
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import psutil

from tests.bench.measuring import plain_environ

_LOOK_SECONDS = 0.02
_STOP_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Used:
    """What a process has used and holds at one moment."""

    at: float  # monotonic seconds
    cpu: float  # seconds of user and system, without its children
    children: float  # seconds of the children that have ended
    rss_mb: float  # 10^6 bytes
    handles: int
    watches: int  # of inotify
    threads: int


def used(process: psutil.Process) -> Used:
    """Raises psutil.Error where the process has ended."""
    with process.oneshot():
        times = process.cpu_times()
        return Used(
            time.monotonic(),
            times.user + times.system,
            times.children_user + times.children_system,
            process.memory_info().rss / 1e6,
            process.num_fds(),
            _watches(process.pid),
            process.num_threads(),
        )


def _watches(pid: int) -> int:
    count = 0
    for file in Path(f"/proc/{pid}/fdinfo").iterdir():
        try:
            count += file.read_bytes().count(b"inotify wd:")
        except OSError:  # closed meanwhile
            continue
    return count


class Tailer(ABC):
    """Follows one log. A context: started, and ended with what it still had to say."""

    name = ""

    def __init__(self, log: Path, folder: Path) -> None:
        """`folder` is its own, for its configuration, state and output."""
        self.log = log
        self.folder = folder
        self.output = ""
        folder.mkdir(parents=True, exist_ok=True)

    @abstractmethod
    def command(self) -> tuple[list[str | Path], dict[str, str]]:
        """How it is started, and what its environment holds besides. Raises Unmeasured where it isn't there."""

    def begin(self) -> None:  # noqa: B027 - nothing to wait for is an answer
        """Waits until it follows its log."""

    def settle(self) -> None:  # noqa: B027
        """What is to be done, before it is started, where the log is there already."""

    @abstractmethod
    def processed(self) -> int:
        """How much of the log is through, in bytes."""

    def check(self) -> str:
        """What is wrong with what it gave; asked when it has ended."""
        return ""

    def __enter__(self) -> Tailer:
        command, environ = self.command()
        self._errors = tempfile.TemporaryFile()
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env={**plain_environ(), **environ},
        )
        self._process = psutil.Process(self._child.pid)
        try:
            self.begin()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends it, and keeps what it still had to say."""
        if self._errors.closed:
            return
        self._child.terminate()
        try:
            self.output = self._child.communicate(timeout=_STOP_SECONDS)[0].decode("utf-8", "replace")
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.communicate()
        self._errors.close()

    def used(self) -> Used:
        """RuntimeError, with what it said, where it has ended."""
        if self._child.poll() is not None:
            self._errors.seek(0)
            said = self._errors.read()[-2000:].decode("utf-8", "replace")
            raise RuntimeError(f"{self.name} ended with {self._child.returncode}: {said}")
        return used(self._process)

    def wait(self, done: Callable[[], bool], seconds: float) -> bool:
        """Whether it came true in time; RuntimeError where the process ends before."""
        end = time.monotonic() + seconds
        while not done():
            self.used()
            if time.monotonic() > end:
                return False
            time.sleep(_LOOK_SECONDS)
        return True
