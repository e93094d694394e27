"""Registry hives of a mounted Windows disk (files of ``Windows/System32/config``).

A hive is never copied and never read whole: regipy's keys are walked on the open file, through a stream that
ends after a bounded number of reads, so that a damaged or hostile hive costs neither memory nor time.
"""

from __future__ import annotations

import importlib
import logging
import os
import stat
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from collector.platforms.files import open_to_read

#: A hive that a machine could work with is smaller: SOFTWARE has some 100 MB.
_MOST_BYTES = 512 * 1024 * 1024
#: One read of the library: it asks for gigabytes where a value is stored in its own pointer.
_MOST_READ = 65_536
#: A usual lookup needs some 5000.
_MOST_READS = 200_000
_MOST_KEYS, _MOST_VALUES = 4096, 256
#: Offsets in a hive count from the end of its header; a cell begins with its size.
_HEADER, _CELL = 4096, 4
NO_LIBRARY = "regipy is missing (the extra hive)"


class HiveError(Exception):
    """A hive tells nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Library:
    """The parts of the library in use, which is loaded only once there is a hive."""

    key: Callable[[Any, Any], Any]
    cell: Callable[..., Any]
    errors: tuple[type[Exception], ...]


def load_library() -> Library:
    """regipy. Raises ImportError where it is not installed."""
    registry = importlib.import_module("regipy.registry")
    exceptions = importlib.import_module("regipy.exceptions")
    construct = importlib.import_module("construct")
    log = logging.getLogger("regipy")
    log.addHandler(logging.NullHandler())
    log.propagate = False  # it reports each damaged value, in the words of the disk
    return Library(registry.NKRecord, registry.Cell, (exceptions.RegipyException, construct.ConstructError))


@dataclass(frozen=True, slots=True)
class Hive:
    """An open hive. `in_use`: the machine had not written all of its changes into the file."""

    root: Any
    in_use: bool
    size: int  # bytes

    def key(self, *path: str) -> Any:
        """The key of that path, names in any case. Raises HiveError where there is none."""
        found = self.root
        for name in path:
            below = islice(found.iter_subkeys(), _MOST_KEYS)
            found = next((one for one in below if one.name.casefold() == name.casefold()), None)
            if found is None:
                raise NoKeyError(f"it has no key {name}")
        return found


class NoKeyError(HiveError):
    """The hive is sound and does not have the key."""


@contextmanager
def opened(file: Path, library: Callable[[], Library] = load_library, most_bytes: int = _MOST_BYTES) -> Iterator[Hive]:
    """The hive, for as long as it is walked.

    Raises HiveError, and nothing else, for a file that can't be read, is no hive, is damaged, or is larger than
    `most_bytes`, also while it is walked, and without the library. Changes that only the hive's transaction logs
    hold are not seen: `in_use` tells that there may be some.
    """
    try:
        loaded = library()
    except ImportError as error:
        raise HiveError(NO_LIBRARY) from error
    broken: tuple[type[Exception], ...] = (
        *loaded.errors,
        struct.error,
        ValueError,
        TypeError,
        LookupError,
        AttributeError,
        ArithmeticError,
        MemoryError,
        RecursionError,
    )
    try:
        with _stream(file, most_bytes) as (stream, size):
            yield _hive(_Sparing(stream), loaded, size)
    except PermissionError as error:
        raise HiveError("no permission") from error
    except OSError as error:
        raise HiveError(error.strerror or type(error).__name__) from error
    except broken as error:
        raise HiveError("it is damaged") from error


@contextmanager
def _stream(file: Path, most_bytes: int) -> Iterator[tuple[BinaryIO, int]]:
    kind = file.stat()
    if not stat.S_ISREG(kind.st_mode):
        raise HiveError("it is no file")
    if kind.st_size > most_bytes:
        raise HiveError(f"it is larger than {most_bytes // 1024**2} MB")
    with os.fdopen(open_to_read(file), "rb") as stream:
        yield stream, kind.st_size


class _Sparing:
    """The open hive as the library sees it: short reads, and not too many of them."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._left = _MOST_READS

    def read(self, size: int) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise HiveError("it is damaged")
        return self._stream.read(min(size, _MOST_READ)) if size >= 0 else b""

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _hive(stream: _Sparing, library: Library, size: int) -> Hive:
    head = stream.read(_HEADER)
    if len(head) < _HEADER or head[:4] != b"regf":
        raise HiveError("it is no registry hive")
    first, second = struct.unpack_from("<II", head, 4)
    (root_at,) = struct.unpack_from("<I", head, 36)
    stream.seek(_HEADER + root_at)
    (cell_size,) = struct.unpack("<i", stream.read(_CELL))
    if stream.read(2) != b"nk":
        raise HiveError("it is damaged")
    root = library.key(library.cell(offset=stream.tell(), cell_type="nk", size=-cell_size), stream)
    return Hive(root, first != second, size)


def subkeys(key: Any, most: int = _MOST_KEYS) -> Iterator[tuple[str, Any]]:
    """The keys below a key by their names, so many at most."""
    for one in islice(key.iter_subkeys(), most):
        yield one.name, one


def values(key: Any) -> Mapping[str, Any]:
    """The values of a key by their names in lower case."""
    return {one.name.lower(): one.value for one in islice(key.iter_values(trim_values=False), _MOST_VALUES)}


def text(value: Any) -> str:
    """A string up to its end; what Windows leaves behind that need not be text.

    The library then hands over bytes, or, where they happen to be UTF-8, takes them for that.
    """
    if isinstance(value, str) and value[1:2] == "\0":
        value = value.encode()
    if isinstance(value, bytes):
        value = value.decode("utf-16-le", "replace")
    return value.partition("\0")[0].strip() if isinstance(value, str) else ""
