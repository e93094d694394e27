"""The web application: ingest, JSON for programs, pages for people."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles

from collector import __version__
from collector.bundle.envelope import Envelope
from collector.bundle.reader import Limits, open_received
from collector.endpoint.access.tokens import COOKIE, SESSION_SECONDS, Access
from collector.endpoint.database.engine import Database
from collector.endpoint.database.migrate import migrate
from collector.endpoint.indexing.indexer import Indexer
from collector.endpoint.intake.blocks import Blocks, add_blocks
from collector.endpoint.intake.committing import Commits
from collector.endpoint.intake.ingest import Ingest, RefusalError, recover
from collector.endpoint.intake.uploads import Uploads
from collector.endpoint.pages import Pages
from collector.endpoint.reading.bundles import Index
from collector.endpoint.stores.folder import Store
from collector.errors import BundleError

#: A bundle is at most 5 MB by default; sites may raise that, so the endpoint takes more.
MOST_BYTES = 64_000_000
_PAGE = 50
_MOST_FORM = 8_192
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def create_app(data: Path, database_url: str | None = None) -> FastAPI:
    """The application over a data folder, with its index there or in another database.

    Raises OSError if the folder or the database can't be used, ConfigError.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(database_url or f"sqlite:///{data / 'index.sqlite'}")
    migrate(database)
    store, index, limits = Store(data), Index(database), Limits()
    access = Access(data, index)
    recover(store, index, database, limits)
    commits, indexer = Commits(database), Indexer(database, store, limits)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        working = threading.Thread(target=indexer.run, name="indexer", daemon=True)
        working.start()
        yield
        indexer.stop()
        await run_in_threadpool(working.join)
        await run_in_threadpool(commits.close)
        database.close()

    app = FastAPI(title="vmext endpoint", version=__version__, docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.access = access
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "pages" / "static"), name="static")
    _guard(app, access)
    ingest = Ingest(store, index, commits, MOST_BYTES, limits, indexer.call)
    _add_api(app, ingest, index, store, limits)
    blocks = Blocks(ingest, Uploads(data))
    blocks.drop_stored()
    add_blocks(app, blocks)
    _add_pages(app, access, index, store, limits)
    return app


def _guard(app: FastAPI, access: Access) -> None:
    """Every path but login, style and health needs a token or a session."""

    @app.middleware("http")
    async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        path = request.url.path
        is_open = path in ("/login", "/healthz") or path.startswith("/static/")
        if is_open or await run_in_threadpool(_may, access, request):
            try:
                response = await call_next(request)
            except RefusalError as refusal:
                response = refusal.response()
        elif path.startswith("/v1/"):
            response = RefusalError(
                401, "the token is missing or not known", "Send Authorization: Bearer TOKEN."
            ).response()
        else:
            target = f"{path}?{request.url.query}" if request.url.query else path
            response = RedirectResponse(f"/login?next={quote(target, safe='')}", 303)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.exception_handler(RefusalError)
    async def refused(request: Request, error: RefusalError) -> Response:
        return error.response()


def _may(access: Access, request: Request) -> bool:
    if access.bearer(request.headers.get("authorization")):
        return True
    # a session reads; it never sends, so that no page elsewhere can make a browser send
    return request.method in ("GET", "HEAD") and access.is_session(request.cookies.get(COOKIE))


def _add_api(app: FastAPI, ingest: Ingest, index: Index, store: Store, limits: Limits) -> None:
    @app.put("/v1/bundles/{bundle_id}")
    async def put(bundle_id: str, request: Request) -> Response:
        return await ingest.put(bundle_id, request)

    @app.get("/v1/bundles")
    def listing(request: Request) -> Response:
        query = dict(request.query_params)
        limit, offset = _number(query.get("limit"), _PAGE, 500), _number(query.get("offset"), 0, 10**9)
        rows = index.bundles(query, limit=limit, offset=offset)
        return JSONResponse({"schema": 1, "total": index.count(query), "bundles": [dict(row) for row in rows]})

    @app.get("/v1/bundles/{bundle_id}")
    def one(bundle_id: str) -> Response:
        receipt = _receipt(index, bundle_id)
        bundle = open_received(store.path(receipt["sha256"]), limits)
        if isinstance(bundle, Envelope):
            return JSONResponse({"receipt": receipt, "envelope": bundle.document})
        return JSONResponse({"receipt": receipt, "manifest": bundle.manifest, **bundle.findings_document})

    @app.get("/v1/bundles/{bundle_id}/bundle")
    def download(bundle_id: str) -> Response:
        receipt = _receipt(index, bundle_id)
        return FileResponse(store.path(receipt["sha256"]), media_type="application/zip", filename=f"{bundle_id}.zip")

    @app.get("/healthz")
    def health() -> Response:
        return JSONResponse({"status": "ok", "bundles": index.count({}), "waiting": index.waiting()})


def _add_pages(app: FastAPI, access: Access, index: Index, store: Store, limits: Limits) -> None:
    pages = Pages()

    @app.get("/login")
    def login_page(next: str = "/") -> Response:
        return pages.login(_local(next))

    @app.post("/login")
    async def login(request: Request) -> Response:
        body = b""
        try:
            async for block in request.stream():
                body += block
                if len(body) > _MOST_FORM:
                    raise RefusalError(413, "the form is too long")
        except ClientDisconnect as error:
            raise RefusalError(400, "the connection ended before the form was whole") from error
        form = parse_qs(body.decode("utf-8", "replace"))
        target = _local(form.get("next", ["/"])[0])
        if not await run_in_threadpool(access.knows, form.get("token", [""])[0].strip()):
            return pages.login(target, wrong=True)
        response = RedirectResponse(target, 303)
        secure = request.url.scheme == "https"
        response.set_cookie(
            COOKIE,
            access.session(),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="strict",
            secure=secure,
            path="/",
        )
        return response

    @app.get("/")
    def bundles(request: Request) -> Response:
        query = {key: value for key, value in request.query_params.items() if value}
        offset = _number(query.get("offset"), 0, 10**9)
        rows = index.bundles(query, limit=_PAGE, offset=offset)
        return pages.bundles(rows, query, total=index.count(query), offset=offset, page=_PAGE)

    @app.get("/bundles/{bundle_id}")
    def bundle(bundle_id: str) -> Response:
        receipt = index.receipt(bundle_id)
        if receipt is None:
            return pages.error("There is no bundle with this id.", 404)
        try:
            return pages.received(open_received(store.path(receipt["sha256"]), limits), receipt)
        except (BundleError, OSError) as error:
            return pages.error(f"The stored bundle can't be read: {error}", 500)

    @app.exception_handler(HTTPException)
    async def http_error(request: Request, error: HTTPException) -> Response:
        if request.url.path.startswith("/v1/"):
            return JSONResponse({"error": str(error.detail), "hint": ""}, error.status_code)
        return pages.error(
            "There is no such page." if error.status_code == 404 else str(error.detail), error.status_code
        )


def _receipt(index: Index, bundle_id: str) -> dict[str, str]:
    receipt = index.receipt(bundle_id)
    if receipt is None:
        raise RefusalError(404, f"there is no bundle {bundle_id[:40]}")
    return receipt


def _number(text: str | None, default: int, most: int) -> int:
    return min(int(text), most) if text and text.isdigit() else default


def _local(target: str) -> str:
    """A path of this endpoint, never another site."""
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not target.startswith("/") or target.startswith(("//", "/\\")):
        return "/"
    return target
