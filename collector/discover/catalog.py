"""The tables of places where logs and state files lie, as frozen rows. Pure but for loading the table."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, get_args

from collector.data import table
from collector.errors import DataError
from collector.model import SourceKind, System

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@dataclass(frozen=True, slots=True)
class Place:
    """One row: a glob of files of one kind, and how their path names the extension."""

    id: str
    glob: str
    kind: SourceKind
    source: str
    format: str = "auto"
    path: re.Pattern[str] | None = None
    extension: str | None = None
    known: bool = False

    def parts(self, path: str) -> Mapping[str, str]:
        """The named parts of a file's path."""
        found = self.path.search(path) if self.path else None
        return {key: value for key, value in found.groupdict().items() if value} if found else {}


def places(system: System, values: Mapping[str, str], extra: Iterable[Path] = ()) -> tuple[Place, ...]:
    """The rows for a system, `values` put into the placeholders; `extra` files' rows come first.

    Raises DataError naming the file and the row.
    """
    rows = [("sources/" + system, row) for row in table(f"sources/{system}").get("source", [])]
    own = [(str(file), row) for file in extra for row in _own_table(file) if row.pop("system", system) == system]
    return tuple(_place(where, row, values) for where, row in [*own, *rows])


def _own_table(file: Path) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = tomllib.loads(file.read_text(encoding="utf-8-sig")).get("source", [])
    except (OSError, ValueError) as error:
        raise DataError(
            f"{file} can't be read: {error}", "Rows have the form of the product's own source tables."
        ) from error
    return rows


def _place(where: str, row: Mapping[str, Any], values: Mapping[str, str]) -> Place:
    name = row.get("id", "a row without id")
    known = {field.name for field in fields(Place)}
    if unknown := set(row) - known:
        raise DataError(f"{where}: {name} has unknown keys: {', '.join(sorted(unknown))}")
    if row.get("kind") not in get_args(SourceKind):
        raise DataError(f"{where}: {name} has the unknown kind {row.get('kind')!r}")
    try:
        pattern = re.compile(row["path"]) if "path" in row else None
        return Place(**{**row, "path": pattern, "glob": row["glob"].format(**values)})
    except (re.error, TypeError, KeyError, ValueError) as error:
        raise DataError(f"{where}: {name}: {error}") from error
