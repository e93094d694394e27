"""Bundles in a container of Azure Blob or a bucket of S3, as `objects/ab/abcd....zip`.

They are received on this host's disk, and put there when they are whole and checked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from collector.endpoint.stores.cache import Cache
from collector.endpoint.stores.incoming import Incoming, clear
from collector.endpoint.stores.place import Place
from collector.endpoint.stores.store import GoneError


class ObjectStore:
    is_shared = True

    def __init__(self, place: Place, data: Path, cache: Cache) -> None:
        """`data`: this host's folder. Raises OSError if it can't be used."""
        self.name = place.name
        self.place = place
        self._cache = cache
        self._incoming = data / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True, mode=0o700)

    def receive(self) -> Incoming:
        return Incoming(self._incoming)

    def keep(self, incoming: Incoming, sha256: str) -> None:
        """A copy stays on the disk for a while: the indexer opens it next."""
        self.place.put(_name(sha256), incoming.path)
        with suppress(OSError):  # a copy that can't be kept is fetched again
            self._cache.take(incoming.path, sha256)

    @contextmanager
    def opened(self, sha256: str, *, as_stored: bool = False) -> Iterator[BinaryIO]:
        try:
            stream = self._cache.find(sha256) or self._cache.fetch(sha256, self.place.pieces(_name(sha256)))
        except FileNotFoundError:
            raise GoneError(self.name) from None
        with stream:
            yield stream

    def holds(self, sha256: str) -> bool:
        try:
            return bool(self.place.start(_name(sha256), 1))
        except FileNotFoundError:
            return False

    def is_elsewhere(self, sha256: str) -> bool:
        return False

    def remove(self, hashes: Collection[str]) -> None:
        """Also the copies of this host; those of other hosts go when they make room."""
        self.place.remove([_name(sha256) for sha256 in hashes])
        self._cache.drop(hashes)

    def clear_incoming(self) -> int:
        return clear(self._incoming)

    def all(self) -> Iterator[str]:
        for chunk in self.place.listing("objects"):
            for found in chunk:
                if found.name.endswith(".zip"):
                    yield found.name.rpartition("/")[2].removesuffix(".zip")


def _name(sha256: str) -> str:
    return f"objects/{sha256[:2]}/{sha256}.zip"
