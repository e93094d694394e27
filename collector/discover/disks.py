"""File systems: of this machine with their room, of another machine's disk as its fstab says they are mounted."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from collector.discover.tree import Tree
from collector.model import DiskFacts
from collector.platforms import current
from collector.platforms.file_systems import options_for_others
from collector.platforms.linux import FOLDERS_WRITTEN_TO

log = logging.getLogger(__name__)

#: Images that are never written to are always full.
_IMAGES = frozenset({"squashfs", "iso9660", "udf", "cdfs", "erofs", "cramfs", "romfs"})
_ESCAPED = re.compile(r"\\([0-7]{3})")
_LEAST_FIELDS = 4


def disks() -> tuple[DiskFacts, ...]:
    """Those with a device, and whatever else holds a folder that is written to (a tmpfs on /tmp)."""
    import psutil

    folders = current().folders_written_to()
    everything = _mounts(everything=True)
    held = _held(everything, folders)
    chosen = {mount: one for mount, one in _mounts(everything=False).items() if one.kind.lower() not in _IMAGES}
    chosen |= {mount: everything[mount] for mount in held}
    found = []
    for mount, one in chosen.items():
        try:
            usage = psutil.disk_usage(mount)
            inodes = _inodes_free(mount)
        except OSError as error:
            log.info("no usage of %s: %s", mount, error)
            continue
        found.append(DiskFacts(mount, usage.total, usage.free, inodes, one.options, tuple(held.get(mount, ()))))
    return tuple(found)


class _Mount(NamedTuple):
    kind: str  # of the file system
    options: str


def _mounts(*, everything: bool) -> dict[str, _Mount]:
    """By mount point; where the rest of the system sees others than this process, those, with their options."""
    import psutil

    found = {part.mountpoint: _Mount(part.fstype, part.opts) for part in psutil.disk_partitions(all=everything)}
    options = options_for_others()
    if options is None:
        return found
    return {mount: one._replace(options=options[mount]) for mount, one in found.items() if mount in options}


def mounted_by_file(tree: Tree) -> tuple[DiskFacts, ...]:
    """The mounts that hold folders which are written to, by etc/fstab of a disk. Sizes are 0: nothing tells them."""
    lines = (tree.read("etc/fstab") or b"").decode("utf-8", "replace").splitlines()
    mounts = dict(_entries(lines))
    held = _held(mounts, FOLDERS_WRITTEN_TO)
    return tuple(DiskFacts(mount, 0, 0, None, mounts[mount], tuple(folders)) for mount, folders in held.items())


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Mount point and options; blanks in a name are written as ``\\040`` (fstab(5))."""
    for line in lines:
        fields = line.split()
        if len(fields) >= _LEAST_FIELDS and not fields[0].startswith("#") and fields[1].startswith("/"):
            yield _ESCAPED.sub(lambda found: chr(int(found[1], 8)), fields[1]), fields[3]


def _held(mounts: Iterable[str], folders: Iterable[str]) -> dict[str, list[str]]:
    """The mount that each folder lies on: the one with the longest name above it."""
    held: dict[str, list[str]] = {}
    known = list(mounts)
    for folder in folders:
        above = [mount for mount in known if _is_above(mount, folder)]
        if above:
            held.setdefault(max(above, key=len), []).append(folder)
    return held


def _is_above(mount: str, folder: str) -> bool:
    begin = os.path.normcase(mount).rstrip("/\\")
    place = os.path.normcase(folder).rstrip("/\\")
    return place == begin or (place.startswith(begin) and place[len(begin)] in ("/", "\\"))


def _inodes_free(mount: str) -> int | None:
    """None where a file system makes them as it needs them (btrfs, vfat) or counts none (Windows)."""
    if not hasattr(os, "statvfs"):
        return None
    told = os.statvfs(mount)
    return told.f_favail if told.f_files else None
