"""The agent's own log: lines of JSON, redacted, bounded on disk; it never raises and never follows itself."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from collector.redact.log import RedactingJsonFormatter
from collector.redact.redactor import Redactor

FOLDER, _NAME = "log", "vmext.log"
#: An entry that comes again is written so often in so many seconds; then it is counted.
_SAME, _SAME_SECONDS, _MOST_KEPT = 3, 600.0, 512
#: After a failure the file is left alone for so long.
_AGAIN_SECONDS = 10.0
#: What a message, its arguments or the disk can do wrong.
_FAULTS = (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError)


class OwnLog(logging.Handler):
    """Writes below `folder` at most `most_files` files of `most_bytes` each: ``vmext.log``, ``vmext.log.1``, ..."""

    def __init__(
        self,
        folder: Path,
        redactor: Redactor,
        most_bytes: int,
        most_files: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`redactor` is used by this handler alone, under its lock."""
        super().__init__()
        self._redactor = redactor
        self.setFormatter(RedactingJsonFormatter(redactor))
        self.file = folder / _NAME
        self._most_bytes, self._most_files, self._clock = most_bytes, most_files, clock
        self._descriptor: int | None = None
        self._size = 0
        self._lost, self._again = 0, 0.0
        self._seen: dict[int, tuple[float, int]] = {}  # of an entry: when it was first written, how often it came

    @property
    def lost(self) -> int:
        """Entries that could not be written since the last one that could."""
        return self._lost

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._is_repeated(record):
                return
            line = self.format(record)
        except _FAULTS as error:
            line = self._substitute(record, error)
        self._append(line)

    def handleError(self, record: logging.LogRecord) -> None:
        """Nothing: Python's own would print the record, unredacted, to standard error."""

    def close(self) -> None:
        self.acquire()
        try:
            self._shut()
        finally:
            self.release()
        super().close()

    def configure(self, level: str, most_bytes: int, most_files: int) -> None:
        """As the configuration says now. `level`: debug, info, warning or error; the root logger's, so that what is not
        wanted costs nothing."""
        self.acquire()
        self._most_bytes, self._most_files = most_bytes, most_files
        self.release()
        logging.getLogger().setLevel(level.upper())

    def _is_repeated(self, record: logging.LogRecord) -> bool:
        """Whether the entry was written often enough lately; the next that is written tells how many were not."""
        now = self._clock()
        key = hash((record.name, record.levelno, record.getMessage()))
        first, count = self._seen.get(key, (now, 0))
        if now - first >= _SAME_SECONDS:
            record.repeated = max(0, count - _SAME)
            first, count = now, 0
        if key not in self._seen and len(self._seen) >= _MOST_KEPT:
            del self._seen[next(iter(self._seen))]
        self._seen[key] = (first, count + 1)
        return count >= _SAME

    def _substitute(self, record: logging.LogRecord, error: BaseException) -> str:
        """Where an entry can't be told: that there was one."""
        plain = logging.LogRecord(
            record.name, record.levelno, record.pathname, record.lineno,
            "an entry of line %d could not be told: %s", (record.lineno, type(error).__name__), None,
        )  # fmt: skip
        return self.format(plain)

    def _append(self, line: str) -> None:
        """One whole line, or none."""
        if self._lost and self._clock() < self._again:
            self._lost += 1
            return
        data = f"{line}\n".encode("ascii", "backslashreplace")
        try:
            self._write(data)
        except OSError:
            self._lost += 1
            self._again = self._clock() + _AGAIN_SECONDS
            self._shut()
            return
        if self._lost:
            lost, self._lost = self._lost, 0
            note = logging.LogRecord(
                __name__, logging.WARNING, __file__, 0, "%d entries before this could not be written", (lost,), None
            )
            self._append(self.format(note))

    def _write(self, data: bytes) -> None:
        if self._descriptor is None or self._size + len(data) > self._most_bytes or self._is_gone(self._descriptor):
            self._open(len(data))
        assert self._descriptor is not None
        written = os.write(self._descriptor, data)
        if written < len(data):  # the disk is full: no half line stays
            os.ftruncate(self._descriptor, self._size)
            raise OSError(f"{self.file} takes no whole line")
        self._size += written

    @staticmethod
    def _is_gone(descriptor: int) -> bool:
        """Whether someone deleted the file; Windows does not let them."""
        return os.name == "posix" and os.fstat(descriptor).st_nlink == 0

    def _open(self, needed: int) -> None:
        """Opens the file, rotated where it has no room."""
        self._shut()
        self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.file.exists() and self.file.stat().st_size + needed > self._most_bytes:
            self._rotate()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        self._descriptor = os.open(self.file, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
        self._size = os.fstat(self._descriptor).st_size

    def _rotate(self) -> None:
        """Names move up by one, what has no place goes; files of an earlier, larger number go too."""
        self._redactor.forget()  # entries hardly ever come again
        for old in self.file.parent.glob(f"{_NAME}.*"):
            number = old.suffix[1:]
            if number.isdecimal() and int(number) >= self._most_files - 1:
                old.unlink()
        for place in range(self._most_files - 2, 0, -1):
            if (older := self._numbered(place)).exists():
                older.replace(self._numbered(place + 1))
        if self._most_files > 1:
            self.file.replace(self._numbered(1))
        else:
            self.file.unlink()

    def _numbered(self, number: int) -> Path:
        return self.file.with_name(f"{_NAME}.{number}")

    def _shut(self) -> None:
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            try:
                os.close(descriptor)
            except OSError:
                self._lost += 1


def is_own(state: Path) -> Callable[[Path], bool]:
    """Tells which files are the agent's own, by whatever path: all in its state folder. They must never be followed."""
    folder = _place(state)
    inside = folder.rstrip(os.sep) + os.sep

    def holds(file: Path) -> bool:
        place = _place(file)
        return place == folder or place.startswith(inside)

    return holds


def _place(path: Path) -> str:
    """Without links; of equal case where the system makes no difference."""
    return os.path.normcase(os.path.realpath(path))


def install(folder: Path, redactor: Redactor, level: str, most_bytes: int, most_files: int) -> OwnLog:
    """Makes it the only place where our log goes. `level`: debug, info, warning or error."""
    handler = OwnLog(folder, redactor, most_bytes, most_files)
    logging.raiseExceptions = False
    logging.getLogger("watchdog").setLevel(logging.WARNING)  # it would tell of every event
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    return handler
