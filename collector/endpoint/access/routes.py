"""Signing in."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response

from collector.endpoint.access.tokens import COOKIE, SESSION_SECONDS
from collector.endpoint.answers import RefusalError
from collector.endpoint.parts import Parts

_MOST_FORM = 8_192


def add_login(app: FastAPI, parts: Parts) -> None:
    access, pages = parts.access, parts.pages

    @app.get("/login", include_in_schema=False)
    def login_page(next: str = "/") -> Response:
        return pages.login(_local(next))

    @app.post("/login", include_in_schema=False)
    async def login(request: Request) -> Response:
        form = await _form(request)
        target = _local(form.get("next", ["/"])[0])
        if not await run_in_threadpool(access.knows, form.get("token", [""])[0].strip()):
            return pages.login(target, wrong=True)
        response = RedirectResponse(target, 303)
        response.set_cookie(
            COOKIE,
            access.session(),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            path="/",
        )
        return response


async def _form(request: Request) -> dict[str, list[str]]:
    body = b""
    try:
        async for block in request.stream():
            body += block
            if len(body) > _MOST_FORM:
                raise RefusalError(413, "the form is too long")
    except ClientDisconnect as error:
        raise RefusalError(400, "the connection ended before the form was whole") from error
    return parse_qs(body.decode("utf-8", "replace"))


def _local(target: str) -> str:
    """A path of this endpoint, never another site."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not target.startswith("/") or target.startswith(("//", "/\\")):
        return "/"
    return target
