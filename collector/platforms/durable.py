"""Changes of files that are on the disk when a call returns, each of them whole or not made."""

from __future__ import annotations

import os
from pathlib import Path

from collector.platforms.folders import sync_folder


def write(file: Path, content: bytes) -> None:
    """A file of its owner alone: temporary name, fsync, rename, fsync of the folder. Raises OSError."""
    temporary = file.with_name(f".{file.name}.{os.urandom(4).hex()}.partial")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(file)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(file.parent)


def move(source: Path, target: Path) -> Path:
    """To another folder of the same disk; what lay there is replaced. Raises OSError."""
    source.replace(target)
    sync_folder(target.parent)
    sync_folder(source.parent)
    return target


def remove(file: Path) -> None:
    """Raises OSError, not where the file is gone already."""
    try:
        file.unlink()
    except FileNotFoundError:
        return
    sync_folder(file.parent)


def folder(wanted: Path) -> Path:
    """Made where it is missing, for its owner alone. Raises OSError."""
    if not wanted.is_dir():
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync_folder(wanted.parent)
    return wanted
