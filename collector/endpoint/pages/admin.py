"""The operator's pages: tokens, accounts, and who did what."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.endpoint.access.accounts import is_name
from collector.endpoint.access.audit import ACTIONS, FILTERS, acts, moment, now
from collector.endpoint.access.forms import posted
from collector.endpoint.access.guard import address_of
from collector.endpoint.access.need import Administrator
from collector.endpoint.access.tokens import DEFAULT_DAYS, MOST_DAYS
from collector.endpoint.answers import RefusalError
from collector.endpoint.parts import Parts
from collector.endpoint.reading.api import number
from collector.errors import ConfigError

#: Rows of the record on a page, so that it is small whatever they say.
_PAGE = 60
#: Tokens that are good, and accounts, of one page; of tokens that ended so many are shown: below 100 KB in all.
_ROWS, _MOST_ENDED = 40, 30
_LONGEST, _MOST_PAGES = 100, 10_000
#: What the page of accounts says was done; the address tells which, so that no link puts words of its own there.
_DONE = {"added": "{} is added.", "changed": "The password of {} is changed.", "removed": "{} is removed."}


def add_admin(app: FastAPI, parts: Parts) -> None:
    @app.get("/admin", include_in_schema=False)
    def admin() -> Response:
        return RedirectResponse("/admin/tokens", 303)

    _add_tokens(app, parts)
    _add_accounts(app, parts)
    _add_audit(app, parts)


def _add_tokens(app: FastAPI, parts: Parts) -> None:
    tokens = parts.access.tokens

    def show(request: Request, status: int = 200, **values: Any) -> Response:
        at, asked = now(), request.query_params.get("revoked")
        known: dict[str, Any] = {"form": {}, "wrong": "", "secret": "", "made": None}
        known["revoked"] = (tokens.revoked(asked) if asked else None) or ""
        text, page = _listed(request)
        good, total = tokens.some(at, good=True, text=text, skip=page * _ROWS, most=_ROWS)
        ended, total_ended = tokens.some(at, good=False, text=text, most=_MOST_ENDED)
        listed = {"good": good, "ended": ended, "total_ended": total_ended, **_paged(text, page, total)}
        fixed = {"now": at, "days": DEFAULT_DAYS, "most_days": MOST_DAYS}
        return _show(parts, request, "tokens", status, **known | listed | fixed | values)

    @app.get("/admin/tokens", include_in_schema=False)
    def listing(request: Request) -> Response:
        return show(request)

    @app.post("/admin/tokens", include_in_schema=False)
    async def create(request: Request, person: Administrator) -> Response:
        form = await posted(request)

        def make() -> Response:
            try:
                token, secret = tokens.create(
                    form.get("name", "").strip(),
                    form.get("scope", ""),
                    scale_set=form.get("scale_set", "").strip() or None,
                    days=_number(form.get("days", "")),
                    by=person.name,
                    address=address_of(request.scope),
                )
            except ConfigError as error:
                return show(request, 400, form=form, wrong=_sentence(error))
            return show(request, secret=secret, made=token)

        return await run_in_threadpool(make)

    @app.post("/admin/tokens/{token_id}/revoke", include_in_schema=False)
    async def revoke(token_id: str, request: Request, person: Administrator) -> Response:
        await posted(request)
        by, address = person.name, address_of(request.scope)
        token = await run_in_threadpool(lambda: tokens.revoke(token_id, by=by, address=address))
        if token is None:
            raise RefusalError(404, "there is no such good token")
        parts.access.callers.forget()
        return RedirectResponse(f"/admin/tokens?{urlencode({'revoked': token.id})}", 303)


def _add_accounts(app: FastAPI, parts: Parts) -> None:
    accounts = parts.access.accounts

    def show(request: Request, status: int = 200, **values: Any) -> Response:
        known: dict[str, Any] = {"form": {}, "wrong": "", "done": _told(request)}
        text, page = _listed(request)
        some, total = accounts.some(text=text, skip=page * _ROWS, most=_ROWS)
        listed = {"accounts": some, "now": now(), **_paged(text, page, total)}
        return _show(parts, request, "accounts", status, **known | listed | values)

    @app.get("/admin/accounts", include_in_schema=False)
    def listing(request: Request) -> Response:
        return show(request)

    @app.post("/admin/accounts", include_in_schema=False)
    async def add(request: Request, person: Administrator) -> Response:
        form = await posted(request)

        def make() -> Response:
            name, password, scope = form.get("name", ""), form.get("password", ""), form.get("scope", "")
            try:
                accounts.add(name, password, scope, by=person.name, address=address_of(request.scope))
            except ConfigError as error:
                return show(request, 400, form={"name": name, "scope": scope}, wrong=_sentence(error))
            return _done("added", name)

        return await run_in_threadpool(make)

    @app.post("/admin/accounts/{name}/password", include_in_schema=False)
    async def password(name: str, request: Request, person: Administrator) -> Response:
        form = await posted(request)

        def change() -> Response:
            by, address = person.name, address_of(request.scope)
            try:
                is_known = accounts.set_password(name, form.get("password", ""), by=by, address=address)
            except ConfigError as error:
                return show(request, 400, wrong=_sentence(error))
            return _done("changed", name) if is_known else show(request, 404, wrong="There is no such account.")

        response = await run_in_threadpool(change)
        parts.access.callers.forget()
        return response

    @app.post("/admin/accounts/{name}/remove", include_in_schema=False)
    async def remove(name: str, request: Request, person: Administrator) -> Response:
        await posted(request)
        by, address = person.name, address_of(request.scope)
        if not await run_in_threadpool(lambda: accounts.remove(name, by=by, address=address)):
            raise RefusalError(404, "there is no such account")
        parts.access.callers.forget()
        return _done("removed", name)


def _add_audit(app: FastAPI, parts: Parts) -> None:
    @app.get("/admin/audit", include_in_schema=False)
    def listing(request: Request) -> Response:
        asked = {name: value for name, value in request.query_params.items() if value}
        before = asked.get("before", "")
        told: dict[str, Any] = {"asked_for": asked, "actions": ACTIONS}
        try:
            since, until = moment(asked.get("since"), now()), moment(asked.get("until"), now())
        except ConfigError as error:
            return _show(parts, request, "audit", 400, rows=[], older=None, **told, wrong=_sentence(error))
        with parts.database.reading() as connection:
            rows = acts(
                connection,
                {name: asked.get(name, "") for name in FILTERS},
                since=since,
                until=until,
                before=int(before) if before.isdecimal() and len(before) < 18 else None,
                limit=_PAGE + 1,
            )
        older = urlencode({**asked, "before": rows[_PAGE - 1].number}) if len(rows) > _PAGE else None
        return _show(parts, request, "audit", rows=rows[:_PAGE], older=older, wrong="", **told)


def _show(parts: Parts, request: Request, name: str, status: int = 200, **values: Any) -> Response:
    csrf = request.scope["caller"].csrf
    return parts.pages.show(request, f"admin/{name}.html", status, here="admin", tab=name, csrf=csrf, **values)


def _listed(request: Request) -> tuple[str, int]:
    """Which part of a list is asked for: a text that its rows have, and the number of the page, from 0."""
    asked = request.query_params
    return asked.get("q", "").strip().replace("\0", "")[:_LONGEST], number(asked.get("page"), 0, _MOST_PAGES)


def _paged(text: str, page: int, total: int) -> dict[str, Any]:
    return {"text": text, "page": page, "total": total, "pages": -(-total // _ROWS)}


def _done(what: str, name: str) -> Response:
    return RedirectResponse(f"/admin/accounts?{urlencode({what: name.strip().lower()})}", 303)


def _told(request: Request) -> str:
    asked = request.query_params
    return next((words.format(asked[what]) for what, words in _DONE.items() if is_name(asked.get(what, ""))), "")


def _number(text: str) -> float:
    try:
        return float(text or DEFAULT_DAYS)
    except ValueError:
        return 0.0


def _sentence(error: ConfigError) -> str:
    text = f"{error}. {error.hint}".strip()
    return text[:1].upper() + text[1:]
