"""Asking instances through `az`: the script's file, the progress bar, and what is saved."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collector.cli.fleet.options import Options, seconds
from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.fleet.ask.az import Az
    from collector.fleet.ask.outcome import Outcome
    from collector.fleet.ask.plan import Choice
    from collector.fleet.ask.run_command import System, Target
    from collector.fleet.scale_set import ScaleSet

_COLOURS = {"failed": "red", "hanging": "yellow", "healthy": "green", "nothing-found": "yellow"}


def text_of(file: Path) -> str:
    """The file, or standard input for ``-``; PowerShell's ``>`` writes UTF-16. Raises ConfigError naming it."""
    from collector.read.encoding import SAMPLE, find_encoding

    place = place_of(file)
    try:
        data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{place} can't be read: {error.strerror or error}") from error
    found = find_encoding(data[:SAMPLE])
    if found is None:
        raise ConfigError(f"{place}: it is no text", "Give what az printed with -o json.")
    encoding, mark = found
    return data[mark:].decode(encoding, "replace")


def place_of(file: Path) -> str:
    """How the file is called in an error."""
    return "standard input" if str(file) == "-" else str(file)


def allowed(how: Options, scale_set: ScaleSet) -> Options:
    """On AKS nodes nothing is created, not even for a minute: they are asked by the older Run Command."""
    if not scale_set.managed_by_aks or how.method == "invoke":
        return how
    click.echo("vmext: AKS manages this scale set: its nodes are only read, so --method invoke is used", err=True)
    return replace(how, method="invoke")


# ---- asking --------------------------------------------------------------------------------------------


@contextmanager
def script_file(how: Options, system: System, arguments: Sequence[str]) -> Iterator[Path]:
    """The script as a file, as az takes it whatever signs are in it."""
    if how.script:
        yield how.script
        return
    with tempfile.TemporaryDirectory(prefix="vmext-") as folder:
        yield written(Path(folder), how, system, arguments)


def written(folder: Path, how: Options, system: System, arguments: Sequence[str]) -> Path:
    """Writes the script into `folder`."""
    from collector.fleet.ask.script import script_text

    _folder(folder)
    file = folder / ("vmext-collect.ps1" if system == "windows" else "vmext-collect.sh")
    _save(file, script_text(system, arguments, seconds(how)))
    return file


def ask_all(az: Az, how: Options, script: Path, asked: Sequence[tuple[Choice, Target]]) -> tuple[list[Outcome], bool]:
    """All outcomes, saved as they come, and whether Ctrl-C ended it. A progress bar only on a terminal."""
    from collector.fleet.ask.running import Ask, Asking
    from collector.redact.redactor import Redactor

    if how.output:
        _folder(how.output)
    ask = Ask(how.method, str(script), seconds(how), f"vmext-{secrets.token_hex(6)}", how.parallel, how.pace)
    asking = Asking(az, ask, stopping)
    redactor = Redactor(secrets.token_bytes(32))  # of what a script wrote, a problem quotes a line
    outcomes: list[Outcome] = []
    shown = click.progressbar(length=len(asked), label="Asking", file=sys.stderr, show_pos=True)
    with shown if sys.stderr.isatty() else nullcontext() as bar:
        for outcome in asking.outcomes(asked):
            _keep(how, outcome)
            outcomes.append(replace(outcome, problem=redactor.text(outcome.problem)))
            if bar is not None:
                bar.label = f"Instance {outcome.id} {outcome.run}"
                bar.update(1)
    return outcomes, asking.interrupted


def stopping(again: bool) -> None:
    """Says what a Ctrl-C does."""
    leaving = "leaving at once" if again else "stopping, and deleting what was created (again: leave it there)"
    click.echo(f"\nvmext: {leaving}", err=True)


def _keep(how: Options, outcome: Outcome) -> None:
    """A full disk must not cost the answers of the others."""
    if how.output and (outcome.out or outcome.err):
        text = outcome.out + (f"\n[stderr]\n{outcome.err}" if outcome.err.strip() else "")
        try:
            _save(how.output / f"{outcome.id}.txt", text)
        except ConfigError as error:
            click.echo(f"\nvmext: {error}", err=True)


def _save(file: Path, text: str) -> None:
    try:
        file.write_bytes(text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ConfigError(f"{file} can't be written: {error.strerror or error}") from error


def _folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder} can't be made: {error.strerror or error}") from error


def styled(text: str, word: str) -> str:
    """A verdict in its colour."""
    return click.style(text, fg=_COLOURS.get(word, "magenta")) if coloured() else text


def coloured() -> bool:
    """Whether standard output is a terminal that wants colours."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")
