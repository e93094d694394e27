"""``vmext lint``: templates, models and settings checked before they are rolled out."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from collector.bundle.console import harmless
from collector.cli.printing import echo
from collector.diagnose.lint import document as documents
from collector.diagnose.lint.judge import lint
from collector.diagnose.lint.template import parameter_values
from collector.diagnose.lint.values import Problem
from collector.errors import FAILURE_FOUND, ConfigError

_MOST_BYTES = 64 * 1024 * 1024
_COLOURS = {"error": "red", "warning": "yellow", "info": "cyan"}
#: Places shown of one rule: the others are counted, and stand in the JSON.
_MOST_PLACES = 10

_EXAMPLES = """\b
Examples:
  vmext lint azuredeploy.json --parameters azuredeploy.parameters.json
  az bicep build --stdout --file main.bicep | vmext lint -
  az vmss show -g GROUP -n SET | vmext lint -
  vmext lint settings.json --extension Microsoft.Azure.Extensions.CustomScript

\b
Exit codes: 0 no error and no warning, 2 the file can't be read, 10 an error or a warning."""


@click.command(epilog=_EXAMPLES)
@click.argument("file", metavar="FILE")
@click.option("--parameters", metavar="FILE", help="The template's parameters file.")
@click.option("--extension", metavar="PUBLISHER.TYPE", default="", help="FILE is the --settings of this extension.")
@click.option("--protected", metavar="FILE", help="The --protected-settings that go with it.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(file: str, parameters: str | None, extension: str, protected: str | None, form: str) -> int:
    """Check a template, a scale set's model or settings of an extension before they are rolled out.

    FILE (- for standard input) is an ARM template, Bicep's JSON output, what `az vmss show` or `az vm show` prints,
    one extension, the file of `az vmss extension set --settings`, or `terraform show -json`.

    What only the deployment will know is left alone. Values of secrets are never printed.
    """
    _check_options(file, parameters, extension, protected)
    document = _read(file)
    given = _parameters(parameters) if parameters else {}
    hidden = _read(protected).value if protected else None
    try:
        problems, looked_at = lint(
            document,
            now=datetime.now(timezone.utc),
            is_secret=_is_secret(),
            parameters=given,
            handler=extension,
            protected=hidden,
        )
    except ConfigError as error:
        raise ConfigError(f"{_name(file)}: {error}", error.hint) from error
    if form == "json":
        click.echo(json.dumps({"file": _name(file), "problems": [_row(problem) for problem in problems]}, indent=1))
    else:
        for line in _lines(_name(file), problems, looked_at):
            echo(line)
    return FAILURE_FOUND if any(problem.severity != "info" for problem in problems) else 0


def _check_options(file: str, parameters: str | None, extension: str, protected: str | None) -> None:
    if protected and not extension:
        raise click.UsageError("--protected goes with --extension.")
    if parameters and extension:
        raise click.UsageError("--parameters is for templates, --extension for settings.")
    if extension and "." not in extension.strip("."):
        raise click.UsageError("--extension wants PUBLISHER.TYPE, such as Microsoft.Azure.Extensions.CustomScript.")
    if [file, parameters, protected].count("-") > 1:
        raise click.UsageError("Only one file can come from standard input.")


def _parameters(file: str) -> dict[str, Any]:
    value = _read(file).value
    if not isinstance(value, dict) or not isinstance(value.get("parameters", value), dict):
        raise ConfigError(f"{_name(file)}: these are no parameters of a template", "Give azuredeploy.parameters.json.")
    return parameter_values(value)


def _name(file: str) -> str:
    return "standard input" if file == "-" else file


def _read(file: str) -> documents.Document:
    """Raises ConfigError naming the file that can't be read."""
    from collector.read.encoding import SAMPLE, find_encoding

    try:
        if file == "-":
            data = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(file).open("rb") as stream:
                data = stream.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{_name(file)} can't be read: {error.strerror or error}") from error
    if len(data) > _MOST_BYTES:
        raise ConfigError(f"{_name(file)} has more than {_MOST_BYTES // 1024 // 1024} MB: that is no template")
    encoding, mark = find_encoding(data[:SAMPLE]) or ("utf-8", 0)
    try:
        text = data[mark:].decode("utf-8" if encoding == "utf-8-sig" else encoding)
        return documents.read(text)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{_name(file)} is no text in {encoding.upper()}", "Save it as UTF-8.") from error
    except ConfigError as error:
        raise ConfigError(f"{_name(file)}: {error}", error.hint) from error


def _is_secret() -> Callable[[str], bool]:
    """What redaction would take out is a secret."""
    from collector.redact.redactor import Redactor

    redactor = Redactor(b"only asked whether it changes a text")
    return lambda text: redactor.text(text) != text


def _row(problem: Problem) -> dict[str, Any]:
    return {
        "id": problem.id,
        "severity": problem.severity,
        "place": problem.place,
        "line": problem.line,
        "extension": problem.extension,
        "message": f"{problem.title}: {problem.message}",
        "remedy": problem.remedy,
        "source": problem.source,
    }


def _lines(file: str, problems: tuple[Problem, ...], looked_at: tuple[int, int]) -> Iterator[str]:
    """One block for each rule, with all the places where it was broken."""
    yield click.style(f"{harmless(file)}: {_verdict(problems, looked_at)}", bold=True)
    for rule in dict.fromkeys(problem.id for problem in problems):
        ours = [problem for problem in problems if problem.id == rule]
        first = ours[0]
        yield ""
        yield f"{click.style(first.severity, fg=_COLOURS[first.severity], bold=True)}: {first.title} [{rule}]"
        for problem in ours[:_MOST_PLACES]:
            line = f":{problem.line}" if problem.line else ""
            whose = f" ({harmless(problem.extension)})" if problem.extension else ""
            yield f"  where   {harmless(file)}{line}: {harmless(problem.place)}{whose}"
            yield f"  what    {harmless(problem.message)}"
        if len(ours) > _MOST_PLACES:
            yield f"          and {len(ours) - _MOST_PLACES} more places (--format json has all)"
        yield f"  why     {first.meaning}"
        yield f"  do      {first.remedy}"
        yield f"  source  {first.source}"


def _verdict(problems: tuple[Problem, ...], looked_at: tuple[int, int]) -> str:
    if not any(looked_at):
        return "no extension and no Run Command is in it"
    kinds = zip(looked_at, ("extension", "Run Command"), strict=True)
    where = " and ".join(f"{number} {kind}{'s' * (number > 1)}" for number, kind in kinds if number)
    counts = {severity: sum(problem.severity == severity for problem in problems) for severity in _COLOURS}
    names = {"error": ("error", "errors"), "warning": ("warning", "warnings"), "info": ("note", "notes")}
    told = [f"{number} {names[severity][number > 1]}" for severity, number in counts.items() if number]
    return f"{', '.join(told) or 'nothing to complain about'} in {where}"
