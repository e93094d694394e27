"""Files and folders of our own, where other users may have put something first: a link, a pipe, a file of theirs.

The administrator's process alone is careful about whose a file is; what any other process reads and writes is what its
user may read and write anyway. Windows has access lists instead (`own_folder.py`).
Sources: open(2), O_NOFOLLOW and O_NONBLOCK; sudo(8), SUDO_UID.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

_PRIVATE = 0o700
_OTHERS = "other users may write it: chmod go-w"
_NO_PLAIN_FILE = "it is no plain file"


def open_own(file: Path, flags: int) -> int:
    """A descriptor of a plain file in a folder of ours, which is made for its owner alone; waits for no one.

    Raises OSError, where it is a link or someone else's, too.
    """
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    return _plain(os.open(file, flags, 0o600), file, trusted=_ours())


def read_named(file: Path, most: int) -> bytes:
    """What is in a plain file that a setting names, `most` bytes at most; it may be a link.

    Raises OSError, where it is longer or others could have written it, too. Behind `sudo` it may belong to who calls.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = _plain(os.open(file, flags), file, trusted=_ours() | _caller())
    with os.fdopen(descriptor, "rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it is larger than {most} bytes", str(file))
    return content


def check_named(path: Path) -> None:
    """Of what a setting names and a library reads by its path: a plain file, or a folder of them.

    Raises OSError where there is none, or where others could have written it; as `read_named`.
    """
    if path.is_dir():
        if reason := _doubt(path.stat(), _ours() | _caller()):
            raise PermissionError(errno.EACCES, reason, str(path))
        return
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    os.close(_plain(os.open(path, flags), path, trusted=_ours() | _caller()))


def make_private(folder: Path) -> None:
    """Makes a folder that only its owner can enter, or makes it so.

    Raises OSError; PermissionError where it, or what lies directly in it, is someone else's, or others could put
    another one in its place.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    status, me = folder.stat(), os.geteuid()
    if reason := _strange(folder, status, me) or _replaceable(folder, me):
        raise PermissionError(errno.EACCES, reason, str(folder))
    if status.st_uid == me and status.st_mode & 0o777 != _PRIVATE:
        folder.chmod(_PRIVATE)
    for file in folder.iterdir() if me == 0 else ():  # the folder may have been open once
        with suppress(FileNotFoundError):  # another process has removed it meanwhile
            if file.lstat().st_uid != 0:
                raise PermissionError(errno.EACCES, f"{file.name} in it belongs to another user", str(folder))


def _strange(folder: Path, status: os.stat_result, me: int) -> str:
    """Why what lies in a folder may be someone else's; "" where it is ours. Of root, root's do."""
    if status.st_uid not in (0, me):
        return _of_another(status)
    if me != 0:
        return ""
    if folder.lstat().st_uid != 0:
        return "it is a link of another user"
    return "all users share it" if status.st_mode & stat.S_ISVTX else ""


def _replaceable(folder: Path, me: int) -> str:
    """Why others may take a folder of root away and put another one there; "" where they may not.

    Where a folder has the sticky bit, its owner alone may (rename(2), unlink(2)).
    """
    if me != 0:
        return ""
    trusted = _ours() | _caller()
    for parent in sorted({*folder.absolute().parents, *folder.resolve().parents}):
        status = parent.stat()
        by_group = status.st_mode & stat.S_IWGRP and status.st_gid not in trusted
        if (by_group or status.st_mode & stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX:
            return f"other users may put another one in its place: chmod go-w {parent}"
    return ""


def _plain(descriptor: int, file: Path, *, trusted: frozenset[int]) -> int:
    """The same descriptor; it is closed where it is not one of a plain file of a trusted user."""
    status = os.fstat(descriptor)
    reason = _doubt(status, trusted) if stat.S_ISREG(status.st_mode) else _NO_PLAIN_FILE
    if not reason:
        return descriptor
    os.close(descriptor)
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    raise OSError(errno.EINVAL if reason == _NO_PLAIN_FILE else errno.EACCES, reason, str(file))


def _doubt(status: os.stat_result, trusted: frozenset[int]) -> str:
    if os.name != "posix" or os.geteuid() != 0:
        return ""
    if status.st_uid not in trusted:
        return _of_another(status)
    # a user's own group has the user's number
    by_group = status.st_mode & stat.S_IWGRP and status.st_gid not in trusted
    return _OTHERS if by_group or status.st_mode & stat.S_IWOTH else ""


def _of_another(status: os.stat_result) -> str:
    return f"it belongs to another user, number {status.st_uid}"


def _ours() -> frozenset[int]:
    return frozenset({0, os.geteuid()}) if os.name == "posix" else frozenset()


def _caller() -> frozenset[int]:
    """Who called by `sudo`; the variable is of no use to anyone who is not."""
    told = os.environ.get("SUDO_UID", "")
    return frozenset({int(told)}) if told.isdecimal() else frozenset()
