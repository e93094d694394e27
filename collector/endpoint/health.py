"""What an operator's probes ask."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.responses import JSONResponse, Response

from collector.endpoint.parts import Parts


def add_health(app: FastAPI, parts: Parts) -> None:
    @app.get("/healthz")
    def health() -> Response:
        return JSONResponse({"status": "ok", "bundles": parts.index.count({}), "waiting": parts.index.waiting()})
