"""What is wrong now: incidents, each of them one failure in one scale set."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response

from collector.endpoint.parts import Parts


def add_incidents(app: FastAPI, parts: Parts) -> None:
    @app.get("/", include_in_schema=False)
    def incidents(request: Request) -> Response:
        return parts.pages.show(request, "incidents.html", here="incidents")
