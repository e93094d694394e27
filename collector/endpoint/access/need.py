"""What a path asks of its caller, as dependencies of FastAPI.

@app.get("/v1/incidents")
def incidents(person: Reader) -> Response:
    ... person.within ...
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from collector.endpoint.access.caller import ADMIN, READ, UPLOAD, Caller, caller
from collector.endpoint.answers import RefusalError


def need(scope: str) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency that gives the caller; asynchronous, since a plain function would cost a change of threads."""

    async def known(request: Request) -> Caller:
        return checked(caller(request), scope)

    return known


def checked(person: Caller, scope: str) -> Caller:
    """Raises RefusalError where the caller may not."""
    if not person.may(scope):
        raise RefusalError(
            403, f"this needs the scope {scope}", "Ask the operator for a token or an account that has it."
        )
    return person


Sender = Annotated[Caller, Depends(need(UPLOAD))]
Reader = Annotated[Caller, Depends(need(READ))]
Administrator = Annotated[Caller, Depends(need(ADMIN))]
