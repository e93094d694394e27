"""What kind of file system a folder lies on."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from collector.platforms.paths import plain

_MOUNTS = Path("/proc/self/mountinfo")
#: On these, changes that other machines make, or that are made below a layer, are not told to who watches
#: (inotify(7), section Limitations; Linux, Documentation/filesystems/overlayfs.rst).
_SILENT = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"ocfs2", "overlay", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"}
)
_OPTIONS = 3  # the field of a line in which they stand
_ESCAPE = re.compile(r"\\([0-7]{3})")


def notifies(folder: Path) -> str:
    """Why changes in a folder may not be told by the system; "" where they are."""
    if os.name != "posix":
        return "it lies on a share" if plain(str(folder)).startswith("\\\\") else ""
    kind = kind_of(folder)
    return f"it lies on {kind}" if kind in _SILENT or kind.startswith("fuse") else ""


def options_for_others(proc: Path = Path("/proc")) -> Mapping[str, str] | None:
    """Mount points and their options as the first process of the system has them, where this process has a view of its
    own: a service that may not write sees a read-only system, which it is not for anybody else (proc(5), mounts;
    mount_namespaces(7)). None where both see the same, or this process may not ask."""
    try:
        if _namespace(proc / "self") == _namespace(proc / "1") != "":
            return None
        ours, others = ((proc / whose / "mounts").read_bytes() for whose in ("self", "1"))
    except OSError:
        return None
    if ours == others:
        return None
    lines = others.decode("utf-8", "surrogateescape").splitlines()
    rows = (line.split() for line in lines)
    return {_unescaped(fields[1]): fields[3] for fields in rows if len(fields) > _OPTIONS}


def _namespace(process: Path) -> str:
    """ "" where it may not be asked, as some first processes have it."""
    try:
        return str((process / "ns" / "mnt").readlink())
    except PermissionError:
        return ""


def _unescaped(point: str) -> str:
    return _ESCAPE.sub(lambda found: chr(int(found[1], 8)), point)


def kind_of(folder: Path, mounts: Path = _MOUNTS) -> str:
    """The type of the file system as the kernel names it; "" where it isn't told (proc(5), mountinfo)."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        real = folder.resolve()
    except (OSError, RuntimeError):
        return ""
    best, kind = -1, ""
    for line in lines:
        before, _, after = line.partition(" - ")
        fields = before.split()
        if len(fields) < 5 or not after:
            continue
        point = Path(_unescaped(fields[4]))
        if (point == real or point in real.parents) and len(point.parts) >= best:  # a later mount lies over others
            best, kind = len(point.parts), after.split()[0]
    return kind
