"""``vmext endpoint retention``: deletes what is old or too much, now."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from collector.cli.endpoint.opened import opened, told
from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.cli.endpoint import Given


@click.command("retention", short_help="Delete what is too old or too much.")
@click.option("--dry-run", is_flag=True, help="Only tell what would go.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.pass_obj
def command(given: Given, dry_run: bool, as_json: bool) -> None:
    """Delete the bundles that --keep-days and --keep-gb leave no room for; give them before the word retention.

    A running endpoint with the same options does so by itself once an hour.
    """
    settings = given.settings()
    if settings.access.keep_days is None and settings.access.keep_bytes is None:
        raise ConfigError("nothing says what to keep", "Give --keep-days or --keep-gb before the word retention.")
    with opened(given) as database:
        from collector.endpoint.database.engine import OF_THE_INDEX
        from collector.endpoint.retention.sweep import Retention
        from collector.endpoint.stores.addresses import store_of
        from collector.endpoint.stores.cache import Cache

        store = store_of(settings.store, settings.data, Cache(settings.data / "cache"))
        retention = Retention(database, store, settings.access)
        try:
            swept = retention.would() if dry_run else retention.sweep()
        except OSError as error:
            reason = error.strerror or str(error)
            if reason.startswith(OF_THE_INDEX):
                raise
            raise ConfigError(f"the store can't be used: {reason}", "Give one that answers, and go on.") from error
    if as_json:
        click.echo(json.dumps({name: told(value) for name, value in asdict(swept).items()} | {"dry_run": dry_run}))
        return
    done = "would be deleted" if dry_run else "are deleted"
    click.echo(f"{swept.bundles:,} bundles of {swept.bytes:,} bytes {done}.")
    click.echo(f"{swept.by_age:,} by age, {swept.by_size:,} by size.")
