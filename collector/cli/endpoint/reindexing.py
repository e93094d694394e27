"""Brings the index to what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.endpoint.settings import Settings


def reindex(settings: Settings) -> None:
    """Raises ConfigError where store or index can't be used."""
    from collector.bundle.reader import Limits
    from collector.endpoint.database.engine import Database
    from collector.endpoint.database.migrate import migrate
    from collector.endpoint.intake.ingest import recover
    from collector.endpoint.intake.uploads import Uploads
    from collector.endpoint.reading.bundles import Index
    from collector.endpoint.stores.addresses import store_of
    from collector.endpoint.stores.cache import Cache

    try:
        settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = Database(settings.database_url)
        migrate(database)
        store = store_of(settings.store, settings.data, Cache(settings.data / "cache"))
        index = Index(database)
        found = recover(store, index, database, Limits())
        left = Uploads(database, store.place).sweep(index.known)
    except OSError as error:
        raise ConfigError(
            f"it can't be reindexed: {error.strerror or error}", "Give a store and a database that answer."
        ) from error
    click.echo(f"{found} bundles were not in the index; a running endpoint reads them now.")
    if left:
        click.echo(f"{left} blocks of uploads that nobody ended were removed.")
