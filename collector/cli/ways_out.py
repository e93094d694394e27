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
    from collector.service.run import Done

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

    from collector.service.configuration import settings
    from collector.service.cores import part

    found = _WANTED.fullmatch(wanted)
    if found is None or not int(found[1]):
        raise ConfigError(f"--part: {wanted!r} is no part", "Give N or N/M, as --part 1, then --part 2/9.")
    if bundle is not None and not _ID.fullmatch(bundle):
        raise ConfigError(f"--bundle: {bundle!r} is no bundle's id", "An id has 16 hexadecimal digits.")
    config = settings({"state_dir": state_dir}, os.environ, config_file)
    write(part(config, int(found[1]), int(found[2]) if found[2] else None, bundle, time.time()))


def form_of(form: str, ways: WaysOut) -> str:
    """The form that was asked for: "text", "json" or "inline"."""
    return "inline" if ways.inline else form


def verdicts(done: Done, form: str) -> dict[str, str]:
    """The verdict in this form, and in those that cost little; where it could not be delivered, with the ways out."""
    from collector.bundle.summary import verdict_json, verdict_text

    told = done.report, done.bundle, done.delivery
    texts = {"text": verdict_text(*told), "json": verdict_json(*told)}
    if form == "inline":
        from collector.bundle.inline import inline_text

        texts["inline"] = inline_text(*told)
    elif done.delivery.state != "delivered" and done.delivery.error:
        from collector.bundle.inline import with_hint

        texts["text"] = with_hint(texts["text"])
    return texts


def write(text: str) -> None:
    """To standard output, with line ends that no console changes."""
    sys.stdout.buffer.write((text.rstrip("\n") + "\n").encode("ascii", "backslashreplace"))
    sys.stdout.flush()
