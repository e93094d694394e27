"""``vmext show`` of a text: the findings that a verdict carries in itself, or a core bundle in parts."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import click

from collector.bundle.console import harmless
from collector.cli.printing import echo, tell
from collector.errors import BundleError, ConfigError

_ZIP = b"PK"
_MOST = 64_000_000  # bytes; a bundle has no more either
_MARK = "#vmext-"


@dataclass(frozen=True, slots=True)
class Given:
    """What the argument holds: a bundle, or a text."""

    place: str
    bundle: Path | BinaryIO | None = None
    text: str = ""


def given(file: Path) -> Given:
    """A bundle if it begins as one, else a text. A file without anything of ours is left to the bundle's reader."""
    if str(file) == "-":
        if sys.stdin.isatty():
            click.echo("vmext: paste the text, then end it with Ctrl-D (on Windows Ctrl-Z and Enter)", err=True)
        return _read("standard input", sys.stdin.buffer)
    try:
        with file.open("rb") as opened:
            if opened.read(len(_ZIP)) == _ZIP:
                return Given(str(file), file)
            opened.seek(0)
            read = _read(str(file), opened)
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror or error}") from error
    return read if _MARK in read.text.replace("\n", "") else Given(str(file), file)


def _read(place: str, file: BinaryIO) -> Given:
    from collector.read.encoding import SAMPLE, find_encoding

    data = file.read(_MOST + 1)
    if len(data) > _MOST:
        raise ConfigError(f"{place} has more than {_MOST} bytes", "Give only what vmext printed.")
    if data.startswith(_ZIP):
        return Given(place, io.BytesIO(data))
    found = find_encoding(data[:SAMPLE])
    if found is None:
        return Given(place)
    encoding, mark = found
    return Given(place, None, data[mark:].decode(encoding, "replace"))


def core_in(text: str) -> BinaryIO | None:
    """The core bundle whose parts are in the text; None where there is no part. Raises BundleError where some lack."""
    from collector.bundle.parts import joined, read_parts

    parts, problems = read_parts(text)
    if not parts and not problems:
        return None
    try:
        return io.BytesIO(joined(parts))
    except BundleError as error:
        raise BundleError("; ".join([str(error), *problems]), "Copy the output of every part again.") from error


def show_findings(one: Given, *, as_json: bool) -> None:
    """Prints the findings that are packed into a text. Raises BundleError for what is damaged, after the others."""
    from collector.bundle.inline_reader import AGAIN, read_inline, rows

    found, problems = read_inline(one.text)
    if as_json:
        documents = [inline.document for inline in found]
        if documents:
            click.echo(json.dumps(documents[0] if len(documents) == 1 else documents, indent=1))
    else:
        for line in _separated([list(rows(inline)) for inline in found]):
            echo(harmless(line))
    for problem in problems[:-1]:
        tell(f"{one.place}: {problem}")
    if problems:
        raise BundleError(problems[-1], AGAIN)


def _separated(verdicts: list[list[str]]) -> Iterator[str]:
    for number, lines in enumerate(verdicts):
        yield from ("", "") if number else ()
        yield from lines
