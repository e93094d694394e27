"""What kind of file system a folder lies on."""

from __future__ import annotations

import os
import re
from pathlib import Path

from collector.platforms.paths import plain

_MOUNTS = Path("/proc/self/mountinfo")
#: On these, changes that other machines make, or that are made below a layer, are not told to who watches
#: (inotify(7), section Limitations; Linux, Documentation/filesystems/overlayfs.rst).
_SILENT = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"ocfs2", "overlay", "smb3", "smbfs", "vboxsf", "virtiofs", "vmhgfs"}
)
_ESCAPE = re.compile(r"\\([0-7]{3})")


def notifies(folder: Path) -> str:
    """Why changes in a folder may not be told by the system; "" where they are."""
    if os.name != "posix":
        return "it lies on a share" if plain(str(folder)).startswith("\\\\") else ""
    kind = kind_of(folder)
    return f"it lies on {kind}" if kind in _SILENT or kind.startswith("fuse") else ""


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
        point = Path(_ESCAPE.sub(lambda found: chr(int(found[1], 8)), fields[4]))
        if (point == real or point in real.parents) and len(point.parts) >= best:  # a later mount lies over others
            best, kind = len(point.parts), after.split()[0]
    return kind
