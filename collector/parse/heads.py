"""What a parser says of a line that begins a record."""

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


@dataclass(frozen=True, slots=True)
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
    joins: bool = False  # belongs to the record before although it has a stamp


@dataclass(frozen=True, slots=True)
class Format:
    """One log format. `head` is None for a line that continues a record; `finish` sees the whole message."""

    name: str
    head: Callable[[str], Head | None]
    finish: Callable[[Head, str], tuple[Head, str]] | None = None
    separator: str = "\n"  # between the lines of a message


def level_of(word: str) -> str:
    """ERROR, WARNING, INFO, DEBUG or "" for a word no one knows."""
    return _LEVELS.get(word.upper(), "")
