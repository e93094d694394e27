"""The parts of a pull on disk, so that one that was stopped goes on, and the bundle that comes of them."""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

from collector.bundle.parts import Part, read_parts
from collector.bundle.reader import Bundle, open_bundle
from collector.errors import ConfigError

_MOST_BYTES = 100_000  # of a saved part
_MOST_FILES = 2_000
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")


class PartFiles:
    """A folder's files of one instance, ``.pull-SET-INSTANCE-BUNDLE-3of9.txt``: the part as the instance printed it."""

    def __init__(self, folder: Path, scale_set: str, instance: str) -> None:
        self._folder = folder
        self._stem = f".pull-{_UNSAFE.sub('_', scale_set)}-{_UNSAFE.sub('_', instance)}-"

    def parts(self) -> Iterator[Part]:
        """Those whose own hash holds."""
        for file in self._files():
            try:
                if file.stat().st_size <= _MOST_BYTES:
                    yield from read_parts(file.read_text(encoding="ascii", errors="replace"))[0]
            except OSError as error:
                raise ConfigError(f"{file} can't be read: {error.strerror or error}") from error

    def save(self, part: Part, text: str) -> None:
        """Keeps the answer in which a part came."""
        name = f"{self._stem}{part.core.bundle}-{part.number}of{part.total}.txt"
        _write(self._folder / name, text.encode("ascii", "replace")[-_MOST_BYTES:])

    def remove(self) -> None:
        """Takes all of them away, once they are a bundle or of no use any more."""
        for file in self._files():
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise ConfigError(f"{file} can't be removed: {error.strerror or error}") from error

    def _files(self) -> list[Path]:
        try:
            found = [file for file in self._folder.iterdir() if file.name.startswith(self._stem)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigError(f"{self._folder} can't be read: {error.strerror or error}") from error
        return sorted(file for file in found if file.suffix == ".txt")[:_MOST_FILES]


def store(folder: Path, core: bytes) -> tuple[Path, Bundle]:
    """Writes the core as a bundle's file, all of it or nothing. Raises BundleError where it is no bundle."""
    bundle = open_bundle(io.BytesIO(core))
    path = folder / f"{bundle.id}.zip"
    _write(path, core)
    return path, bundle


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(f".{os.urandom(6).hex()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror or error}") from error
