"""``vmext upload``: send what lies in the spool."""

from __future__ import annotations

import os
from pathlib import Path

import click

from collector.cli import EXIT_CODES, redacted
from collector.cli.visible import warn_of_visible


@click.command(epilog=EXIT_CODES)
@click.option(
    "--upload",
    "upload_url",
    metavar="URL",
    help="An endpoint, Azure Blob (SAS or managed identity), S3 (presigned) or a folder.",
)
@click.option("--token-file", metavar="FILE", help="File that holds the endpoint's token.")
@click.option("--token", help="The token itself; others on this machine can see it.")
@click.option(
    "--spread", "spread_seconds", type=float, metavar="SECONDS", help="Wait for a random part of it before sending."
)
@click.option("--state-dir", type=click.Path(path_type=Path), metavar="DIR", help="Where the spool lies.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), metavar="FILE", help="Configuration file.")
@click.pass_context
def command(
    ctx: click.Context,
    upload_url: str | None,
    token_file: str | None,
    token: str | None,
    spread_seconds: float | None,
    state_dir: Path | None,
    config_file: Path | None,
) -> None:
    """Send the bundles that wait in the spool; each stays there until the endpoint's receipt names its hash."""
    from collector.cli.own_log import tell_warnings
    from collector.errors import NOT_DELIVERED
    from collector.service.configuration import settings
    from collector.service.sending import upload

    tell_warnings()
    warn_of_visible(token, upload_url)
    flags = {
        "upload_url": upload_url,
        "token": token,
        "token_file": token_file,
        "state_dir": state_dir,
        "spread_seconds": spread_seconds,
    }
    config = settings(flags, os.environ, config_file)
    failed = 0
    count = 0
    for bundle, delivery in upload(config):
        count += 1
        if delivery.state == "delivered":
            _tell(f"{bundle.id} delivered to {delivery.target}")
        elif delivery.state == "skipped":
            _tell(f"{bundle.id} left alone: {delivery.error}")
        else:
            failed += 1
            _tell(f"{bundle.id} not delivered: {delivery.error}")
    if count == 0:
        _tell(f"nothing waits in {config.state_dir / 'spool'}")
    ctx.exit(NOT_DELIVERED if failed else 0)


def _tell(text: str) -> None:
    """A line to standard output; what a receiver answered may hold anything."""
    from collector.cli.terminal import echo

    echo(redacted(text))
