"""The pages, area by area, and what is answered where there is none."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from collector.endpoint.pages.bundle import add_bundle
from collector.endpoint.pages.bundles import add_bundles
from collector.endpoint.pages.compare import add_compare
from collector.endpoint.pages.incidents import add_incidents
from collector.endpoint.pages.instance import add_instance
from collector.endpoint.pages.tickets import add_tickets
from collector.endpoint.parts import Parts


def add_pages(app: FastAPI, parts: Parts) -> None:
    add_incidents(app, parts)
    add_bundles(app, parts)
    add_bundle(app, parts)
    add_instance(app, parts)
    add_tickets(app, parts)
    add_compare(app, parts)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        if request.url.path.startswith("/v1/"):
            return JSONResponse({"error": str(error.detail), "hint": ""}, error.status_code)
        message = "There is no such page." if error.status_code == 404 else str(error.detail)
        return parts.pages.error(message, error.status_code, person=request.scope.get("caller"))
