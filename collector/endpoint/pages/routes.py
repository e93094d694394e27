"""The pages, area by area, and what is answered where there is none."""

from __future__ import annotations

import logging

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from collector.endpoint.answers import RefusalError
from collector.endpoint.pages.bundle import add_bundle
from collector.endpoint.pages.bundles import add_bundles
from collector.endpoint.pages.compare import add_compare
from collector.endpoint.pages.expected import add_expected
from collector.endpoint.pages.incident import add_incident
from collector.endpoint.pages.incidents import add_incidents
from collector.endpoint.pages.instance import add_instance
from collector.endpoint.pages.scale_set import add_scale_set
from collector.endpoint.pages.scale_sets import add_scale_sets
from collector.endpoint.pages.search import add_search
from collector.endpoint.pages.tickets import add_tickets
from collector.endpoint.parts import Parts

log = logging.getLogger(__name__)
_WAIT = (
    "Nothing is lost: instances keep their bundles and send them again. Load the page again in a moment; if it stays "
    "like this, the operator sees the reason in the endpoint's own output, and at /readyz."
)


def add_pages(app: FastAPI, parts: Parts) -> None:
    add_incidents(app, parts)
    add_incident(app, parts)
    add_scale_sets(app, parts)
    add_scale_set(app, parts)
    add_expected(app, parts)
    add_search(app, parts)
    add_bundles(app, parts)
    add_bundle(app, parts)
    add_instance(app, parts)
    add_tickets(app, parts)
    add_compare(app, parts)

    @app.exception_handler(OSError)
    async def unreachable(request: Request, error: OSError) -> Response:
        """Of the index or the store; a way in that knows better what failed says so itself."""
        log.warning("%s %s: %s", request.method, request.url.path, error)
        message, hint = "The index or the store of this endpoint does not answer.", _WAIT
        if request.url.path.startswith("/v1/"):
            return RefusalError(503, message, hint, retry_after=5).response()
        answer = parts.pages.error(message, 503, hint=hint, person=request.scope.get("caller"))
        answer.headers["Retry-After"] = "5"
        return answer

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        if request.url.path.startswith("/v1/"):
            return JSONResponse({"error": str(error.detail), "hint": ""}, error.status_code, error.headers)
        message = "There is no such page." if error.status_code == 404 else str(error.detail)
        return parts.pages.error(message, error.status_code, person=request.scope.get("caller"))
