"""Watched places, for people and for programs."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Security
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from collector.endpoint.access.caller import caller
from collector.endpoint.answers import RefusalError
from collector.endpoint.api.problems import BEARER, problems
from collector.endpoint.parts import Parts
from collector.endpoint.watching.state import PlaceState, places
from collector.model import iso


def add_watched(app: FastAPI, parts: Parts) -> None:
    @app.get("/v1/stores", operation_id="stores", responses=problems(), dependencies=[Security(BEARER)])
    def listing(request: Request) -> Response:
        _may(request)
        return JSONResponse({"schema": 1, "stores": [_document(one) for one in places(parts.database)]})

    @app.get("/stores", include_in_schema=False)
    def page(request: Request) -> Response:
        _may(request)
        return parts.pages.show(request, "stores.html", here="stores", places=places(parts.database))


def _may(request: Request) -> None:
    """A place holds bundles of any scale set: who may see some only is not told the names of all files."""
    if caller(request).within is not None:
        raise RefusalError(403, "this token may not see all scale sets")


def _document(one: PlaceState) -> dict[str, Any]:
    counted = {name: getattr(one, name) for name in ("bundles", "others", "gone", "damaged")}
    problems = [
        {"name": file.name, "bytes": file.bytes, "modified": iso(file.modified), "problem": file.problem}
        for file in one.problems
    ]
    return {
        "name": one.name,
        "listed": iso(one.listed) if one.listed else None,
        "problem": one.problem,
        **counted,
        "problems": problems,
    }
