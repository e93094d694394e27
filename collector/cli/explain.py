"""``vmext explain``: what an error of the platform, an exit code or a line of a log means."""

from __future__ import annotations

import json
import re
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collector.cli.printing import echo
from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.diagnose.arm.values import Explained
    from collector.model import System

#: More of a file or of standard input is not read.
_MOST = 4_000_000
#: A word that can only be meant as a file.
_FILE_NAME = re.compile(r"[\w./\\:~-]+\.(?:json|txt|log)", re.IGNORECASE)
#: Words that begin so are options that do not exist; numbers may be negative.
_NO_NUMBER = re.compile(r"--?[A-Za-z][\w-]*(=.*)?")

EPILOG = """\b
Exit codes:
   0  answered, also where nothing is known of the text
   2  usage error: no text, or a file that can't be read"""


@click.command(epilog=EPILOG, context_settings={"ignore_unknown_options": True})
@click.argument("text", nargs=-1, metavar="[TEXT|FILE|-]...")
@click.option("--extension", metavar="NAME", help="Which one: Publisher.Type, its last part, or CSE, AMA, DSC ...")
@click.option(
    "--system", type=click.Choice(["linux", "windows"]), help="Of the instance, where the text does not tell."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(text: tuple[str, ...], extension: str | None, system: System | None, form: str) -> None:
    """Say what an error means, whose it is, and what to do next.

    TEXT is what the portal, az, PowerShell, Terraform or the activity log shows, as it is: nested, escaped, cut or
    broken at the terminal's width. It can also be an exit code (127, -1073741515, 0x80070643), the name of a code, or
    a line of a log. A file is read if there is one of that name; - is standard input, which is also read without TEXT.

    \b
    vmext explain error.json
    az deployment group create ... 2>&1 | vmext explain
    vmext explain 56 --extension AMA
    """
    given = _given(text)
    if not given.strip():
        raise click.UsageError("There is no text to explain. Give it as an argument, as a file, or through a pipe.")
    told = _explained(given, extension or "", system)
    from collector.redact.redactor import Redactor

    redactor = Redactor(secrets.token_bytes(32))
    if form == "json":
        from collector.diagnose.arm.document import document

        click.echo(redactor.dumped(document(told), lambda value: json.dumps(value, indent=1)))
        return
    from collector.cli.explain_page import page

    for line in page(redactor.clean(told)):
        echo(line)


def _given(words: tuple[str, ...]) -> str:
    """The text: from standard input, from a file of that name, or as it stands in the arguments."""
    if words == ("-",) or not words:
        if not words and sys.stdin.isatty():
            raise click.UsageError("There is no text to explain. Give it as an argument, as a file, or through a pipe.")
        return _decoded(sys.stdin.buffer.read(_MOST + 1))
    for word in words:
        if _NO_NUMBER.fullmatch(word):
            raise click.UsageError(f"No such option: {word.partition('=')[0]}")
    if len(words) == 1 and _is_file(words[0]):
        try:
            with Path(words[0]).open("rb") as file:
                return _decoded(file.read(_MOST + 1))
        except OSError as error:
            raise ConfigError(f"{words[0]} can't be read: {error.strerror}", "Give a file that may be read.") from error
    if len(words) == 1 and _FILE_NAME.fullmatch(words[0]):
        raise click.UsageError(f"There is no file {words[0]}.")
    return " ".join(words)


def _is_file(word: str) -> bool:
    """A text is often longer than any name may be, and may hold what no name can."""
    try:
        return Path(word).is_file()
    except (OSError, ValueError):
        return False


def _decoded(data: bytes) -> str:
    """PowerShell writes UTF-16 into files and pipes."""
    from collector.read.encoding import find_encoding, text_of

    if len(data) > _MOST:
        data = data[:_MOST]
        click.echo(f"vmext: only the first {_MOST // 1_000_000} MB are read", err=True)
    found = find_encoding(data[:4096])
    if found and found[0] != "utf-8":
        return data[found[1] :].decode(found[0], "replace")
    return text_of(data.removeprefix(b"\xef\xbb\xbf"))[0]


def _explained(text: str, extension: str, system: System | None) -> list[Explained]:
    """A number, the name of a code, errors of the platform, or a line: what the text is, in this order."""
    from collector.data.noise import is_noise
    from collector.diagnose.arm.explain import explained
    from collector.diagnose.arm.line import explain_line
    from collector.diagnose.arm.lookup import explain_name, explain_number, number_in
    from collector.diagnose.arm.read import Reading, read
    from collector.extract.telling import error_score

    number = number_in(text)
    if number is not None:
        return [explain_number(number, extension, system)]
    reading = Reading(error_score, is_noise, extension, system)
    errors = read(text, reading)
    if errors:
        return [explained(error) for error in errors]
    found = explain_name(text, extension) or explain_line(text, reading)
    return [found] if found else []
