"""Changes of files that are on the disk when a call returns, each of them whole or not made."""

from __future__ import annotations

import os
from pathlib import Path


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
    sync(file.parent)


def move(source: Path, target: Path) -> Path:
    """To another folder of the same disk; what lay there is replaced. Raises OSError."""
    source.replace(target)
    sync(target.parent)
    sync(source.parent)
    return target


def remove(file: Path) -> None:
    """Raises OSError, not where the file is gone already."""
    try:
        file.unlink()
    except FileNotFoundError:
        return
    sync(file.parent)


def folder(wanted: Path) -> Path:
    """Made where it is missing, for its owner alone. Raises OSError."""
    if not wanted.is_dir():
        wanted.mkdir(mode=0o700, parents=True, exist_ok=True)
        sync(wanted.parent)
    return wanted


def sync(wanted: Path) -> None:
    """What was renamed or removed in a folder is on the disk. Windows does that by itself."""
    if os.name != "posix":
        return
    descriptor = os.open(wanted, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
