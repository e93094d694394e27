"""A link that signs in the browser which opens it first, and no other one."""

from __future__ import annotations

import hmac
import secrets
import threading
from collections.abc import Callable

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}
_USED = "This link was used already. Stop vmext review and start it again for a new one.\n"


class OpenOnce:
    """Wraps an application. The page that is opened has the secret no more in its address."""

    def __init__(self, app: ASGIApp, cookie: str, begin: Callable[[], str], is_open: Callable[[str], bool]) -> None:
        """`begin` gives the value of a new session's `cookie`; `is_open` says whether such a value is good."""
        self._app, self._cookie, self._begin, self._is_open = app, cookie, begin, is_open
        self._secret = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        self._is_used = False

    @property
    def path(self) -> str:
        return f"/open/{self._secret}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not str(scope["path"]).startswith("/open/"):
            await self._app(scope, receive, send)
            return
        answer = await run_in_threadpool(self._answer, Request(scope))
        answer.headers.update(_HEADERS)
        await answer(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        if request.method != "GET":
            return PlainTextResponse("", 405)
        if not hmac.compare_digest(str(request.scope["path"]).encode(), self.path.encode()):
            return PlainTextResponse("There is no such page.\n", 404)
        with self._lock:
            is_used, self._is_used = self._is_used, True
        response = RedirectResponse("/", 303)
        if not is_used:
            response.set_cookie(self._cookie, self._begin(), httponly=True, samesite="strict", path="/")
            return response
        # a browser may ask twice
        return response if self._is_open(request.cookies.get(self._cookie, "")) else PlainTextResponse(_USED, 403)
