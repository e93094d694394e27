"""The paths of upload grants (docs/delivery.md)."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from collector.endpoint.answers import RefusalError
from collector.endpoint.intake import described
from collector.endpoint.intake.blocks import announced, short_body
from collector.endpoint.intake.grants import Grants, SizeError
from collector.endpoint.intake.ingest import Ingest, storing


def add_grants(app: FastAPI, ingest: Ingest, grants: Grants) -> None:
    @app.post("/v1/grants", **described.GRANT)
    async def begin(request: Request) -> Response:
        """{id, bytes, sha256} -> the receipt of what is known, or where to put the bundle."""
        bundle_id, sha256, size = announced(await short_body(request), ingest.most_bytes)
        known = await run_in_threadpool(ingest.known, bundle_id, sha256)
        if known is not None:
            return JSONResponse({"receipt": known})
        with storing():
            grant = await run_in_threadpool(grants.begin, bundle_id, sha256, size)
        if grant is None:
            raise RefusalError(404, "this endpoint gives no grants", "Send the bundle to the endpoint itself.")
        return JSONResponse({"grant": grant}, 201)

    @app.post("/v1/grants/{sha256}/confirm", **described.CONFIRM)
    def confirm(sha256: described.UploadId, request: Request) -> Response:
        """The bundle is there: it is read once, checked, stored and queued."""
        if (asked := ingest.admission.asks(request, sha256)) is not None:
            raise asked
        with storing():
            grant = grants.find(sha256)
            if grant is None:
                if known := ingest.index.receipt_of(sha256):
                    return JSONResponse(known)
                raise RefusalError(404, "there is no grant of this hash", "Begin again with POST /v1/grants.")
            if (asked := ingest.admission.asks(request, sha256)) is not None:
                raise asked
            incoming = ingest.store.receive()
            try:
                grants.fetch(grant, incoming)
                answer = ingest.take(grant.bundle_id, grant.sha256, incoming, ingest.admission.of(request))
            except FileNotFoundError as error:
                if known := ingest.index.receipt_of(sha256):  # another process has taken it meanwhile
                    return JSONResponse(known)
                raise RefusalError(409, "the bundle is not there yet", "Put it there first.") from error
            except SizeError as error:
                grants.drop(sha256)
                raise RefusalError(422, f"{error}", "Begin again with POST /v1/grants.") from error
            except RefusalError:
                grants.drop(sha256)  # nothing that is sent now can make it right
                raise
            finally:
                incoming.discard()
            grants.drop(sha256)
        return answer
