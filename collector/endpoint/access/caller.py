"""Who asks, and what they may."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from starlette.requests import Request

UPLOAD, READ, ADMIN = "upload", "read", "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    name: str
    scopes: frozenset[str]
    #: The numbers of the scale sets that a caller may see and send for; None: all of them.
    within: Collection[int] | None = None

    def may(self, scope: str) -> bool:
        return scope in self.scopes or ADMIN in self.scopes


def caller(request: Request) -> Caller:
    """Who sends this request; `Guard` lets none through of whom it does not know."""
    found = request.scope["caller"]
    assert isinstance(found, Caller)
    return found
