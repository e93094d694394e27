"""The time zone of a disk: what its own files say, else nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta, timezone, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING

from collector.discover.tree import Tree
from collector.discover.zone_files import DiskZone, from_bytes, zone_data, zone_of
from collector.errors import ConfigError
from collector.model import WIDEST, System

if TYPE_CHECKING:
    from collector.discover.hive_zone import ZoneSettings
    from collector.platforms.host import Host

__all__ = ["DiskZone", "disk_zone", "named_zone"]

_OFFSET = re.compile(r"^(?:UTC|GMT)?([+-])(\d{1,2}):?(\d\d)?$", re.IGNORECASE)
#: Old Red Hat and SUSE releases; Debian's init; Solaris' form, which some images still carry.
_SETTING_FILES = ("etc/sysconfig/clock", "etc/default/init", "etc/default/timezone", "etc/TIMEZONE")
_SETTINGS = re.compile(r"""^[ \t]*(?:TZ|ZONE|TIMEZONE)[ \t]*=[ \t]*["']?:?([A-Za-z][A-Za-z0-9_+/ -]*)""", re.MULTILINE)


def disk_zone(
    root: Path,
    system: System,
    host: Host | None = None,
    settings: Callable[[Path], ZoneSettings] | None = None,
) -> DiskZone:
    """The zone in which the disk's machine writes local stamps.

    Windows keeps it in the registry: of the running machine `host` (this one unless given) tells it, of a
    mounted disk `settings`, which reads its hive and raises HiveError where that fails.
    """
    if system == "windows":
        from collector.discover.zone_windows import of_windows

        return of_windows(root, host, settings)
    tree = Tree(root, fold=False)
    data = tree.read("etc/localtime") or b""
    linked = _linked_name(tree)
    if linked is not None and (tz := zone_of(tree, linked)) is not None:
        return DiskZone(tz, linked)
    told = linked or _told_name(tree)
    if not data.startswith(b"TZif"):
        return DiskZone(zone_of(tree, told) if told else None, told)
    name = told if told and _rule(zone_data(tree, told)) == _rule(data) else "/etc/localtime"
    return DiskZone(from_bytes(data, name), name)


def named_zone(root: Path, name: str) -> tzinfo:
    """A zone that a person named: Europe/Berlin, W. Europe Standard Time, UTC, +05:30.

    Raises ConfigError if it is none.
    """
    offset = _OFFSET.match(name.strip())
    if offset:
        length = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        if length <= WIDEST:
            return timezone(length if offset[1] == "+" else -length)
    if name.strip().upper() in ("UTC", "Z", "GMT"):
        return timezone.utc
    from collector.data.zones import iana_name

    tz = zone_of(Tree(root, fold=False), iana_name(name) or name.strip())
    if tz is None:
        raise ConfigError(
            f"--timezone: {name!r} is no time zone",
            "Give a name such as Europe/Berlin, W. Europe Standard Time, UTC, or +05:30.",
        )
    return tz


def _linked_name(tree: Tree) -> str | None:
    """/etc/localtime usually links to the zone's file, whose path ends in its name."""
    folder = tree.resolve("etc")
    try:
        target = str((folder / "localtime").readlink()) if folder else ""
    except (OSError, ValueError):
        return None
    name = target.partition("zoneinfo/")[2]
    return name.removeprefix("posix/") or None


def _told_name(tree: Tree) -> str | None:
    """The name in a file beside it. Such a file may be older than /etc/localtime, which is what counts."""
    name = _text(tree, "etc/timezone").strip().split("\n")[0].strip()
    for place in _SETTING_FILES if not name else ():
        found = _SETTINGS.search(_text(tree, place))
        if found is not None:
            return found[1].strip().replace(" ", "_")
    return name or None


def _rule(data: bytes) -> bytes:
    """The rule in force, which stands in the last line of a zone's file (RFC 8536, footer)."""
    return data.rstrip(b"\n").rpartition(b"\n")[2]


def _text(tree: Tree, path: str) -> str:
    return (tree.read(path) or b"").decode("utf-8", "replace")
