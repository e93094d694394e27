"""What the paths of the application work with, put together once for each process."""

from __future__ import annotations

from dataclasses import dataclass

from collector.bundle.reader import Limits
from collector.endpoint.access.access import Access, open_access
from collector.endpoint.database.engine import Database
from collector.endpoint.database.migrate import migrate
from collector.endpoint.indexing.indexer import Indexer
from collector.endpoint.intake.committing import Commits
from collector.endpoint.intake.ingest import recover
from collector.endpoint.pages.templates import Pages
from collector.endpoint.reading.bundles import Index
from collector.endpoint.settings import Settings
from collector.endpoint.stores.folder import Store


@dataclass(frozen=True, slots=True)
class Parts:
    settings: Settings
    database: Database
    store: Store
    index: Index
    access: Access
    commits: Commits
    indexer: Indexer
    pages: Pages
    limits: Limits


def open_parts(settings: Settings) -> Parts:
    """Brings the index to this version's schema, and to what is stored.

    Raises OSError if the folder or the database can't be used, ConfigError.
    """
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.database_url)
    migrate(database)
    store, index, limits = Store(settings.data), Index(database), Limits()
    recover(store, index, database, limits)
    return Parts(
        settings,
        database,
        store,
        index,
        open_access(settings.data, database, settings.access),
        Commits(database),
        Indexer(database, store, limits),
        Pages(),
        limits,
    )
