"""Target: lines to records, with every format and zone.

The first byte chooses one of them; the rest is the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from collector.extract.signals import of_record
from collector.model import Line, Record, Source
from collector.parse.registry import FORMATS, bounds_of, detect, parse

ZONES: tuple[tzinfo | None, ...] = (
    None,
    timezone.utc,
    ZoneInfo("Europe/Berlin"),
    ZoneInfo("Australia/Lord_Howe"),  # half an hour of summer time
    timezone(timedelta(hours=-12)),
    timezone(timedelta(hours=14)),
)
_SOURCE = Source("var/log/azure/Pub.Type/x.log", Path("x.log"), "log", "auto", "Pub.Type", "1.0")
_CHOICES = [(name, zone) for name in FORMATS for zone in ZONES]
#: Stamps at the ends of the calendar, in every form.
_EDGES = "\n".join(
    form.format(year=year)
    for year in ("0001", "9999")
    for form in (
        "{year}-01-01T00:00:00.000000Z INFO ExtHandler ExtHandler x",
        "{year}-12-31T23:59:59.9999999+14:00 x",
        "{year}/12/31 23:59:59.999999 ERROR x",
        "time={year}-01-01T00:00:00-23:59 event=x",
        "time={year}-12-31T23:59:59Z level=ERROR event=x",
        "[00000006] [12/31/{year} 23:59:59.99] [ERROR] x",
        "VERBOSE: [{year}-01-01 00:00:00Z] [ERROR] x",
        "DiagnosticsPluginLauncher.exe Information: 0 : [1/1/{year} 12:00:00 AM] x",
        "Error {year}/01/01 00:00:00 x",
    )
).encode()
#: A stamp is either a moment, or local: then any zone may be meant.
_SURE = frozenset({"utc", "offset", "zone"})


def check(data: bytes) -> None:
    if data:
        text, lines = _lines(data)
        detect(_SOURCE, lines)
        _check(text, lines, *_CHOICES[data[0] % len(_CHOICES)])


def check_all(data: bytes) -> None:
    """The text with every format and zone, so that an input keeps its worth when formats are added."""
    text, lines = _lines(data)
    detect(_SOURCE, lines)
    for choice in _CHOICES:
        _check(text, lines, *choice)


def seeds(files: list[Path]) -> Iterator[bytes]:
    """Pieces of logs, each with the format that is found for it; the ends of the calendar with all."""
    for number in range(len(_CHOICES)):
        yield bytes([number]) + _EDGES
    for file in files:
        text = file.read_bytes()[:2_000]
        found = detect(_SOURCE, _lines(b"\0" + text)[1])
        for zone in (None, ZONES[2]):
            yield bytes([_CHOICES.index((found, zone))]) + text


def _lines(data: bytes) -> tuple[list[str], list[Line]]:
    text = data[1:].decode("utf-8", "replace").split("\n")
    return text, [Line(number, line) for number, line in enumerate(text, start=1)]


def _check(text: list[str], lines: list[Line], name: str, zone: tzinfo | None) -> None:
    bounds = bounds_of(name, zone)
    seen: list[str] = []
    for record in parse(lines, _SOURCE, name, zone):
        assert record.line == len(seen) + 1, "the number is the first line's"
        seen += record.raw
        _times(record, bounds(record.raw[0]))
        of_record(record)
    assert seen == text, "every line is in exactly one record"


def _times(record: Record, bounds: tuple[object, object] | None) -> None:
    """The window reader finds a record by the bounds of its first line: its time must lie between them."""
    if record.time is None or record.basis == "inherited":
        return
    assert bounds is not None, "a record with a time of its own begins with a line that has bounds"
    low, high = bounds
    assert low <= high  # type: ignore[operator]
    if record.basis in _SURE:
        assert low <= record.time <= high, "the time is one of those that the stamp can mean"  # type: ignore[operator]
    assert (record.time.tzinfo is None) == (record.basis == "local"), "only a time whose zone is unknown is naive"
