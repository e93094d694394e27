"""Puts together what watches the places that an endpoint was told of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collector.bundle.encryption import Identities, identities
from collector.bundle.reader import Limits
from collector.endpoint.database.engine import Database
from collector.endpoint.settings import Settings
from collector.endpoint.stores.addresses import place_of
from collector.endpoint.stores.cache import Cache
from collector.endpoint.stores.place import Place
from collector.endpoint.stores.store import Store
from collector.endpoint.watching.ledger import Ledger
from collector.endpoint.watching.store import WatchingStore
from collector.endpoint.watching.watcher import Watcher


@dataclass(frozen=True, slots=True)
class Watched:
    """`store`: the endpoint's own one, or what opens bundles of the watched places as well."""

    own: Store
    store: Store
    cache: Cache
    limits: Limits
    places: Sequence[tuple[Place, Ledger]]
    identities: Identities | None
    every: float | None

    def watchers(self, call: Callable[[], None]) -> tuple[Watcher, ...]:
        """One for each place; `call` is called when there are bundles to index."""
        return tuple(
            Watcher(
                place,
                ledger,
                self.cache,
                self.limits,
                call,
                self.own.holds,
                self.identities,
                self.every,
            )
            for place, ledger in self.places
        )


def watched(settings: Settings, own: Store, database: Database, cache: Cache, limits: Limits) -> Watched:
    """Raises ConfigError, OSError."""
    keys = identities(settings.identity) if settings.identity else None
    found = {place.name: place for place in (place_of(url, "--watch-store") for url in settings.watch)}
    places = [(place, Ledger(database, name)) for name, place in found.items()]
    store = own
    if places:
        store = WatchingStore(own, {ledger.number: place for place, ledger in places}, database, cache, limits, keys)
    return Watched(own, store, cache, limits, places, keys, settings.every)
