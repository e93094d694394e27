"""The formats there are, and records from lines. A new format is one file and one line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from itertools import count

from collector.model import WIDEST, Line, Record, Source
from collector.parse import (
    command_execution,
    dsc,
    generic,
    go_platform,
    handlers_windows,
    logfmt,
    pyext,
    shell_trace,
    waagent,
    waagent_old,
    waapp,
    windows_event,
)
from collector.parse.heads import Format
from collector.parse.records import records
from collector.parse.stamps import local_bounds
from collector.parse.terminal import plain

FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (
        waagent.FORMAT,
        waagent_old.FORMAT,
        command_execution.FORMAT,
        logfmt.FORMAT,
        logfmt.SLOG,
        pyext.FORMAT,
        pyext.VMBACKUP,
        waapp.FORMAT,
        waapp.HANDLER,
        handlers_windows.DOMAIN_JOIN,
        dsc.FORMAT,
        handlers_windows.DIAGNOSTICS,
        handlers_windows.MSI,
        handlers_windows.XML_EVENTS,
        windows_event.FORMAT,
        go_platform.FORMAT,
        generic.ISO,
        generic.GENERIC,
        shell_trace.FORMAT,
        generic.PLAIN,
    )
}
_EPOCH = datetime.fromtimestamp(0, timezone.utc)
#: Tried on a file of unknown form.
_GUESSES = (
    "waagent", "logfmt", "python-extension", "waapp", "domain-join", "dsc", "wad", "msi", "xml-events", "go-platform",
)  # fmt: skip
#: Forms that also know lines which are parts of records of another: they must know half as many more.
_LAST_GUESSES = ("generic", "shell-trace")
#: The form of a file's first stamp is the file's, unless another knows so many times as many lines: a command's output
#: may hold more lines of its own form than the log has records.
_QUOTED = 8
#: The agent's forms in a log of an extension: it is the extension that speaks.
_OF_HANDLER = {"waapp": "windows-handler", "waagent": "generic"}
#: What the first agents wrote where later ones write their own form.
_OF_OLD_AGENT = {
    ("waagent", "python-extension"): "waagent-old",
    ("command-execution", "python-extension"): "waagent-old",
}


def detect(source: Source, first: Sequence[Line]) -> str:
    """The name of the format of a file: what its table row says, unless its first lines speak for another."""
    told = source.format if source.format in FORMATS else None
    if told and (told == "plain" or not first or _heads(told, first)):
        return told
    best, most = _guess(first)
    if told and most * 2 < len(first):
        return told
    if told and (old := _OF_OLD_AGENT.get((told, best))):
        return old
    return _OF_HANDLER.get(best, best) if source.extension else best


def is_sure(source: Source, first: Sequence[Line]) -> bool:
    """Whether more lines can't change what `detect` says: the table names the form, and a line has it."""
    return source.format in FORMATS and (source.format == "plain" or bool(_heads(source.format, first)))


def _guess(first: Sequence[Line]) -> tuple[str, int]:
    """The form that knows the lines best, and how many it knows."""
    known = {name: found for name in (*_GUESSES, *_LAST_GUESSES) if (found := _heads(name, first))}
    best, most = "plain", 0
    for name, found in known.items():
        if len(found) > (most * 1.5 if name in _LAST_GUESSES else most):
            best, most = name, len(found)
    begin = min((found[0] for found in known.values()), default=0)
    openers = [name for name in _GUESSES if begin in known.get(name, ())]
    opener = max(openers, key=lambda name: len(known[name]), default=best)
    if opener != best and len(known[opener]) * _QUOTED >= most:
        return opener, len(known[opener])
    return best, most


def _heads(name: str, lines: Sequence[Line]) -> list[int]:
    """Which of the lines begin a record of a format, by a stamp if the format has stamps."""
    format_ = FORMATS[name]
    begins = format_.head if format_.stampless else format_.stamp
    return [number for number, line in enumerate(lines) if begins(plain(line.text)) is not None]


def bounds_of(format_name: str, zone: tzinfo | None) -> Callable[[str], tuple[datetime, datetime] | None]:
    """Reads off a line that begins a record the earliest and the latest moment (UTC) that its stamp can mean; None
    for other lines. They differ in an hour that comes twice, and for a local stamp whose zone nothing tells."""
    format_ = FORMATS[format_name]
    stamp_of = format_.quick_stamp or format_.stamp

    def bounds(text: str) -> tuple[datetime, datetime] | None:
        stamp = stamp_of(plain(text))
        if stamp is None:
            return None
        moment = stamp.moment
        if stamp.basis != "local":
            return moment, moment
        if zone is None:
            moment = moment.replace(tzinfo=timezone.utc)
            return moment - WIDEST, moment + WIDEST
        return local_bounds(moment, zone)

    return bounds


def begins_of(format_name: str) -> Callable[[str], tuple[datetime, datetime] | None] | None:
    """Of a format without stamps: tells where records begin, by moments that are all different and mean nothing else.
    None for a format with stamps."""
    format_ = FORMATS[format_name]
    if not format_.stampless:
        return None
    moments = count()

    def begins(text: str) -> tuple[datetime, datetime] | None:
        if format_.head(plain(text)) is None:
            return None
        moment = _EPOCH + timedelta(microseconds=next(moments))
        return moment, moment

    return begins


def parse(lines: Iterable[Line], source: Source, format_name: str, zone: tzinfo | None) -> Iterator[Record]:
    """Records in the order of the file. Every line is in exactly one record's `raw`.

    Lines may be left out between records; such a gap shows in the numbers of the lines. How the time of each record
    was got, and how sure it is, stands in `collector.parse.records`.
    """
    return records(lines, source, FORMATS[format_name], zone)
