"""What programs may ask, in JSON."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from collector.bundle.envelope import Envelope
from collector.bundle.reader import open_received
from collector.endpoint.answers import RefusalError
from collector.endpoint.parts import Parts
from collector.endpoint.reading.bundles import Index
from collector.endpoint.stores.streaming import streamed

PAGE = 50


def add_api(app: FastAPI, parts: Parts) -> None:
    index, store, limits = parts.index, parts.store, parts.limits

    @app.get("/v1/bundles")
    def listing(request: Request) -> Response:
        query = dict(request.query_params)
        limit, offset = number(query.get("limit"), PAGE, 500), number(query.get("offset"), 0, 10**9)
        rows = index.bundles(query, limit=limit, offset=offset)
        return JSONResponse({"schema": 1, "total": index.count(query), "bundles": [dict(row) for row in rows]})

    @app.get("/v1/bundles/{bundle_id}")
    def one(bundle_id: str) -> Response:
        receipt = _receipt(index, bundle_id)
        with store.opened(receipt["sha256"]) as file:
            bundle = open_received(file, limits)
            if isinstance(bundle, Envelope):
                return JSONResponse({"receipt": receipt, "envelope": bundle.document})
            return JSONResponse({"receipt": receipt, "manifest": bundle.manifest, **bundle.findings_document})

    @app.get("/v1/bundles/{bundle_id}/bundle")
    def download(bundle_id: str) -> Response:
        receipt = _receipt(index, bundle_id)
        return streamed(store, receipt["sha256"], f"{bundle_id}.zip")


def number(text: str | None, default: int, most: int) -> int:
    return min(int(text), most) if text and text.isdigit() else default


def _receipt(index: Index, bundle_id: str) -> dict[str, str]:
    receipt = index.receipt(bundle_id)
    if receipt is None:
        raise RefusalError(404, f"there is no bundle {bundle_id[:40]}")
    return receipt
