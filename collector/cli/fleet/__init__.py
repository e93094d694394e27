"""``vmext fleet``: the whole scale set."""

from __future__ import annotations

import click

from collector.cli.lazy import LazyGroup

COMMANDS = {
    "show": "collector.cli.fleet.show",
    "collect": "collector.cli.fleet.collect",
    "diagnose": "collector.cli.fleet.diagnose",
    "pull": "collector.cli.fleet.pull",
}


@click.group(cls=LazyGroup, modules=COMMANDS)
def command() -> None:
    """The whole scale set: which extensions failed where, which case this is, what to do."""
