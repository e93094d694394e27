"""``vmext config``: check the configuration, show what is in force, print the example file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collector.cli import EXIT_CODES
from collector.cli.terminal import echo

if TYPE_CHECKING:
    from collector.redact.redactor import Redactor

_NO_FILE = "there is no file {}; the defaults hold"


@click.group()
def command() -> None:
    """Check the configuration, show what is in force, print the example file."""


@command.command(epilog=EXIT_CODES)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.pass_context
def check(ctx: click.Context, file: Path | None) -> None:
    """Tell everything that is wrong in the configuration file and in the environment, at once.

    Without FILE the one that commands read. The files that it names, the address and the tables of places beside it are
    looked at too, and variables that stand for nothing are told.
    """
    from collector.errors import USAGE
    from collector.service.configuration import examine

    examined = examine(file, os.environ)
    redacted = _redactor().text
    for problem in examined.problems:
        click.echo(redacted(f"vmext: {problem}"), err=True)
        if problem.hint:
            click.echo(redacted(f"  {problem.hint}"), err=True)
    for warning in examined.warnings:
        click.echo(redacted(f"vmext: {warning}"), err=True)
    if examined.problems:
        ctx.exit(USAGE)
    if not examined.file.is_file():
        echo(_NO_FILE.format(examined.file))
        return
    settings = sum(1 for origin in examined.loaded.origins.values() if origin == str(examined.file))
    echo(f"{examined.file}: nothing wrong, {settings} setting{'' if settings == 1 else 's'}")
    for table in examined.tables:
        echo(f"{table}: nothing wrong")


@command.command(epilog=EXIT_CODES)
@click.option("--config", "file", type=click.Path(path_type=Path), metavar="FILE", help="Configuration file.")
@click.option("--json", "as_json", is_flag=True, help='One object: {"file": ..., "settings": {NAME: {value, origin}}}.')
def show(file: Path | None, as_json: bool) -> None:
    """Tell the settings in force and where each comes from; secrets are masked."""
    from collector.config.pages import in_force
    from collector.service.configuration import examine

    examined = examine(file, os.environ)
    if examined.loaded.problems:
        raise examined.loaded.problems[0]
    redactor = _redactor()
    for warning in examined.warnings:
        click.echo(redactor.text(f"vmext: {warning}"), err=True)
    rows = list(redactor.clean(tuple(in_force(examined.loaded.config, examined.loaded.origins))))
    if as_json:
        import json

        settings = {name: {"value": value, "origin": origin} for name, value, origin in rows}
        document = {"schema": 1, "file": str(examined.file), "settings": settings}
        click.echo(redactor.dumped(document, lambda cleaned: json.dumps(cleaned, indent=2)))
        return
    _print(rows)
    if not examined.file.is_file():
        click.echo(_NO_FILE.format(examined.file), err=True)


@command.command()
def example() -> None:
    """Print a file of every setting, commented out, with its default."""
    from collector.data import text_of

    click.echo(text_of("config.example.toml"), nl=False)


def _print(rows: list[tuple[str, object, str]]) -> None:
    """As TOML, the origin as a comment; what has no value is commented out."""
    from collector.config.pages import toml_value

    in_watch = False
    for name, value, origin in rows:
        table, _, key = name.rpartition(".")
        if table and not in_watch:
            echo("")
            echo(f"[{table}]")
            in_watch = True
        written = toml_value(value)
        echo(f"{f'{key} = {written}' if written else f'#{key} =':<56} # {origin}")


def _redactor() -> Redactor:
    """Addresses and other values may hold what is secret."""
    import secrets

    from collector.redact.redactor import Redactor

    return Redactor(secrets.token_bytes(32))
