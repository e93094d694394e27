"""``vmext redact``: a file or a stream without its secrets."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import click

from collector.cli.hiding import hidden, hiding_options
from collector.errors import ConfigError

_BLOCK = 262_144  # bytes read at once
_LEAST_KEY, _MOST_KEY = 16, 4_096  # bytes
_SAMPLE = 4_096

EPILOG = """\b
Exit codes:
   0  redacted, also where nothing was found
   2  usage error: a file or a key that can't be read"""


@click.command(epilog=EPILOG)
@click.argument("file", metavar="FILE|-")
@click.option("--key", "key_file", type=click.Path(path_type=Path), metavar="FILE", help="Key of the pseudonyms.")
@hiding_options
@click.option("--counts", is_flag=True, help="Tell on standard error how often each pattern was found.")
@click.pass_context
def command(ctx: click.Context, file: str, key_file: Path | None, counts: bool) -> None:
    """Print a text without its secrets: each becomes [kind:3f9a], the same secret the same digits.

    Without --key the digits differ from run to run. With the key of an instance (redaction.key in its state folder)
    they are those of its bundles. UTF-16 is read and UTF-8 is written. Memory does not grow with the file.
    """
    from collector.redact.patterns import HIDDEN
    from collector.redact.redactor import Redactor
    from collector.redact.stream import redacted

    key = _key(key_file) if key_file else secrets.token_bytes(32)
    asked = hidden(ctx)
    redactor = Redactor(key, [kind for kind in HIDDEN if asked[f"hide_{kind}"]])
    try:
        with nullcontext(sys.stdin.buffer) if file == "-" else Path(file).open("rb") as source:
            for part in redacted(_texts(source), redactor):
                sys.stdout.buffer.write(part.encode("utf-8", "surrogateescape"))
        sys.stdout.buffer.flush()
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror}", "Give a file that may be read, or -.") from error
    if counts:
        for row, count in sorted(redactor.counts().items()):
            click.echo(f"{count:>8}  {row}", err=True)


def _key(file: Path) -> bytes:
    try:
        key = file.read_bytes()[:_MOST_KEY]
    except OSError as error:
        raise ConfigError(f"--key: {file} can't be read: {error.strerror}") from error
    if len(key) < _LEAST_KEY:
        raise ConfigError(
            f"--key: {file} holds fewer than {_LEAST_KEY} bytes", "Make one: head -c 32 /dev/urandom > key"
        )
    return key


def _texts(source: BinaryIO) -> Iterator[str]:
    """The blocks as text, whatever they are encoded in."""
    import codecs

    from collector.read.encoding import find_encoding

    data = source.read(_BLOCK)
    encoding, begin = find_encoding(data[:_SAMPLE]) or ("utf-8", 0)
    decoder = codecs.getincrementaldecoder(encoding)("surrogateescape" if encoding == "utf-8" else "replace")
    data = data[begin:]
    while data:
        yield decoder.decode(data)
        data = source.read(_BLOCK)
    yield decoder.decode(b"", final=True)
