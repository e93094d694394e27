"""The formats there are, and records from lines. A new format is one file and one line here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from itertools import chain, islice

from collector.model import Line, Record, Source
from collector.parse import dsc, generic, handlers_windows, logfmt, pyext, waagent, waapp
from collector.parse.heads import Format, Head
from collector.parse.stamps import Clock, local_stamp

FORMATS: dict[str, Format] = {
    format_.name: format_
    for format_ in (
        waagent.FORMAT,
        Format("command-execution", generic.command_execution_head, waagent.finish),
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
        generic.PLATFORM,
        generic.ISO,
        generic.GENERIC,
        generic.PLAIN,
    )
}
#: Tried in this order on a file of unknown form; the first that knows the most lines wins.
_GUESSES = (
    "waagent", "logfmt", "python-extension", "waapp", "domain-join", "dsc", "wad", "msi", "xml-events", "go-platform", "generic",
)  # fmt: skip
#: The agent's forms in a log of an extension: it is the extension that speaks.
_OF_HANDLER = {"waapp": "windows-handler", "waagent": "generic"}
#: A record holds at most so many characters and lines; the rest becomes records of its own.
_LONGEST, _MOST_LINES = 262_144, 5_000
_SAMPLE = 60
_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07")


@dataclass(slots=True)
class _Open:
    """A record that may still get lines."""

    head: Head
    number: int
    time: datetime | None
    basis: str
    message: list[str]
    raw: list[str] = field(default_factory=list)
    size: int = 0


def detect(source: Source, first: Sequence[Line]) -> str:
    """The name of the format of a file: what its table row says, unless its first lines speak for another."""
    told = source.format if source.format in FORMATS else None
    if told and (told == "plain" or not first or _heads(told, first)):
        return told
    best, most = "plain", 0
    for name in _GUESSES:
        known = _heads(name, first)
        if known > most:
            best, most = name, known
    if told and most * 2 < len(first):
        return told
    return _OF_HANDLER.get(best, best) if source.extension else best


def _heads(name: str, lines: Sequence[Line]) -> int:
    """How many of the lines begin a record of a format."""
    heads = (FORMATS[name].head(line.text) for line in lines)
    return sum(1 for head in heads if head is not None and head.stamp is not None)


def stamp_of(format_name: str, zone: tzinfo | None) -> Callable[[str], datetime | None]:
    """Reads the moment off a line that begins a record, None for other lines."""
    format_ = FORMATS[format_name]

    def moment(text: str) -> datetime | None:
        head = format_.head(text)
        if head is None or head.stamp is None:
            return None
        stamp = head.stamp
        return local_stamp(stamp.moment, zone).moment if stamp.basis == "local" else stamp.moment

    return moment


def parse(lines: Iterable[Line], source: Source, zone: tzinfo | None) -> Iterator[Record]:
    """Records in the order of the file. Every line is in exactly one record's `raw`."""
    stream = iter(lines)
    sample = list(islice(stream, _SAMPLE))
    format_ = FORMATS[detect(source, sample)]
    clock = Clock(zone)
    opened: _Open | None = None
    for line in chain(sample, stream):
        head = format_.head(_ANSI.sub("", line.text) if "\x1b" in line.text else line.text)
        joins = opened is not None and (head is None or (head.joins and _same_time(opened, head, clock)))
        if (
            joins
            and opened is not None
            and not opened.head.alone
            and opened.size < _LONGEST
            and len(opened.raw) < _MOST_LINES
        ):
            opened.raw.append(line.text)
            opened.message.append(head.message if head is not None else line.text)
            opened.size += len(line.text)
            continue
        if opened is not None:
            yield _record(opened, source, format_)
        opened = _begin(line, head or Head(None, "", line.text), clock, opened)
    if opened is not None:
        yield _record(opened, source, format_)


def _same_time(opened: _Open, head: Head, clock: Clock) -> bool:
    """Whether a line with a stamp but nothing else continues the record before: same stamp, no level."""
    if head.stamp is None:
        return True
    return (
        opened.head.stamp is not None
        and opened.head.stamp.moment == head.stamp.moment
        and opened.head.level == head.level
    )


def _begin(line: Line, head: Head, clock: Clock, before: _Open | None) -> _Open:
    if head.stamp is not None:
        stamp = clock.place(head.stamp)
        basis, time = stamp.basis, stamp.moment
        if stamp.ambiguous:
            head = replace(head, fields={**head.fields, "ambiguous": "1"})
    elif before is not None and before.time is not None and not head.alone:
        basis, time = "inherited", before.time
    else:
        basis, time = "none", None
    return _Open(head, line.number, time, basis, [head.message], [line.text], len(line.text))


def _record(opened: _Open, source: Source, format_: Format) -> Record:
    head = opened.head
    message = format_.separator.join(opened.message)
    if "\x1b" in message:
        message = _ANSI.sub("", message)
    if format_.finish is not None:
        head, message = format_.finish(head, message)
    return Record(
        path=source.path,
        line=opened.number,
        time=opened.time,
        basis=opened.basis,  # type: ignore[arg-type]
        level=head.level,
        message=message.rstrip("\n"),
        raw=tuple(opened.raw),
        extension=head.extension or source.extension,
        version=head.version or source.version,
        name=head.name or source.name,
        operation=head.operation,
        sequence=head.sequence if head.sequence is not None else source.sequence,
        fields=head.fields,
        format=format_.name,
    )
