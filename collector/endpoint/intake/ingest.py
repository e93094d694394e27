"""Takes one bundle: streamed to disk, checked, stored, indexed, answered with a receipt."""

from __future__ import annotations

import base64
import binascii
import errno
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from collector.bundle.reader import Limits, glance_received
from collector.endpoint.access.admission import Admission, Admit
from collector.endpoint.answers import RefusalError
from collector.endpoint.database.engine import Database
from collector.endpoint.indexing.rows import bundle_row
from collector.endpoint.intake.committing import Commits, insert_bundles
from collector.endpoint.reading.bundles import Index, now, receipt
from collector.endpoint.stores.folder import Incoming, Store
from collector.errors import BundleError

log = logging.getLogger(__name__)

ID = re.compile(r"^[0-9a-f]{16}$")
_RECOVERED_AT_ONCE = 500
_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([A-Za-z0-9+/=]+):")


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
    most_bytes: int
    limits: Limits
    stored: Callable[[], None]  # called for each new bundle
    admission: Admission

    async def put(self, bundle_id: str, request: Request) -> Response:
        """Raises RefusalError for what is not taken."""
        digest = self._announced(bundle_id, request)
        known = await run_in_threadpool(self.known, bundle_id, digest)
        if known is not None:
            await self._drain(request)
            return JSONResponse(known, 200)
        if (asked := self.admission.asks(request, digest)) is not None:
            await self._drain(request)
            raise asked
        with storing():
            incoming = await run_in_threadpool(self.store.receive)
            try:
                await self.receive(request, incoming, most=self.most_bytes)
                return await run_in_threadpool(self.take, bundle_id, digest, incoming, self.admission.of(request))
            finally:
                await run_in_threadpool(incoming.discard)

    def known(self, bundle_id: str, digest: str) -> dict[str, str] | None:
        """The receipt of a bundle that is stored. Raises RefusalError where its id belongs to another one."""
        receipt = self.index.receipt(bundle_id)
        if receipt is not None and receipt["sha256"] != digest:
            raise RefusalError(409, f"another bundle is stored under the id {bundle_id}")
        return receipt

    def _announced(self, bundle_id: str, request: Request) -> str:
        """What the headers promise; refused before a byte of the body is read."""
        if not ID.match(bundle_id):
            raise RefusalError(400, "a bundle's id is 16 hexadecimal digits")
        length = request.headers.get("content-length", "")
        if not length.isdigit():
            raise RefusalError(411, "the length of the bundle must be told", "Send Content-Length.")
        if int(length) > self.most_bytes:
            raise RefusalError(413, f"a bundle may have {self.most_bytes} bytes at most, not {length}")
        return told_digest(request, "repr-digest", "content-digest")

    async def receive(self, request: Request, incoming: Incoming, *, most: int) -> None:
        """The body onto the disk. Raises RefusalError, OSError."""
        try:
            async for block in request.stream():
                if incoming.size + len(block) > most:
                    raise RefusalError(413, f"the body may have {most} bytes at most")
                await run_in_threadpool(incoming.write, block)
        except ClientDisconnect as error:
            raise RefusalError(400, "the connection ended before the bundle was whole") from error

    async def _drain(self, request: Request) -> None:
        received = 0
        try:
            async for block in request.stream():
                received += len(block)
                if received > self.most_bytes:
                    raise RefusalError(413, f"a bundle may have {self.most_bytes} bytes at most")
        except ClientDisconnect as error:
            raise RefusalError(400, "the connection ended before the bundle was whole") from error

    def take(self, bundle_id: str, digest: str, incoming: Incoming, admit: Admit) -> Response:
        """The bundle is whole: check it, store it, then tell the index of it; in this order, so that a crash loses
        nothing. Its members are read when it is indexed. `admit` raises RefusalError where its sender may not."""
        sha256 = incoming.finish()
        if sha256 != digest:
            raise RefusalError(422, "the bundle does not have the digest that was told", "Send it again.")
        try:
            bundle = glance_received(incoming.path, self.limits)
        except BundleError as error:
            raise RefusalError(400, f"this is no bundle: {error}") from error
        if bundle.id != bundle_id:
            raise RefusalError(400, f"the bundle's own id is {bundle.id}, not {bundle_id}")
        admit(bundle, sha256)
        row = bundle_row(bundle, sha256, incoming.size, now())
        self.store.keep(incoming, sha256)
        first = receipt(self.commits.add(row).result())
        if first["sha256"] != sha256:
            self.store.remove(sha256)
            raise RefusalError(409, f"another bundle is stored under the id {bundle_id}")
        self.stored()
        return JSONResponse(first, 201)


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
    """After a crash: removes what is half received, queues what is stored and not in the index; tells how many."""
    store.clear_incoming()
    stored = dict(store.all())
    lost = sorted(stored.keys() - index.known(stored.keys()))
    rows = []
    for sha256 in lost:
        try:
            rows.append(
                bundle_row(glance_received(stored[sha256], limits), sha256, stored[sha256].stat().st_size, now())
            )
        except (BundleError, OSError) as error:
            log.warning("%s is stored and can't be indexed: %s", stored[sha256], error)
    for start in range(0, len(rows), _RECOVERED_AT_ONCE):
        with database.writing() as connection:
            insert_bundles(database, connection, rows[start : start + _RECOVERED_AT_ONCE])
    return len(rows)
