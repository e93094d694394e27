"""What root made in a folder of another user, given to that user.

A service whose user owns the folder could not write it else: an operator makes a token or an index as root, while the
endpoint runs as a user that exists only as long as it does (systemd.exec(5), DynamicUser=). SQLite does the same for
the files beside a database (robustFchown in its os_unix.c).
"""

from __future__ import annotations

import logging
import os
import stat
import sys
from pathlib import Path

log = logging.getLogger(__name__)


def hand_over(folder: Path) -> None:
    """Gives root's files and folders right below `folder` to its owner; does nothing for anyone but root.

    Links are left alone, and so is a file of several names: another user could have made one of root's so.
    """
    if sys.platform == "win32" or os.geteuid() != 0:
        return
    try:
        owner = folder.stat()
        if owner.st_uid == 0:
            return
        for entry in os.scandir(folder):
            found = entry.stat(follow_symlinks=False)
            is_ours = found.st_uid == 0 and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1)
            if is_ours and not entry.is_symlink():
                os.chown(entry.path, owner.st_uid, owner.st_gid, follow_symlinks=False)
    except OSError as error:
        log.warning("%s: what was made there can't be given to its owner: %s", folder, error.strerror or error)
