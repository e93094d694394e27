"""Windows' names of time zones as IANA names."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from collector.data import text_of
from collector.errors import DataError

_NAME = "windows_zones.tsv"
_COLUMNS = ["windows", "iana"]
_IANA = re.compile(r"[A-Za-z]+(?:/[A-Za-z0-9_+-]+)+")


def iana_name(windows: str) -> str | None:
    """The IANA name of a zone such as ``W. Europe Standard Time``, in any case; None for a name not in the table.

    Raises DataError if the table is broken.
    """
    return _zones().get(windows.strip().casefold())


def parsed(lines: Iterable[str]) -> dict[str, str]:
    """The table's rows, by case-folded Windows name; lines that begin with ``#`` are comments.

    Raises DataError naming the line for another header, a row of not two columns, a name that can be none,
    and a name that stands there twice.
    """
    zones: dict[str, str] = {}
    header: list[str] | None = None
    for number, line in enumerate(lines, start=1):
        if line.startswith("#"):
            continue
        values = line.rstrip("\n").split("\t")
        if header is None:
            header = values
            if header != _COLUMNS:
                raise DataError(f"{_NAME}:{number} has the columns {header}, not {_COLUMNS}")
            continue
        if len(values) != len(_COLUMNS):
            raise DataError(f"{_NAME}:{number} has {len(values)} columns, not {len(_COLUMNS)}")
        windows, iana = values
        if not windows or windows != windows.strip() or not _IANA.fullmatch(iana):
            raise DataError(f"{_NAME}:{number}: {windows!r} or {iana!r} is no name of a zone")
        if windows.casefold() in zones:
            raise DataError(f"{_NAME}:{number}: {windows!r} stands there twice")
        zones[windows.casefold()] = iana
    if not zones:
        raise DataError(f"{_NAME} has no rows")
    return zones


@cache
def _zones() -> dict[str, str]:
    return parsed(text_of(_NAME).splitlines())
