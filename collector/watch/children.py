"""Collecting and sending in processes of their own, so that the resident one stays small and never waits for them."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

#: What a run prints at most (bytes), with room for what goes wrong.
_MOST_OUTPUT = 65_536
#: A run that takes longer is ended: the parts of collecting are bounded, together they take minutes at worst.
_LONGEST_SECONDS = 1_800.0
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Ended:
    """What came of a child. `document`: its verdict as JSON, empty where it printed none. `error`: what it said
    otherwise."""

    name: str
    exit_code: int
    seconds: float
    document: Mapping[str, object]
    error: str = ""


class Child:
    """One run of the command line. Poll it; it is ended where it takes too long."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
        longest_seconds: float = _LONGEST_SECONDS,
    ) -> None:
        """`environ` is added to this process's own. Raises OSError where no process can be started."""
        self.name = name
        self._clock = clock
        self._began = clock()
        self._longest = longest_seconds
        self._process = subprocess.Popen(
            [*own_command(), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environ},
        )
        self._output = b""
        self._listener = threading.Thread(target=self._listen, name=f"vmext-{name}", daemon=True)
        self._listener.start()

    def ended(self) -> Ended | None:
        """What came of it, None while it runs."""
        code = self._process.poll()
        seconds = self._clock() - self._began
        if code is None and seconds > self._longest:
            log.warning("%s took longer than %.0f s and is ended", self.name, self._longest)
            self._process.kill()
            code = self._process.wait()
        if code is None:
            return None
        self._listener.join(_STOP_SECONDS)
        return Ended(self.name, code, seconds, *_understood(self._output))

    def stop(self) -> None:
        """Ends it, gently at first."""
        self._process.terminate()
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(_STOP_SECONDS)

    def _listen(self) -> None:
        """Keeps the end of what it prints, so that no pipe fills."""
        assert self._process.stdout is not None
        with self._process.stdout as stream:
            while block := os.read(stream.fileno(), _MOST_OUTPUT):
                self._output = (self._output + block)[-_MOST_OUTPUT:]


def own_command() -> list[str]:
    """How this program starts itself: as isolated from its environment as it runs, and out of the same single file."""
    isolated = ["-I"] if sys.flags.isolated else []
    if sys.argv[0].endswith(".pyz"):
        return [sys.executable, *isolated, sys.argv[0]]
    return [sys.executable, *isolated, "-m", "collector"]


def _understood(output: bytes) -> tuple[Mapping[str, object], str]:
    text = output.decode("utf-8", "replace")
    said = []
    document: Mapping[str, object] = {}
    for line in text.splitlines():
        found = _object(line)
        if found is not None:
            document = found
        elif line.strip():
            said.append(line.strip())
    return document, "; ".join(said)[-1_000:]


def _object(line: str) -> Mapping[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
