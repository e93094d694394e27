"""What ``vmext collect`` offers where no bundle gets out: findings inside the verdict, and a core bundle in parts."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.service import Done

_WANTED = re.compile(r"(\d{1,2})(?:/(\d{1,2}))?")
_ID = re.compile(r"[0-9a-f]{16}")


class WaysOut(NamedTuple):
    """As given on the command line."""

    inline: bool
    part: str | None
    bundle: str | None


_OPTIONS = (
    click.option("--inline", is_flag=True, help="Pack the findings into the verdict; vmext show - reads them back."),
    click.option(
        "--part", metavar="N/M", help="Print this part of the core of a bundle that waits here; collect nothing."
    ),
    click.option("--bundle", metavar="ID", help="With --part: of this bundle, instead of the newest."),
)


def ways_out(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command gets them as one value, `ways`."""

    def with_options(**given: Any) -> Any:
        ways = WaysOut(given.pop("inline"), given.pop("part"), given.pop("bundle"))
        return function(ways=ways, **given)

    with_options.__doc__ = function.__doc__
    with_options.__dict__.update(function.__dict__)
    for option in reversed(_OPTIONS):
        option(with_options)
    return with_options


def part_printed(ways: WaysOut, form: str, state_dir: Path | None, config_file: Path | None) -> bool:
    """Prints the part that was asked for; False where none was. Raises UsageError for what can't be given together."""
    if ways.inline and form == "json":
        raise click.UsageError("--inline can't be given with --format json, which has the findings anyway.")
    if ways.part is None:
        if ways.bundle is not None:
            raise click.UsageError("--bundle is for --part.")
        return False
    if ways.inline:
        raise click.UsageError("--inline can't be given with --part, which collects nothing.")
    _print_part(ways.part, ways.bundle, state_dir, config_file)
    return True


def _print_part(wanted: str, bundle: str | None, state_dir: Path | None, config_file: Path | None) -> None:
    import time

    from collector import service

    found = _WANTED.fullmatch(wanted)
    if found is None or not int(found[1]):
        raise ConfigError(f"--part: {wanted!r} is no part", "Give N or N/M, as --part 1, then --part 2/9.")
    if bundle is not None and not _ID.fullmatch(bundle):
        raise ConfigError(f"--bundle: {bundle!r} is no bundle's id", "An id has 16 hexadecimal digits.")
    config = service.settings({"state_dir": state_dir}, os.environ, config_file)
    _write(service.part(config, int(found[1]), int(found[2]) if found[2] else None, bundle, time.time()))


def print_verdict(done: Done, form: str, ways: WaysOut) -> None:
    """The verdict in the form that was asked for; where it could not be delivered, with the ways that are left."""
    from collector.bundle.summary import verdict_json, verdict_text

    if form == "json":
        text = verdict_json(done.report, done.bundle, done.delivery)
    elif ways.inline:
        from collector.bundle.inline import inline_text

        text = inline_text(done.report, done.bundle, done.delivery)
    else:
        text = verdict_text(done.report, done.bundle, done.delivery)
        if done.delivery.state != "delivered" and done.delivery.error:
            from collector.bundle.inline import with_hint

            text = with_hint(text)
    _write(text)


def _write(text: str) -> None:
    """To standard output, with line ends that no console changes."""
    sys.stdout.buffer.write((text.rstrip("\n") + "\n").encode("ascii", "backslashreplace"))
    sys.stdout.flush()
