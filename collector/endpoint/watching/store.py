"""The store of an endpoint that also shows bundles which lie in watched places."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO

import sqlalchemy as sa

from collector.bundle.encryption import Identities
from collector.bundle.reader import Limits
from collector.endpoint.database.engine import Database
from collector.endpoint.database.stores_tables import WATCHED_FILES
from collector.endpoint.stores.cache import Cache, ChangedError
from collector.endpoint.stores.folder_place import mark as mark_of
from collector.endpoint.stores.incoming import Incoming
from collector.endpoint.stores.place import Place
from collector.endpoint.stores.store import GoneError, Store
from collector.endpoint.watching.taking import readable

#: A bundle that lies in more places than that is looked for in these.
_MOST_PLACES = 10


class WatchingStore:
    """Opens a bundle from where it lies; stores into, and removes from, the endpoint's own store only."""

    def __init__(
        self,
        own: Store,
        places: Mapping[int, Place],
        database: Database,
        cache: Cache,
        limits: Limits,
        identities: Identities | None = None,
    ) -> None:
        """`places` by their numbers in the index."""
        self.name, self.is_shared, self.place = own.name, own.is_shared, own.place
        self._own, self._places, self._database, self._cache = own, places, database, cache
        self._limits, self._identities = limits, identities

    def receive(self) -> Incoming:
        return self._own.receive()

    def keep(self, incoming: Incoming, sha256: str) -> None:
        self._own.keep(incoming, sha256)

    def remove(self, hashes: Collection[str]) -> None:
        self._own.remove(hashes)

    def clear_incoming(self) -> int:
        return self._own.clear_incoming()

    def all(self) -> Iterator[str]:
        return self._own.all()

    @contextmanager
    def opened(self, sha256: str, *, as_stored: bool = False) -> Iterator[BinaryIO]:
        with ExitStack() as held:
            file = held.enter_context(self._found(sha256))
            yield file if as_stored else held.enter_context(readable(file, self._identities, self._limits))

    def holds(self, sha256: str) -> bool:
        return self._own.holds(sha256)

    def is_elsewhere(self, sha256: str) -> bool:
        return bool(self._files(sha256)) and not self._own.holds(sha256)

    @contextmanager
    def _found(self, sha256: str) -> Iterator[BinaryIO]:
        with ExitStack() as held:
            files = self._files(sha256)
            for one in files:
                try:
                    file = held.enter_context(self._from(self._places[one.place], one.name, one.mark, sha256))
                except (FileNotFoundError, ChangedError):
                    continue
                yield file
                return
            try:
                file = held.enter_context(self._own.opened(sha256))
            except GoneError:
                if files:
                    raise GoneError(self._places[files[0].place].name) from None
                raise
            yield file

    @contextmanager
    def _from(self, place: Place, name: str, mark: str, sha256: str) -> Iterator[BinaryIO]:
        local = place.local(name)
        if local is not None:
            if mark_of(local.stat()) != mark:
                raise ChangedError(f"{local} has changed since it was indexed")
            with local.open("rb") as stream:
                yield stream
            return
        with self._cache.find(sha256) or self._cache.fetch(sha256, place.pieces(name)) as stream:
            yield stream

    def _files(self, sha256: str) -> Sequence[Any]:
        """Where it was seen, those places first in which it still was at the last look."""
        columns = sa.select(WATCHED_FILES.c.place, WATCHED_FILES.c.name, WATCHED_FILES.c.mark)
        query = columns.where(WATCHED_FILES.c.sha256 == sha256, WATCHED_FILES.c.place.in_(self._places))
        with self._database.reading() as connection:
            return connection.execute(query.order_by(WATCHED_FILES.c.gone).limit(_MOST_PLACES)).all()
