"""The product's knowledge as tables: TOML for rules and patterns, TSV for long flat lists.

A reader of a table turns its rows into frozen values and refuses keys it does not know.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import PurePath
from typing import Any

from collector.errors import DataError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


_LOADER: Any = __spec__.loader


def text_of(name: str) -> str:
    """The text of a table's file. Asks the package's own loader, which is quick and knows zip files too.

    Raises DataError if it is missing or not UTF-8.
    """
    try:
        data: bytes = _LOADER.get_data(str(PurePath(__file__).parent / name))
        return data.decode("utf-8")
    except (OSError, ValueError) as error:
        raise DataError(f"the table {name} can't be read: {error}") from error


@cache
def pattern_of(name: str, row: str, text: str) -> re.Pattern[str]:
    """A row's pattern, compiled when it is first needed: most rows of a table never are in a run.

    Raises DataError naming the table's file `name` and the row for a broken pattern.
    """
    try:
        return re.compile(text)
    except re.error as error:
        raise DataError(f"{name}: {row}: {error}") from error


def table(name: str) -> dict[str, Any]:
    """The TOML table `name` (without its ending, folders with ``/``).

    Raises DataError naming the file if it is missing or not TOML.
    """
    try:
        loaded: dict[str, Any] = tomllib.loads(text_of(f"{name}.toml"))
    except ValueError as error:
        raise DataError(f"the table {name}.toml can't be read: {error}") from error
    return loaded


def lines_of(name: str, scopes: Collection[str] | None = None) -> tuple[list[str], Iterator[tuple[int, list[str]]]]:
    """The columns of the tab-separated table `name`, and its lines with their numbers, split at the tabs.

    `scopes`, in lower case, leaves out every line whose first column is none of them, before it is split.
    Raises DataError naming the file and the line number of a row with too many or too few columns.
    """
    head, *lines = text_of(f"{name}.tsv").splitlines() or [""]
    columns = head.split("\t")

    def split() -> Iterator[tuple[int, list[str]]]:
        for number, line in enumerate(lines, start=2):
            if scopes is not None and line[: line.find("\t")].lower() not in scopes:
                continue
            values = line.split("\t")
            if len(values) != len(columns):
                raise DataError(f"{name}.tsv:{number} has {len(values)} columns, not {len(columns)}")
            yield number, values

    return columns, split()


def rows(name: str, scopes: Collection[str] | None = None) -> Iterator[dict[str, str]]:
    """The rows of the tab-separated table `name` by the names of their columns; see `lines_of`."""
    columns, lines = lines_of(name, scopes)
    return (dict(zip(columns, values, strict=True)) for _, values in lines)


@cache
def member_schema(name: str) -> Mapping[str, Any]:
    """The JSON Schema (2020-12) of a member of a bundle. Raises DataError where it is missing or broken."""
    import json

    try:
        loaded: dict[str, Any] = json.loads(text_of(f"schema/{name}.json"))
    except ValueError as error:
        raise DataError(f"the schema {name}.json can't be read: {error}") from error
    return loaded
