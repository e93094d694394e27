"""The zone files of a disk."""

from __future__ import annotations

import io
import re
import struct
from dataclasses import dataclass
from datetime import tzinfo

from collector.discover.tree import Tree

_DATABASES = ("usr/share/zoneinfo", "usr/lib/zoneinfo", "usr/share/lib/zoneinfo")
_NAME = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*")


@dataclass(frozen=True, slots=True)
class DiskZone:
    """`tz` None where nothing on the disk tells the zone; `note` says why, or what makes it doubtful."""

    tz: tzinfo | None
    name: str | None
    note: str = ""


def zone_of(tree: Tree, name: str) -> tzinfo | None:
    """The zone by the disk's own files, which may be newer or older than this machine's."""
    tz = from_bytes(zone_data(tree, name), name)
    if tz is not None or not _NAME.fullmatch(name):
        return tz
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def zone_data(tree: Tree, name: str) -> bytes:
    """The disk's own file of a zone; nothing for a name that is none."""
    found = (tree.read(f"{database}/{name}") for database in _DATABASES if _NAME.fullmatch(name))
    return next((data for data in found if data and data.startswith(b"TZif")), b"")


def from_bytes(data: bytes, name: str) -> tzinfo | None:
    """The zone that a file describes (RFC 8536); None for no data, or for data that is damaged."""
    if not data:
        return None
    from zoneinfo import ZoneInfo

    try:
        return ZoneInfo.from_file(io.BytesIO(data), key=name)
    except (ValueError, EOFError, struct.error, IndexError):
        return None
