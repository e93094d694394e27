"""What the paths of the application work with, put together once for each process."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from collector.bundle.reader import Limits
from collector.endpoint.access.access import Access, open_access
from collector.endpoint.database.engine import Database
from collector.endpoint.database.migrate import migrate
from collector.endpoint.indexing.indexer import Indexer
from collector.endpoint.intake.committing import Commits
from collector.endpoint.intake.gate import Gate
from collector.endpoint.intake.ingest import recover
from collector.endpoint.pages.templates import Pages
from collector.endpoint.pages.timelines import Timelines
from collector.endpoint.pulse import Pulse
from collector.endpoint.reading.bundles import Index
from collector.endpoint.settings import Settings
from collector.endpoint.stores.addresses import store_of
from collector.endpoint.stores.cache import Cache
from collector.endpoint.stores.folder import FolderStore
from collector.endpoint.stores.store import Store
from collector.endpoint.watching.places import watched
from collector.endpoint.watching.watcher import Watcher
from collector.errors import ConfigError

if TYPE_CHECKING:
    from collector.endpoint.exporting.exporter import Exporter


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
    timelines: Timelines
    limits: Limits
    pulse: Pulse
    gate: Gate
    watchers: tuple[Watcher, ...]
    #: None where findings go nowhere.
    exporter: Exporter | None

    def close(self) -> None:
        """Ends after what was begun."""
        if self.exporter is not None:
            self.exporter.stop()
        self.pulse.stop()
        self.commits.close()
        self.access.audit.close()
        self.database.close()


def open_parts(settings: Settings, *, is_first: bool = True) -> Parts:
    """Brings the index to this version's schema, and to what is stored, unless another process has (`is_first`).

    Raises OSError if the folder or the database can't be used, ConfigError.
    """
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.database_url)
    if is_first:
        migrate(database)
    cache, index, limits = Cache(settings.data / "cache"), Index(database), Limits()
    store = store_of(settings.store, settings.data, cache)
    if settings.grants and isinstance(store, FolderStore):
        raise ConfigError(
            "--grants: a folder can't take bundles from senders", "Give --store az://... or s3://..., too."
        )
    folders = {settings.data, *([Path(store.name)] if isinstance(store, FolderStore) else [])}
    if is_first:
        store.clear_incoming()
    if is_first and not store.is_shared:
        recover(store, index, database, limits)
    watching = watched(settings, store, database, cache, limits)
    store = watching.store
    indexer = Indexer(database, store, limits, exports=settings.otlp_endpoint is not None)
    pulse = Pulse(database, folders)
    return Parts(
        settings,
        database,
        store,
        index,
        open_access(settings.data, database, settings.access),
        Commits(database),
        indexer,
        Pages(watches=bool(settings.watch)),
        Timelines(),
        limits,
        pulse,
        Gate(pulse),
        watching.watchers(indexer.call),
        _exporter(settings, database),
    )


def _exporter(settings: Settings, database: Database) -> Exporter | None:
    """None where nothing is to be sent. Raises ConfigError."""
    if settings.otlp_endpoint is None:
        return None
    from collector.endpoint.exporting.exporter import Exporter
    from collector.endpoint.exporting.sending import Sender, told_headers

    return Exporter(database, Sender(settings.otlp_endpoint, told_headers(settings.otlp_headers)))
