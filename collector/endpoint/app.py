"""The web application: intake, JSON for programs, pages for people."""

from __future__ import annotations

import gc
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from collector import __version__
from collector.endpoint.access.guard import Guard
from collector.endpoint.access.routes import add_login
from collector.endpoint.answers import RefusalError
from collector.endpoint.api.routes import add_api
from collector.endpoint.health import add_health
from collector.endpoint.intake.routes import add_intake
from collector.endpoint.meter import Meter
from collector.endpoint.pages.admin import add_admin
from collector.endpoint.pages.routes import add_pages
from collector.endpoint.parts import Parts
from collector.endpoint.retention.sweep import Retention, Sweeper
from collector.endpoint.stores.store import GoneError
from collector.endpoint.watching.routes import add_watched


def create_app(parts: Parts) -> FastAPI:
    """The application of one process."""

    app = FastAPI(title="vmext endpoint", version=__version__, docs_url=None, redoc_url=None, lifespan=_works(parts))
    app.mount("/static", StaticFiles(directory=Path(__file__).parent / "pages" / "static"), name="static")
    access = parts.access
    add_intake(app, parts)
    # around what intake adds
    public_url = parts.settings.access.public_url
    app.add_middleware(
        Guard, callers=access.callers, audit=access.audit, public_url=public_url, refused=partial(_refusal, parts)
    )
    app.add_middleware(Meter)
    add_api(app, parts)
    add_health(app, parts)
    add_login(app, parts)
    if access.openid is not None:  # what it brings takes a while to load
        from collector.endpoint.access.openid_routes import add_openid

        add_openid(app, access.openid, parts)
    add_watched(app, parts)
    add_pages(app, parts)
    add_admin(app, parts)

    @app.exception_handler(RefusalError)
    async def refused(request: Request, error: RefusalError) -> Response:
        return _refusal(parts, request, error)

    @app.exception_handler(GoneError)
    async def gone(request: Request, error: GoneError) -> Response:
        return _refusal(parts, request, RefusalError(410, f"the bundle is not there any more: {error.strerror}"))

    return app


def _works(parts: Parts) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """What goes on beside the answers, for as long as the application runs."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        working = threading.Thread(target=parts.indexer.run, name="indexer", daemon=True)
        parts.pulse.start()
        if parts.settings.indexers is None:
            working.start()
            if parts.exporter is not None:
                parts.exporter.start()
        looking = [threading.Thread(target=one.run, name="watcher", daemon=True) for one in parts.watchers]
        for thread in looking:
            thread.start()
        sweeper = Sweeper(Retention(parts.database, parts.store, parts.settings.access))
        sweeping = threading.Thread(target=sweeper.run, name="retention", daemon=True)
        sweeping.start()
        _settle_memory()
        yield
        sweeper.stop()
        for one in parts.watchers:
            one.stop()
        for thread in looking:
            await run_in_threadpool(thread.join)
        if working.is_alive():
            parts.indexer.stop()
            await run_in_threadpool(working.join)
        await run_in_threadpool(sweeping.join)
        await run_in_threadpool(parts.close)

    return lifespan


def _settle_memory() -> None:
    """What is loaded by now stays; the collector of garbage would go through it once for each large page."""
    gc.collect()
    gc.freeze()


def _refusal(parts: Parts, request: Request, error: RefusalError) -> Response:
    """A page for a browser, JSON for a program."""
    path = request.url.path
    # the one address of the API that pages link to
    is_of_pages = not path.startswith("/v1/") or (path.startswith("/v1/bundles/") and path.endswith("/bundle"))
    if not is_of_pages or "text/html" not in request.headers.get("accept", ""):
        return error.response()
    person = request.scope.get("caller")
    return parts.pages.error(str(error), error.status, hint=error.hint, person=person)
