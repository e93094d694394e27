"""The range protocol: a bundle in blocks, each hash-checked, continued where it broke off (docs/delivery.md)."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace
from typing import Any

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from collector.endpoint.answers import RefusalError
from collector.endpoint.bodies import whole_body
from collector.endpoint.intake import described
from collector.endpoint.intake.grants import Grants
from collector.endpoint.intake.ingest import ID, Ingest, storing, told_digest
from collector.endpoint.intake.uploads import FullError, OffsetError, OtherError, Upload, Uploads

_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
_RANGE = re.compile(r"^bytes (\d{1,15})-(\d{1,15})/(\d{1,15})$")
_MOST_ABOUT = 4_096  # bytes of an announcement
_RETRY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Blocks:
    ingest: Ingest
    uploads: Uploads
    grants: Grants

    async def begin(self, request: Request) -> Response:
        """{id, bytes, sha256} -> the receipt of what is known, or how much is here."""
        about = await short_body(request)
        bundle_id, sha256, size = announced(about, self.ingest.most_bytes)
        known = await run_in_threadpool(self.ingest.known, bundle_id, sha256)
        if known is not None:
            if left := await run_in_threadpool(self.uploads.find, sha256):
                await run_in_threadpool(self.uploads.drop, left)
            return JSONResponse({"receipt": known})
        try:
            with storing():
                wishes = about.get("grant") is True
                grant = await run_in_threadpool(self.grants.begin, bundle_id, sha256, size) if wishes else None
                if grant is not None:
                    return JSONResponse({"grant": grant}, 201)
                upload = await run_in_threadpool(self.uploads.begin, bundle_id, sha256, size)
        except FullError as error:
            raise RefusalError(503, f"{error}", "Try again later.", retry_after=_RETRY_SECONDS) from error
        except OtherError as error:
            raise RefusalError(409, f"{error}") from error
        return self._state(upload, 201)

    def drop_stored(self) -> None:
        """Removes the blocks of what is stored already: an endpoint that was killed has not come to it."""
        known = self.ingest.index.known({upload.sha256 for upload in self.uploads.all()})
        for upload in self.uploads.all():
            if upload.sha256 in known:
                self.uploads.drop(upload)

    def state(self, sha256: str) -> Response:
        return self._state(self._upload(sha256), 200)

    async def put(self, sha256: str, request: Request) -> Response:
        """One block, with Content-Range and Content-Digest."""
        upload = await run_in_threadpool(self._upload, sha256)
        start, end = self._range(upload, request)
        digest = told_digest(request, "content-digest")
        with storing():
            incoming = await run_in_threadpool(self.ingest.store.receive)
            try:
                await self.ingest.receive(request, incoming, most=end - start)
                if incoming.size != end - start:
                    raise RefusalError(400, "the block does not have the length that its range says")
                if await run_in_threadpool(incoming.finish) != digest:
                    raise RefusalError(422, "the block does not have the digest that was told", "Send it again.")
                offset = await run_in_threadpool(self.uploads.add, upload, start, incoming)
            except OffsetError as error:
                raise RefusalError(409, f"{error}", more={"offset": error.offset}) from error
            finally:
                await run_in_threadpool(incoming.discard)
        return self._state(replace(upload, offset=offset), 200)

    def commit(self, sha256: str, request: Request) -> Response:
        """All blocks are here: they become the bundle, checked as one that came whole."""
        upload = self._upload(sha256)
        admit = self.ingest.admission.of(request)
        if upload.offset != upload.bytes:
            raise RefusalError(409, "blocks are missing", "Send the rest.", more={"offset": upload.offset})
        if (asked := self.ingest.admission.asks(request, sha256)) is not None:
            raise asked
        with storing():
            incoming = self.ingest.store.receive()
            try:
                self.uploads.join(upload, incoming)
                answer = self.ingest.take(upload.bundle_id, upload.sha256, incoming, admit)
            except FileNotFoundError:  # another sender has committed it meanwhile
                known = self.ingest.known(upload.bundle_id, upload.sha256)
                if known is None:
                    raise
                return JSONResponse(known)
            except RefusalError:
                self.uploads.drop(upload)  # nothing that is sent now can make it right
                raise
            finally:
                incoming.discard()
        self.uploads.drop(upload)
        return answer

    def _upload(self, sha256: str) -> Upload:
        upload = self.uploads.find(sha256)
        if upload is None:
            raise RefusalError(404, "there is no open upload of this hash", "Begin again with POST /v1/uploads.")
        return upload

    def _state(self, upload: Upload, status: int) -> Response:
        bounds = self.uploads.bounds
        body = {
            "upload": upload.sha256,
            "bytes": upload.bytes,
            "offset": upload.offset,
            "least_block": bounds.least_block,
            "most_block": bounds.most_block,
        }
        return JSONResponse(body, status, {"Upload-Offset": str(upload.offset)})

    def _range(self, upload: Upload, request: Request) -> tuple[int, int]:
        """Where the block begins and ends, as its headers say; refused before a byte of it is read."""
        found = _RANGE.match(request.headers.get("content-range", ""))
        if not found or int(found[3]) != upload.bytes or not int(found[1]) <= int(found[2]) < upload.bytes:
            raise RefusalError(
                400, "the block's place must be told", f"Send Content-Range: bytes FIRST-LAST/{upload.bytes}."
            )
        start, end = int(found[1]), int(found[2]) + 1
        if request.headers.get("content-length", "") != str(end - start):
            raise RefusalError(411, "the block's length must be told, and be that of its range", "Send Content-Length.")
        if end - start > self.uploads.bounds.most_block:
            raise RefusalError(413, f"a block may have {self.uploads.bounds.most_block} bytes at most")
        if end - start < self.uploads.bounds.least_block and end != upload.bytes:
            raise RefusalError(400, f"a block but the last has {self.uploads.bounds.least_block} bytes at least")
        return start, end


def add_blocks(app: FastAPI, blocks: Blocks) -> None:
    """The paths of the range protocol."""

    @app.post("/v1/uploads", **described.BEGIN)
    async def begin(request: Request) -> Response:
        return await blocks.begin(request)

    @app.get("/v1/uploads/{sha256}", **described.STATE)
    @app.head("/v1/uploads/{sha256}", include_in_schema=False)
    def state(sha256: described.UploadId) -> Response:
        return blocks.state(sha256)

    @app.put("/v1/uploads/{sha256}", **described.BLOCK)
    async def put(sha256: described.UploadId, request: Request) -> Response:
        return await blocks.put(sha256, request)

    @app.post("/v1/uploads/{sha256}/commit", **described.COMMIT)
    def commit(sha256: described.UploadId, request: Request) -> Response:
        return blocks.commit(sha256, request)


async def short_body(request: Request) -> dict[str, Any]:
    body = await whole_body(request, _MOST_ABOUT, name="announcement", too_long="the announcement is too long")
    if "content-digest" in request.headers and hashlib.sha256(body).hexdigest() != told_digest(
        request, "content-digest"
    ):
        raise RefusalError(422, "the announcement does not have the digest that was told", "Send it again.")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise RefusalError(400, "the announcement must be a JSON object {id, bytes, sha256}")
    return document


def announced(about: dict[str, Any], most_bytes: int) -> tuple[str, str, int]:
    """The id, hash and size of a bundle that is to come. Raises RefusalError."""
    bundle_id, sha256, size = about.get("id"), about.get("sha256"), about.get("bytes")
    if not isinstance(bundle_id, str) or not ID.match(bundle_id):
        raise RefusalError(400, "a bundle's id is 16 hexadecimal digits")
    if not isinstance(sha256, str) or not _SHA256.match(sha256):
        raise RefusalError(400, "sha256 must be 64 hexadecimal digits")
    if not isinstance(size, int) or isinstance(size, bool) or size <= 0:
        raise RefusalError(400, "bytes must be the bundle's size")
    if size > most_bytes:
        raise RefusalError(413, f"a bundle may have {most_bytes} bytes at most, not {size}")
    return bundle_id, sha256, size
