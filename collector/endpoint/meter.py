"""Counts requests and their time by route."""

from __future__ import annotations

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collector.endpoint import metrics

_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"})


class Meter:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        status = 500

        async def seen(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, seen)
        finally:
            route = _route(scope)
            method = scope["method"] if scope["method"] in _METHODS else "other"
            metrics.REQUESTS.labels(route, method, status).inc()
            metrics.DURATION.labels(route).observe(time.perf_counter() - began)


def _route(scope: Scope) -> str:
    """The path as the router knows it, so that no id and no invented path makes a series of its own."""
    found = scope.get("route")
    path = getattr(found, "path", None) or scope.get("vmext.route")
    return path if isinstance(path, str) else "other"
