"""Paths that Windows' older rules stand in the way of: long ones, names of devices, blanks and dots at the end.

Before a path is opened, Windows cuts such ends off, takes ``aux.log`` for a serial port, and refuses paths of more
than 260 signs unless a machine allows them. Behind the prefix ``\\\\?\\`` it does none of this (Microsoft, Naming
Files, Paths, and Namespaces). A disk that another system wrote to, or a hostile one, may hold any such name.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path, PurePath, PureWindowsPath

#: Signs of a path that every Windows takes: 260 less the end sign, and 12 that it wants free in a folder's path.
_MOST_SIGNS = 247
_PREFIX, _SHARE = "\\\\?\\", "\\\\?\\UNC\\"
#: Names of devices in any folder, whatever ending they have.
DEVICE = re.compile(r"(?i)(?:con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³]|conin\$|conout\$|clock\$) *(?:[.:]|$)")


if sys.platform == "win32":

    def reachable(path: Path, room: int = 0) -> Path:
        """The path that opens the file of exactly that name. `room`: signs of names that will be put below it."""
        if not is_hindered(path, room):
            return path
        return Path(verbatim(path.absolute()))
else:

    def reachable(path: Path, room: int = 0) -> Path:
        """The path that opens the file of exactly that name: the path itself."""
        return path


def is_hindered(path: PurePath, room: int = 0) -> bool:
    """Whether Windows would refuse a path, or open something else. Names are looked at as Windows does."""
    text = str(path)
    if text.startswith(_PREFIX):
        return False
    if len(text) + room > _MOST_SIGNS:
        return True
    parts = path.parts[1:] if path.anchor else path.parts
    return any(DEVICE.match(part) or (part[-1:] in (" ", ".") and part not in (".", "..")) for part in parts)


def verbatim(path: PurePath) -> str:
    """An absolute path of Windows behind the prefix, where ``..`` has no meaning and is worked out here."""
    parts: list[str] = []
    for part in path.parts[1:]:
        if part == "..":
            del parts[-1:]
        else:
            parts.append(part)
    anchor = path.anchor
    head = _SHARE + anchor[2:] if anchor.startswith("\\\\") else _PREFIX + anchor
    return head + "\\".join(parts)


def plain(path: str) -> str:
    """A path without the prefix, as the system tells of changes. Others stay as they are."""
    if path.startswith(_SHARE):
        return "\\\\" + path[len(_SHARE) :]
    return path[len(_PREFIX) :] if path.startswith(_PREFIX) else path


def system_program(name: str) -> str:
    """A program of Windows' own folder and no other, whatever PATH says."""
    folder = os.environ.get("SystemRoot", r"C:\Windows")  # noqa: SIM112 - its spelling
    return str(PureWindowsPath(folder, "System32", name))


def drive_of(path: PurePath) -> str:
    """``C:`` of a Windows path with or without the prefix; "" where there is none."""
    return PureWindowsPath(plain(str(path))).drive if path.drive else ""
