"""What an operator's probes ask: whether it runs, whether it can do its work, and what it counted."""

from __future__ import annotations

from collections.abc import Callable

import anyio.to_thread
from anyio import CapacityLimiter
from fastapi import FastAPI, Security
from starlette.responses import JSONResponse, Response

from collector.endpoint import metrics
from collector.endpoint.access.need import Reader
from collector.endpoint.answers import RefusalError
from collector.endpoint.api.problems import BEARER, problems
from collector.endpoint.parts import Parts

#: Probes that are looked into at the same time.
_PROBES = 4


def add_health(app: FastAPI, parts: Parts) -> None:
    probes: list[CapacityLimiter] = []

    async def apart(work: Callable[[], Response]) -> Response:
        """In a thread that no bundle can have: an operator asks above all when there is too much to do."""
        if not probes:  # one belongs to a running event loop
            probes.append(CapacityLimiter(_PROBES))
        return await anyio.to_thread.run_sync(work, limiter=probes[0])

    @app.get("/healthz", operation_id="healthz")
    async def health() -> Response:
        """It runs. `waiting`: bundles that are stored and not indexed yet, as far as is known.

        That the database is out of reach mends nobody by starting the endpoint again: `readyz` tells it.
        """
        return await apart(lambda: JSONResponse({"status": "ok", "waiting": _waiting(parts)}))

    @app.get("/readyz", operation_id="readyz", responses={503: {"description": "It is not ready"}})
    async def ready() -> Response:
        """503 where the database does not answer or nothing can be stored."""
        return await apart(lambda: _readiness(parts))

    @app.get(
        "/metrics",
        operation_id="metrics",
        response_class=Response,
        responses=problems() | {200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
        dependencies=[Security(BEARER)],
    )
    async def measured(caller: Reader) -> Response:
        """In Prometheus' format; needs a token that may read all scale sets, since it counts those of all."""
        if caller.scale_set is not None:
            raise RefusalError(403, "this counts what all scale sets send", "Use a token for every scale set.")
        pool = parts.database.in_use()
        return await apart(
            lambda: Response(metrics.text(parts.pulse.look(), pool), media_type=metrics.CONTENT_TYPE_LATEST)
        )


def _waiting(parts: Parts) -> int:
    try:
        return parts.index.waiting()
    except OSError:
        return parts.pulse.last.waiting


def _readiness(parts: Parts) -> Response:
    problems = _problems(parts)
    return JSONResponse({"status": "not ready" if problems else "ready", **problems}, 503 if problems else 200)


def _problems(parts: Parts) -> dict[str, str]:
    found = {}
    try:
        parts.index.waiting()
    except OSError as error:
        found["database"] = str(error.strerror or error)
    try:
        incoming = parts.store.receive()
        try:
            incoming.write(b"is there room, and may we?")
            incoming.finish()
        finally:
            incoming.discard()
        parts.store.holds("0" * 64)
    except OSError as error:
        found["store"] = str(error.strerror or error)
    return found
