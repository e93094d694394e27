"""The Azure CLI, `az`, as child processes: the only place that starts them.

Argument lists, never a shell; bounded in time and output; all of them can be stopped at once.
"""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

from collector.errors import ConfigError

#: Most that is kept of one answer. A thousand instances with their views are some 20 MB.
MOST_OUT, MOST_ERR = 128 * 1024 * 1024, 256 * 1024
_CHUNK = 64 * 1024
_GIVE_UP_READING = 5.0  # seconds after the end of a process, for grandchildren that keep its pipes open


@dataclass(frozen=True, slots=True)
class Answer:
    """How one `az` ended. `code` is negative for a signal."""

    code: int
    out: str
    err: str
    timed_out: bool = False
    stopped: bool = False


class Az:
    """Starts `az`. `stop` ends all that are running; afterwards only calls that clean up are started."""

    def __init__(self) -> None:
        """Raises ConfigError where there is no az."""
        found = shutil.which("az")  # finds az.cmd on Windows
        if found is None:
            raise ConfigError(
                "the Azure CLI (az) is not on PATH",
                "Install it (https://aka.ms/azcli), or leave --execute out to print the commands.",
            )
        self._program = found
        self._running: dict[subprocess.Popen[bytes], bool] = {}  # whether it cleans up
        self._lock = threading.Lock()
        self._stopped = self._abandoned = False

    def call(self, arguments: Sequence[str], timeout: float, *, cleanup: bool = False) -> Answer:
        """Runs `az` with `arguments` for at most `timeout` seconds. `cleanup` calls are made after `stop` too."""
        command = [self._program, *arguments, "--output", "json", "--only-show-errors"]
        with self._lock:
            if self._abandoned or (self._stopped and not cleanup):
                return Answer(-2, "", "", stopped=True)
            try:
                # A session of its own keeps the terminal's Ctrl-C away: it is ours to end them in order.
                child = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    start_new_session=True,
                    creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
                )
            except OSError as error:
                raise ConfigError(f"{self._program} can't be started: {error.strerror or error}") from error
            self._running[child] = cleanup
        try:
            return self._answer(child, timeout, cleanup)
        finally:
            if child.poll() is None:  # after Ctrl-C: no child outlives its call
                _end(child)
            with self._lock:
                self._running.pop(child, None)

    def stop(self, *, abandon: bool = False) -> None:
        """Ends what runs and does not clean up; with `abandon` all, and nothing is started any more."""
        with self._lock:
            self._stopped = True
            self._abandoned = self._abandoned or abandon
            running = [child for child, cleanup in self._running.items() if abandon or not cleanup]
        for child in running:
            _end(child)

    def _answer(self, child: subprocess.Popen[bytes], timeout: float, cleanup: bool) -> Answer:
        out, err = _Reader(child.stdout, MOST_OUT), _Reader(child.stderr, MOST_ERR)
        timed_out = False
        try:
            child.wait(timeout)
        except subprocess.TimeoutExpired:
            timed_out = True
            _end(child)
            child.wait()
        until = time.monotonic() + _GIVE_UP_READING
        texts = [reader.text(until - time.monotonic()) for reader in (out, err)]
        stopped = child.returncode < 0 and (self._abandoned or (self._stopped and not cleanup))
        return Answer(child.returncode, texts[0], texts[1], timed_out, stopped)


class _Reader:
    """Reads a pipe to its end in a thread of its own, and keeps the first `most` bytes."""

    def __init__(self, pipe: IO[bytes] | None, most: int) -> None:
        self._pipe, self._most, self._kept = pipe, most, bytearray()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        if self._pipe is None:
            return
        with suppress(OSError, ValueError), self._pipe:
            while data := self._pipe.read1(_CHUNK):  # type: ignore[attr-defined]
                self._kept += data[: max(0, self._most - len(self._kept))]

    def text(self, timeout: float) -> str:
        self._thread.join(max(0.1, timeout))
        return bytes(self._kept).decode("utf-8", "replace")


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kills it and what it started: `az` itself is a script around a Python."""
    import psutil

    with suppress(psutil.Error):
        process = psutil.Process(child.pid)
        for each in [*process.children(recursive=True), process]:
            with suppress(psutil.Error):
                each.kill()
