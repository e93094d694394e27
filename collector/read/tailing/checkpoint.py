"""The file that keeps how far each stream was read.

One stream a line, each with its own check, so that a damaged file still tells what is whole in it. The file is renamed
into place when it is on the disk.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from collector.platforms import durable
from collector.read.tailing.stream import Stream, from_json, to_json

VERSION = 1
#: What `load` found: nothing; a file of ours; a damaged one, of which the whole lines go on; one of a later version.
Start = Literal["first", "continued", "damaged", "newer"]
#: A larger file is none of ours.
_MOST_BYTES = 64_000_000


@dataclass(slots=True)
class Checkpoint:
    start: Start
    streams: list[Stream] = field(default_factory=list)
    next: int = 1  # number of the next new stream
    note: str = ""  # what was wrong


def save(file: Path, streams: Iterable[Stream], next_number: int) -> None:
    """Raises OSError; then what was there before still stands."""
    head = json.dumps({"version": VERSION, "next": next_number})
    lines = [head[:-1] + ', "streams": [', ",\n".join(_line(stream) for stream in streams), "]}", ""]
    durable.write(file, "\n".join(lines).encode("utf-8"))


def load(file: Path, now: float) -> Checkpoint:
    """Never raises: a file that is damaged or of a later version is set aside as NAME.broken, and said so.

    `now`: seconds since the epoch. Which numbers such a file gave out is not known; the new ones begin there.
    """
    try:
        data = _content(file)
    except FileNotFoundError:
        return Checkpoint("first")
    except OSError as error:
        return _set_aside(
            file, Checkpoint("damaged", next=int(now), note=f"the checkpoint can't be read: {error.strerror}")
        )
    text = data.decode("utf-8", "replace")
    try:
        whole = json.loads(text)
        version = int(whole["version"])
    except (ValueError, OverflowError, KeyError, TypeError, RecursionError):
        return _set_aside(file, _salvaged(text, now))
    if version > VERSION:
        note = f"the checkpoint is of version {version}, this program knows {VERSION}"
        return _set_aside(file, Checkpoint("newer", next=int(now), note=note))
    try:
        streams = [_checked(value) for value in whole["streams"]]
        return Checkpoint("continued", streams, int(whole["next"]))
    except (ValueError, OverflowError, KeyError, TypeError, AttributeError):
        return _set_aside(file, _salvaged(text, now))


def _content(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(_MOST_BYTES)


def _line(stream: Stream) -> str:
    value = to_json(stream)
    return json.dumps({**value, "check": _check(value)})


def _check(value: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(value, sort_keys=True).encode("utf-8"))


def _checked(value: dict[str, Any]) -> Stream:
    """Raises ValueError (and what `from_json` does) for a line that is not as it was written."""
    rest = {key: one for key, one in value.items() if key != "check"}
    if value["check"] != _check(rest):
        raise ValueError("the check does not fit")
    return from_json(rest)


def _salvaged(text: str, now: float) -> Checkpoint:
    streams: dict[int, Stream] = {}
    for line in text.splitlines():
        try:
            stream = _checked(json.loads(line.rstrip(",")))
        except (ValueError, OverflowError, KeyError, TypeError, AttributeError, RecursionError):
            continue
        streams[stream.number] = stream
    note = f"the checkpoint is damaged; {len(streams)} streams in it are whole and go on"
    return Checkpoint("damaged", list(streams.values()), max(int(now), max(streams, default=0) + 1), note)


def _set_aside(file: Path, kept: Checkpoint) -> Checkpoint:
    aside = file.with_name(f"{file.name}.broken")
    try:
        file.replace(aside)
        kept.note += f"; it was set aside as {aside.name}"
    except OSError as error:
        kept.note += f"; it can't be set aside: {error.strerror}"
    return kept
