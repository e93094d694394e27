"""``vmext fleet show``."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import shutil
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from collector.cli.terminal import echo
from collector.errors import ConfigError
from collector.fleet.scale_set import ScaleSet, State

_FORMATS = ("text", "json", "csv", "markdown")
#: Width of the table where it goes to a file or a pipe.
_WIDTH = 120
_COLOURS: dict[State, str] = {"failed": "red", "succeeded": "green", "agent-unresponsive": "magenta"}


@click.command(no_args_is_help=True)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
@click.option("-g", "--resource-group", metavar="GROUP", help="Resource group, where the file does not tell it.")
@click.option("-n", "--name", metavar="SET", help="Scale set, where the file does not tell it or tells of several.")
@click.option("--format", "form", type=click.Choice(_FORMATS), default="text", show_default=True)
def command(file: Path, resource_group: str | None, name: str | None, form: str) -> None:
    """Show which extensions failed on which instances, which case this is, and what to do.

    FILE (or - for standard input) is what az printed, as JSON: az vmss list-instances, with the query of the
    troubleshooting article or without any; az vmss get-instance-view, for one instance or "*"; az vm list for a
    flexible set. Nothing is asked of Azure and nothing is changed: commands are printed to be read first.

    The exit code is 0 whatever is found, and 2 if the file can't be read.
    """
    from collector.fleet.advice import advise
    from collector.fleet.case import case_of
    from collector.fleet.rendering import files
    from collector.fleet.rendering.text import text

    scale_set = _without_secrets(_read(file, name, resource_group))
    answer = case_of(scale_set)
    advice = advise(scale_set, answer, source=_source(file, scale_set, name, resource_group))
    if form == "json":
        click.echo(json.dumps(files.document(scale_set, answer, advice), indent=1))
    elif form == "csv":
        _print(files.table(scale_set).rstrip("\n").split("\n"))
    elif form == "markdown":
        _print(files.markdown(scale_set, answer))
    else:
        wide = shutil.get_terminal_size().columns if sys.stdout.isatty() else _WIDTH
        _print(text(scale_set, answer, advice, width=wide, paint=_paint if _has_colours() else _plain))


def _read(file: Path, name: str | None, group: str | None) -> ScaleSet:
    from collector.cli.fleet.asking import place_of, text_of
    from collector.fleet.reading import read_scale_set

    text = text_of(file)
    try:
        return read_scale_set(text, name=name, group=group)
    except ConfigError as error:
        raise ConfigError(f"{place_of(file)}: {error}", error.hint) from error


def _source(file: Path, scale_set: ScaleSet, name: str | None, group: str | None) -> str:
    """How to give the same to `vmext fleet collect`, which must know the set."""
    parts = ["FILE" if str(file) == "-" else shlex.quote(str(file))]
    if group or not scale_set.resource_group:
        parts.append(f"-g {shlex.quote(group or 'RESOURCE-GROUP')}")
    if name or not scale_set.name:
        parts.append(f"-n {shlex.quote(name or 'SCALE-SET')}")
    return " ".join(parts)


def _without_secrets(scale_set: ScaleSet) -> ScaleSet:
    """Messages are what scripts printed. Settings are never read."""
    from collector.redact.redactor import Redactor

    redactor = Redactor(secrets.token_bytes(32))
    instances = tuple(
        replace(one, extensions=tuple(replace(row, message=redactor.text(row.message)) for row in one.extensions))
        for one in scale_set.instances
    )
    return replace(scale_set, instances=instances)


def _has_colours() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def _print(lines: Iterable[str]) -> None:
    coloured = _has_colours()
    for line in lines:
        echo(line, coloured=coloured)


def _plain(text: str, state: State | None) -> str:
    return text


def _paint(text: str, state: State | None) -> str:
    colour = _COLOURS.get(state, "yellow") if state else None
    return click.style(text, fg=colour, bold=state == "failed") if colour else text
