"""Taking in the list of the instances that a scale set should have: by a form, and for programs."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from fastapi import FastAPI, Security
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.endpoint.access.caller import Caller
from collector.endpoint.access.forms import check_csrf
from collector.endpoint.access.need import Administrator
from collector.endpoint.answers import RefusalError
from collector.endpoint.api.problems import BEARER, problems
from collector.endpoint.bodies import whole_body
from collector.endpoint.parts import Parts
from collector.endpoint.reading.bundles import now
from collector.endpoint.reading.expected import MOST_BYTES, Taken, parsed, take, text_in
from collector.errors import ConfigError


class Given(BaseModel):
    """What was taken in. `problems` are sentences on what the list leaves open."""

    #: of this answer
    version: int = Field(alias="schema")
    #: its id
    scale_set: str
    name: str
    instances: int
    problems: list[str]


_NOT_ONE = "there is no scale set with this id"

_DESCRIBED: dict[str, Any] = {
    "tags": ["expected instances"],
    "dependencies": [Security(BEARER)],
    "responses": problems(400, 404, 413, 422),
    "openapi_extra": {"requestBody": {"required": True, "content": {"application/json": {"schema": {}}}}},
}


def add_expected(app: FastAPI, parts: Parts) -> None:
    @app.put("/v1/scale-sets/{scale_set_id}/expected", operation_id="expect", **_DESCRIBED)
    async def put(request: Request, scale_set_id: str, person: Administrator) -> Given:
        """Takes in the list of the instances that this scale set should have, in the place of the one before."""
        taken = await _take(parts, person, await _body(request), scale_set_id)
        return _document(taken)

    @app.put("/v1/expected", operation_id="expect_any", **_DESCRIBED)
    async def put_any(request: Request, person: Administrator) -> Given:
        """Of the scale set that the list itself names; it may be one that no bundle has told of yet."""
        return _document(await _take(parts, person, await _body(request), None))

    @app.post("/scale-sets/{scale_set_id}/expected", include_in_schema=False)
    async def post(request: Request, scale_set_id: str, person: Administrator) -> Response:
        fields = _fields(request.headers.get("content-type", ""), await _body(request))
        check_csrf(request, fields.get("csrf", b"").decode("utf-8", "replace"))
        try:
            await _take(parts, person, fields.get("list", b""), scale_set_id)
        except RefusalError as error:
            message = f"The list was not taken: {error}."
            return parts.pages.error(message, error.status, hint=error.hint, person=person)
        return RedirectResponse(f"/scale-sets/{scale_set_id}#silent", 303)


async def _take(parts: Parts, person: Caller, content: bytes, scale_set_id: str | None) -> Taken:
    try:
        found = await run_in_threadpool(lambda: parsed(text_in(content)))
        taken = await run_in_threadpool(
            lambda: take(parts.database, found, by=person.name, now=now(), within=person.within, scale_set=scale_set_id)
        )
    except ConfigError as error:
        raise RefusalError(400, str(error), error.hint) from error
    if taken is None:
        raise RefusalError(404, _NOT_ONE)
    return taken


def _document(taken: Taken) -> Given:
    return Given(
        schema=1, scale_set=taken.scale_set, name=taken.name, instances=taken.instances, problems=list(taken.problems)
    )


async def _body(request: Request) -> bytes:
    """In memory: what `az` prints may hold settings, and is never written."""
    return await whole_body(request, MOST_BYTES, name="list", too_long=f"the list is larger than {MOST_BYTES} bytes")


def _fields(content_type: str, body: bytes) -> dict[str, bytes]:
    """Of a form with a file. Raises RefusalError where it is none."""
    if not content_type.lower().startswith("multipart/form-data"):
        raise RefusalError(415, "a form with a file is sent as multipart/form-data")
    message = BytesParser(policy=HTTP).parsebytes(
        b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n" + body
    )
    found: dict[str, bytes] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found[name] = content
    return found
