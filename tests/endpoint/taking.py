"""Bundles into an index without a server: stored, queued and indexed by the real parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from collector.bundle.reader import Limits, glance_received
from collector.endpoint.database.engine import Database
from collector.endpoint.database.migrate import migrate
from collector.endpoint.indexing.indexer import Indexer
from collector.endpoint.indexing.rows import bundle_row
from collector.endpoint.intake.committing import insert_bundles
from collector.endpoint.reading.bundles import now
from collector.endpoint.stores.folder import FolderStore
from tests.collecting import collect, failing_disk
from tests.endpoint.made import varied


class Taking:
    def __init__(self, url: str, data: Path, bundle: Path) -> None:
        """`bundle`: what all others are made of."""
        self._bundle = bundle
        self._folder = data
        self.database = Database(url)
        self.store = FolderStore(data)
        migrate(self.database)

    def __enter__(self) -> Taking:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.database.close()

    def take(self, **differs: Any) -> str:
        """Stores a bundle that differs in what is given, and queues it; gives its id."""
        file = varied(self._bundle, self._folder, **differs)
        incoming = self.store.receive()
        incoming.write(file.read_bytes())
        sha256 = incoming.finish()
        self.store.keep(incoming, sha256)
        row = bundle_row(glance_received(self.store.path(sha256)), sha256, file.stat().st_size, now())
        with self.database.writing() as connection:
            insert_bundles(self.database, connection, [row])
        return str(row["id"])

    def index(self) -> None:
        while Indexer(self.database, self.store, Limits()).turn():
            pass


@contextmanager
def taking_in(folder: Path, request: pytest.FixtureRequest) -> Iterator[Taking]:
    """An empty index in the engine that the fixture's parameter names: sqlite or postgresql."""
    bundle = Path(collect(failing_disk(folder / "disk"), folder / "state").json["bundle"]["path"])
    url = f"sqlite:///{folder / 'index.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgresql").new()
    with Taking(url, folder / "data", bundle) as opened:
        yield opened
