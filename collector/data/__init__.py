"""The product's knowledge as tables: TOML for rules and patterns, TSV for long flat lists.

A reader of a table turns its rows into frozen values and refuses keys it does not know.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from collector.errors import DataError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def table(name: str) -> dict[str, Any]:
    """The TOML table `name` (without its ending, folders with ``/``).

    Raises DataError naming the file if it is missing or not TOML.
    """
    resource = files(__package__).joinpath(f"{name}.toml")
    try:
        loaded: dict[str, Any] = tomllib.loads(resource.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"the table {name}.toml can't be read: {error}") from error
    return loaded


def rows(name: str) -> Iterator[dict[str, str]]:
    """The rows of the tab-separated table `name`; the first line names the columns.

    Raises DataError naming the file and the line number of a row with too many or too few columns.
    """
    resource = files(__package__).joinpath(f"{name}.tsv")
    try:
        with resource.open(encoding="utf-8") as stream:
            columns = stream.readline().rstrip("\n").split("\t")
            for number, line in enumerate(stream, start=2):
                values = line.rstrip("\n").split("\t")
                if len(values) != len(columns):
                    raise DataError(f"{name}.tsv:{number} has {len(values)} columns, not {len(columns)}")
                yield dict(zip(columns, values, strict=True))
    except OSError as error:
        raise DataError(f"the table {name}.tsv can't be read: {error}") from error
