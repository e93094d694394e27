"""One line to the serial console, where boot diagnostics show it without network or Run Command."""

from __future__ import annotations

import logging
import os
import select
import stat
import sys
import threading
import time
from collections import deque
from pathlib import Path

from collector.bundle.console import cut, to_ascii
from collector.model import RedactedText

log = logging.getLogger(__name__)

#: Serial ports of Azure's machines: x86 and Arm (Microsoft documentation, Azure Serial Console for Linux).
_PORTS = ("ttyS0", "ttyAMA0")
_MOST_BYTES = 500
_STEP_SECONDS = 0.1
_MOST_WAITING = 8  # lines
_END = "\r\n"


def find_device(wanted: str = "", root: Path = Path("/")) -> Path | None:
    """The device to write to: the one that is `wanted`, else a serial port that the kernel uses as its console."""
    if wanted:
        return root / "dev" / wanted.removeprefix("/dev/")
    active = {*_first_words(root / "proc" / "consoles"), *_words(root / "sys" / "class" / "tty" / "console" / "active")}
    return next((root / "dev" / port for port in _PORTS if port in active), None)


class Console:
    """Writes in a thread of its own, one line after another: closing a serial port can take half a minute."""

    def __init__(self, device: Path | None, seconds: float = 2.0) -> None:
        """`seconds`: how long the device may take for one line."""
        self._device, self._seconds = device, seconds
        self._lock = threading.Lock()
        self._lines: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self._thread: threading.Thread | None = None  # while there is something to write
        #: What went wrong with the newest line, "" where nothing did.
        self.problem = "" if device else "this machine has no serial console"

    def say(self, text: RedactedText) -> bool:
        """Begins to write one line, at most 500 bytes of printable ASCII; False where there is no console.

        Never waits and never fails. Of lines that wait for one another the oldest are left out.
        """
        if type(text) is not RedactedText:
            raise TypeError("only redacted text goes to the console")
        if self._device is None:
            return False
        line = f"{_END}{cut(to_ascii(text), _MOST_BYTES - len(_END) * 2)}{_END}".encode("ascii")
        with self._lock:
            self._lines.append(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(self._device,), name="console", daemon=True)
                self._thread.start()
        return True

    def wait(self, seconds: float) -> bool:
        """Whether everything was written, or given up, within `seconds`: before the process ends."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return thread is None or not thread.is_alive()

    def _run(self, device: Path) -> None:
        while (line := self._next()) is not None:
            try:
                self.problem = _write(device, line, time.monotonic() + self._seconds)
            except OSError as error:
                self.problem = f"{device} can't be written: {error.strerror}"
            if self.problem:
                log.info("no line to the console: %s", self.problem)
                self._lines.clear()  # what takes nothing now would hold up each of them

    def _next(self) -> bytes | None:
        with self._lock:
            if self._lines:
                return self._lines.popleft()
            self._thread = None
            return None


if sys.platform == "win32":

    def _write(device: Path, line: bytes, end: float) -> str:
        return "there is no serial console that vmext knows on Windows"

else:
    import termios

    _FLAGS = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC

    def _write(device: Path, line: bytes, end: float) -> str:
        """What went wrong, "" where all of it was written before `end`. Raises OSError."""
        if not stat.S_ISCHR(device.stat().st_mode):  # nothing of a file is ever written over
            return f"{device} is no terminal"
        terminal = os.open(device, _FLAGS)
        try:
            if not os.isatty(terminal):
                return f"{device} is no terminal"
            ready = select.poll()
            ready.register(terminal, select.POLLOUT)
            while line and time.monotonic() < end:
                if ready.poll(_STEP_SECONDS * 1_000):
                    line = line[_written(terminal, line) :]
            if line:
                termios.tcflush(terminal, termios.TCOFLUSH)  # or closing would wait for a reader that never comes
                return f"{device} takes nothing"
        finally:
            os.close(terminal)
        return ""

    def _written(terminal: int, line: bytes) -> int:
        try:
            return os.write(terminal, line)
        except BlockingIOError:
            return 0


def _first_words(file: Path) -> list[str]:
    return [line.split()[0] for line in _text(file).splitlines() if line.split()]


def _words(file: Path) -> list[str]:
    return _text(file).split()


def _text(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return stream.read(4_096).decode("ascii", "replace")
    except OSError:
        return ""
