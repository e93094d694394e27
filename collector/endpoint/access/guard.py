"""Every path but signing in, style and health needs a token or a session; every answer says what browsers may do with
it; who opens a bundle is recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.cookies import CookieError, SimpleCookie
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collector.endpoint.access.audit import Act, Audit
from collector.endpoint.access.caller import Caller, shown_by
from collector.endpoint.access.callers import Callers
from collector.endpoint.access.need import checked
from collector.endpoint.access.rules import is_open, scope_for, view_of
from collector.endpoint.access.sessions import COOKIE
from collector.endpoint.answers import RefusalError

#: A form's answer must tell where it came from, hence no "no-referrer": with it browsers send `Origin: null`.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_SAFE = ("GET", "HEAD")


class Guard:
    """Wraps the application; plain ASGI, since what wraps a request's stream costs a fifth of an upload's time."""

    def __init__(
        self,
        app: ASGIApp,
        callers: Callers,
        audit: Audit,
        public_url: str | None,
        refused: Callable[[Request, RefusalError], Response],
    ) -> None:
        """`public_url`: how browsers reach this endpoint, where that is not what a request's Host says. `refused`: the
        answer to a request that is not let in, a page for people."""
        self._app, self._callers, self._audit, self._refused = app, callers, audit, refused
        self._origin = _origin_of(public_url) if public_url else None
        self._headers = dict(_HEADERS)
        if public_url and public_url.startswith("https:"):
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                if scope["method"] == "GET" and message["status"] == 200:
                    self._record(scope)
            await send(message)

        try:
            refused = await self._admit(scope)
        except RefusalError as error:
            refused = self._refused(Request(scope), error)
        await (self._app if refused is None else refused)(scope, receive, with_headers)

    async def _admit(self, scope: Scope) -> Response | None:
        """Puts the caller into the scope, or gives the answer to one who is not let in. Raises RefusalError."""
        path, method = scope["path"], scope["method"]
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        if b"content-length" in headers and b"transfer-encoding" in headers:
            # a proxy may take for the next request what this server takes for a part of the body (RFC 9112, 6.3)
            raise RefusalError(400, "a request has Content-Length or Transfer-Encoding, not both")
        if method not in _SAFE and not path.startswith("/v1/"):
            self._check_origin(scope, headers)
        for kind, secret in _told(headers):
            found = self._callers.known(kind, secret)
            if found is None:
                try:
                    found = await run_in_threadpool(self._callers.find, kind, secret)
                except OSError as error:
                    raise RefusalError(503, "the index does not answer", "Try again later.", retry_after=5) from error
            if found is not None:
                # a session reads; it never sends, so that no page elsewhere can make a browser send
                if found.csrf and method not in _SAFE and path.startswith("/v1/"):
                    raise RefusalError(403, "a browser's session does not send", "Send Authorization: Bearer TOKEN.")
                scope["caller"] = found
                if not is_open(path):
                    checked(found, scope_for(method, path))
                return None
        return None if is_open(path) else _sent_away(scope)

    def _check_origin(self, scope: Scope, headers: dict[bytes, str]) -> None:
        """Raises RefusalError for what another site made a browser send."""
        told, site = headers.get(b"origin"), headers.get(b"sec-fetch-site")
        own = self._origin or f"{scope['scheme']}://{headers.get(b'host', '')}".lower()
        if (told is not None and told.lower() != own) or site not in (None, "same-origin", "none"):
            raise RefusalError(
                403,
                "this form was sent from another site",
                "Open the page again. Behind a proxy the operator gives the endpoint's address with --public-url.",
            )

    def _record(self, scope: Scope) -> None:
        person, view = scope.get("caller"), view_of(scope["path"])
        if isinstance(person, Caller):
            for action, bundle in [view] if view is not None else [("open", one) for one in shown_by(scope)]:
                self._audit.soon(Act(person.name, action, bundle, address=address_of(scope)))


def address_of(scope: Scope) -> str:
    """The caller's network address, as uvicorn knows it (from the proxy's headers where those are trusted)."""
    client = scope.get("client")
    return str(client[0]) if client else ""


def _told(headers: dict[bytes, str]) -> Iterator[tuple[str, str]]:
    """The secrets that a request holds: a token, else a session."""
    scheme, _, token = headers.get(b"authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        yield "token", token.strip()
    elif session := cookie_of(headers.get(b"cookie", ""), COOKIE):
        yield "session", session


def cookie_of(header: str, name: str) -> str | None:
    """A cookie's value out of the header `Cookie`; None where there is none, or the header can't be read."""
    if name not in header:
        return None
    try:
        found = SimpleCookie(header).get(name)
    except CookieError:
        return None
    return found.value if found is not None and found.value else None


def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def _sent_away(scope: Scope) -> Response:
    path = scope["path"]
    if path.startswith("/v1/") or path == "/metrics":
        return RefusalError(401, "the token is missing or not known", "Send Authorization: Bearer TOKEN.").response()
    query = scope["query_string"].decode("latin-1")
    target = "/" if scope["method"] not in _SAFE else f"{path}?{query}" if query else path
    return RedirectResponse(f"/login?next={quote(target, safe='')}", 303)
