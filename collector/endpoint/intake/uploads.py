"""Bundles that arrive in blocks: what is here of each, bounded in number, size and age.

    uploads/SHA256/000000262144.0000262144.block   in the store: a whole block that had its hash, by offset and size

How far each has come stands in the index, so that any process of any host goes on where another one was. A block is in
the store before the index counts it: a kill in between leaves one that is sent again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import sqlalchemy as sa

from collector.endpoint.database.engine import Database
from collector.endpoint.database.stores_tables import UPLOADS
from collector.endpoint.stores.incoming import Incoming
from collector.endpoint.stores.place import Place

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Sizes in bytes, times in seconds. A full house makes room by dropping whom nobody heard of for `idle`."""

    least_block: int = 64 << 10  # but for a bundle's last one
    most_block: int = 1 << 20
    most_open: int = 1_000
    most_open_bytes: int = 4_000_000_000
    idle: float = 3_600.0
    oldest: float = 86_400.0


class FullError(Exception):
    """There are too many open uploads."""


class OtherError(Exception):
    """An upload of the same hash is open under another id or size."""


class OffsetError(Exception):
    """A block does not begin where the next one is wanted."""

    def __init__(self, offset: int) -> None:
        super().__init__(f"the next block begins at {offset}")
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Upload:
    """An open one: `offset` bytes are here."""

    bundle_id: str
    sha256: str
    bytes: int
    offset: int


