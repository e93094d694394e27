"""How the API says no: one shape for every refusal, and what the OpenAPI document says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from collector.endpoint.answers import RefusalError
from collector.endpoint.reading.paging import CursorError

#: Tells the OpenAPI document of tokens; `Guard` is who looks at them.
BEARER = HTTPBearer(
    scheme_name="token", description="A token of the endpoint: vmext endpoint token create", auto_error=False
)


class Problem(BaseModel):
    """What is wrong, and what helps."""

    error: str
    hint: str


_METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_WORDS = {
    400: "What was sent is not what it should be",
    401: "The token is missing or not known",
    403: "The token may not do this",
    404: "There is no such thing, or the token may not see it",
    408: "The body comes too slowly; send it again",
    409: "It does not fit what is here",
    410: "It was here, and is gone",
    411: "The length must be told",
    413: "It is too large",
    422: "A parameter or a digest is wrong",
    429: "Too much at once; Retry-After tells when to come again",
    500: "What is stored is damaged",
    503: "The endpoint can't do it now; try again later",
    507: "The endpoint's disk is full",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses` of a path; every one has those for the token and the index."""
    return {status: {"model": Problem, "description": _WORDS[status]} for status in sorted({401, 403, 503, *statuses})}


def add_problems(app: FastAPI) -> None:
    @app.exception_handler(RequestValidationError)
    async def wrong(request: Request, error: RequestValidationError) -> Response:
        return RefusalError(422, _told(error.errors()), "See /openapi.json for what can be asked.").response()

    @app.exception_handler(CursorError)
    async def no_cursor(request: Request, error: CursorError) -> Response:
        return RefusalError(422, f"after: {error}", "Give what the page before told as its next.").response()

    @app.exception_handler(405)
    async def no_such_method(request: Request, error: Exception) -> Response:
        """Several routes may share a path; a router names the methods of the first alone."""
        known = [name for name in _METHODS if _has(app, request, name)]
        response = RefusalError(405, f"{request.method} is not known here").response()
        response.headers["Allow"] = ", ".join(known)
        return response


def _has(app: FastAPI, request: Request, method: str) -> bool:
    scope = {**request.scope, "method": method}
    return any(route.matches(scope)[0] is Match.FULL for route in app.routes)


def _told(errors: Sequence[Any]) -> str:
    """The first fault, by the name of what was sent; its value may be a secret and is not repeated."""
    first = errors[0] if errors else {"loc": (), "msg": "it can't be read"}
    name = ".".join(str(part)[:60] for part in first["loc"][1:]) or "the request"
    return f"{name}: {str(first['msg'])[:200]}"
