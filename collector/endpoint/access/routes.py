"""Signing in and out."""

from __future__ import annotations

from datetime import timedelta

from anyio import CapacityLimiter, to_thread
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.endpoint.access.audit import Act, record
from collector.endpoint.access.caller import UPLOAD, Caller
from collector.endpoint.access.forms import fields, local, posted
from collector.endpoint.access.guard import address_of
from collector.endpoint.access.sessions import COOKIE, LONGEST, Person
from collector.endpoint.parts import Parts

#: Passwords that are looked at at a time: each takes 19 MiB and a core for some hundredths of a second.
_AT_ONCE = 2


def add_login(app: FastAPI, parts: Parts) -> None:
    limiter = CapacityLimiter(_AT_ONCE)

    @app.get("/login", include_in_schema=False)
    def login_page(request: Request, next: str = "/") -> Response:
        ended = COOKIE in request.cookies and not isinstance(request.scope.get("caller"), Caller)
        return login_form(parts, request, local(next), ended=ended)

    @app.post("/login", include_in_schema=False)
    async def login(request: Request) -> Response:
        form = await fields(request)
        target = local(form.get("next", "/"))
        name, password, token = form.get("name", "").strip(), form.get("password", ""), form.get("token", "").strip()
        if token:
            person, wrong = await run_in_threadpool(_by_token, parts, token)
        else:
            person = await to_thread.run_sync(parts.access.accounts.check, name, password, limiter=limiter)
            wrong = "Name or password is wrong. After several wrong tries an account is closed for some minutes."
        if person is None:
            # what is no account's name may be a password in the wrong field
            is_account = not token and await run_in_threadpool(parts.access.accounts.is_known, name)
            who = name.lower() if is_account else "somebody"
            parts.access.audit.soon(Act(who, "login-refused", "", wrong, address_of(request.scope)))
            return login_form(parts, request, target, wrong=wrong, name=name)
        secret = await run_in_threadpool(begin, parts, person, address_of(request.scope))
        return signed_in(parts, request, secret, target)

    @app.get("/logout", include_in_schema=False)
    def logout_page(request: Request) -> Response:
        person = request.scope.get("caller")
        if not isinstance(person, Caller):
            return RedirectResponse("/login", 303)
        return parts.pages.show(request, "admin/logout.html", csrf=person.csrf)

    @app.post("/logout", include_in_schema=False)
    async def logout(request: Request) -> Response:
        response = RedirectResponse("/login", 303)
        person = request.scope.get("caller")
        if isinstance(person, Caller):
            await posted(request)
            if session := request.cookies.get(COOKIE):
                await run_in_threadpool(_end, parts, session, person, address_of(request.scope))
        response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=is_secure(parts, request))
        return response


def begin(parts: Parts, person: Person, address: str) -> str:
    """A session's secret. Raises OSError."""
    with parts.database.writing() as connection:
        secret = parts.access.sessions.begin(connection, person)
        record(connection, Act(person.name, "login", "", person.origin, address))
    return secret


def give_cookie(
    response: Response, parts: Parts, request: Request, name: str, secret: str, span: timedelta, path: str = "/"
) -> None:
    """For the browser alone: no script reads it, and no other site's form sends it."""
    response.set_cookie(
        name,
        secret,
        max_age=int(span.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=is_secure(parts, request),
        path=path,
    )


def signed_in(parts: Parts, request: Request, secret: str, target: str) -> Response:
    """Lax, so that a link to a page in a ticket or chat does not ask to sign in again."""
    response = RedirectResponse(target, 303)
    give_cookie(response, parts, request, COOKIE, secret, LONGEST)
    return response


def is_secure(parts: Parts, request: Request) -> bool:
    """Whether browsers speak HTTPS with this endpoint, or with the proxy before it."""
    told = parts.settings.access.public_url
    return told.startswith("https:") if told else request.url.scheme == "https"


def _by_token(parts: Parts, secret: str) -> tuple[Person | None, str]:
    token = parts.access.tokens.find(secret)
    if token is None:
        return None, "This token is not known here, or is over."
    if token.scope == UPLOAD:
        return None, "This token can only send bundles; to read them another one is needed."
    return Person(f"token {token.id}", token.name, token.scope, token.scale_set), ""


def _end(parts: Parts, session: str, person: Caller, address: str) -> None:
    parts.access.sessions.end(session)
    parts.access.callers.forget()
    parts.access.audit.soon(Act(person.name, "logout", address=address))


def login_form(
    parts: Parts, request: Request, target: str, *, wrong: str = "", name: str = "", ended: bool = False
) -> Response:
    """`ended`: the browser has the cookie of a session that is over."""
    openid = parts.access.openid.name if parts.access.openid else ""
    values = {"target": target, "wrong": wrong, "account": name[:64], "openid": openid, "ended": ended}
    return parts.pages.show(request, "admin/login.html", 401 if wrong else 200, **values)
