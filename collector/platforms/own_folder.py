"""The folder of the service on Windows, below %ProgramData%, where any user may have been before us."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

from collector.platforms.windows_access import access_list, is_private, is_trusted, make_private_folder, restrict

#: FILE_ATTRIBUTE_REPARSE_POINT: a junction or a link (winnt.h).
_LINK = 0x400
_STRANGER = "it belongs to a user who is no administrator; vmext service install puts it aside"


def make_folder(folder: Path, *, is_admin: bool, is_own: bool) -> None:
    """Private where administrators make it; one that was there is left as it is.

    `is_own`: it is the service's. Then who made it counts, and what is missing from its privacy is made up for.
    Raises OSError, PermissionError where it is someone else's.
    """
    if not folder.exists() and is_admin:
        folder.parent.mkdir(parents=True, exist_ok=True)
        try:
            make_private_folder(folder)
        except FileExistsError:
            pass  # someone was faster
        else:
            return
    folder.mkdir(parents=True, exist_ok=True)
    if not is_own or (is_private(access_list(folder)) and not list(strangers(folder, inside=False))):
        return
    for stranger in strangers(folder, inside=True):
        raise PermissionError(errno.EACCES, _STRANGER, str(stranger))
    if is_admin:
        restrict(folder)


def strangers(folder: Path, *, inside: bool) -> Iterator[Path]:
    """The folder, and what is directly `inside`, where it leads elsewhere or belongs to a user who is not trusted.
    Raises OSError."""
    for path in (folder, *(folder.iterdir() if inside else ())):
        attributes = getattr(path.lstat(), "st_file_attributes", 0)
        if attributes & _LINK or not is_trusted(path):
            yield path
            return


def put_aside(folder: Path) -> Path | None:
    """Out of the way where it is someone else's; gives its new name, None where it may stay. Raises OSError."""
    if not os.path.lexists(folder) or not list(strangers(folder, inside=True)):
        return None
    aside = folder.with_name(f"{folder.name}.{os.urandom(4).hex()}.not-ours")
    folder.rename(aside)
    return aside
