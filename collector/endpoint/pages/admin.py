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
from collector.endpoint.reading.paging import CursorError
from collector.errors import ConfigError

_PAGE = 100
#: Rows of the other lists, so that a page stays below 100 KB: most have a form or two.
_TOKENS, _ENDED, _ACCOUNTS = 40, 20, 30
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
        asked = request.query_params
        try:
            good = tokens.page(are_good=True, limit=_TOKENS, after=asked.get("after") or None)
            ended = tokens.page(are_good=False, limit=_ENDED, after=asked.get("ended") or None)
        except CursorError:
            return parts.pages.error("This page of the list does not exist.", 400, person=request.scope["caller"])
        gone = tokens.revoked(asked.get("revoked", ""))
        known: dict[str, Any] = {"form": {}, "wrong": "", "secret": "", "made": None}
        known |= {"good": good, "ended": ended, "ended_count": tokens.ended(), "revoked": gone.name if gone else ""}
        known |= {"is_first": "after" not in asked, "is_first_ended": "ended" not in asked}
        fixed = {"now": now(), "days": DEFAULT_DAYS, "most_days": MOST_DAYS}
        return _show(parts, request, "tokens", status, **known | fixed | values)

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
        after = request.query_params.get("after", "")
        page, next_page = accounts.page(limit=_ACCOUNTS, after=after if is_name(after) else "")
        known: dict[str, Any] = {"form": {}, "wrong": "", "done": _told(request), "accounts": page, "now": now()}
        known |= {"after": next_page, "is_first": not after}
        return _show(parts, request, "accounts", status, **known | values)

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
                before=int(before) if before.isdigit() and len(before) < 18 else None,
                limit=_PAGE + 1,
            )
        older = urlencode({**asked, "before": rows[_PAGE - 1].number}) if len(rows) > _PAGE else None
        return _show(parts, request, "audit", rows=rows[:_PAGE], older=older, wrong="", **told)


def _show(parts: Parts, request: Request, name: str, status: int = 200, **values: Any) -> Response:
    csrf = request.scope["caller"].csrf
    return parts.pages.show(request, f"admin/{name}.html", status, here="admin", tab=name, csrf=csrf, **values)


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
