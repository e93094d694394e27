"""Boots and shutdowns by the system's own list of them (wtmp, Linux)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime, timezone

from collector.model import SystemEvent

PLACE = "var/log/wtmp"
#: struct utmp of glibc (utmp(5)): type, process, line, id, user, host, exit, session, seconds. Where a long has its
#: full width in it (aarch64), a record is 400 bytes long.
_LAYOUTS = {
    384: struct.Struct("<hxxi32s4s32s256shhii"),
    400: struct.Struct("<hxxi32s4s32s256shhqq"),
}
_RUN_LEVEL, _BOOT = 1, 2
_KNOWN_TYPES = range(1, 10)
#: Seconds since 1970 of a clock that was set: from 2001 to 2242.
_FIRST, _LAST = 10**9, 2**33
_LOOKED_AT = 8  # records


def boots(data: bytes, first_record: int = 0) -> Iterator[SystemEvent]:
    """`data`: whole records. `line` of an event is the number of its record, counted from `first_record` + 1."""
    size = record_size(data)
    for number, at in enumerate(range(0, len(data) - size + 1, size) if size else (), first_record + 1):
        kind, _, _, _, user, release, _, _, _, seconds = _LAYOUTS[size].unpack_from(data, at)
        if not _FIRST < seconds < _LAST:
            continue
        when = datetime.fromtimestamp(seconds, timezone.utc)
        name, kernel = _text(user), f" {_text(release)}".rstrip()
        if kind == _BOOT:
            yield SystemEvent("boot", when, f"{name or 'reboot'} system boot{kernel}", PLACE, number)
        elif kind == _RUN_LEVEL and name == "shutdown":
            yield SystemEvent("shutdown", when, f"{name} system down{kernel}", PLACE, number)


def record_size(data: bytes) -> int:
    """Bytes of a record of this list; 0 if it is none."""
    plausible = {size: _plausible(data, size) for size in _LAYOUTS}
    size = max(plausible, key=lambda one: plausible[one])
    return size if plausible[size] else 0


def _plausible(data: bytes, size: int) -> int:
    """How many of the first records look like records of that size."""
    begins = range(0, min(len(data), _LOOKED_AT * size) - size + 1, size)
    heads = (_LAYOUTS[size].unpack_from(data, at) for at in begins)
    return sum(head[0] in _KNOWN_TYPES and _FIRST < head[9] < _LAST for head in heads)


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")
