"""What a parser says of a line that begins a record, and what a format is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from collector.parse.stamps import Stamp

_LEVELS = {
    "ERROR": "ERROR", "ERR": "ERROR", "FATAL": "ERROR", "CRITICAL": "ERROR", "PANIC": "ERROR",
    "WARNING": "WARNING", "WARN": "WARNING",
    "INFO": "INFO", "INFORMATION": "INFO", "NOTICE": "INFO", "HEART": "INFO",
    "DEBUG": "DEBUG", "VERBOSE": "DEBUG", "TRACE": "DEBUG",
}  # fmt: skip


@dataclass(slots=True)
class Head:
    """The head line of a record, taken apart. `stamp` None: the record inherits its time."""

    stamp: Stamp | None
    level: str
    message: str
    extension: str | None = None
    version: str | None = None
    name: str | None = None
    operation: str | None = None
    sequence: int | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    alone: bool = False  # the next line never belongs to it


@dataclass(slots=True)
class Unfinished:
    """A record that may still get lines: its head, its lines as they stand, and the message so far."""

    head: Head
    raw: list[str]
    message: list[str]
    size: int  # characters


@dataclass(frozen=True, slots=True)
class Format:
    """One log format.

    `head` is None for a line that continues a record. `belongs` is asked about a line that looks like a head, with
    the record before it: if it is only a part of that (a nested log, a line of a message that repeats the stamp), what
    it adds to the message, else None.
    `finish` sees the whole message. A format is `stampless` if no line of it ever has a stamp. `quick_stamp` gives
    the stamp that `head` would give, without taking the rest of the line apart.
    """

    name: str
    head: Callable[[str], Head | None]
    finish: Callable[[Head, str], tuple[Head, str]] | None = None
    belongs: Callable[[Unfinished, Head, str], str | None] | None = None
    stampless: bool = False
    quick_stamp: Callable[[str], Stamp | None] | None = None

    def stamp(self, text: str) -> Stamp | None:
        """The stamp of a line that begins a record with one."""
        if self.quick_stamp is not None:
            return self.quick_stamp(text)
        head = self.head(text)
        return head.stamp if head is not None else None


def level_of(word: str) -> str:
    """ERROR, WARNING, INFO, DEBUG or "" for a word no one knows."""
    return _LEVELS.get(word.upper(), "")
