"""The paths of the pages."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from collector.bundle.reader import open_received
from collector.endpoint.parts import Parts
from collector.endpoint.reading.api import PAGE, number
from collector.errors import BundleError


def add_pages(app: FastAPI, parts: Parts) -> None:
    pages, index = parts.pages, parts.index

    @app.get("/", include_in_schema=False)
    def bundles(request: Request) -> Response:
        query = {key: value for key, value in request.query_params.items() if value}
        offset = number(query.get("offset"), 0, 10**9)
        rows = index.bundles(query, limit=PAGE, offset=offset)
        return pages.bundles(rows, query, total=index.count(query), offset=offset, page=PAGE)

    @app.get("/bundles/{bundle_id}", include_in_schema=False)
    def bundle(bundle_id: str) -> Response:
        receipt = index.receipt(bundle_id)
        if receipt is None:
            return pages.error("There is no bundle with this id.", 404)
        try:
            return pages.received(open_received(parts.store.path(receipt["sha256"]), parts.limits), receipt)
        except (BundleError, OSError) as error:
            return pages.error(f"The stored bundle can't be read: {error}", 500)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        if request.url.path.startswith("/v1/"):
            return JSONResponse({"error": str(error.detail), "hint": ""}, error.status_code, error.headers)
        return pages.error(
            "There is no such page." if error.status_code == 404 else str(error.detail), error.status_code
        )