class Uploads:
    """Every method raises OSError for faults of the index and of the store."""

    def __init__(
        self, database: Database, place: Place, bounds: Bounds | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self.bounds = bounds or Bounds()
        self._database = database
        self._place = place
        self._now = now

    def begin(self, bundle_id: str, sha256: str, size: int) -> Upload:
        """A new upload, or the one that is open. Raises FullError, OtherError."""
        with self._database.writing() as connection:
            dropped = self._expired(connection)
            upload = _find(connection, sha256)
            if upload is None:
                dropped += self._make_room(connection, size)
                row = {"sha256": sha256, "bundle": bundle_id, "bytes": size, "offset": 0, "touched": self._moment()}
                connection.execute(self._database.insert(UPLOADS).values(row).on_conflict_do_nothing())
                upload = _find(connection, sha256) or Upload(bundle_id, sha256, size, 0)
            if (upload.bundle_id, upload.bytes) != (bundle_id, size):
                raise OtherError(f"an upload of this hash is open as {upload.bundle_id}, {upload.bytes} bytes")
            self._touch(connection, sha256, upload.offset)
        for one in dropped:
            self._remove_blocks(one)
        return upload

    def find(self, sha256: str) -> Upload | None:
        """None where no upload of this bundle was begun, or it ended. Raises OSError."""
        with self._database.reading() as connection:
            return _find(connection, sha256)

    def all(self) -> list[Upload]:
        """All that were begun and did not end. Raises OSError."""
        with self._database.reading() as connection:
            return [_upload(row) for row in connection.execute(sa.select(UPLOADS))]

    def add(self, upload: Upload, start: int, block: Incoming) -> int:
        """A whole checked block; one that is here already is passed over. Gives the next offset.

        Raises OffsetError where another one is wanted.
        """
        now = self.find(upload.sha256)
        if now is None:
            raise OffsetError(0)
        end = start + block.size
        if end > now.offset:
            if start != now.offset:
                raise OffsetError(now.offset)
            self._place.put(f"{_folder(upload.sha256)}/{start:012d}.{block.size:010d}.block", block.path)
        with self._database.writing() as connection:
            self._touch(connection, upload.sha256, max(end, now.offset), before=now.offset)
        after = self.find(upload.sha256)
        if after is None or after.offset < end:  # another process has dropped it meanwhile, or begun it anew
            raise OffsetError(after.offset if after else 0)
        return after.offset

    def join(self, upload: Upload, whole: Incoming) -> None:
        """Writes all blocks into `whole`. Raises FileNotFoundError where another one has taken them."""
        blocks = {one.split(".")[0].rpartition("/")[2]: one for one in self._blocks(upload.sha256)}
        while whole.size < upload.bytes:  # senders that cut it differently may have left several that begin here
            name = blocks.get(f"{whole.size:012d}")
            if name is None:
                raise FileNotFoundError(f"the block of {upload.bundle_id} at {whole.size} is not there")
            for piece in self._place.pieces(name):
                whole.write(piece)

    def drop(self, upload: Upload) -> None:
        """The index forgets it first: blocks that a kill leaves are never taken for those of an open upload."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(UPLOADS).where(UPLOADS.c.sha256 == upload.sha256))
        self._remove_blocks(upload.sha256)

    def sweep(self, stored: Callable[[Collection[str]], Collection[str]]) -> int:
        """Removes blocks of uploads that are not open, once they are old enough that none can be on its way.

        `stored` gives those of some SHA-256 whose bundles are stored: nobody wants their blocks, however new; a kill
        leaves them after the index forgot the upload.
        """
        oldest = self._moment() - timedelta(seconds=self.bounds.oldest)
        left = []
        open_ones = {upload.sha256 for upload in self.all()}
        for chunk in self._place.listing("uploads"):
            closed = [(one, sha256) for one in chunk if (sha256 := one.name.split("/")[1]) not in open_ones]
            done = set(stored({sha256 for _, sha256 in closed}))
            left += [one.name for one, sha256 in closed if one.modified < oldest or sha256 in done]
        self._place.remove(left)
        return len(left)

    def _blocks(self, sha256: str) -> Iterator[str]:
        for chunk in self._place.listing(_folder(sha256)):
            for one in chunk:
                yield one.name

    def _remove_blocks(self, sha256: str) -> None:
        self._place.remove(list(self._blocks(sha256)))

    def _touch(self, connection: sa.Connection, sha256: str, offset: int, *, before: int | None = None) -> None:
        """`before`: only if it stands there, so that of two senders only one takes it further."""
        change = sa.update(UPLOADS).where(UPLOADS.c.sha256 == sha256).values(offset=offset, touched=self._moment())
        connection.execute(change if before is None else change.where(UPLOADS.c.offset == before))

    def _expired(self, connection: sa.Connection) -> list[str]:
        """Forgets those of whom nobody heard for too long; their hashes."""
        until = self._moment() - timedelta(seconds=self.bounds.oldest)
        gone = connection.execute(
            sa.delete(UPLOADS).where(UPLOADS.c.touched < until).returning(UPLOADS.c.sha256, UPLOADS.c.bundle)
        ).all()
        for row in gone:
            log.warning("the upload of %s stood still for too long", row.bundle)
        return [row.sha256 for row in gone]

    def _make_room(self, connection: sa.Connection, size: int) -> list[str]:
        until = self._moment() - timedelta(seconds=self.bounds.idle)
        count, total = connection.execute(
            sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(UPLOADS.c.bytes), 0))
        ).one()
        dropped: list[str] = []
        if count < self.bounds.most_open and size + total <= self.bounds.most_open_bytes:
            return dropped
        silent = sa.select(UPLOADS.c.sha256, UPLOADS.c.bytes).where(UPLOADS.c.touched < until)
        for row in connection.execute(silent.order_by(UPLOADS.c.touched)).all():
            dropped.append(row.sha256)
            count, total = count - 1, total - row.bytes
            if count < self.bounds.most_open and size + total <= self.bounds.most_open_bytes:
                break
        else:
            raise FullError("there are too many open uploads")
        connection.execute(sa.delete(UPLOADS).where(UPLOADS.c.sha256.in_(dropped)))
        return dropped

    def _moment(self) -> datetime:
        return datetime.fromtimestamp(self._now(), timezone.utc)


def _folder(sha256: str) -> str:
    return f"uploads/{sha256}"


def _find(connection: sa.Connection, sha256: str) -> Upload | None:
    row = connection.execute(sa.select(UPLOADS).where(UPLOADS.c.sha256 == sha256)).first()
    return _upload(row) if row else None


def _upload(row: sa.Row[tuple[object, ...]]) -> Upload:
    return Upload(row.bundle, row.sha256, row.bytes, row.offset)
