"""The zone of a Windows disk: the running machine tells it, or the registry hive of a mounted one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

from collector.data.zones import iana_name
from collector.discover.hive import HiveError
from collector.discover.hive_zone import ZoneSettings, zone_settings
from collector.discover.tree import Tree
from collector.discover.zone_files import DiskZone, zone_of
from collector.model import WIDEST
from collector.platforms import current
from collector.platforms.host import Host
from collector.platforms.local_time import MachineZone

_HIVE = "Windows/System32/config/SYSTEM"


def of_windows(root: Path, host: Host | None, settings: Callable[[Path], ZoneSettings] | None) -> DiskZone:
    """As `disk_zone`. `settings` reads the hive; regipy does unless another is given."""
    host, settings = host or current(), settings or zone_settings
    if host.system == "windows" and root.resolve() == host.root().resolve():
        return DiskZone(MachineZone(), f"this machine's zone, {MachineZone().name()} now")
    tree = Tree(root, fold=True)
    hive = tree.resolve(_HIVE)
    if hive is None or not _is_there(hive):
        return DiskZone(None, None)
    try:
        told = settings(hive)
    except HiveError as error:
        return DiskZone(None, None, f"the registry hive was not read: {error}")
    zone = _of_settings(tree, told)
    if told.in_use and not zone.note:
        return replace(zone, note="the registry hive was in use: a change of the zone just before may be missing")
    return zone


def _is_there(file: Path) -> bool:
    """A file in a closed folder counts: trying to read it tells that it is closed."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True


def _of_settings(tree: Tree, told: ZoneSettings) -> DiskZone:
    """By name; else by the offset, which holds all year only where no daylight time does."""
    name = told.key_name or told.standard_name
    if told.disabled and told.daylight is False and (fixed := _fixed(told)) is not None:
        return fixed
    iana = iana_name(name)
    if iana is not None:
        tz = zone_of(tree, iana)
        return DiskZone(tz, iana, "" if tz else f"this machine has no data of the zone {iana}")
    if told.daylight is False and (fixed := _fixed(told)) is not None:
        return fixed
    return DiskZone(None, name or None, _unknown(name))


def _unknown(name: str) -> str:
    return f"the registry names the zone {name!r}, which no table knows" if name else "the registry names no zone"


def _fixed(told: ZoneSettings) -> DiskZone | None:
    if told.bias is None or abs(timedelta(minutes=told.bias)) > WIDEST:
        return None
    tz = timezone(timedelta(minutes=-told.bias))
    return DiskZone(tz, str(tz))
