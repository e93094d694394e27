"""Which locks of package managers are held now, and by whom (Linux)."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path

from collector.discover.processes import LONGEST_COMMAND, Running, told
from collector.model import LockHolder
from collector.platforms import proc as procfs
from collector.platforms.proc import PROC, FileLock

log = logging.getLogger(__name__)

#: Files that are locked as long as a package manager works: apt, dpkg, rpm, dnf, tdnf.
_LOCKED = (
    "var/lib/dpkg/lock-frontend",
    "var/lib/dpkg/lock",
    "var/lib/apt/lists/lock",
    "var/cache/apt/archives/lock",
    "var/lib/rpm/.rpm.lock",
    "usr/lib/sysimage/rpm/.rpm.lock",
    "run/dnf/rpmtransaction.lock",
    "run/.tdnf-instance-lockfile",
)
#: Files that hold the number of the process that works: yum, zypper, dnf. They may outlive it.
_NUMBERED = {
    "run/yum.pid": ("yum", "python"),
    "run/zypp.pid": ("zypper", "zypp", "packagekit", "yast", "y2"),
    "var/cache/dnf/metadata_lock.pid": ("dnf", "yum", "python", "packagekit"),
    "var/cache/dnf/download_lock.pid": ("dnf", "yum", "python", "packagekit"),
    "var/lib/dnf/rpmdb_lock.pid": ("dnf", "yum", "python", "packagekit"),
}
_MOST_DIGITS = 10
#: A process that started later than its file was written is another one that got the same number.
_GRACE = timedelta(seconds=5)


def held_locks(root: Path, everything: Mapping[int, Running], proc: Path = PROC) -> tuple[LockHolder, ...]:
    """The locks below `root`, which must be that of this machine, that processes hold now."""
    locks = [lock for lock in procfs.file_locks(proc) if not lock.waits]
    return (*(_locked(root, locks, everything, proc) if locks else ()), *_numbered(root, everything))


def _locked(root: Path, locks: list[FileLock], everything: Mapping[int, Running], proc: Path) -> Iterator[LockHolder]:
    for place in _LOCKED:
        try:
            status = (root / place).stat()
        except OSError:
            continue
        device = os.major(status.st_dev), os.minor(status.st_dev)
        for lock in locks:
            if lock.inode != status.st_ino:
                continue
            # some file systems (btrfs, overlay) tell another device here: then whoever holds it has the file open
            if lock.device == device or str(root / place) in procfs.descriptors(lock.pid, proc).values():
                yield _holder(place, lock.pid, everything)
                break


def _numbered(root: Path, everything: Mapping[int, Running]) -> Iterator[LockHolder]:
    for place, names in _NUMBERED.items():
        text = procfs.text_of(root / place).strip()[:_MOST_DIGITS]
        one = everything.get(int(text)) if text.isdecimal() else None
        if one is None or not any(name in one.words.lower() for name in names):
            continue
        holder = _holder(place, one.pid, everything)
        try:
            written = datetime.fromtimestamp((root / place).stat().st_mtime, timezone.utc)
        except OSError:
            continue
        if holder.since is None or holder.since <= written + _GRACE:
            yield holder


def _holder(place: str, pid: int, everything: Mapping[int, Running]) -> LockHolder:
    one = everything.get(pid)
    if one is None:
        return LockHolder(f"/{place}", pid if pid > 0 else None)
    started = told(one.process.create_time)
    since = datetime.fromtimestamp(started, timezone.utc) if started else None
    return LockHolder(f"/{place}", pid, one.name, one.command[:LONGEST_COMMAND], since)
