"""The tables of places where logs and state files lie, as frozen rows. Pure but for loading the table."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, get_args

from collector.data import table
from collector.errors import DataError
from collector.model import SourceKind, System
from collector.platforms.own_files import read_named

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

#: Names that a row may give as its format: parsers of the parse stage, or "auto".
FORMATS = frozenset(
    {"auto", "plain", "generic", "iso", "waagent", "waagent-old", "command-execution", "logfmt", "slog"}
    | {"python-extension", "vmbackup", "go-platform", "shell-trace", "waapp", "windows-handler", "domain-join", "dsc"}
    | {"wad", "msi", "xml-events", "windows-event"}
)
_PLACEHOLDER = re.compile(r"\{(\w*)\}")
_GROUPS = frozenset({"extension", "version", "name", "sequence"})
#: What may stand in braces, with values that do for a check.
_PLACEHOLDERS = {"lib": "lib", "log": "log", "agentlog": "agentlog"}
_MOST_OWN_BYTES = 1_048_576
_OWN_HINT = "Rows have the form of the product's own source tables."


@dataclass(frozen=True, slots=True)
class Place:
    """One row: a glob of files of one kind, and how their path names the extension."""

    id: str
    glob: str
    kind: SourceKind
    source: str
    format: str = "auto"
    path: str | None = None
    extension: str | None = None
    known: bool = False
    history: bool = False

    def parts(self, path: str) -> Mapping[str, str]:
        """The named parts of a file's path."""
        found = re.search(self.path, path) if self.path else None
        return {key: value for key, value in found.groupdict().items() if value} if found else {}


@dataclass(frozen=True, slots=True)
class OwnTable:
    """A table of one's own, as it was when it was read; `system` in a row says for which system it is, else for
    both."""

    file: Path
    rows: tuple[Mapping[str, Any], ...]

    def of(self, system: System) -> Iterator[Mapping[str, Any]]:
        for row in self.rows:
            if row.get("system", system) == system:
                yield {key: value for key, value in row.items() if key != "system"}


def places(system: System, values: Mapping[str, str], extra: Iterable[OwnTable] = ()) -> tuple[Place, ...]:
    """The rows for a system, `values` put into the placeholders; those of `extra` come first.

    Raises DataError naming the file and the row.
    """
    own = [(str(table.file), row) for table in extra for row in table.of(system)]
    rows = [("sources/" + system, row) for row in _product_rows(system)]
    seen: set[tuple[str, str]] = set()
    found = []
    for where, row in [*own, *rows]:
        place = _place(where, row, values)
        if (where, place.id) in seen:
            raise DataError(f"{where}: there are two rows {place.id}")
        seen.add((where, place.id))
        found.append(place)
    return tuple(found)


def own_files(configuration: Path) -> tuple[Path, ...]:
    """The tables of one's own that lie beside a configuration file."""
    return tuple(sorted((configuration.parent / "sources.d").glob("*.toml")))


def own_table(file: Path) -> OwnTable:
    """Read and checked. Raises DataError naming the file and the row."""
    try:
        loaded = tomllib.loads(read_named(file, _MOST_OWN_BYTES).decode("utf-8-sig"))
    except OSError as error:
        raise DataError(f"{file} can't be read: {error.strerror}", _OWN_HINT) from error
    except ValueError as error:
        raise DataError(f"{file} can't be read: {error}", _OWN_HINT) from error
    rows = _rows(str(file), loaded)
    for row in rows:
        if (meant := row.get("system", "linux")) not in get_args(System):
            raise DataError(f"{file}: {row.get('id')} has the unknown system {meant!r}", _OWN_HINT)
        check_path(str(file), row)
    table = OwnTable(file, tuple(rows))
    for system in get_args(System):
        places(system, _PLACEHOLDERS, [table])
    return table


@cache
def _product_rows(system: System) -> list[Mapping[str, Any]]:
    return _rows("sources/" + system, table("sources/" + system))


def _rows(where: str, loaded: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = loaded.get("source", [])
    if set(loaded) - {"source"} or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise DataError(f"{where}: only [[source]] rows may stand there", _OWN_HINT)
    return rows


def _place(where: str, row: Mapping[str, Any], values: Mapping[str, str]) -> Place:
    name = row.get("id", "a row without id")
    known = {field.name: field for field in fields(Place)}
    if unknown := set(row) - set(known):
        raise DataError(f"{where}: {name} has unknown keys: {', '.join(sorted(unknown))}")
    if lacking := [key for key, field in known.items() if field.default is MISSING and key not in row]:
        raise DataError(f"{where}: {name} lacks {', '.join(lacking)}")
    for key, value in row.items():
        wanted = bool if key in ("known", "history") else str
        if not isinstance(value, wanted) or value == "":
            raise DataError(f"{where}: {name}: {key} can't be {value!r}")
    if row["kind"] not in get_args(SourceKind):
        raise DataError(f"{where}: {name} has the unknown kind {row['kind']!r}")
    if row.get("format", "auto") not in FORMATS:
        raise DataError(f"{where}: {name} has the unknown format {row['format']!r}")
    try:
        return Place(**{**row, "glob": _glob(row["glob"], values)})
    except ValueError as error:
        raise DataError(f"{where}: {name}: {error}") from error


def check_path(where: str, row: Mapping[str, Any]) -> None:
    """Raises DataError for a broken pattern of a path. Own rows are checked always, the product's by its tests."""
    try:
        pattern = re.compile(row.get("path", ""))
    except (re.error, TypeError) as error:
        raise DataError(f"{where}: {row.get('id')}: {error}") from error
    if unknown := set(pattern.groupindex) - _GROUPS:
        raise DataError(f"{where}: {row.get('id')}: unknown groups in path: {', '.join(sorted(unknown))}")


def _glob(text: str, values: Mapping[str, str]) -> str:
    """The glob with its placeholders filled; marks in a value stand for themselves."""
    parts = text.split("/")
    if "\\" in text or ".." in parts or "" in parts:
        raise ValueError(f"the glob {text!r} must be relative to the root, with forward slashes")

    def fill(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise ValueError(f"unknown placeholder {found[0]}")
        return re.sub(r"([*?\[])", r"[\1]", values[found[1]])

    return _PLACEHOLDER.sub(fill, text)
