"""``vmext watch``: the resident agent, in the foreground or as a service."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import Any

import click

from collector.cli import EXIT_CODES

log = logging.getLogger(__name__)


@click.command(epilog=EXIT_CODES)
@click.option(
    "--root",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Watch the tree at DIR, which other processes of this machine write, instead of the machine's own.",
)
@click.option(
    "--upload",
    "upload_url",
    metavar="URL",
    help="An endpoint, Azure Blob (SAS or managed identity), S3 (presigned) or a folder.",
)
@click.option("--token-file", metavar="FILE", help="File that holds the endpoint's token.")
@click.option(
    "--state-dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Its own folder: checkpoint, kept lines, spool, own log.",
)
@click.option("--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="Configuration file.")
@click.option("--instance", metavar="NAME", help="Name of the instance, where nothing on the disk tells it.")
@click.option("--timezone", "time_zone", metavar="ZONE", help="Zone of local stamps: Europe/Berlin, UTC, +05:30.")
@click.option(
    "--poll",
    "watch_poll",
    is_flag=True,
    default=None,
    help="Look again and again, as on network file systems.",
)
@click.option(
    "--hang-seconds",
    "watch_hang_seconds",
    type=float,
    metavar="SECONDS",
    help="Report an operation as a hang after so long, if its own limit is longer.",
)
@click.option(
    "--cpu-percent",
    "watch_cpu_percent",
    type=float,
    metavar="N",
    help="Share of one core that may be used over time; 0: no limit.",
)
@click.option("--console", "watch_console", is_flag=True, default=None, help="Tell the serial console as well.")
@click.option("--quiet", is_flag=True, help="Print nothing; the own log and vmext status tell what happens.")
def command(root: Path | None, config_file: Path | None, instance: str | None, quiet: bool, **settings: Any) -> None:
    """Follow the logs as they grow, keep what matters, and report what fails or hangs by itself.

    Runs until it is stopped (SIGTERM, Ctrl-C); SIGHUP reads the configuration again. One agent for each state folder.
    """
    from collector.service.configuration import settings as effective
    from collector.watch.order import Order
    from collector.watch.run import Wishes, run

    settings = {name.replace("watch_", "watch."): value for name, value in settings.items()}
    if root is not None and not root.is_dir():
        raise click.UsageError(f"--root: {root} is no folder.")
    order = Order(
        root=root.resolve() if root is not None else None,
        instance=instance,
        config_file=config_file.resolve() if config_file is not None else None,
        environ=_environment(settings),
        tell=(lambda text: None) if quiet else _print,
    )
    wishes = Wishes()
    with wishes.heard():
        run(order, lambda: effective(settings, os.environ, config_file), wishes)


def _environment(settings: dict[str, Any]) -> dict[str, str]:
    """The flags as variables: what children are told so, other users of the machine can't read."""
    from collector.config import ENVIRONMENT

    variables = {name: variable for variable, name in ENVIRONMENT.items()}
    return {
        variables[name]: str(value)
        for name, value in settings.items()
        if value is not None and name in variables and not name.startswith("watch.")
    }


def _print(text: str) -> None:
    """Who reads it may go, and the disk that takes it may be full: the agent works on without."""
    from datetime import datetime, timezone

    try:
        click.echo(f"{datetime.now(timezone.utc):%H:%M:%SZ} {text}")
    except OSError as error:
        log.warning("nothing is printed any more: %s", error.strerror)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # what is left in buffers goes there as well
        os.close(nowhere)
