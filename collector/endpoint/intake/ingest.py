"""Takes one bundle: streamed to disk, checked, stored, indexed, answered with a receipt."""

from __future__ import annotations

import asyncio
import base64
import binascii
import errno
import hashlib
import io
import logging
import os
import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from collector.bundle.reader import Limits, glance_received
from collector.endpoint import metrics
from collector.endpoint.access.admission import Admission, Admit
from collector.endpoint.answers import RefusalError
from collector.endpoint.bodies import pieces, whole_body
from collector.endpoint.database.engine import Database
from collector.endpoint.indexing.rows import Row, bundle_row
from collector.endpoint.intake.committing import Commits, insert_bundles
from collector.endpoint.intake.gate import HELD, Gate
from collector.endpoint.reading.bundles import Index, now, receipt
from collector.endpoint.stores.incoming import Incoming
from collector.endpoint.stores.store import Store
from collector.errors import BundleError

log = logging.getLogger(__name__)

ID = re.compile(r"[0-9a-f]{16}\Z")
_RECOVERED_AT_ONCE = 500
_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):")

#: The row that is added, and what stands in the index when it is on the disk.
Adding = tuple[Row, Future[Row]]


@contextmanager
def storing() -> Iterator[None]:
    """Turns faults of the disk into answers."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        log.warning("a bundle could not be stored: %s", error)
        raise RefusalError(
            507 if full else 503, "the endpoint can't store the bundle now", "Try again later."
        ) from error


@dataclass(frozen=True, slots=True)
class Ingest:
    store: Store
    index: Index
    commits: Commits
    writers: Executor  # threads that wait for the disk
    most_bytes: int
    limits: Limits
    admission: Admission
    gate: Gate

    async def put(self, bundle_id: str, request: Request) -> Response:
        """Raises RefusalError for what is not taken."""
        digest, length = self._announced(bundle_id, request)
        with self.gate.passage(length):
            if length <= HELD:
                return await self._put_small(bundle_id, digest, length, request)
            known = await run_in_threadpool(self.known, bundle_id, digest)
            if known is not None:
                await self._drain(request)
                return JSONResponse(known, 200)
            with storing():
                if (asked := self.admission.asks(request, digest)) is not None:
                    await self._drain(request)
                    raise asked
                incoming = await run_in_threadpool(self.store.receive)
                try:
                    await self.receive(request, incoming, most=self.most_bytes)
                    return await run_in_threadpool(self.take, bundle_id, digest, incoming, self.admission.of(request))
                finally:
                    await run_in_threadpool(incoming.discard)

    async def _put_small(self, bundle_id: str, digest: str, length: int, request: Request) -> Response:
        """The usual one: received in memory, and one thread does all the rest."""
        body = await self._body(request, length)
        if (asked := self.admission.asks(request, digest)) is not None:
            raise asked
        with storing():
            row, adding = await self._in_thread(self.take_small, bundle_id, digest, body, self.admission.of(request))
            stands = await asyncio.wrap_future(adding)
            if stands["sha256"] == digest:
                return _receipt(row, stands)
            return await run_in_threadpool(self.answer, bundle_id, digest, row, stands)

    async def _in_thread(self, work: Callable[..., Adding], *arguments: object) -> Adding:
        return await asyncio.get_running_loop().run_in_executor(self.writers, work, *arguments)

    def known(self, bundle_id: str, digest: str) -> dict[str, str] | None:
        """The receipt of a bundle that is stored. Raises RefusalError where its id belongs to another one."""
        receipt = self.index.receipt(bundle_id)
        if receipt is not None and receipt["sha256"] != digest:
            raise RefusalError(409, f"another bundle is stored under the id {bundle_id}")
        if receipt is not None and self.store.is_elsewhere(digest):
            return None  # a receipt promises that it is kept here
        return receipt

    def _announced(self, bundle_id: str, request: Request) -> tuple[str, int]:
        """The SHA-256 and the length that the headers promise; refused before a byte of the body is read."""
        if not ID.match(bundle_id):
            raise RefusalError(400, "a bundle's id is 16 hexadecimal digits")
        length = request.headers.get("content-length", "")
        if not length.isdecimal():
            raise RefusalError(411, "the length of the bundle must be told", "Send Content-Length.")
        if int(length) > self.most_bytes:
            raise RefusalError(413, f"a bundle may have {self.most_bytes} bytes at most, not {length}")
        return told_digest(request, "repr-digest", "content-digest"), int(length)

    async def _body(self, request: Request, length: int) -> bytes:
        """All of a small body; uvicorn sees to it that it has the length that was told."""
        too_long = f"the body may have {length} bytes at most, as was told"
        return await whole_body(request, length, name="bundle", too_long=too_long)

    async def receive(self, request: Request, incoming: Incoming, *, most: int) -> None:
        """The body onto the disk. Raises RefusalError, OSError."""
        async for block in pieces(request, "bundle"):
            if incoming.size + len(block) > most:
                raise RefusalError(413, f"the body may have {most} bytes at most")
            await run_in_threadpool(incoming.write, block)

    async def _drain(self, request: Request) -> None:
        received = 0
        async for block in pieces(request, "bundle"):
            received += len(block)
            if received > self.most_bytes:
                raise RefusalError(413, f"a bundle may have {self.most_bytes} bytes at most")

    def take_small(self, bundle_id: str, digest: str, body: bytes, admit: Admit) -> Adding:
        """A bundle that is whole in memory: checked, stored, and on its way into the index."""
        row = self._checked(bundle_id, digest, hashlib.sha256(body).hexdigest(), io.BytesIO(body), len(body), admit)
        incoming = self.store.receive()
        try:
            incoming.write(body)
            self.store.keep(incoming, incoming.finish())
        finally:
            incoming.discard()
        return row, self.commits.add(row)

    def take(self, bundle_id: str, digest: str, incoming: Incoming, admit: Admit) -> Response:
        """The bundle is whole: check it, store it, then tell the index of it; in this order, so that a crash loses
        nothing. Its members are read when it is indexed. `admit` raises RefusalError where its sender may not."""
        row = self._checked(bundle_id, digest, incoming.finish(), incoming.path, incoming.size, admit)
        self.store.keep(incoming, digest)
        return self.answer(bundle_id, digest, row, self.commits.add(row).result())

    def _checked(self, bundle_id: str, digest: str, sha256: str, file: Path | BinaryIO, size: int, admit: Admit) -> Row:
        """The row of a bundle that is what was announced."""
        if sha256 != digest:
            raise RefusalError(422, "the bundle does not have the digest that was told", "Send it again.")
        try:
            bundle = glance_received(file, self.limits)
        except BundleError as error:
            self.known(bundle_id, sha256)  # that its id is taken says more than that it is no bundle
            raise RefusalError(400, f"this is no bundle: {error}") from error
        if bundle.id != bundle_id:
            raise RefusalError(400, f"the bundle's own id is {bundle.id}, not {bundle_id}")
        admit(bundle, sha256)
        return bundle_row(bundle, sha256, size, now())

    def answer(self, bundle_id: str, digest: str, row: Row, stands: Row) -> Response:
        """The receipt: of this bundle, or of the same one that came before."""
        if stands["sha256"] != digest:
            self.store.remove([digest])
            raise RefusalError(409, f"another bundle is stored under the id {bundle_id}")
        return _receipt(row, stands)


def _receipt(row: Row, stands: Row) -> Response:
    """201 for the one that came first."""
    metrics.RECEIVED.inc(row["bytes"])
    return JSONResponse(receipt(stands), 201 if stands is row else 200)


def told_digest(request: Request, *names: str) -> str:
    """The SHA-256 that the first of these headers tells (RFC 9530), in hexadecimal."""
    header = next((value for name in names if (value := request.headers.get(name))), "")
    found = _DIGEST.search(header)
    try:
        digest = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        digest = b""
    if len(digest) != 32:
        name = "-".join(part.capitalize() for part in names[0].split("-"))
        raise RefusalError(400, "the digest must be told", f"Send {name}: sha-256=:BASE64: (RFC 9530).")
    return digest.hex()


def recover(store: Store, index: Index, database: Database, limits: Limits) -> int:
    """Queues what is stored and not in the index; tells how many. It goes through all that is stored, some at a time.

    What a kill left between store and index is in nobody's receipt, so its sender sends it again: nothing is lost
    where this is not done.
    """
    found, hashes = 0, store.all()
    while batch := list(islice(hashes, _RECOVERED_AT_ONCE)):
        rows = []
        for sha256 in sorted(set(batch) - index.known(batch)):
            try:
                with store.opened(sha256) as file:
                    size = file.seek(0, os.SEEK_END)
                    rows.append(bundle_row(glance_received(file, limits), sha256, size, now()))
            except (BundleError, OSError) as error:
                log.warning("%s is stored and can't be indexed: %s", sha256, error)
        if rows:
            with database.writing() as connection:
                insert_bundles(database, connection, rows)
        found += len(rows)
    return found
