"""``vmext status``: whether the resident agent runs, what it follows, what it reported, what it uses."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collector.cli import EXIT_CODES
from collector.cli.terminal import echo

if TYPE_CHECKING:
    from collector.watch.standing import Standing

_SHAPE = (
    'With --json one object: {"schema": 1, "state": "running" | "stale" | "not running" | "unknown", "status": {...}};'
    ' on Windows also "service": {"state": "running", "start": "automatic"}.'
)


@click.command(epilog=f"{_SHAPE}\n\n{EXIT_CODES}")
@click.option("--json", "as_json", is_flag=True, help="One object for scripts.")
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path, readable=False),
    metavar="DIR",
    help="The agent's state folder, as it was given to vmext watch.",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path, readable=False),
    metavar="FILE",
    help="Configuration file.",
)
@click.pass_context
def command(ctx: click.Context, as_json: bool, state_dir: Path | None, config_file: Path | None) -> None:
    """Tell whether the resident agent runs, what it follows, what it reported, and what it uses itself."""
    from collector.cli.status_text import lines, spoken
    from collector.errors import HEALTHY, NOT_RUNNING, USAGE, ConfigError
    from collector.platforms import current
    from collector.platforms.service_settings import NAME

    found = _standing(state_dir, config_file)
    service = current().service(NAME)
    if as_json:
        import json

        document = {
            "schema": 1,
            "state": found.state,
            "state_dir": str(found.folder),
            "age_seconds": found.age_seconds,
            "status": found.document,
        }
        if service is not None:
            document["service"] = {"state": service[0], "start": service[1]}
        click.echo(json.dumps(document, indent=2))
    elif found.state == "unknown":
        raise ConfigError(spoken(found), "Ask as its owner: sudo vmext status.")
    else:
        for line in lines(found, service):
            echo(line)
    ctx.exit({"running": HEALTHY, "unknown": USAGE}.get(found.state, NOT_RUNNING))


def _standing(state_dir: Path | None, config_file: Path | None) -> Standing:
    """Of the state folder that is configured; else of one's own, and where no agent runs there, of the service's.

    Mistakes in the configuration do not matter here: what runs has its own opinion of them.
    """
    from collector.config import read
    from collector.platforms import current
    from collector.watch.standing import standing

    host, now = current(), datetime.now(timezone.utc)
    loaded = read({"state_dir": state_dir}, os.environ, config_file or host.config_file(), host.state_dir())
    found = standing(loaded.config.state_dir, now)
    is_chosen = "state_dir" in loaded.origins or host.service_state_dir() == loaded.config.state_dir
    if found.state in ("running", "stale") or is_chosen:
        return found
    service = standing(host.service_state_dir(), now)
    return service if service.state != "not running" or found.document is None else found
