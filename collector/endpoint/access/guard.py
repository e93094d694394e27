"""Every path but login, style and health needs a token or a session; every answer says what browsers may do with it."""

from __future__ import annotations

from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collector.endpoint.access.caller import ADMIN, READ, Caller
from collector.endpoint.access.tokens import COOKIE, Access
from collector.endpoint.answers import RefusalError

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Guard:
    """Wraps the application; plain ASGI, since what wraps a request's stream costs a fifth of an upload's time."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        request = Request(scope)
        path = request.url.path
        if path in ("/login", "/healthz") or path.startswith("/static/"):
            await self._app(scope, receive, with_headers)
            return
        found = await run_in_threadpool(self._caller, request)
        if found is None:
            await _sent_away(request)(scope, receive, with_headers)
            return
        scope["caller"] = found
        await self._app(scope, receive, with_headers)

    def _caller(self, request: Request) -> Caller | None:
        if self._access.bearer(request.headers.get("authorization")):
            return Caller("administrator", frozenset((ADMIN,)))
        # a session reads; it never sends, so that no page elsewhere can make a browser send
        if request.method in ("GET", "HEAD") and self._access.is_session(request.cookies.get(COOKIE)):
            return Caller("administrator", frozenset((READ,)))
        return None


def _sent_away(request: Request) -> Response:
    path = request.url.path
    if path.startswith("/v1/"):
        return RefusalError(401, "the token is missing or not known", "Send Authorization: Bearer TOKEN.").response()
    target = f"{path}?{request.url.query}" if request.url.query else path
    return RedirectResponse(f"/login?next={quote(target, safe='')}", 303)
