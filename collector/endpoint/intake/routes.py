"""The paths by which bundles come in."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from collector.endpoint.intake import described
from collector.endpoint.intake.blocks import Blocks, add_blocks
from collector.endpoint.intake.ingest import Ingest
from collector.endpoint.intake.uploads import Uploads
from collector.endpoint.parts import Parts


def add_intake(app: FastAPI, parts: Parts) -> None:
    ingest = Ingest(
        parts.store, parts.index, parts.commits, parts.settings.most_bytes, parts.limits, parts.indexer.call
    )

    @app.put("/v1/bundles/{bundle_id}", **described.PUT)
    async def put(bundle_id: described.BundleId, request: Request) -> Response:
        return await ingest.put(bundle_id, request)

    blocks = Blocks(ingest, Uploads(parts.settings.data))
    blocks.drop_stored()
    add_blocks(app, blocks)
