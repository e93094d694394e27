"""The paths by which bundles come in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from collector.endpoint.intake import described
from collector.endpoint.intake.blocks import Blocks, add_blocks
from collector.endpoint.intake.granting import add_grants
from collector.endpoint.intake.grants import Grants
from collector.endpoint.intake.ingest import Ingest
from collector.endpoint.intake.lane import Lane
from collector.endpoint.intake.uploads import Uploads
from collector.endpoint.parts import Parts

#: Many that wait for the disk are written by it at once.
_WRITERS = 16


def add_intake(app: FastAPI, parts: Parts) -> None:
    writers = ThreadPoolExecutor(_WRITERS, thread_name_prefix="writer")
    ingest = Ingest(
        parts.store,
        parts.index,
        parts.commits,
        writers,
        parts.settings.most_bytes,
        parts.limits,
        parts.access.admission,
        parts.gate,
    )

    app.add_middleware(Lane, ingest=ingest)

    @app.put("/v1/bundles/{bundle_id}", **described.PUT)
    async def put(bundle_id: described.BundleId, request: Request) -> Response:
        return await ingest.put(bundle_id, request)

    uploads = Uploads(parts.database, parts.store.place)
    grants = Grants(parts.database, parts.store.place, offered=parts.settings.grants)
    blocks = Blocks(ingest, uploads, grants)
    blocks.drop_stored()
    if not parts.store.is_shared:
        uploads.sweep(ingest.index.known)
    add_blocks(app, blocks)
    add_grants(app, ingest, grants)
