"""The time zone in the registry hive of a mounted Windows disk (``Windows/System32/config/SYSTEM``).

The file is never copied and never read whole: regipy's keys are walked on the open file, through a stream that
ends after a bounded number of reads, so that a damaged or hostile hive costs neither memory nor time.
"""

from __future__ import annotations

import importlib
import logging
import stat
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

#: A hive that a machine could work with is far smaller.
MOST_BYTES = 64 * 1024 * 1024
#: One read of the library: it asks for gigabytes where a value is stored in its own pointer.
_MOST_READ = 65_536
#: A usual lookup needs some 5000.
_MOST_READS = 200_000
_MOST_KEYS, _MOST_VALUES = 4096, 256
#: Offsets in a hive count from the end of its header; a cell begins with its size.
_HEADER, _CELL = 4096, 4
_INSTALL = "install vmext[hive]"


class HiveError(Exception):
    """A hive tells no zone; the message says why."""


@dataclass(frozen=True, slots=True)
class ZoneSettings:
    """What ``TimeZoneInformation`` says. Minutes of UTC less local time, as Windows counts them."""

    key_name: str = ""
    standard_name: str = ""
    bias: int | None = None  # of standard time
    daylight: bool | None = None  # whether it changes to daylight time; None where the key does not say
    disabled: bool = False  # a person switched daylight time off
    in_use: bool = False  # the machine had not written all of its changes into the file


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


def zone_settings(file: Path, library: Callable[[], Library] = load_library) -> ZoneSettings:
    """The zone settings of the control set that the machine last ran with.

    Raises HiveError, and nothing else, for a file that can't be read, is no hive, is damaged, or is larger than
    MOST_BYTES, for settings that are not there, and without the library. Changes that only the hive's
    transaction logs hold are not seen: `in_use` tells that there may be some.
    """
    try:
        loaded = library()
    except ImportError as error:
        raise HiveError(_INSTALL) from error
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
        with _opened(file) as stream:
            return _settings(stream, loaded)
    except PermissionError as error:
        raise HiveError("no permission") from error
    except OSError as error:
        raise HiveError(error.strerror or type(error).__name__) from error
    except broken as error:
        raise HiveError("it is damaged") from error


@contextmanager
def _opened(file: Path) -> Iterator[_Sparing]:
    kind = file.stat()
    if not stat.S_ISREG(kind.st_mode):
        raise HiveError("it is no file")
    if kind.st_size > MOST_BYTES:
        raise HiveError(f"it is larger than {MOST_BYTES // 1024**2} MB")
    with file.open("rb") as stream:
        yield _Sparing(stream)


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


def _settings(stream: _Sparing, library: Library) -> ZoneSettings:
    head = stream.read(_HEADER)
    if len(head) < _HEADER or head[:4] != b"regf":
        raise HiveError("it is no registry hive")
    first, second = struct.unpack_from("<II", head, 4)
    (root_at,) = struct.unpack_from("<I", head, 36)
    stream.seek(_HEADER + root_at)
    (size,) = struct.unpack("<i", stream.read(_CELL))
    if stream.read(2) != b"nk":
        raise HiveError("it is damaged")
    root = library.key(library.cell(offset=stream.tell(), cell_type="nk", size=-size), stream)
    current = _values(_key(root, "Select")).get("current")
    if not isinstance(current, int) or not 1 <= current <= 999:
        raise HiveError("it names no current control set")
    values = _values(_key(root, f"ControlSet{current:03}", "Control", "TimeZoneInformation"))
    return _from_values(values, in_use=first != second)


def _key(key: Any, *path: str) -> Any:
    for name in path:
        below = islice(key.iter_subkeys(), _MOST_KEYS)
        key = next((one for one in below if one.name.casefold() == name.casefold()), None)
        if key is None:
            raise HiveError(f"it has no key {name}")
    return key


def _values(key: Any) -> dict[str, Any]:
    return {one.name.lower(): one.value for one in islice(key.iter_values(trim_values=False), _MOST_VALUES)}


def _from_values(values: dict[str, Any], *, in_use: bool) -> ZoneSettings:
    bias = _minutes(values.get("bias"))
    return ZoneSettings(
        key_name=_text(values.get("timezonekeyname")),
        standard_name=_text(values.get("standardname")),
        bias=None if bias is None else bias + (_minutes(values.get("standardbias")) or 0),
        daylight=_daylight(values),
        disabled=bool(values.get("dynamicdaylighttimedisabled") or values.get("disableautodaylighttimeset")),
        in_use=in_use,
    )


def _daylight(values: dict[str, Any]) -> bool | None:
    """DaylightStart is the moment of the change: year, month, week, each 16 bits; no month is no change."""
    start = values.get("daylightstart")
    if not isinstance(start, bytes) or len(start) < 4:
        return None
    return start[2:4] != b"\0\0" and _minutes(values.get("daylightbias")) != 0


def _minutes(value: Any) -> int | None:
    """A signed number, which the registry has no type for."""
    if not isinstance(value, int):
        return None
    return value - (1 << 32) if value >= 1 << 31 else value


def _text(value: Any) -> str:
    """A string up to its end; what Windows leaves behind that need not be text.

    The library then hands over bytes, or, where they happen to be UTF-8, takes them for that.
    """
    if isinstance(value, str) and value[1:2] == "\0":
        value = value.encode()
    if isinstance(value, bytes):
        value = value.decode("utf-16-le", "replace")
    return value.partition("\0")[0].strip() if isinstance(value, str) else ""
