"""The flags of stricter sites, which several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])

_META = "vmext.hide"
_FLAGS = {
    "ids": "Hide ids of subscription, instance and operation too.",
    "addresses": "Hide network addresses, save the platform's own.",
    "hostnames": "Hide the names of this and other hosts.",
}


def hiding_options(command: Command) -> Command:
    """Adds ``--hide-ids``, ``--hide-addresses`` and ``--hide-hostnames``."""
    for kind, text in reversed(_FLAGS.items()):
        flag = click.option(f"--hide-{kind}", is_flag=True, help=text, expose_value=False, callback=_keep)
        command = flag(command)
    return command


def hidden(ctx: click.Context) -> dict[str, bool | None]:
    """The settings that these flags stand for: True where one was given, else None."""
    given = ctx.meta.get(_META, ())
    return {f"hide_{kind}": (kind in given) or None for kind in _FLAGS}


def _keep(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value:
        ctx.meta.setdefault(_META, set()).add(str(option.name).removeprefix("hide_"))
