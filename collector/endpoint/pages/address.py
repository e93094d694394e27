"""How people and programs reach this endpoint."""

from __future__ import annotations

from starlette.requests import Request

from collector.endpoint.parts import Parts


def address(parts: Parts, request: Request) -> str:
    """Without a slash at the end: what the operator told, else what this request was sent to."""
    return (parts.settings.access.public_url or str(request.base_url)).rstrip("/")
