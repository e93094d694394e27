"""What the subcommands about access and retention have in common: the index, and who asks."""

from __future__ import annotations

import getpass
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from collector.errors import ConfigError
from collector.model import iso

if TYPE_CHECKING:
    from collector.cli.endpoint import Given
    from collector.endpoint.database.engine import Database


@contextmanager
def opened(given: Given) -> Iterator[Database]:
    """The index, at this version's schema. Raises ConfigError where it can't be used."""
    settings = given.settings()
    from collector.endpoint.database.engine import OF_THE_INDEX, Database
    from collector.endpoint.database.migrate import migrate

    try:
        if settings.database is None and not (settings.data / "index.sqlite").exists():
            click.echo(f"vmext: there was no index in {settings.data}; it has a new one, which is empty", err=True)
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = Database(settings.database_url)
        migrate(database)
        try:
            yield database
        finally:
            database.close()
    except OSError as error:
        reason = (error.strerror or str(error)).removeprefix(OF_THE_INDEX)
        raise ConfigError(
            f"the index can't be used: {reason}", "Give a database that answers and may be written."
        ) from error


def whoever() -> str:
    """Who runs the command, for the record."""
    try:
        return f"command line ({getpass.getuser()})"
    except (OSError, KeyError):  # no such user in the system's list
        return "command line"


def show_rows(rows: Sequence[Mapping[str, Any]], as_json: bool, empty: str) -> None:
    """A table with the names of the columns above, or JSON, one object a line."""
    if as_json:
        for row in rows:
            click.echo(json.dumps({name: told(value) if value is not None else None for name, value in row.items()}))
        return
    if not rows:
        click.echo(empty)
        return
    lines = [[name.replace("_", " ") for name in rows[0]]]
    lines += [[str(_short(value) or "-") for value in row.values()] for row in rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    for line in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _short(value: Any) -> Any:
    """For people to the second; JSON has all of it."""
    return told(value.replace(microsecond=0)) if isinstance(value, datetime) else value


def told(value: Any) -> Any:
    return iso(value) if isinstance(value, datetime) else value
