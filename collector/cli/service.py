"""``vmext service``: the resident agent as a service of Windows."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collector.cli import EXIT_CODES, redacted

if TYPE_CHECKING:
    from collector.platforms.windows_service import ManagedService


log = logging.getLogger(__name__)


@click.group()
def command() -> None:
    """Enter the resident agent as a service of Windows, start and stop it. On Linux systemd does that."""


@command.command(epilog=EXIT_CODES)
@click.option("--config", "config_file", metavar="FILE", help="What is to be the configuration; the file is copied.")
@click.option("--upload", "upload_url", metavar="URL", help="Where bundles go. A secret in it belongs into --config.")
@click.option("--token-file", metavar="FILE", help="File that holds the endpoint's token.")
def install(config_file: str | None, upload_url: str | None, token_file: str | None) -> None:
    """Enter the service, or change it. An empty value counts as none; settings that someone wrote stay."""
    from collector.service.installed import install

    given = {"upload_url": upload_url, "token_file": token_file}
    settings = {name: value for name, value in given.items() if value}
    if config_file and settings:
        raise click.UsageError("--config holds all settings; the others can't be given beside it.")
    for line in install(Path(config_file) if config_file else None, settings):
        click.echo(redacted(line))


@command.command(epilog=EXIT_CODES)
def remove() -> None:
    """Stop the service and take it out. State and configuration stay."""
    from collector.service.installed import remove

    remove()


@command.command(epilog=EXIT_CODES)
def start() -> None:
    """Start the service, and wait until it follows the logs."""
    from collector.service.installed import start

    start()


@command.command(epilog=EXIT_CODES)
def stop() -> None:
    """Stop the service, and wait for its end."""
    from collector.service.installed import stop

    stop()


@command.command(epilog=EXIT_CODES)
@click.pass_context
def status(ctx: click.Context) -> None:
    """Tell in a line what Windows says of the service. More tells vmext status."""
    from collector.errors import HEALTHY, NOT_RUNNING
    from collector.platforms import current
    from collector.platforms.service_settings import NAME

    found = current().service(NAME)
    click.echo(f"{NAME}: {found[0]}, start {found[1]}" if found is not None else f"{NAME} is no service here")
    ctx.exit(HEALTHY if found is not None and found[0] == "running" else NOT_RUNNING)


@command.command(hidden=True)
def run() -> None:
    """What Windows starts."""
    from collector.errors import INTERNAL, ConfigError, VmextError
    from collector.platforms.service_settings import NAME
    from collector.platforms.windows_service import ManagedService, write_event

    service = ManagedService(NAME)
    if (
        not service.connect()
    ):  # before anything that takes time: the manager waits for it, and starts no other meanwhile
        raise ConfigError("this is for the service manager of Windows", "vmext service start, or vmext watch.")
    code = INTERNAL
    try:
        _watch(service)
        code = 0
    except VmextError as error:
        code = error.exit_code
        write_event(NAME, redacted(f"{error} {error.hint}".strip()))
        raise
    finally:
        if code == INTERNAL:  # nobody sees what is printed
            name = getattr(sys.exc_info()[0], "__name__", "")
            log.error("the service ends: %s", name, exc_info=True)
            write_event(NAME, f"internal error: {name}; more stands in its own log")
        service.stopped(code)


def _watch(service: ManagedService) -> None:
    from collector.service.configuration import settings
    from collector.watch.order import Order
    from collector.watch.run import Wishes, run

    wishes = Wishes()
    service.listen(wishes.ask_stop, wishes.ask_reload)
    run(Order(root=None), lambda: settings({}, os.environ, None), wishes, service)
