"""Lines to records: where one ends, and when it was.

How the time of a record was got (`Record.basis`) and how sure it is (`Record.sure`):

    utc, offset  the stamp says it                                                                      high
    zone         a local stamp and the known zone; in a repeated hour that the order of the file does
                 not settle, and in a skipped hour                                                      high, medium
    local        a local stamp, no zone known; the time is naive                                        low
    inherited    no stamp of its own: the time of the record before                                     as that, at most medium
    file         a format that has no stamps: when the file was last written. No line is later than
                 that (on a live disk), each may be much earlier                                        low
    none         lines before the first stamp of a file that has stamps; files of unknown age           low

Only a format without stamps gets the file's time. Lines before the first stamp of another are not the file's last
lines, and whether a file has no stamp at all cannot be told here, where parts of it may be left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone, tzinfo

from collector.model import Confidence, Line, Record, Source, TimeBasis
from collector.parse.heads import Format, Head, Unfinished
from collector.parse.stamps import Clock, at_most, in_second_pass
from collector.parse.terminal import plain, shown

#: A record holds at most so many characters and lines; the rest becomes records of its own.
LONGEST, MOST_LINES = 262_144, 5_000
#: Records of a repeated hour that are held back until the order of the file settles them.
_MOST_HELD = 4_096


@dataclass(slots=True)
class _Time:
    moment: datetime | None
    basis: TimeBasis
    sure: Confidence
    ambiguous: bool = False


_NO_TIME = _Time(None, "none", "low")


@dataclass(slots=True)
class _Open(Unfinished):
    """A record that may still get lines, with its place and time."""

    number: int
    time: _Time


def records(lines: Iterable[Line], source: Source, format_: Format, zone: tzinfo | None) -> Iterator[Record]:
    """Records in the order of the file. Every line is in exactly one record's `raw`."""
    found = _records(lines, source, format_, zone)
    return found if zone is None or format_.stampless else _with_hindsight(found, zone)


def _records(lines: Iterable[Line], source: Source, format_: Format, zone: tzinfo | None) -> Iterator[Record]:
    clock = Clock(zone)
    bare = _time_of_file(source) if format_.stampless else _NO_TIME
    opened: _Open | None = None
    expected = 0
    for line in lines:
        text = line.text
        head = format_.head(plain(text))
        follows = line.number == expected
        expected = line.number + 1
        if opened is not None:
            added = _added(opened, head, text, format_, follows)
            if added is not None:
                opened.raw.append(text)
                opened.message.append(added)
                opened.size += len(text)
                continue
            yield _record(opened, source, format_)
        head = head or Head(None, "", text)
        opened = _Open(head, [text], [head.message], len(text), line.number, _time(head, clock, opened, bare))
    if opened is not None:
        yield _record(opened, source, format_)


def _added(opened: _Open, head: Head | None, text: str, format_: Format, follows: bool) -> str | None:
    """What a line adds to the record before it, None if it is none of its lines. `follows`: no line was left out
    between them."""
    if opened.head.alone or opened.size >= LONGEST or len(opened.raw) >= MOST_LINES:
        return None
    if head is None:
        return text
    return format_.belongs(opened, head, text) if follows and format_.belongs is not None else None


def _time(head: Head, clock: Clock, before: _Open | None, bare: _Time) -> _Time:
    if head.stamp is not None:
        stamp = clock.place(head.stamp)
        return _Time(stamp.moment, stamp.basis, stamp.sure, stamp.doubt == "repeated")
    if bare.moment is not None or before is None or before.time.moment is None:
        return bare
    return _Time(before.time.moment, "inherited", at_most(before.time.sure, "medium"))


def _time_of_file(source: Source) -> _Time:
    """When the file was last written; none if no one knows or no clock was ever there."""
    try:
        moment = datetime.fromtimestamp(source.modified, timezone.utc) if source.modified > 0 else None
    except (OverflowError, OSError, ValueError):
        moment = None
    return _Time(moment, "file", "low") if moment else _NO_TIME


def _record(opened: _Open, source: Source, format_: Format) -> Record:
    head, time = opened.head, opened.time
    message = shown("\n".join(opened.message) if len(opened.message) > 1 else opened.message[0])
    if format_.finish is not None:
        head, message = format_.finish(head, message)
    return Record(
        path=source.path,
        line=opened.number,
        time=time.moment,
        basis=time.basis,
        level=head.level,
        message=message.rstrip("\n"),
        raw=tuple(opened.raw),
        extension=head.extension or source.extension,
        version=head.version or source.version,
        name=head.name or source.name,
        operation=head.operation,
        sequence=head.sequence if head.sequence is not None else source.sequence,
        fields={**head.fields, "ambiguous": "1"} if time.ambiguous else head.fields,
        format=format_.name,
        sure=time.sure,
    )


def _with_hindsight(found: Iterable[Record], zone: tzinfo) -> Iterator[Record]:
    """Holds back the records of a repeated hour: a later step back of the clock tells that they are of its first pass."""
    held: list[Record] = []
    for record in found:
        is_open = "ambiguous" in record.fields or (bool(held) and record.basis == "inherited")
        if is_open and len(held) < _MOST_HELD:
            held.append(record)
            continue
        if held and record.basis == "zone" and record.time is not None and in_second_pass(record.time, zone):
            held = [_settled(one) for one in held]
        yield from held
        held.clear()
        yield record
    yield from held


def _settled(record: Record) -> Record:
    if "ambiguous" not in record.fields:
        return record
    fields = {key: value for key, value in record.fields.items() if key != "ambiguous"}
    return replace(record, fields=fields, sure="high")
