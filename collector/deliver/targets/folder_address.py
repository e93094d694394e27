"""Addresses of folders, on this system. Pure."""

from __future__ import annotations

from pathlib import Path, PurePath, PureWindowsPath
from urllib.parse import unquote, urlsplit

from collector.errors import ConfigError


def folder_of(url: str, flavour: type[PurePath] = Path, *, option: str = "--upload") -> str | None:
    r"""The folder that an address means: file:///x, file:///C:/x, file://server/share, /x, C:\x, \\server\share.

    None for what is no folder's address. Raises ConfigError, which names `option`, for a folder of another
    system or a relative one.
    """
    windows = isinstance(flavour(), PureWindowsPath)  # Path makes the one of this system
    parts = urlsplit(url) if url[:5].lower() == "file:" else None
    if parts is None:
        if flavour(url).is_absolute():
            return url
        if PureWindowsPath(url).is_absolute():
            raise ConfigError(f"{option}: {url} is a folder of Windows", "Give a folder of this machine.")
        if url.startswith((".", "/", "\\")):
            raise ConfigError(f"{option}: the folder {url} is not told in full", "Give its whole path.")
        return None
    path = unquote(parts.path)
    host = "" if parts.netloc in ("", "localhost") else parts.netloc
    if windows:
        path = f"//{host}{path}" if host else path.lstrip("/") if path[2:3] == ":" else path
    elif host:
        raise ConfigError(
            f"{option}: file://{host}/ names another machine",
            "Give file:///FOLDER with three slashes, of a folder that is mounted here.",
        )
    if parts.query or parts.fragment or not flavour(path).is_absolute():
        raise ConfigError(f"{option}: this file: address is no whole path", "Give file:///FOLDER.")
    return str(flavour(path))
