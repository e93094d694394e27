"""What every store of bundles can do, whatever holds them."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

from collector.endpoint.stores.incoming import Incoming
from collector.endpoint.stores.place import Place


class GoneError(FileNotFoundError):
    """A bundle is not where it was stored; the text says where that was."""

    def __init__(self, where: str) -> None:
        super().__init__(errno.ENOENT, f"it was removed from {where}")


class Store(Protocol):
    """Bundles by their hash. Every method raises OSError for faults of the disk or the network."""

    #: Where it is, as people may see it.
    name: str
    #: Whether other hosts put bundles there too. Such a store may hold millions: it is not listed at each start.
    is_shared: bool
    #: Where what is not a bundle yet is kept: blocks of uploads, and what came by grant.
    place: Place

    def receive(self) -> Incoming:
        """A body for `keep`; whoever asked for it discards it in the end."""

    def keep(self, incoming: Incoming, sha256: str) -> None:
        """A whole body becomes the bundle of that hash. It is durable when this returns."""

    def opened(self, sha256: str, *, as_stored: bool = False) -> AbstractContextManager[BinaryIO]:
        """The bundle as a seekable file. GoneError where there is none.

        `as_stored`: encrypted where it is, although this process may have a key.
        """

    def holds(self, sha256: str) -> bool:
        """Whether it is kept here."""

    def is_elsewhere(self, sha256: str) -> bool:
        """Whether it is not kept here, but seen in a place that others may empty."""

    def remove(self, hashes: Collection[str]) -> None:
        """Those that are gone already are passed over."""

    def clear_incoming(self) -> int:
        """Removes what killed processes of this host left half received; tells how many files."""

    def all(self) -> Iterator[str]:
        """The hash of every bundle, one after the other."""
