"""The time zone of a disk: what its own files say, else nothing."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from datetime import timedelta, timezone, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from collector.discover.tree import Tree
from collector.errors import ConfigError
from collector.model import System

_DATABASES = ("usr/share/zoneinfo", "usr/lib/zoneinfo", "usr/share/lib/zoneinfo")
_OFFSET = re.compile(r"^(?:UTC|GMT)?([+-])(\d{1,2}):?(\d\d)?$", re.IGNORECASE)
_SETTINGS = re.compile(r'^\s*(?:TZ|ZONE|TIMEZONE)\s*=\s*"?([A-Za-z0-9_+/-]+)"?', re.MULTILINE)


@dataclass(frozen=True, slots=True)
class DiskZone:
    """`tz` None where nothing on the disk tells the zone."""

    tz: tzinfo | None
    name: str | None


def disk_zone(root: Path, system: System) -> DiskZone:
    """The zone in which the disk's machine writes local stamps. Windows keeps it in the registry: unknown here."""
    if system == "windows":
        return DiskZone(None, None)
    tree = Tree(root, fold=False)
    name = _linked_name(tree)
    if name is None:
        name = (_text(tree, "etc/timezone") or "").strip().split("\n")[0].strip() or None
    for place in ("etc/sysconfig/clock", "etc/TIMEZONE", "etc/default/init"):
        found = _SETTINGS.search(_text(tree, place) or "") if name is None else None
        name = found[1] if found else name
    if name is not None and (tz := _zone(tree, name)) is not None:
        return DiskZone(tz, name)
    data = tree.read("etc/localtime")
    if data and data.startswith(b"TZif"):
        try:
            return DiskZone(
                ZoneInfo.from_file(io.BytesIO(data), key=name or "/etc/localtime"), name or "/etc/localtime"
            )
        except (ValueError, EOFError):
            return DiskZone(None, name)
    return DiskZone(None, name)


def named_zone(root: Path, name: str) -> tzinfo:
    """A zone that a person named: Europe/Berlin, UTC, +05:30. Raises ConfigError if it is none."""
    offset = _OFFSET.match(name.strip())
    if offset:
        length = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        if length <= timedelta(hours=14):
            return timezone(length if offset[1] == "+" else -length)
    if name.strip().upper() in ("UTC", "Z", "GMT"):
        return timezone.utc
    tz = _zone(Tree(root, fold=False), name.strip())
    if tz is None:
        raise ConfigError(f"--timezone: {name!r} is no time zone", "Give a name such as Europe/Berlin, UTC, or +05:30.")
    return tz


def _linked_name(tree: Tree) -> str | None:
    """/etc/localtime usually links to the zone's file, whose path ends in its name."""
    try:
        target = str((tree.root / "etc/localtime").readlink())
    except OSError:
        return None
    return target.partition("zoneinfo/")[2] or None


def _zone(tree: Tree, name: str) -> tzinfo | None:
    """The zone by the disk's own files, which may be newer or older than this machine's."""
    if not re.fullmatch(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+)*", name):
        return None
    for database in _DATABASES:
        data = tree.read(f"{database}/{name}")
        if data and data.startswith(b"TZif"):
            try:
                return ZoneInfo.from_file(io.BytesIO(data), key=name)
            except (ValueError, EOFError):
                continue
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _text(tree: Tree, path: str) -> str | None:
    data = tree.read(path)
    return data.decode("utf-8", "replace") if data is not None else None
