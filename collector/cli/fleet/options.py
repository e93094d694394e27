"""Options that ``fleet collect`` and ``fleet diagnose`` share, and what is checked of them before anything is asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.fleet.ask.run_command import Method

_NAME = re.compile(r"[\w(][\w.()-]{0,89}")
_SUBSCRIPTION = re.compile(r"\w[\w .()-]{0,99}")

EXIT_CODES = """\b
Exit codes:
   0  nothing wrong found{also}
   2  usage error; no az, az not logged in, no such scale set
   3  internal error
  10  a failure was found
  11  a hang was found, and no failure
  12  no logs or state files of any extension found
  20  a bundle was not delivered although asked to (wins over 10 to 12)
  21  an instance that was asked gave no verdict, or no extension is known to have failed but not every state is told
      (wins over all)
 130  stopped by Ctrl-C"""


@dataclass(frozen=True, slots=True)
class Options:
    """How to ask, as given on the command line."""

    method: Method
    parallel: int
    timeout: str
    script: Path | None
    extensions: tuple[str, ...]
    since: str | None
    until: str | None
    around: str | None
    margin: str | None
    upload: str | None
    no_upload: bool
    output: Path | None
    pace: float


_OPTIONS = (
    click.option(
        "--method",
        type=click.Choice(["managed", "invoke"]),
        default="managed",
        show_default=True,
        help="Managed Run Command (created, read, deleted), or the older one.",
    ),
    click.option("--parallel", type=click.IntRange(1, 64), default=8, show_default=True, help="Asked at once."),
    click.option("--timeout", metavar="LENGTH", default="10m", show_default=True, help="For vmext on one instance."),
    click.option(
        "--script",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Run this script there instead of an installed vmext.",
    ),
    click.option("--extension", "extensions", multiple=True, metavar="NAME", help="As vmext collect --extension."),
    click.option("--since", metavar="TIME", help="As vmext collect --since."),
    click.option("--until", metavar="TIME", help="As vmext collect --until."),
    click.option("--around", metavar="TIME", help="As vmext collect --around."),
    click.option("--margin", metavar="LENGTH", help="As vmext collect --margin."),
    click.option("--upload", metavar="URL", help="As vmext collect --upload; the token is the instance's own."),
    click.option("--no-upload", is_flag=True, help="As vmext collect --no-upload."),
    click.option(
        "--output",
        type=click.Path(file_okay=False, path_type=Path),
        metavar="DIR",
        help="Save there what each instance wrote.",
    ),
    click.option("--pace", type=click.FloatRange(0.0, 10.0), default=1.0, hidden=True, help="Stretches every wait."),
)
_FIELDS = frozenset(Options.__dataclass_fields__)


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options; the command gets them as one value, `how`."""

    def with_options(**given: Any) -> Any:
        how = Options(**{name: given.pop(name) for name in _FIELDS})
        return function(how=how, **given)

    with_options.__doc__ = function.__doc__
    with_options.__dict__.update(function.__dict__)
    for option in reversed(_OPTIONS):
        option(with_options)
    return with_options


# ---- checks --------------------------------------------------------------------------------------------


def checked(option: str, name: str) -> str:
    """`name`, if Azure allows such a name: it becomes an argument of a process."""
    if not (_SUBSCRIPTION if option == "--subscription" else _NAME).fullmatch(name):
        raise ConfigError(f"{option}: {name!r} is no name that Azure allows")
    return name


def collect_arguments(how: Options, now: datetime) -> list[str]:
    """What goes to vmext collect on the instance. A slip is told here, not by forty instances."""
    from collector.extract.window import moment, span

    given = [(f"--{name}", value) for name in ("since", "until", "around", "margin") if (value := getattr(how, name))]
    for option, value in given:
        span(value, option) if option == "--margin" else moment(value, now, option)
    if how.upload and how.no_upload:
        raise ConfigError("--upload and --no-upload can't be given together")
    if how.upload:
        given.append(("--upload", _without_secrets(how.upload)))
    given += [("--extension", name) for name in how.extensions]
    words = [word for pair in given for word in pair] + (["--no-upload"] if how.no_upload else [])
    if how.script and words:
        raise ConfigError(f"--script and {words[0]} can't be given together", "Write the arguments into the script.")
    return words


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"--upload: {url!r} is no address", "Give https://HOST.")
    if parts.username or parts.password or parts.query:
        raise ConfigError(
            "--upload: the address carries a password, a token or a query; all who may read the scale set would see it",
            "Leave it out: each instance reads its token from its own configuration (/etc/vmext/config.toml).",
        )
    return url


def seconds(how: Options) -> int:
    """--timeout in seconds."""
    from collector.extract.window import span

    number = int(span(how.timeout, "--timeout").total_seconds())
    if not 1 <= number <= 5400:
        raise ConfigError(f"--timeout: {how.timeout} is not between 1s and 90m", "Run Command allows 90 minutes.")
    return number
